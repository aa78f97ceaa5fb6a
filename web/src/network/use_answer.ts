import { useEffect, useState } from "preact/hooks";

import type { Tick } from "../protocol.ts";
import { type Store, useStore } from "../store.ts";

/** Return a text that differs where the network does: its connections, its step, or a weight set by hand. */
export function revisionOf(tick: Tick | null): string {
  if (!tick) return "";
  const sum = tick.edge_weights.data.reduce((total, weight) => total + weight, 0);
  return `${tick.edges_version} ${tick.step} ${sum + tick.biases.data.reduce((total, bias) => total + bias, 0)}`;
}

/**
 * Ask a question of the session again each time the network has changed, but not before the last answer is there and
 * `pause` milliseconds are over. A new `key` is a new question; null asks nothing.
 */
export function useAnswer<T>(key: string | null, ask: (store: Store) => Promise<T>, pause = 250): T | null {
  const store = useStore();
  const [answer, setAnswer] = useState<{ readonly key: string; readonly value: T } | null>(null);
  useEffect(() => {
    if (key === null) return undefined;
    let [isOver, isBusy] = [false, false];
    let asked: string | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = (): void => {
      if (isOver || isBusy || document.hidden) return;
      const revision = revisionOf(store.tick.peek());
      if (revision === asked) return;
      [isBusy, asked] = [true, revision];
      ask(store)
        .then((value) => isOver || store.showSoon(again, () => isOver || setAnswer({ key, value })))
        .catch((error: unknown) => isOver || store.fail(error))
        .finally(() => {
          timer = setTimeout(() => {
            isBusy = false;
            again();
          }, pause);
        });
    };
    const stop = store.tick.subscribe(again);
    return () => {
      isOver = true;
      clearTimeout(timer);
      stop();
    };
  }, [store, key, pause]);
  return answer?.key === key ? answer.value : null;
}
