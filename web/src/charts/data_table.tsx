/** The numbers of a chart as a table, the newest first. */
import { writeCount, writeNumber } from "../ui/numbers.ts";
import type { ChartData } from "./chart_options.ts";

const SHOWN = 200;

export function DataTable({ title, data }: { readonly title: string; readonly data: ChartData }) {
  const { epochs, lines } = data;
  const shown = Array.from({ length: Math.min(SHOWN, epochs.length) }, (_, i) => epochs.length - 1 - i);
  return (
    <div class="scroll data-table" tabIndex={0} role="region" aria-label={`${title} as a table`}>
      <table>
        <thead>
          <tr>
            <th scope="col" class="number">
              epoch
            </th>
            {lines.map(({ label }) => (
              <th scope="col" class="number" key={label}>
                {label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row) => (
            <tr key={epochs[row]}>
              <th scope="row" class="number">
                {writeCount(epochs[row] as number)}
              </th>
              {lines.map(({ label, values }) => (
                <td class="number" key={label}>
                  {writeNumber(values[row])}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {epochs.length > SHOWN && (
        <p class="quiet small">
          The last {SHOWN} of {writeCount(epochs.length)}.
        </p>
      )}
    </div>
  );
}
