/** The distribution of a column in a few bars. */
import type { Column } from "../protocol.ts";
import { writeCount } from "../ui/numbers.ts";

const WIDTH = 120;
const HEIGHT = 28;
/** Even a value that is rare is to be seen. */
const LEAST = 1;

export function Histogram({ column }: { readonly column: Column }) {
  const { bars, bar_labels: labels, name } = column;
  if (bars.length === 0) return <span class="quiet">–</span>;
  const most = Math.max(1, ...bars);
  const width = WIDTH / bars.length;
  const text = bars.map((count, i) => `${labels[i] ?? ""}: ${writeCount(count)}`).join("; ");
  return (
    <svg
      class="histogram"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={`Values of ${name}. ${text}`}
    >
      {bars.map((count, i) => {
        const height = count === 0 ? 0 : Math.max(LEAST, (HEIGHT * count) / most);
        return (
          <rect
            key={i}
            x={i * width + 0.5}
            y={HEIGHT - height}
            width={Math.max(1, Math.min(width - 1, 24))}
            height={height}
          >
            <title>{`${labels[i] ?? ""}: ${writeCount(count)}`}</title>
          </rect>
        );
      })}
    </svg>
  );
}
