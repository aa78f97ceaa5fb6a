/** An axis of a drawing in SVG: its line, its ticks with numbers or categories, and its title. */

import { writeTick } from "../charts/ticks.ts";
import type { Scale } from "./scales.ts";

interface Props {
  readonly scale: Scale;
  readonly side: "bottom" | "left";
  /** The height of a bottom axis, or the x of a left axis. */
  readonly at: number;
  readonly title: string;
  /** Categories at 0, 1, …, which replace the numbers. */
  readonly labels?: readonly string[];
  /** How a tick is written; by default as a number. */
  readonly write?: (tick: number) => string;
  /** Whether lines go from the ticks through the plot, and how long they are. */
  readonly grid?: number;
}

function shorten(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

export function Axis({ scale, side, at, title, labels = [], write = writeTick, grid = 0 }: Props) {
  const ticks = labels.length > 0 ? labels.map((_, i) => i) : scale.ticks;
  const begin = scale.place(scale.low);
  const end = scale.place(scale.high);
  const every = Math.ceil(ticks.length / 8);
  const textOf = (tick: number): string => (labels.length > 0 ? shorten(labels[tick]!, 12) : write(tick));
  const isBottom = side === "bottom";
  return (
    <g class={`axis axis-${side}`} aria-hidden="true">
      <line x1={isBottom ? begin : at} x2={isBottom ? end : at} y1={isBottom ? at : begin} y2={isBottom ? at : end} />
      {ticks.map((tick, i) => {
        const place = scale.place(tick);
        if (i % every !== 0) return null;
        return isBottom ? (
          <g key={tick} transform={`translate(${place.toFixed(1)} ${at})`}>
            <line y2={-grid} class="grid-line" />
            <line y2="4" />
            <text y="16" text-anchor="middle">
              {textOf(tick)}
            </text>
          </g>
        ) : (
          <g key={tick} transform={`translate(${at} ${place.toFixed(1)})`}>
            <line x2={grid} class="grid-line" />
            <line x2="-4" />
            <text x="-7" dy="0.32em" text-anchor="end">
              {textOf(tick)}
            </text>
          </g>
        );
      })}
      {isBottom ? (
        <text class="axis-title" x={(begin + end) / 2} y={at + 34} text-anchor="middle">
          {title}
        </text>
      ) : (
        <text class="axis-title" x={at - 7} y={Math.min(begin, end) - 9} text-anchor="start">
          {title}
        </text>
      )}
    </g>
  );
}
