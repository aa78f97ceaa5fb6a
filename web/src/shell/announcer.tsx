/** Speaks to screen readers: the losses at most every five seconds, and at once when training ends. */
import { useSignal, useSignalEffect } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Tick } from "../protocol.ts";
import { useStore } from "../store.ts";
import { writeNumber } from "../ui/numbers.ts";

const PAUSE = 5000;

export function Announcer() {
  const store = useStore();
  const text = useSignal("");
  const last = useRef({ status: "empty", time: 0 });
  useSignalEffect(() => {
    const tick = store.tick.value;
    if (!tick) return;
    const { status, time } = last.current;
    const now = performance.now();
    if (tick.status === status && (tick.status !== "running" || now - time < PAUSE)) return;
    last.current = { status: tick.status, time: now };
    text.value = describe(tick);
  });
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
