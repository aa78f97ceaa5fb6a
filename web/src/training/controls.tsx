/** Play, pause, one batch, one epoch, back to the start, back in time, and how fast. */
import { useLayoutEffect, useMemo } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { useStore } from "../store.ts";
import { Hint, Term } from "../ui/hint.tsx";
import { Icon } from "../ui/icon.tsx";
import { sendLatest } from "../ui/latest.ts";
import { writeCount, writeNumber } from "../ui/numbers.ts";
import { Toolbar } from "../ui/toolbar.tsx";
import { playOrPause, stepOnce } from "./play.ts";
import { TimePicture } from "./time_picture.tsx";

const SPEEDS = [
  { title: "full speed", value: 0 },
  { title: "100 epochs/s", value: 100 },
  { title: "30 epochs/s", value: 30 },
  { title: "10 epochs/s", value: 10 },
  { title: "3 epochs/s", value: 3 },
  { title: "1 epoch/s", value: 1 },
  { title: "1 epoch in 5 s", value: 0.2 },
];

/** Requests after which the slider follows training again. */
const MOVES: ReadonlySet<string> = new Set(["Play", "Step", "Reset", "PickMember"]);

export function Controls() {
  const store = useStore();
  const isRunning = store.isRunning.value;
  return (
    <section class="controls" aria-label="Training">
      <Toolbar label="Training">
        <button type="button" class="primary play" aria-keyshortcuts="Space" onClick={() => void playOrPause(store)}>
          <Icon name={isRunning ? "pause" : "play"} /> {isRunning ? "Pause" : "Play"}
        </button>
        <Hint term="batch">
          {(describedBy) => (
            <button
              type="button"
              aria-describedby={describedBy}
              aria-keyshortcuts="."
              disabled={isRunning}
              onClick={() => void stepOnce(store, "batch")}
            >
              <Icon name="batch" /> Batch
            </button>
          )}
        </Hint>
        <Hint term="epoch">
          {(describedBy) => (
            <button
              type="button"
              aria-describedby={describedBy}
              aria-keyshortcuts=","
              disabled={isRunning}
              onClick={() => void stepOnce(store, "epoch")}
            >
              <Icon name="epoch" /> Epoch
            </button>
          )}
        </Hint>
        <button type="button" onClick={() => void store.act({ type: "Reset" })}>
          <Icon name="reset" /> Reset
        </button>
        <button
          type="button"
          title="Start with other random weights"
          onClick={() => void store.act({ type: "Reset", seed: (store.settings.peek()?.settings.seed ?? 0) + 1 })}
        >
          New seed
        </button>
      </Toolbar>
      <TimeSlider />
      <Progress />
      <Speed />
    </section>
  );
}

function TimeSlider() {
  const store = useStore();
  const { snapshots } = store.curves.value;
  const dragged = useSignal<number | null>(null);
  const rewind = useMemo(
    () =>
      sendLatest(async (epoch: number) => {
        if (store.isRunning.peek()) await store.act({ type: "Pause" });
        const restored = await store.act({ type: "Rewind", epoch });
        if (!restored && dragged.peek() === epoch) dragged.value = null;
      }),
    [store, dragged],
  );
  const epoch = store.tick.value?.epoch ?? 0;
  // The answer comes before the state at that epoch is drawn; until then the slider stays where it was put.
  const { value: answered } = store.answered;
  useLayoutEffect(() => {
    if (dragged.peek() === epoch || (answered && MOVES.has(answered.type))) dragged.value = null;
  }, [epoch, answered, dragged]);
  const newest = snapshots.at(-1) ?? 0;
  const shown = dragged.value ?? Math.min(epoch, newest);
  return (
    <Hint term="history" class="time">
      {(describedBy) => (
        <>
          <label class="small quiet" for="time-slider">
            Time
          </label>
          <span class="time-track">
            <TimePicture curves={store.curves.value} newest={newest} />
            <input
              id="time-slider"
              type="range"
              aria-describedby={describedBy}
              aria-valuetext={`epoch ${shown} of ${newest}`}
              min={0}
              max={newest}
              value={shown}
              disabled={snapshots.length < 2}
              onInput={(event) => {
                const nearest = nearestOf(snapshots, event.currentTarget.valueAsNumber);
                dragged.value = nearest;
                rewind(nearest);
              }}
            />
          </span>
        </>
      )}
    </Hint>
  );
}

function nearestOf(epochs: readonly number[], wanted: number): number {
  return epochs.reduce(
    (best, epoch) => (Math.abs(epoch - wanted) < Math.abs(best - wanted) ? epoch : best),
    epochs[0] ?? 0,
  );
}

function Progress() {
  const store = useStore();
  const tick = store.tick.value;
  const epochs = store.settings.value?.settings.epochs;
  if (!tick) return null;
  return (
    <dl class="progress">
      <div>
        <dt>
          <Term term="epoch">epoch</Term>
        </dt>
        <dd data-testid="epoch">{writeCount(tick.epoch)}</dd>
        <dd class="quiet">{epochs !== undefined && ` of ${writeCount(epochs)}`}</dd>
      </div>
      <div>
        <dt>
          <Term term="step">step</Term>
        </dt>
        <dd data-testid="step">{writeCount(tick.step)}</dd>
        <dd class="quiet">{tick.batches > 0 && ` batch ${tick.batch}/${tick.batches}`}</dd>
      </div>
      <div class="pace">
        <dt class="unseen">speed</dt>
        <dd data-testid="speed">
          {tick.epochs_per_second > 0 ? `${writeNumber(tick.epochs_per_second, 3)} epochs/s` : ""}
        </dd>
      </div>
    </dl>
  );
}

function Speed() {
  const store = useStore();
  return (
    <Hint term="speed" class="speed">
      {(describedBy) => (
        <select
          aria-label="Speed"
          aria-describedby={describedBy}
          value={store.speed.value}
          onChange={(event) => {
            store.speed.value = Number(event.currentTarget.value);
            if (store.isRunning.peek()) void playOrPause(store, true);
          }}
        >
          {SPEEDS.map(({ title, value }) => (
            <option key={value} value={value}>
              {title}
            </option>
          ))}
        </select>
      )}
    </Hint>
  );
}
