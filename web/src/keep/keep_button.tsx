/** A button that makes a file of what was trained and hands it to the browser. */
import { useSignal } from "@preact/signals";
import type { Keep, KeptFile } from "../protocol.ts";
import { useStore } from "../store.ts";
import { Icon } from "../ui/icon.tsx";

interface KeepButtonProps {
  readonly what: Keep["what"];
  readonly title: string;
  readonly size?: number;
}

export function KeepButton({ what, title, size }: KeepButtonProps) {
  const store = useStore();
  const isBusy = useSignal(false);
  const keep = async () => {
    isBusy.value = true;
    const file = await store.act({ type: "Keep", what, ...(size !== undefined && { size }) });
    isBusy.value = false;
    if (file) download(file);
  };
  return (
    <button type="button" disabled={isBusy.value} onClick={() => void keep()}>
      <Icon name="download" /> {title}
    </button>
  );
}

/** Hand a file to the browser, which saves it where the person wants. */
export function download({ name, media_type: type, content }: KeptFile): void {
  const address = URL.createObjectURL(new Blob([content.data as Uint8Array<ArrayBuffer>], { type }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser reads the address after this task.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
