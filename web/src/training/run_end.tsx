/** What can be done when training has ended: by its last epoch, or because the loss is no finite number any more. */
import { useStore } from "../store.ts";
import { countOf, writeSentence, writeShort } from "../ui/numbers.ts";
import { playOrPause } from "./play.ts";

export function RunEnd() {
  switch (useStore().status.value) {
    case "diverged":
      return <Divergence />;
    case "finished":
      return <Finish />;
    default:
      return null;
  }
}

function Divergence() {
  const store = useStore();
  const rate = store.settings.value?.settings.learning_rate ?? 0;
  const lower = Number((rate / 10).toPrecision(3));
  const goBack = () => store.act({ type: "Rewind", last_finite: true });
  return (
    <div class="run-end is-bad" role="alert">
      <p>{writeSentence(store.tick.value?.why || "Training diverged")}</p>
      <div class="buttons">
        <button
          type="button"
          class="primary"
          onClick={async () => (await goBack()) && store.change({ learning_rate: lower })}
        >
          Back to the last finite weights, with learning rate {writeShort(lower)}
        </button>
        <button type="button" onClick={() => void goBack()}>
          Only go back
        </button>
        <button type="button" onClick={() => void store.act({ type: "Reset" })}>
          Start anew
        </button>
      </div>
    </div>
  );
}

function Finish() {
  const store = useStore();
  const epochs = store.settings.value?.settings.epochs ?? 0;
  return (
    <div class="run-end">
      <p>{writeSentence(store.tick.value?.why || `Trained for ${countOf(epochs, "epoch")}`)}</p>
      <button type="button" onClick={() => void playOrPause(store, true)}>
        Train {countOf(epochs, "more epoch")}
      </button>
    </div>
  );
}
