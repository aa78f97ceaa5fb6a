import { useEffect, useState } from "preact/hooks";

import { type Store, useStore } from "../store.ts";

/**
 * Ask a question of the session again each time the network has changed, but not before the last answer is there and
 * `pause` milliseconds are over. A new `key` is a new question; null asks nothing.
 */
export function useAnswer<T>(key: string | null, ask: (store: Store) => Promise<T>, pause = 250): T | null {
  const store = useStore();
  const [answer, setAnswer] = useState<{ readonly key: string; readonly value: T } | null>(null);
  useEffect(() => {
    if (key === null) return undefined;
    let [isOver, isBusy, asked] = [false, false, -1];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const again = (): void => {
      const sequence = store.tick.peek()?.sequence ?? 0;
      if (isOver || isBusy || sequence === asked || document.hidden) return;
      [isBusy, asked] = [true, sequence];
      ask(store)
        .then((value) => isOver || setAnswer({ key, value }))
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
