/** What the buttons and the keys of training do. */
import type { Store } from "../store.ts";

/** Play, or pause what plays; `plays` true plays on, at another speed. */
export async function playOrPause(store: Store, plays = !store.isRunning.peek()): Promise<void> {
  if (!plays) {
    await store.act({ type: "Pause" });
    return;
  }
  const speed = store.speed.peek();
  await store.act(speed > 0 ? { type: "Play", epochs_per_second: speed } : { type: "Play" });
}

/** Train one batch or epoch, unless training runs anyway. */
export async function stepOnce(store: Store, unit: "batch" | "epoch"): Promise<void> {
  if (!store.isRunning.peek()) await store.act({ type: "Step", unit });
}
