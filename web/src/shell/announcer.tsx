/** Speaks to screen readers: the losses at most every five seconds, and at once when training ends. */
import { effect, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Tick } from "../protocol.ts";
import { useStore } from "../store.ts";
import { writeNumber } from "../ui/numbers.ts";

const PAUSE = 5000;

export function Announcer() {
  const store = useStore();
  const text = useSignal("");
  // `useSignalEffect` would ask the browser for a second frame after that of each tick.
  useEffect(() => {
    let last = { status: "empty", time: 0 };
    return effect(() => {
      const tick = store.tick.value;
      if (!tick) return;
      const { status, time } = last;
      const now = performance.now();
      if (tick.status === status && (tick.status !== "running" || now - time < PAUSE)) return;
      last = { status: tick.status, time: now };
      text.value = describe(tick);
    });
  }, [store, text]);
  return (
    <p class="unseen" aria-live="polite">
      {text.value}
    </p>
  );
}

function describe(tick: Tick): string {
  const losses = [
    tick.train_loss === null ? "" : `training loss ${writeNumber(tick.train_loss, 3)}`,
    tick.validation_loss === null ? "" : `validation loss ${writeNumber(tick.validation_loss, 3)}`,
  ].filter((part) => part !== "");
  const state = {
    empty: "No network",
    paused: "Paused",
    running: "Training",
    finished: "Finished",
    diverged: "Diverged",
  }[tick.status];
  return [`${state}, epoch ${tick.epoch}`, ...losses, tick.why].filter((part) => part !== "").join("; ");
}
