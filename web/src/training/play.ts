/** What the buttons and the keys of training do. */
import type { Store } from "../store.ts";

/** Play, or pause what plays; `plays` true plays on, at another speed. */
export async function playOrPause(store: Store, plays = !store.isRunning.peek()): Promise<void> {
  if (!plays) {
    await store.act({ type: "Pause" });
    return;
  }
  if (store.status.peek() === "finished" && !(await addEpochs(store))) return;
  const speed = store.speed.peek();
  await store.act(speed > 0 ? { type: "Play", epochs_per_second: speed } : { type: "Play" });
}

/** Let training that has ended by its last epoch go on, for as many epochs again. Returns whether it may. */
function addEpochs(store: Store): Promise<boolean> {
  return store.change({ epochs: 2 * (store.settings.peek()?.settings.epochs ?? 1) });
}

/** Train one batch or epoch, unless training runs anyway. */
export async function stepOnce(store: Store, unit: "batch" | "epoch"): Promise<void> {
  if (store.isRunning.peek()) return;
  if (store.status.peek() === "finished" && !(await addEpochs(store))) return;
  await store.act({ type: "Step", unit });
}
