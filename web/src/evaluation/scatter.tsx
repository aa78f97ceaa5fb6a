/** Actual numbers against predicted ones. */
import { useRef } from "preact/hooks";
import { extent, linearScale } from "../plot/scales.ts";
import type { EvaluationView } from "../protocol.ts";
import { colourOf, useDrawing } from "../ui/drawing.ts";
import { Term } from "../ui/hint.tsx";
import { writeNumber } from "../ui/numbers.ts";

const EDGE = { left: 52, right: 10, top: 10, bottom: 34 };

export function Scatter({ view }: { readonly view: EvaluationView }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const actual = view.actual.data;
  const predicted = view.predicted.data;
  useDrawing(
    canvas,
    (context, width, height) => {
      const target = canvas.current as HTMLCanvasElement;
      const [low, high] = extent([...actual, ...predicted]);
      const { place: x, ticks } = linearScale(low, high, EDGE.left, width - EDGE.right, 4);
      const { place: y } = linearScale(low, high, height - EDGE.bottom, EDGE.top, 4);
      context.font = "11px system-ui, sans-serif";
      context.fillStyle = colourOf(target, "--quiet");
      context.strokeStyle = colourOf(target, "--line");
      for (const tick of ticks) {
        context.beginPath();
        context.moveTo(x(tick), EDGE.top);
        context.lineTo(x(tick), height - EDGE.bottom);
        context.moveTo(EDGE.left, y(tick));
        context.lineTo(width - EDGE.right, y(tick));
        context.stroke();
        context.textAlign = "center";
        context.fillText(writeNumber(tick, 3), x(tick), height - EDGE.bottom + 14);
        context.textAlign = "end";
        context.fillText(writeNumber(tick, 3), EDGE.left - 6, y(tick) + 4);
      }
      context.textAlign = "end";
      context.fillText("actual →", width - EDGE.right, height - 4);
      context.textAlign = "start";
      context.fillText("↑ predicted", 2, height - 4);
      context.strokeStyle = colourOf(target, "--line-strong");
      context.setLineDash([4, 4]);
      context.beginPath();
      context.moveTo(x(low), y(low));
      context.lineTo(x(high), y(high));
      context.stroke();
      context.fillStyle = colourOf(target, "--series-1");
      context.globalAlpha = Math.max(0.25, Math.min(0.8, 60 / Math.sqrt(actual.length * 20)));
      actual.forEach((value, i) => {
        context.beginPath();
        context.arc(x(value), y(predicted[i] as number), 2.5, 0, 2 * Math.PI);
        context.fill();
      });
      context.globalAlpha = 1;
    },
    [view],
  );
  return (
    <figure class="scatter">
      <figcaption>
        <h3>
          <Term term="scatter">Actual and predicted</Term>
        </h3>
      </figcaption>
      <canvas ref={canvas} role="img" aria-label={`Actual against predicted numbers of ${actual.length} rows`} />
    </figure>
  );
}
