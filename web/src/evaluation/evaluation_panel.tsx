/** How good the network is now, on the rows that were chosen. */
import type { EvaluationView, Metric } from "../protocol.ts";
import { useStore, useWatch } from "../store.ts";
import { Term } from "../ui/hint.tsx";
import { countOf, writeCount, writeNumber } from "../ui/numbers.ts";
import { Panel } from "../ui/panel.tsx";
import { Confusion } from "./confusion.tsx";
import { PartitionSelect } from "./partition_select.tsx";
import { Reliability } from "./reliability.tsx";
import { Scatter } from "./scatter.tsx";

export function EvaluationPanel() {
  useWatch("evaluation");
  const view = useStore().evaluation.value;
  return (
    <Panel title="Evaluation" class="evaluation" aside={<PartitionSelect />}>
      {view ? <Evaluation view={view} /> : <p class="quiet">The first evaluation comes with the first step.</p>}
    </Panel>
  );
}

function Evaluation({ view }: { readonly view: EvaluationView }) {
  const table = useStore().table.value;
  const isClassification = view.classes.length > 0;
  const all = table?.[`${view.partition}_rows`] ?? view.rows;
  return (
    <>
      <p class="quiet small">
        {view.rows < all ? `A sample of ${writeCount(view.rows)} of ${countOf(all, "row")}` : countOf(view.rows, "row")}
        , after epoch {view.epoch}
      </p>
      <MetricTable metrics={view.metrics} predictor="network" />
      <div class="evaluation-pictures">
        {isClassification ? <Confusion view={view} /> : <Scatter view={view} />}
        {view.reliability.data.length > 0 && <Reliability view={view} />}
      </div>
    </>
  );
}

interface MetricTableProps {
  readonly metrics: readonly Metric[];
  /** What predicts. */
  readonly predictor: "network" | "model";
}

export function MetricTable({ metrics, predictor }: MetricTableProps) {
  return (
    <table class="metrics">
      <thead>
        <tr>
          <th scope="col">
            <Term term="metric">metric</Term>
          </th>
          <th scope="col" class="number">
            {predictor}
          </th>
          <th scope="col" class="number">
            <Term term="baseline">baseline</Term>
          </th>
        </tr>
      </thead>
      <tbody>
        {metrics.map(({ key, title, value, baseline, lower_is_better: isLowerBetter }) => (
          <tr key={key}>
            <th scope="row">
              {title}{" "}
              <span class="quiet">
                {isLowerBetter ? "↓" : "↑"}
                <span class="unseen">{isLowerBetter ? " lower is better" : " higher is better"}</span>
              </span>
            </th>
            <td class="number">
              <b>{writeNumber(value)}</b>
            </td>
            <td class="number quiet">{writeNumber(baseline)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
