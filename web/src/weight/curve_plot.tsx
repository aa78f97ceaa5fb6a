/** The loss against one weight: the curve, the point on it, the tangent, and where the next step leads. */
import { useRef } from "preact/hooks";

import { Axis } from "../plot/axis.tsx";
import { linearScale, polyline } from "../plot/scales.ts";
import type { WeightCurve } from "../protocol.ts";
import { useSize } from "../ui/drawing.ts";
import {
  lossAt, lossRange, steadyRange, stepArrow, tangent, weightAfterKey, weightRange, type Range,
} from "./curve_geometry.ts";
import { writeNumber } from "../ui/numbers.ts";

const HEIGHT = 260;
const MARGIN = { left: 52, right: 14, top: 24, bottom: 40 };

/** A point where the weight has been. */
export interface Footprint {
  readonly weight: number;
  readonly loss: number;
}

interface Props {
  readonly curve: WeightCurve;
  readonly footprints: readonly Footprint[];
  /** Called with a value of the weight to be tried. */
  readonly onTry: (weight: number) => void;
}

export function CurvePlot({ curve, footprints, onTry }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const width = Math.max(useSize(frame).value.width, 240);
  const ranges = useRef<{ key: string; x: Range | null; y: Range | null }>({ key: "", x: null, y: null });
  const key = `${curve.layer} ${curve.source} ${curve.target}`;
  const isDragged = useRef(false);
  const before = ranges.current.key === key ? ranges.current : { x: null, y: null };
  // While the point is dragged the weights stay where they are, or it would run away from the hand.
  const xRange = isDragged.current && before.x ? before.x : steadyRange(before.x, weightRange(curve));
  const yRange = steadyRange(before.y, lossRange(curve));
  ranges.current = { key, x: xRange, y: yRange };

  const x = linearScale(...xRange, MARGIN.left, width - MARGIN.right);
  const y = linearScale(...yRange, HEIGHT - MARGIN.bottom, MARGIN.top);
  const slope = tangent(curve, x, y, Math.min(width / 5, 90));
  const arrow = stepArrow(curve, x);
  const landing = lossAt(curve, curve.next_weight);
  const drag = (event: PointerEvent & { currentTarget: SVGSVGElement }): void => {
    if (!isDragged.current) return;
    const value = x.valueAt(event.clientX - event.currentTarget.getBoundingClientRect().left);
    onTry(Math.max(x.low, Math.min(x.high, value)));
  };
  const press = (event: KeyboardEvent): void => {
    const value = weightAfterKey(event.key, curve.weight, xRange);
    if (value === null) return;
    onTry(value);
    event.preventDefault();
    event.stopPropagation();
  };
  const arrowY = HEIGHT - MARGIN.bottom - 8;
  return (
    <div ref={frame} class="curve-plot">
      <svg
        class="plot"
        width={width}
        height={HEIGHT}
        role="group"
        aria-label={`Loss against the ${curve.title}`}
        onPointerMove={drag}
        onPointerUp={() => (isDragged.current = false)}
        onPointerCancel={() => (isDragged.current = false)}
      >
        <Axis scale={x} side="bottom" at={HEIGHT - MARGIN.bottom} title={curve.source === null ? "bias" : "weight"} />
        <Axis scale={y} side="left" at={MARGIN.left} title="loss" grid={width - MARGIN.left - MARGIN.right} />
        <svg
          x={MARGIN.left}
          y={MARGIN.top}
          width={width - MARGIN.left - MARGIN.right}
          height={HEIGHT - MARGIN.top - MARGIN.bottom}
          viewBox={`${MARGIN.left} ${MARGIN.top} ${width - MARGIN.left - MARGIN.right} ${HEIGHT - MARGIN.top - MARGIN.bottom}`}
          class="clipped"
          aria-hidden="true"
        >
          <polyline class="curve" points={polyline(curve.weights.data, curve.losses.data, x, y)} />
          {footprints.map((point, i) => (
            <circle
              key={i}
              class="footprint"
              cx={x.place(point.weight)}
              cy={y.place(point.loss)}
              r="2"
              style={{ opacity: (i + 1) / footprints.length }}
            />
          ))}
          {slope && <line class="tangent" {...slope} />}
        </svg>
        {arrow && (
          <g class="next-step" aria-hidden="true">
            <line x1={arrow.from} x2={arrow.to} y1={arrowY} y2={arrowY} />
            <path d="M-6,-4L0,0L-6,4" transform={`translate(${arrow.to} ${arrowY}) scale(${arrow.to < arrow.from ? -1 : 1} 1)`} />
            {arrow.isCut ? (
              <text x={arrow.to - (arrow.to < arrow.from ? -10 : 10)} y={arrowY - 8} text-anchor={arrow.to < arrow.from ? "start" : "end"}>
                next: {writeNumber(curve.next_weight)}
              </text>
            ) : (
              landing !== null && <circle cx={arrow.to} cy={y.place(landing)} r="5" />
            )}
          </g>
        )}
        <line class="dropped" x1={x.place(curve.weight)} x2={x.place(curve.weight)} y1={y.place(curve.loss)} y2={HEIGHT - MARGIN.bottom} />
        <circle
          class={`point${curve.is_trial ? " is-trial" : ""}`}
          cx={x.place(curve.weight)}
          cy={y.place(curve.loss)}
          r="8"
          role="slider"
          tabindex={0}
          aria-label={`Value of the ${curve.title}`}
          aria-valuenow={curve.weight}
          aria-valuemin={x.low}
          aria-valuemax={x.high}
          aria-valuetext={`${writeNumber(curve.weight)}, loss ${writeNumber(curve.loss)}, slope ${writeNumber(curve.gradient)}`}
          onPointerDown={(event) => {
            isDragged.current = true;
            event.currentTarget.ownerSVGElement?.setPointerCapture(event.pointerId);
            event.currentTarget.focus();
            event.preventDefault();
          }}
          onKeyDown={press}
        />
      </svg>
    </div>
  );
}
