/** What can be done when the loss is no finite number any more. */
import { useStore } from "../store.ts";
import { writeShort } from "../ui/numbers.ts";

export function Divergence() {
  const store = useStore();
  if (store.status.value !== "diverged") return null;
  const rate = store.settings.value?.settings.learning_rate ?? 0;
  const lower = Number((rate / 10).toPrecision(3));
  const goBack = () => store.act({ type: "Rewind", last_finite: true });
  return (
    <div class="divergence" role="alert">
      <p>
        <b>Training diverged.</b> {store.tick.value?.why}
      </p>
      <div class="buttons">
        <button type="button" class="primary" onClick={async () => (await goBack()) && store.change({ learning_rate: lower })}>
          Back to the last finite weights, learning rate {writeShort(lower)}
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
