/** How the rows are divided, and how frequent the classes are. */
import type { TableView } from "../protocol.ts";
import { Term } from "../ui/hint.tsx";
import { countOf, writeCount, writePercent } from "../ui/numbers.ts";

const MOST_CLASSES = 12;

export function SplitBar({ table }: { readonly table: TableView }) {
  const parts = [
    { name: "training", rows: table.train_rows },
    { name: "validation", rows: table.validation_rows },
    { name: "test", rows: table.test_rows },
  ].filter(({ rows }) => rows > 0);
  const total = parts.reduce((sum, { rows }) => sum + rows, 0);
  const left = table.rows - total;
  return (
    <div class="split">
      <h3>
        <Term term="split">Split</Term>
      </h3>
      <div class="split-bar" aria-hidden="true">
        {parts.map(({ name, rows }) => (
          <span key={name} class={`part is-${name}`} style={{ flexGrow: String(rows) }} />
        ))}
      </div>
      <p class="small">
        {parts.map(({ name, rows }) => `${writeCount(rows)} ${name}`).join(" · ")}
        {left > 0 && <span class="quiet"> · {countOf(left, "row")} left out</span>}
      </p>
      {table.classes.length > 0 && <Classes table={table} />}
    </div>
  );
}

function Classes({ table }: { readonly table: TableView }) {
  const { classes, class_counts: counts } = table;
  const total = Math.max(
    1,
    counts.reduce((sum, count) => sum + count, 0),
  );
  return (
    <ul class="bars" aria-label="Classes">
      {classes.slice(0, MOST_CLASSES).map((name, i) => (
        <li key={name}>
          <span class="bar-name">{name}</span>
          <span class="bar-track" aria-hidden="true">
            <span class="bar" style={{ width: `${(100 * (counts[i] ?? 0)) / total}%` }} />
          </span>
          <span class="bar-number">
            {writeCount(counts[i] ?? 0)} <span class="quiet">{writePercent((counts[i] ?? 0) / total)}</span>
          </span>
        </li>
      ))}
      {classes.length > MOST_CLASSES && <li class="quiet">and {classes.length - MOST_CLASSES} more classes</li>}
    </ul>
  );
}
