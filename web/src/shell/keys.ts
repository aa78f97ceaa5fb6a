/** The keys of the page. They act within the studio only, and never while a text is typed. */
import { useEffect } from "preact/hooks";
import type { Store } from "../store.ts";
import { playOrPause, stepOnce } from "../training/play.ts";

export const KEYS: readonly { readonly key: string; readonly title: string }[] = [
  { key: "Space", title: "play or pause" },
  { key: ".", title: "train one batch" },
  { key: ",", title: "train one epoch" },
  { key: "←  →", title: "walk along a row of buttons, or through the network" },
  { key: "+  −", title: "on a neuron or the grip of a layer: one neuron more or less in that layer" },
  { key: "?", title: "show this help" },
  { key: "Esc", title: "close what is open, or leave what is selected" },
];

/** Listen for keys; a widget listens only where it is, since the notebook has keys of its own. */
export function useKeys(store: Store, root: { readonly current: HTMLElement | null }): void {
  useEffect(() => {
    const target: HTMLElement | Document | null = store.kind === "page" ? document : root.current;
    const listener = (event: Event) => act(store, event as KeyboardEvent);
    target?.addEventListener("keydown", listener);
    return () => target?.removeEventListener("keydown", listener);
  }, [store, root]);
}

function act(store: Store, event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (store.kind === "widget") event.stopPropagation();
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (takesText(target) || target.closest("dialog")) return;
  const isAction = target.closest("button, a, summary, [role=option], [role=button]") !== null;
  switch (event.key) {
    case " ":
      // On a button, the space bar presses it.
      if (isAction || target.tagName === "INPUT" || !store.network.peek()) return;
      void playOrPause(store);
      break;
    case ".":
    case ",":
      if (!store.network.peek()) return;
      void stepOnce(store, event.key === "." ? "batch" : "epoch");
      break;
    case "?":
      store.isHelpOpen.value = true;
      break;
    case "Escape":
      if (!leave(store)) return;
      break;
    default:
      return;
  }
  event.preventDefault();
}

/** Leave the newest selection; returns whether there was one. */
function leave(store: Store): boolean {
  if (store.selectedWeight.peek()) store.selectedWeight.value = null;
  else if (store.selectedNeuron.peek()) store.selectedNeuron.value = null;
  else if (store.tick.peek()?.selected_row) void store.act({ type: "SelectRow", row: null });
  else return false;
  return true;
}

function takesText(target: HTMLElement): boolean {
  if (target.isContentEditable || target.tagName === "TEXTAREA" || target.tagName === "SELECT") return true;
  return (
    target.tagName === "INPUT" &&
    !["range", "checkbox", "radio", "button", "file"].includes((target as HTMLInputElement).type)
  );
}
