/** The region of one weight: the loss against it, trying values by hand, and the step that comes next. */
import { useEffect, useRef } from "preact/hooks";

import { isSamePlace } from "../network/edges.ts";
import { weightTitle } from "../network/names.ts";
import type { WeightCurve } from "../protocol.ts";
import { useStore, useWatch, type Store, type WeightPlace } from "../store.ts";
import { writeNumber } from "../ui/numbers.ts";
import { Panel } from "../ui/panel.tsx";
import { CurvePlot, type Footprint } from "./curve_plot.tsx";
import { useTrial } from "./use_trial.ts";

const MOST_FOOTPRINTS = 80;

/** Show the curve of a weight; without a target, of the weight with the steepest slope. */
async function probe(store: Store, place: WeightPlace | null): Promise<void> {
  const curve = await store.act({ type: "Probe", ...place });
  if (!curve) return;
  store.weightCurve.value = curve;
  store.selectedWeight.value = { layer: curve.layer, source: curve.source, target: curve.target };
}

/** Return where the weight has been since the curve was opened, oldest first. */
function useFootprints(curve: WeightCurve | null, step: number): readonly Footprint[] {
  const path = useRef<{ key: string; step: number; points: Footprint[] }>({ key: "", step: -1, points: [] });
  if (!curve) return [];
  const key = `${curve.layer} ${curve.source} ${curve.target}`;
  if (path.current.key !== key || step < path.current.step) path.current = { key, step: -1, points: [] };
  if (!curve.is_trial && step !== path.current.step) {
    const points = [...path.current.points, { weight: curve.weight, loss: curve.loss }].slice(-MOST_FOOTPRINTS);
    path.current = { key, step, points };
  }
  return path.current.points;
}

export function WeightPanel() {
  const store = useStore();
  useWatch("weight");
  const chosen = store.selectedWeight.value;
  const network = store.network.value;
  const newest = store.weightCurve.value;
  const curve = newest && isSamePlace(newest, chosen) ? newest : null;
  const footprints = useFootprints(curve, store.tick.value?.step ?? 0);
  const tryValue = useTrial(chosen);
  useEffect(() => {
    if (chosen && !isSamePlace(chosen, store.weightCurve.peek())) void probe(store, chosen);
  }, [store, chosen]);
  if (!network) return null;

  return (
    <Panel
      title={chosen ? `Loss against ${weightTitle(network, chosen)}` : "Loss against one weight"}
      class="weight-panel"
      aside={
        <button type="button" onClick={() => void probe(store, null)}>
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
          <CurvePlot curve={curve} footprints={footprints} onTry={tryValue} />
          <Numbers curve={curve} />
          <div class="buttons">
            {curve.is_trial ? (
              <>
                <button type="button" class="primary" onClick={() => void apply(store, curve)}>
                  Apply this value
                </button>
                <button type="button" onClick={() => void probe(store, chosen)}>
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
  const place = { layer, source, target };
  if (await store.act({ type: "ApplyWeight", ...place, value: weight })) await probe(store, place);
}

function Numbers({ curve }: { readonly curve: WeightCurve }) {
  return (
    <>
      <dl class="weight-numbers">
        <div>
          <dt>{curve.is_trial ? "tried weight" : "weight"}</dt>
          <dd>{writeNumber(curve.weight)}</dd>
        </div>
        <div>
          <dt>loss</dt>
          <dd>{writeNumber(curve.loss)}</dd>
        </div>
        <div>
          <dt>slope (gradient)</dt>
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
