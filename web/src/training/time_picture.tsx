/** The loss over the recorded epochs, drawn along the slider that goes back in time. */
import { curveOf, type Curves } from "../history.ts";
import { extent, linearScale, logScale, polyline } from "../plot/scales.ts";

const WIDTH = 100;
const HEIGHT = 16;
const MOST_POINTS = 160;

interface Props {
  readonly curves: Curves;
  /** The last epoch of the slider. */
  readonly newest: number;
}

export function TimePicture({ curves, newest }: Props) {
  const validation = curveOf(curves, "validation_loss");
  const losses = validation.length > 0 ? validation : curveOf(curves, "train_loss");
  const every = Math.max(1, Math.ceil(losses.length / MOST_POINTS));
  const places = losses.map((_, i) => i).filter((i) => i % every === 0 && curves.epochs[i]! <= newest);
  const values = places.map((i) => losses[i]!);
  const positive = values.filter((loss) => loss > 0);
  if (positive.length < 2) return null;
  const x = linearScale(0, newest, 0, WIDTH);
  const y = logScale(...extent(positive), HEIGHT - 1, 1);
  return (
    <svg class="time-picture" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
      <polyline
        class="curve"
        points={polyline(
          places.map((i) => curves.epochs[i]!),
          values,
          x,
          y,
        )}
      />
    </svg>
  );
}
