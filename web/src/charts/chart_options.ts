/** How uPlot draws a chart of lines in the colours of the page. */
import uPlot from "uplot";
import { colourOf } from "../ui/drawing.ts";
import { writeNumber, writeShort } from "../ui/numbers.ts";

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
  const [quiet, grid, ink] = ["--quiet", "--line", "--line-strong"].map((name) => colourOf(target, name)) as [string, string, string];
  const axis: uPlot.Axis = { stroke: quiet, font: FONT, grid: { stroke: grid, width: 1 }, ticks: { show: false } };
  return {
    width,
    height,
    legend: { show: false },
    padding: [8, 10, 0, 0],
    cursor: {
      sync: { key: syncKey },
      drag: { x: true, y: false },
      points: { size: 6 },
      y: false,
    },
    scales: {
      x: { time: false },
      y: log ? { distr: 3, range: (_, low, high) => logRange(low, high) } : { range: (_, low, high) => linearRange(low, high) },
    },
    axes: [
      { ...axis, size: 26, gap: 3, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 50_000, 100_000] },
      { ...axis, size: 52, gap: 4, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : writeTick(tick))) },
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

/** The smallest value that a logarithmic axis shows; the others are left out. */
export function logFloor(lines: readonly Line[]): number {
  return lines.some((line) => line.values.some((value) => value > 0)) ? 0 : Number.NEGATIVE_INFINITY;
}

/** A range of whole powers of ten would waste half of the chart; this one ends where the values do. */
export function logRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || !(low > 0)) return [0.1, 1];
  return [low / 1.15, Math.max(high, low * 1.2) * 1.15];
}

export function linearRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low >= 0 && low < high * 0.25 ? 0 : low - room, high + room];
}

function writeTick(value: number): string {
  return Math.abs(value) >= 1e5 || (value !== 0 && Math.abs(value) < 1e-3) ? writeShort(value) : writeNumber(value, 4).replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
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
