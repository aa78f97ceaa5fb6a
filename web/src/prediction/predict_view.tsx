/** A form with the table's features; the prediction moves as a value is moved. */
import { useSignal } from "@preact/signals";
import { useEffect, useMemo } from "preact/hooks";
import type { Field, Predict, PredictionView } from "../protocol.ts";
import { Bars } from "../rows/row_panel.tsx";
import { useStore } from "../store.ts";
import { Entry } from "../ui/entry.tsx";
import { Term } from "../ui/hint.tsx";
import { sendLatest } from "../ui/latest.ts";
import { writeWords } from "../ui/numbers.ts";
import { Panel } from "../ui/panel.tsx";
import { usePart } from "../ui/part.tsx";
import { FieldInput } from "./field_input.tsx";

const MOST_FIELDS = 60;

type ModelName = NonNullable<Predict["model"]>;

export function PredictView() {
  const store = useStore();
  const fields = useSignal<readonly Field[]>(store.fields.peek());
  const values = useSignal<Readonly<Record<string, string>>>(valuesOf(store.fields.peek()));
  const view = useSignal<PredictionView | null>(null);
  const model = useSignal<ModelName>("network");
  const predict = useMemo(
    () =>
      sendLatest(async (wanted: Readonly<Record<string, string>>) => {
        const answer = await store.act({ type: "Predict", values: wanted, model: model.peek() });
        if (answer) take(answer);
      }),
    [store],
  );
  const take = (answer: PredictionView) => {
    view.value = answer;
    if (fields.peek().length > 0 || answer.fields.length === 0) return;
    fields.value = answer.fields;
    values.value = valuesOf(answer.fields);
  };
  const load = async (row: number) => {
    const answer = await store.act({ type: "LoadRow", row, model: model.peek() });
    if (!answer) return;
    view.value = answer;
    fields.value = answer.fields;
    values.value = valuesOf(answer.fields);
  };
  // The network may have learnt since: the answer follows its epochs.
  const epoch = store.tick.value?.epoch;
  useEffect(() => predict(values.peek()), [predict, epoch, model.value]);
  const [shown, others] = usePart(fields.value, MOST_FIELDS, "features");
  return (
    <div class="predict-view">
      <Panel title="Features" class="form" aside={<LoadRowField load={load} />}>
        <form class="entries wide" onSubmit={(event) => event.preventDefault()}>
          {shown.map((field) => (
            <FieldInput
              key={field.column}
              field={field}
              value={values.value[field.column] ?? ""}
              change={(text) => {
                values.value = { ...values.peek(), [field.column]: text };
                predict(values.peek());
              }}
            />
          ))}
        </form>
        {others}
      </Panel>
      <Panel title="Prediction" class="prediction" aside={<ModelSelect model={model} />}>
        {view.value ? <Prediction view={view.value} /> : <p class="quiet">Predicting …</p>}
      </Panel>
    </div>
  );
}

function valuesOf(fields: readonly Field[]): Record<string, string> {
  return Object.fromEntries(fields.map(({ column, value }) => [column, value]));
}

function Prediction({ view }: { readonly view: PredictionView }) {
  const isClassification = useStore().table.value?.task !== "regression";
  return (
    <>
      <p class="predicted" data-testid="predicted" aria-live="polite">
        {view.predicted}
      </p>
      {isClassification && (
        <h3>
          <Term term="probabilities">Probabilities</Term>
        </h3>
      )}
      {view.names.length > 1 && (
        <Bars
          title={isClassification ? "Probabilities" : "Predicted numbers"}
          names={view.names}
          numbers={view.numbers.data}
          isShare={isClassification}
        />
      )}
      {view.warnings.length > 0 && (
        <ul class="findings">
          {view.warnings.map((warning) => (
            <li key={warning} class="is-warning">
              <b>Warning</b> <span>{warning}</span>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function LoadRowField({ load }: { readonly load: (row: number) => Promise<void> }) {
  const store = useStore();
  const row = useSignal(store.tick.peek()?.selected_row ?? 1);
  return (
    <>
      <label for="load-row">Row</label>
      <Entry
        id="load-row"
        type="number"
        min={1}
        max={store.table.value?.rows ?? 1}
        step={1}
        value={row.value}
        enter={({ valueAsNumber: wanted }) => {
          row.value = Math.round(wanted) || 1;
        }}
      />
      <button type="button" onClick={() => void load(row.value)}>
        Load
      </button>
    </>
  );
}

function ModelSelect({ model }: { readonly model: { value: ModelName } }) {
  const store = useStore();
  const models: ModelName[] = ["network"];
  if (store.fit.value && store.fit.value.status !== "running") models.push("fit");
  if (store.colony.value && store.colony.value.status !== "running") models.push("ensemble");
  const titles = { network: "this network", fit: "the best model", ensemble: "the colony's ensemble" };
  if (models.length === 1) return null;
  return (
    <label>
      <span class="unseen">Model</span>
      <select
        value={model.value}
        onChange={(event) => {
          model.value = event.currentTarget.value as ModelName;
        }}
      >
        {models.map((name) => (
          <option key={name} value={name}>
            {titles[name] ?? writeWords(name)}
          </option>
        ))}
      </select>
    </label>
  );
}
