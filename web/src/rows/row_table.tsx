/** Rows of the table with what the network predicts for them; each can be sent through the network. */
import type { RowView } from "../protocol.ts";
import { useStore } from "../store.ts";
import { writeCount, writeNumber, writePercent } from "../ui/numbers.ts";

interface RowTableProps {
  readonly columns: readonly string[];
  readonly rows: readonly RowView[];
  readonly label: string;
}

export function RowTable({ columns, rows, label }: RowTableProps) {
  const store = useStore();
  const selected = store.selectedRow.value;
  const isClassification = rows.some(({ probability }) => probability !== null);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <table class="rows">
        <thead>
          <tr>
            <th scope="col" class="number">
              row
            </th>
            <th scope="col">actual</th>
            <th scope="col">predicted</th>
            {isClassification && (
              <th scope="col" class="number">
                p(actual)
              </th>
            )}
            <th scope="col" class="number">
              loss
            </th>
            {columns.map((column) => (
              <th scope="col" key={column}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.number} class={row.number === selected ? "is-selected" : ""}>
              <th scope="row" class="number">
                <button
                  type="button"
                  class="link"
                  aria-pressed={row.number === selected}
                  aria-label={`Row ${row.number}: send it through the network`}
                  onClick={() =>
                    void store.act({ type: "SelectRow", row: row.number === selected ? null : row.number })
                  }
                >
                  {writeCount(row.number)}
                </button>
              </th>
              <td>{row.actual}</td>
              <td class={row.actual !== row.predicted && row.probability !== null ? "is-wrong-text" : ""}>
                {row.predicted}
                {row.actual !== row.predicted && row.probability !== null && <span aria-label="wrong"> ✕</span>}
              </td>
              {isClassification && (
                <td class="number">{row.probability === null ? "" : writePercent(row.probability)}</td>
              )}
              <td class="number">{writeNumber(row.loss)}</td>
              {row.values.map((value, i) => (
                <td key={columns[i]}>{value === "" ? <span class="quiet">–</span> : value}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
