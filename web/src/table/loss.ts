/** What is asked before a trained network goes with its table. */
import type { Store } from "../store.ts";
import { countOf } from "../ui/numbers.ts";

/** Whether the person agrees that the trained network goes, if there is one. */
export async function agreesToLoss(store: Store): Promise<boolean> {
  const step = store.tick.peek()?.step ?? 0;
  if (step === 0) return true;
  return store.confirm(
    "Start with a new network?",
    `The network at hand has been trained for ${countOf(step, "step")}; its weights would be lost. Keep it first if you want it.`,
    "Start anew",
  );
}
