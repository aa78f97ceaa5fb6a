/** The region that takes one training step apart: a walk over the diagram from the features to the new weights. */
import { useEffect, useState } from "preact/hooks";

import { Diagram } from "../network/diagram.tsx";
import type { BatchTrace } from "../protocol.ts";
import { useStore, type NeuronPlace, type Store } from "../store.ts";
import { writeNumber, writePercent } from "../ui/numbers.ts";
import { Panel } from "../ui/panel.tsx";
import { Arithmetic } from "./arithmetic.tsx";
import { readStage } from "./read_stage.ts";
import { RowsField } from "./rows_field.tsx";
import { StageTable } from "./stage_table.tsx";
import { stagesOf, type Stage, type StageKind } from "./stages.ts";

const MOST_EDGES = 300;
/** The stages whose table lists the weights of one neuron. */
const ABOUT_WEIGHTS: readonly StageKind[] = ["weight_gradients", "optimizer", "update"];

/** Take the next step apart, on rows by number or on the next batch, again each time the network has changed. */
function useTrace(rows: readonly number[]): BatchTrace | null {
  const store = useStore();
  const [trace, setTrace] = useState<BatchTrace | null>(null);
  const isRunning = store.isRunning.value;
  const step = store.tick.value?.step ?? -1;
  const version = store.network.value;
  useEffect(() => {
    let isOver = false;
    if (!isRunning && step >= 0) {
      void store.act({ type: "TraceStep", rows }).then((view) => isOver || setTrace(view));
    }
    return () => {
      isOver = true;
    };
  }, [store, isRunning, isRunning ? -1 : step, version, rows.join(",")]);
  return trace;
}

/** Return the neuron whose numbers are told: the selected one, or the first of the stage's layer. */
function toldNeuron(selected: NeuronPlace | null, stage: Stage): NeuronPlace {
  return selected && selected.layer > 0 ? selected : { layer: Math.max(stage.layer, 1), neuron: 0 };
}

function goTo(store: Store, stage: number): void {
  store.address.set({ stage: String(stage + 1) });
}

export function StepPanel() {
  const store = useStore();
  const [rows, setRows] = useState<readonly number[]>([]);
  const [row, setRow] = useState(0);
  const trace = useTrace(rows);
  const network = store.network.value;
  if (!network) return <Panel title="One step, taken apart">Choose a table and a label first.</Panel>;
  if (store.isRunning.value || !trace) {
    return (
      <Panel title="One step, taken apart">
        <p>{store.isRunning.value ? "Pause training to take its next step apart." : "Computing the step …"}</p>
      </Panel>
    );
  }

  const task = store.table.value?.task ?? null;
  const stages = stagesOf(network, task, trace.optimizer);
  const place = Math.max(0, Math.min(stages.length - 1, Number(store.address.get("stage") ?? 1) - 1 || 0));
  const stage = stages[place]!;
  const followed = Math.min(row, trace.row_names.length - 1);
  const format = (prediction: number) =>
    task === "regression" ? { text: writeNumber(prediction), share: null } : { text: writePercent(prediction), share: prediction };
  const neuron = toldNeuron(store.selectedNeuron.value, stage);
  return (
    <Panel title="One step, taken apart" class="step-panel" aside={<RowsField rows={rows} onRows={setRows} />}>
      <div class="walk" role="group" aria-label="Stages of the step">
        <button type="button" disabled={place === 0} onClick={() => goTo(store, place - 1)}>
          ‹ Back
        </button>
        <label class="field">
          <span class="unseen">Stage</span>
          <select value={place} onChange={(event) => goTo(store, Number(event.currentTarget.value))}>
            {stages.map(({ title }, i) => (
              <option key={title} value={i}>
                {i + 1} of {stages.length}: {title}
              </option>
            ))}
          </select>
        </label>
        <button type="button" class="primary" disabled={place === stages.length - 1} onClick={() => goTo(store, place + 1)}>
          Next ›
        </button>
        <label class="field">
          <span>Row</span>
          <select value={followed} onChange={(event) => setRow(Number(event.currentTarget.value))}>
            {trace.row_names.map((name, i) => (
              <option key={name} value={i}>
                {name}
              </option>
            ))}
          </select>
        </label>
        {place === stages.length - 1 && rows.length === 0 && (
          <button type="button" onClick={() => void store.act({ type: "Step", unit: "batch" }).then((done) => done && goTo(store, 0))}>
            Take this step
          </button>
        )}
      </div>
      <div aria-live="polite">
        <h3 class="stage-title">{stage.title}</h3>
        <p class="stage-text">{stage.text}</p>
      </div>
      <Diagram
        network={network}
        reading={readStage(network, trace, followed, stage, format)}
        most={MOST_EDGES}
        neuron={ABOUT_WEIGHTS.includes(stage.kind) ? neuron : store.selectedNeuron.value}
        weight={null}
        onNeuron={(chosen) => (store.selectedNeuron.value = chosen)}
        label={`${stage.title}. Arrow keys walk from neuron to neuron; Enter opens a neuron's arithmetic.`}
      />
      <div class="step-details">
        <div>
          <StageTable network={network} trace={trace} row={followed} stage={stage} neuron={neuron} />
        </div>
        {store.selectedNeuron.value && neuron.layer > 0 ? (
          <Arithmetic trace={trace} row={followed} neuron={neuron} />
        ) : (
          <p class="small quiet">Click a neuron to see its arithmetic written out.</p>
        )}
      </div>
    </Panel>
  );
}
