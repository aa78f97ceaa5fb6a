/** What a neuron responds to: its activation along one column or over two, with training rows on top. */
import type { JSX } from "preact";
import { useRef } from "preact/hooks";

import { writeTick } from "../charts/ticks.ts";
import { Axis } from "../plot/axis.tsx";
import { ClassMark } from "../plot/class_mark.tsx";
import { extent, linearScale, polyline, type Scale } from "../plot/scales.ts";
import type { NeuronResponse } from "../protocol.ts";
import { useDrawing, useSize } from "../ui/drawing.ts";
import { writeNumber } from "../ui/numbers.ts";
import { paintSmallPicture, readPalette } from "./paint.ts";

const HEIGHT = 240;
const MARGIN = { left: 48, right: 12, top: 24, bottom: 40 };

interface Props {
  readonly response: NeuronResponse;
  /** The classes whose numbers the rows have; empty for a regression. */
  readonly classes: readonly string[];
  /** The columns whose numbers are days since 1970. */
  readonly dates: readonly string[];
}

function writerOf(column: string | null, dates: readonly string[]): (tick: number) => string {
  return column !== null && dates.includes(column) ? writeDay : writeTick;
}

/** Write a number of days since 1970 as a date. */
function writeDay(days: number): string {
  return new Date(days * 86_400_000).toISOString().slice(0, 10);
}

/** Return the range of a column's values; categories take a step each. */
function rangeOf(values: Float32Array, labels: readonly string[]): readonly [number, number] {
  return labels.length > 0 ? [-0.5, labels.length - 0.5] : extent(values);
}

function describe(response: NeuronResponse): string {
  const [low, high] = extent(response.activations.data);
  const over = response.y_column === null ? response.x_column : `${response.x_column} and ${response.y_column}`;
  return `${response.title}: activation from ${writeNumber(low)} to ${writeNumber(high)} over ${over}`;
}

function RowMarks({ response, x, y, classes }: Omit<Props, "dates"> & { x: Scale; y: (index: number) => number }) {
  const rows = response.rows.data;
  const marks: JSX.Element[] = [];
  for (let i = 0; i < rows.length; i += 3) {
    marks.push(<ClassMark key={i} number={classes.length > 0 ? rows[i + 2]! : 0} x={x.place(rows[i]!)} y={y(i)} size={3.2} />);
  }
  return <g class="row-marks">{marks}</g>;
}

function CurvePlot({ response, classes, dates, width }: Props & { width: number }) {
  const x = linearScale(...rangeOf(response.x_values.data, response.x_labels), MARGIN.left, width - MARGIN.right);
  const [low, high] = extent([0, ...response.activations.data]);
  const y = linearScale(low, high, HEIGHT - MARGIN.bottom - 18, MARGIN.top);
  return (
    <svg class="plot" width={width} height={HEIGHT} role="img" aria-label={describe(response)}>
      <Axis scale={x} side="bottom" at={HEIGHT - MARGIN.bottom} title={response.x_column} labels={response.x_labels} write={writerOf(response.x_column, dates)} />
      <Axis scale={y} side="left" at={MARGIN.left} title="activation" labels={[]} />
      <line class="zero-line" x1={MARGIN.left} x2={width - MARGIN.right} y1={y.place(0)} y2={y.place(0)} />
      <RowMarks response={response} classes={classes} x={x} y={(i) => HEIGHT - MARGIN.bottom - 6 - ((i / 3) % 3) * 3} />
      {response.x_labels.length > 0 ? (
        response.x_labels.map((label, i) => (
          <line
            key={label}
            class="curve is-thick"
            x1={x.place(i - 0.3)}
            x2={x.place(i + 0.3)}
            y1={y.place(response.activations.data[i]!)}
            y2={y.place(response.activations.data[i]!)}
          />
        ))
      ) : (
        <polyline class="curve" points={polyline(response.x_values.data, response.activations.data, x, y)} />
      )}
    </svg>
  );
}

function MapPlot({ response, classes, dates, width }: Props & { width: number }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const inner = { width: width - MARGIN.left - MARGIN.right, height: HEIGHT - MARGIN.top - MARGIN.bottom };
  const x = linearScale(...rangeOf(response.x_values.data, response.x_labels), MARGIN.left, width - MARGIN.right);
  const y = linearScale(...rangeOf(response.y_values.data, response.y_labels), HEIGHT - MARGIN.bottom, MARGIN.top);
  useDrawing(
    canvas,
    (context) => {
      const [rows, columns] = response.activations.shape;
      const side = inner.height;
      context.scale(inner.width / side, 1);
      const picture = { values: response.activations.data, rows: rows!, columns: columns! };
      paintSmallPicture(context, picture, side / 2, side / 2, side, 0, readPalette(canvas.current!));
    },
    [response, width],
  );
  return (
    <div class="response-map" style={{ width: `${width}px`, height: `${HEIGHT}px` }}>
      <canvas
        ref={canvas}
        aria-hidden="true"
        style={{ left: `${MARGIN.left}px`, top: `${MARGIN.top}px`, width: `${inner.width}px`, height: `${inner.height}px` }}
      />
      <svg class="plot" width={width} height={HEIGHT} role="img" aria-label={describe(response)}>
        <Axis scale={x} side="bottom" at={HEIGHT - MARGIN.bottom} title={response.x_column} labels={response.x_labels} write={writerOf(response.x_column, dates)} />
        <Axis scale={y} side="left" at={MARGIN.left} title={response.y_column ?? ""} labels={response.y_labels} write={writerOf(response.y_column, dates)} />
        <RowMarks response={response} classes={classes} x={x} y={(i) => y.place(response.rows.data[i + 1]!)} />
      </svg>
    </div>
  );
}

export function ResponsePlot({ response, classes, dates }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const width = Math.min(useSize(frame).value.width || 360, 520);
  const Plot = response.y_column === null ? CurvePlot : MapPlot;
  return (
    <figure class="response" ref={frame}>
      <Plot response={response} classes={classes} dates={dates} width={width} />
      <figcaption>
        {classes.map((name, i) => (
          <span key={name} class="legend-entry">
            <svg width="12" height="12" aria-hidden="true">
              <ClassMark number={i} x={6} y={6} size={4} />
            </svg>{" "}
            {name}
          </span>
        ))}
        {response.y_column !== null && (
          <span class="legend-entry">blue: above 0; orange: below 0; the stronger, the farther from 0</span>
        )}
      </figcaption>
    </figure>
  );
}
