/** Play, pause, one batch, one epoch, back to the start. */
import { useStore } from "../store.ts";
import { Icon } from "../ui/icon.tsx";
import { Toolbar } from "../ui/toolbar.tsx";

export function Controls() {
  const store = useStore();
  const isRunning = store.isRunning.value;
  return (
    <div class="controls">
      <Toolbar label="Training">
        <button
          type="button"
          class="primary play"
          onClick={() => void store.act(isRunning ? { type: "Pause" } : { type: "Play" })}
        >
          <Icon name={isRunning ? "pause" : "play"} /> {isRunning ? "Pause" : "Play"}
        </button>
        <button type="button" disabled={isRunning} onClick={() => void store.act({ type: "Step", unit: "batch" })}>
          <Icon name="batch" /> Batch
        </button>
        <button type="button" disabled={isRunning} onClick={() => void store.act({ type: "Step", unit: "epoch" })}>
          <Icon name="epoch" /> Epoch
        </button>
        <button type="button" onClick={() => void store.act({ type: "Reset" })}>
          <Icon name="reset" /> Reset
        </button>
      </Toolbar>
      <Progress />
    </div>
  );
}

function Progress() {
  const tick = useStore().tick.value;
  if (!tick) return null;
  return (
    <p class="progress">
      epoch <b>{tick.epoch}</b> <span class="quiet">batch {tick.batch} of {tick.batches}, step {tick.step}</span>
    </p>
  );
}
