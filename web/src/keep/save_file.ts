/** Hands a file that the session made to the browser's downloads. */
import type { KeptFile } from "../protocol.ts";

export function saveFile(file: KeptFile): void {
  const blob = new Blob([Uint8Array.from(file.content.data)], { type: file.media_type });
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = file.name;
  link.click();
  // The browser reads the address after the click has been handled.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
