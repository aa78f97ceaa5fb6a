/** The region of one weight: the loss against it, trying values by hand, and the step that comes next. */
import { useRef } from "preact/hooks";

import { weightTitle } from "../network/names.ts";
import { useAnswer } from "../network/use_answer.ts";
import type { WeightCurve } from "../protocol.ts";
import { useStore, type Store } from "../store.ts";
import { Term } from "../ui/hint.tsx";
import { writeNumber } from "../ui/numbers.ts";
import { Panel } from "../ui/panel.tsx";
import { CurvePlot, type Footprint } from "./curve_plot.tsx";
import { useTrial } from "./use_trial.ts";

const MOST_FOOTPRINTS = 80;
const NOWHERE = { newest: null, step: -1, points: [] };

/** Select the weight with the steepest slope. */
async function selectSteepest(store: Store): Promise<void> {
  const curve = await store.act({ type: "Probe" });
  if (curve) store.selectedWeight.value = { layer: curve.layer, source: curve.source, target: curve.target };
}

/** Return where the weight has been since it was selected, oldest first; going back to an earlier step begins anew. */
function useFootprints(curve: WeightCurve | null, step: number): readonly Footprint[] {
  const path = useRef<{ newest: WeightCurve | null; step: number; points: readonly Footprint[] }>(NOWHERE);
  if (!curve) path.current = NOWHERE;
  else if (curve !== path.current.newest) {
    const before = step < path.current.step ? [] : path.current.points;
    const points = [...before, { weight: curve.weight, loss: curve.loss }].slice(-MOST_FOOTPRINTS);
    path.current = { newest: curve, step, points };
  }
  return path.current.points;
}

export function WeightPanel() {
  const store = useStore();
  const chosen = store.selectedWeight.value;
  const network = store.network.value;
  const present = useAnswer(chosen && JSON.stringify(chosen), (session) => session.ask({ type: "Probe", ...chosen! }));
  const trial = useTrial(chosen);
  const curve = trial.curve ?? present;
  const footprints = useFootprints(present, store.tick.value?.step ?? 0);
  if (!network) return null;

  return (
    <Panel
      title={chosen ? `Loss against ${weightTitle(network, chosen)}` : "Loss against one weight"}
      class="weight-panel"
      aside={
        <button type="button" onClick={() => void selectSteepest(store)}>
          Steepest weight
        </button>
      }
    >
      {!chosen && (
        <p class="quiet">
          Click a connection of the network, or take the weight with the steepest slope: the curve shows how the loss would change if
          only this weight changed.
        </p>
      )}
      {chosen && !curve && <p class="quiet">Computing the curve …</p>}
      {curve && (
        <>
          <CurvePlot curve={curve} footprints={footprints} onTry={trial.tryValue} />
          <Numbers curve={curve} />
          <div class="buttons">
            {curve.is_trial ? (
              <>
                <button type="button" class="primary" onClick={() => void apply(store, curve).then(trial.discard)}>
                  Apply this value
                </button>
                <button type="button" onClick={trial.discard}>
                  Discard
                </button>
              </>
            ) : (
              <button
                type="button"
                disabled={store.isRunning.value}
                onClick={() => void store.act({ type: "Step", unit: "batch" })}
              >
                Train one batch
              </button>
            )}
          </div>
        </>
      )}
    </Panel>
  );
}

async function apply(store: Store, { layer, source, target, weight }: WeightCurve): Promise<void> {
  await store.act({ type: "ApplyWeight", layer, source, target, value: weight });
}

function Numbers({ curve }: { readonly curve: WeightCurve }) {
  return (
    <>
      <dl class="weight-numbers">
        <div>
          <dt>
            <Term term={curve.source === null ? "bias" : "weight"}>{curve.is_trial ? "tried value" : "present value"}</Term>
          </dt>
          <dd>{writeNumber(curve.weight)}</dd>
        </div>
        <div>
          <dt>
            <Term term="loss">loss</Term>
          </dt>
          <dd>{writeNumber(curve.loss)}</dd>
        </div>
        <div>
          <dt>
            <Term term="gradient">slope (gradient)</Term>
          </dt>
          <dd>{writeNumber(curve.gradient)}</dd>
        </div>
        <div>
          <dt>after a step of plain gradient descent</dt>
          <dd>{writeNumber(curve.next_weight)}</dd>
        </div>
      </dl>
      <p class="small">{curve.slope}</p>
      <p class="small quiet">
        {curve.rows} {curve.is_trial && "The network keeps its own value until you apply this one."}
      </p>
    </>
  );
}
