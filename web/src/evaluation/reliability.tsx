/** Predicted probabilities against how often they come true. */
import type { EvaluationView } from "../protocol.ts";
import { Term } from "../ui/hint.tsx";
import { writeCount, writePercent } from "../ui/numbers.ts";

const SIZE = 150;
const EDGE = 22;

export function Reliability({ view }: { readonly view: EvaluationView }) {
  const [bins = 0] = view.reliability.shape;
  const { data } = view.reliability;
  const points = Array.from({ length: bins }, (_, i) => ({
    predicted: data[3 * i] as number,
    observed: data[3 * i + 1] as number,
    count: data[3 * i + 2] as number,
  })).filter(({ count }) => count > 0);
  const most = Math.max(1, ...points.map(({ count }) => count));
  const place = (share: number) => EDGE + share * (SIZE - EDGE - 6);
  const x = place;
  const y = (share: number) => SIZE - place(share);
  const text = points.map((point) => `${writePercent(point.predicted)}: ${writePercent(point.observed)}`).join(", ");
  return (
    <figure class="reliability">
      <figcaption>
        <h3>
          <Term term="reliability">Reliability</Term>
        </h3>
      </figcaption>
      <svg viewBox={`0 0 ${SIZE} ${SIZE}`} role="img" aria-label={`Predicted and observed shares: ${text}`}>
        <path d={`M${x(0)} ${y(1)}V${y(0)}H${x(1)}`} class="axis" />
        <path d={`M${x(0)} ${y(0)}L${x(1)} ${y(1)}`} class="diagonal" />
        {points.map(({ predicted, observed, count }) => (
          <circle key={predicted} cx={x(predicted)} cy={y(observed)} r={2 + 4 * Math.sqrt(count / most)} class="point">
            <title>
              predicted {writePercent(predicted)}, observed {writePercent(observed)}, {writeCount(count)} rows
            </title>
          </circle>
        ))}
        <text x={x(1)} y={SIZE - 8} text-anchor="end">
          predicted
        </text>
        <text x={10} y={y(1)} text-anchor="end" transform={`rotate(-90 10 ${y(1)})`}>
          observed
        </text>
      </svg>
    </figure>
  );
}
