/** Files that are dropped anywhere on the page. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { type Store, useStore } from "../store.ts";
import { agreesToLoss } from "./loss.ts";

/** Open a file as the table, and show it. */
export async function openFile(store: Store, file: File | undefined): Promise<void> {
  if (!file || !(await agreesToLoss(store))) return;
  if (await store.openFile(file)) store.show("table");
}

export function FileDrop({ children }: { readonly children: ComponentChildren }) {
  const store = useStore();
  const isOver = useSignal(false);
  const carriesFile = (event: DragEvent) =>
    (store.welcome.peek()?.can_upload ?? false) && (event.dataTransfer?.types.includes("Files") ?? false);
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
