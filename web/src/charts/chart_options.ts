/** How uPlot draws a chart of lines in the colours of the page. */
import uPlot from "uplot";
import { colourOf } from "../ui/drawing.ts";
import { linearScale } from "../plot/scales.ts";
import { writeCount } from "../ui/numbers.ts";
import { linearRange, logRange, logTicks, writeTick } from "./ticks.ts";

export interface Line {
  readonly label: string;
  /** A custom property of the style sheet, such as "--series-1". */
  readonly colour: string;
  readonly isDashed: boolean;
  readonly values: readonly number[];
}

/** An epoch at which a setting was changed, with what was changed in words. */
export interface Mark {
  readonly epoch: number;
  readonly text: string;
}

export interface ChartData {
  readonly epochs: readonly number[];
  readonly lines: readonly Line[];
  readonly marks: readonly Mark[];
}

interface Wanted {
  readonly target: Element;
  readonly lines: readonly Line[];
  readonly log: boolean;
  readonly width: number;
  readonly height: number;
  readonly syncKey: string;
  readonly onCursor: (place: number | null) => void;
  readonly marks: () => readonly Mark[];
}

const FONT = "11px system-ui, sans-serif";

export function chartOptions({ target, lines, log, width, height, syncKey, onCursor, marks }: Wanted): uPlot.Options {
  const [quiet, grid, ink] = ["--quiet", "--line", "--line-strong"].map((name) => colourOf(target, name)) as [
    string,
    string,
    string,
  ];
  const axis: uPlot.Axis = {
    stroke: quiet,
    font: FONT,
    grid: { stroke: grid, width: 1 },
    ticks: { show: false },
    filter: (_, ticks) => ticks,
  };
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 18, 0, 0],
    cursor: {
      sync: { key: syncKey },
      drag: { x: false, y: false },
      points: { size: 6 },
      y: false,
    },
    scales: {
      x: { time: false, range: (_, low, high) => [low ?? 0, Math.max(high ?? 1, (low ?? 0) + 1)] },
      y: log
        ? { distr: 3, range: (_, low, high) => logRange(low, high) }
        : { range: (_, low, high) => linearRange(low, high) },
    },
    axes: [
      {
        ...axis,
        size: 26,
        gap: 3,
        splits: (_, __, low, high) =>
          linearScale(low, high, 0, 1, Math.max(2, width / 70)).ticks.filter(Number.isInteger),
        values: (_, ticks) => ticks.map(writeCount),
      },
      {
        ...axis,
        size: 52,
        gap: 4,
        splits: (_, __, low, high) =>
          log ? logTicks(low, high, height / 30) : [...linearScale(low, high, 0, 1, height / 40).ticks],
        values: (_, ticks) => ticks.map(writeTick),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: colourOf(target, line.colour),
        width: 1.75,
        ...(line.isDashed && { dash: [6, 4] }),
        points: { show: (_: uPlot, __: number, first: number, last: number) => last - first < 2 },
      })),
    ],
    hooks: {
      setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)],
      drawAxes: [(plot) => drawMarks(plot, marks(), ink)],
    },
  };
}

function drawMarks(plot: uPlot, marks: readonly Mark[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
  for (const { epoch } of marks) {
    const x = plot.valToPos(epoch, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(x - 4 * devicePixelRatio, bbox.top);
    ctx.lineTo(x + 4 * devicePixelRatio, bbox.top);
    ctx.lineTo(x, bbox.top + 6 * devicePixelRatio);
    ctx.fill();
  }
  ctx.restore();
}
