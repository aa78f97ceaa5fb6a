/** The first items of a long list, and a button for all of them. */
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { writeCount } from "./numbers.ts";

/** Returns the items to show, and what asks for the others; null if there are none. */
export function usePart<T>(items: readonly T[], most: number, noun: string): [readonly T[], ComponentChildren] {
  const showsAll = useSignal(false);
  if (showsAll.value || items.length <= most) return [items, null];
  const button = (
    <button
      type="button"
      onClick={() => {
        showsAll.value = true;
      }}
    >
      Show all {writeCount(items.length)} {noun}
    </button>
  );
  return [items.slice(0, most), button];
}
