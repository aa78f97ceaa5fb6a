/** Files that are dropped anywhere on the page. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { type Store, useStore } from "../store.ts";
import { writeBytes } from "../ui/numbers.ts";
import { agreesToLoss } from "./loss.ts";

const LARGE_FILE = {
  page: "Name it on the command line (creche studio FILE), or raise --max-upload.",
  widget: 'Name it in the notebook: creche.studio("FILE").',
} as const;

/** Open a file as the table, and show it. One that is too large is refused before any of it is sent. */
export async function openFile(store: Store, file: File | undefined): Promise<void> {
  if (!file) return;
  const limit = store.welcome.peek()?.upload_limit ?? 0;
  if (file.size > limit) {
    const text = `${file.name} has ${writeBytes(file.size)}; a file that is opened here has at most ${writeBytes(limit)}.`;
    return store.notify("failure", text, LARGE_FILE[store.kind]);
  }
  if (!(await agreesToLoss(store))) return;
  if (await store.openFile(file)) store.show("table");
}

export function FileDrop({ children }: { readonly children: ComponentChildren }) {
  const store = useStore();
  const isOver = useSignal(false);
  const carriesFile = (event: DragEvent) =>
    store.welcome.peek() !== null && (event.dataTransfer?.types.includes("Files") ?? false);
  return (
    <div
      class={`file-drop${isOver.value ? " is-over" : ""}`}
      onDragOver={(event) => {
        if (!carriesFile(event)) return;
        event.preventDefault();
        isOver.value = true;
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) isOver.value = false;
      }}
      onDrop={(event) => {
        isOver.value = false;
        if (!carriesFile(event)) return;
        event.preventDefault();
        void openFile(store, event.dataTransfer?.files[0]);
      }}
    >
      {children}
      {isOver.value && (
        <p class="drop-note" aria-hidden="true">
          Drop the file to open it as the table
        </p>
      )}
    </div>
  );
}
