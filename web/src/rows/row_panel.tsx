/** The row that is sent through the network at each frame, with what the network predicts for it. */
import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { RowView } from "../protocol.ts";
import { useStore } from "../store.ts";
import { Entry } from "../ui/entry.tsx";
import { Term } from "../ui/hint.tsx";
import { Icon } from "../ui/icon.tsx";
import { writeNumber, writePercent } from "../ui/numbers.ts";
import { Panel } from "../ui/panel.tsx";
import { RowBrowser } from "./row_browser.tsx";

export function RowPanel() {
  const store = useStore();
  const row = store.selectedRow.value;
  const rows = store.table.value?.rows ?? 0;
  const select = (number: number | null) => void store.act({ type: "SelectRow", row: number });
  return (
    <Panel
      title={<Term term="row">One row</Term>}
      class="row-panel"
      aside={
        <>
          <button
            type="button"
            class="icon-button"
            aria-label="Row before"
            disabled={!row || row <= 1}
            onClick={() => select((row ?? 2) - 1)}
          >
            ‹
          </button>
          <Entry
            type="number"
            aria-label="Number of the row"
            min={1}
            max={rows}
            step={1}
            placeholder="row"
            value={row ?? ""}
            enter={({ valueAsNumber: wanted }) => select(Number.isNaN(wanted) ? null : Math.round(wanted))}
          />
          <button
            type="button"
            class="icon-button"
            aria-label="Next row"
            disabled={row !== null && row >= rows}
            onClick={() => select((row ?? 0) + 1)}
          >
            ›
          </button>
          {row !== null && (
            <button
              type="button"
              class="icon-button"
              aria-label="Clear the row"
              title="Clear the row (Esc)"
              onClick={() => select(null)}
            >
              <Icon name="close" />
            </button>
          )}
        </>
      }
    >
      {row === null ? (
        <p class="quiet">Pick a row to see its way through the network.</p>
      ) : (
        <SelectedRow number={row} />
      )}
      <RowBrowser />
    </Panel>
  );
}

function SelectedRow({ number }: { readonly number: number }) {
  const store = useStore();
  const details = useSignal<{ columns: readonly string[]; row: RowView } | null>(null);
  useEffect(() => {
    if (number === details.peek()?.row.number) return;
    store.ask({ type: "ShowRows", first: number, count: 1 }).then(
      ({ columns, rows }) => {
        details.value = rows[0] ? { columns, row: rows[0] } : null;
      },
      (error: unknown) => store.fail(error),
    );
  }, [store, number, details]);
  const shown = details.value?.row.number === number ? details.value : null;
  return (
    <>
      <Outputs actual={shown?.row.actual ?? null} />
      {shown && (
        <details>
          <summary>Its values</summary>
          <dl class="values">
            {shown.columns.map((column, i) => (
              <div key={column}>
                <dt>{column}</dt>
                <dd>{shown.row.values[i] || "–"}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </>
  );
}

/** Bars of the class probabilities, or the predicted numbers, as they are at this frame. */
function Outputs({ actual }: { readonly actual: string | null }) {
  const store = useStore();
  const probabilities = store.tick.value?.probabilities.data ?? new Float32Array();
  const names = store.network.value?.layers.at(-1)?.names ?? [];
  const isClassification = (store.table.value?.task ?? "classification") === "classification";
  return (
    <>
      {actual !== null && (
        <p>
          Actual: <b>{actual}</b>
        </p>
      )}
      <Bars
        title={isClassification ? "Probabilities" : "Prediction"}
        names={names}
        numbers={probabilities}
        isShare={isClassification}
        actual={actual}
      />
    </>
  );
}

interface BarsProps {
  readonly title: string;
  readonly names: readonly string[];
  readonly numbers: Float32Array;
  readonly isShare: boolean;
  readonly actual?: string | null;
}

const MOST_BARS = 12;

/** Named numbers; shares as bars, the largest of many. */
export function Bars({ title, names, numbers, isShare, actual = null }: BarsProps) {
  const order = Array.from(numbers, (_, i) => i);
  if (order.length > MOST_BARS) order.sort((a, b) => (numbers[b] as number) - (numbers[a] as number));
  return (
    <ul class="bars" aria-label={title}>
      {order.slice(0, MOST_BARS).map((i) => {
        const value = numbers[i] as number;
        const name = names[i] ?? "";
        return (
          <li key={i} class={name === actual ? "is-actual" : ""}>
            <span class="bar-name">
              {name}
              {name === actual && <span class="unseen"> (actual)</span>}
            </span>
            {isShare && (
              <span class="bar-track" aria-hidden="true">
                <span class="bar" style={{ width: `${100 * Math.max(0, Math.min(1, value))}%` }} />
              </span>
            )}
            <span class="bar-number">{isShare ? writePercent(value) : writeNumber(value)}</span>
          </li>
        );
      })}
    </ul>
  );
}
