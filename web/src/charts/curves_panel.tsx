/** The curves of training: the loss, and one more quantity beneath it. */
import { useComputed, useSignal } from "@preact/signals";
import { useId } from "preact/hooks";
import { curveOf } from "../history.ts";
import { useStore } from "../store.ts";
import { Term } from "../ui/hint.tsx";
import { writeWords } from "../ui/numbers.ts";
import { Panel } from "../ui/panel.tsx";
import type { ChartData, Line } from "./chart_options.ts";
import { LineChart } from "./line_chart.tsx";

export function CurvesPanel() {
  const store = useStore();
  const isLog = useSignal(true);
  const isTable = useSignal(false);
  const chosen = useSignal<string | null>(null);
  const syncKey = useId();
  const quantities = useComputed(() => quantitiesOf(store.curves.value.columns).filter((name) => name !== "loss"));
  const second = useComputed(() => {
    const names = quantities.value;
    return chosen.value && names.includes(chosen.value) ? chosen.value : (names[0] ?? "loss");
  });
  const losses = useComputed(() => chartData(store, "loss"));
  const others = useComputed(() => chartData(store, second.value));
  const metrics = store.evaluation.value?.metrics ?? [];
  const titleOf = (key: string) => metrics.find((metric) => metric.key === key)?.title ?? writeWords(key);
  const changes = store.settings.value?.changes ?? [];
  return (
    <Panel
      title={<Term term="loss">Loss</Term>}
      class="curves"
      aside={
        <>
          <button
            type="button"
            aria-pressed={isLog.value}
            onClick={() => {
              isLog.value = !isLog.value;
            }}
          >
            log
          </button>
          <button
            type="button"
            aria-pressed={isTable.value}
            onClick={() => {
              isTable.value = !isTable.value;
            }}
          >
            table
          </button>
        </>
      }
    >
      <div class="pair">
        <LineChart title="Loss" data={losses} isLog={isLog} syncKey={syncKey} isTable={isTable.value} />
        {quantities.value.length > 0 && (
          <div>
            <div class="second-head">
              <label>
                <span class="unseen">Second curve</span>
                <select
                  value={second.value}
                  onChange={(event) => {
                    chosen.value = event.currentTarget.value;
                  }}
                >
                  {quantities.value.map((name) => (
                    <option key={name} value={name}>
                      {titleOf(name)}
                    </option>
                  ))}
                </select>
              </label>
            </div>
            <LineChart
              title={titleOf(second.value)}
              data={others}
              height={150}
              syncKey={syncKey}
              isTable={isTable.value}
            />
          </div>
        )}
      </div>
      {store.curves.value.stride > 1 && (
        <p class="quiet small">
          The curve is thinned: of this long training, one epoch in {store.curves.value.stride} is drawn.
        </p>
      )}
      {changes.length > 0 && (
        <details class="changes">
          <summary>
            {changes.length === 1 ? "1 change of settings" : `${changes.length} changes of settings`} (▾ in the chart)
          </summary>
          <ol>
            {changes.map((text, i) => (
              <li key={i}>{text}</li>
            ))}
          </ol>
        </details>
      )}
    </Panel>
  );
}

/** What has curves: "loss" and "accuracy" of "train_loss", "validation_loss" and "train_accuracy". */
function quantitiesOf(columns: readonly string[]): string[] {
  return [...new Set(columns.map((column) => column.replace(/^(train|validation)_/, "")))];
}

function chartData(store: ReturnType<typeof useStore>, quantity: string): ChartData {
  const curves = store.curves.value;
  const lines: Line[] = [
    { label: "training", colour: "--series-1", isDashed: false, values: curveOf(curves, `train_${quantity}`) },
    { label: "validation", colour: "--series-2", isDashed: true, values: curveOf(curves, `validation_${quantity}`) },
    { label: writeWords(quantity), colour: "--series-3", isDashed: false, values: curveOf(curves, quantity) },
  ].filter(({ values }) => values.length > 0 || curves.epochs.length === 0);
  const view = store.settings.value;
  const marks = (view?.changed_at ?? []).map((epoch, i) => ({ epoch, text: view?.changes[i] ?? "" }));
  const shown = curves.epochs.length === 0 ? lines.filter(({ label }) => label !== writeWords(quantity)) : lines;
  return { epochs: curves.epochs, lines: shown, marks };
}
