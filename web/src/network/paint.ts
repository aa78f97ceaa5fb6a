/** Paints the connections and the small pictures of neurons on a canvas. */
import { colourOf } from "../ui/drawing.ts";
import { LEVELS, curveOf, widthOf, type Edge, type Stroke } from "./edges.ts";
import type { Layout } from "./layout.ts";

/** The colours of the page's present scheme, as its style sheet has them. */
export interface Palette {
  readonly positive: string;
  readonly negative: string;
  readonly ink: string;
  readonly surface: string;
  readonly focus: string;
}

export function readPalette(element: Element): Palette {
  const read = (name: string) => colourOf(element, name);
  return {
    positive: read("--positive"),
    negative: read("--negative"),
    ink: read("--ink"),
    surface: read("--raised"),
    focus: read("--focus"),
  };
}

const DASHES = [5, 4];
const SOLID: number[] = [];

/** Paint all strokes: solid and blue above 0, dashed and orange below, as wide as the weights are strong.
 *
 * Each is a path of its own: one path of many crossing lines takes a browser twice as long to fill with colour.
 */
export function paintStrokes(
  context: CanvasRenderingContext2D,
  layout: Layout,
  strokes: readonly Stroke[],
  palette: Palette,
): void {
  context.lineCap = "butt";
  for (const { edge, level, glow, isNegative } of strokes) {
    const share = level / (LEVELS - 1);
    context.globalAlpha = glow === null ? 0.2 + 0.68 * share : 0.07 + 0.88 * glow;
    paintStroke(context, layout, edge, isNegative, widthOf(level, strokes.length), palette);
  }
  context.globalAlpha = 1;
  context.setLineDash(SOLID);
}

function paintStroke(
  context: CanvasRenderingContext2D,
  layout: Layout,
  edge: Edge,
  isNegative: boolean,
  width: number,
  palette: Palette,
): void {
  context.strokeStyle = isNegative ? palette.negative : palette.positive;
  context.setLineDash(isNegative ? DASHES : SOLID);
  context.lineWidth = width;
  tracePath(context, layout, edge);
}

function tracePath(context: CanvasRenderingContext2D, layout: Layout, edge: Edge): void {
  const { x0, y0, x1, y1, bend } = curveOf(layout, edge);
  context.beginPath();
  context.moveTo(x0, y0);
  context.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
  context.stroke();
}

/** Paint the stroke of a connection that is selected, or under the pointer, so that it stands out. */
export function paintChosen(
  context: CanvasRenderingContext2D,
  layout: Layout,
  { edge, level, isNegative }: Stroke,
  count: number,
  palette: Palette,
): void {
  const width = Math.max(widthOf(level, count), 2);
  context.strokeStyle = palette.focus;
  context.lineWidth = width + 7;
  tracePath(context, layout, edge);
  context.strokeStyle = palette.surface;
  context.lineWidth = width + 3;
  tracePath(context, layout, edge);
  paintStroke(context, layout, edge, isNegative, width, palette);
  context.setLineDash(SOLID);
}

/** What a neuron responds to, small: its activation along one column, or over two as rows from below to above. */
export interface SmallPicture {
  readonly values: Float32Array;
  readonly columns: number;
  readonly rows: number;
}

/** Paint a picture in a square of `side` pixels around (x, y), whose corners are rounded by `corner` pixels. */
export function paintSmallPicture(
  context: CanvasRenderingContext2D,
  picture: SmallPicture,
  x: number,
  y: number,
  side: number,
  corner: number,
  palette: Palette,
): void {
  const [left, top] = [x - side / 2, y - side / 2];
  context.save();
  context.beginPath();
  context.roundRect(left, top, side, side, corner);
  context.clip();
  context.fillStyle = palette.surface;
  context.fillRect(left, top, side, side);
  if (picture.rows > 1) paintMap(context, picture, left, top, side, palette);
  else paintCurve(context, picture, left, top, side, palette);
  context.restore();
}

function paintMap(
  context: CanvasRenderingContext2D,
  { values, columns, rows }: SmallPicture,
  left: number,
  top: number,
  side: number,
  palette: Palette,
): void {
  const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // Cells end at whole pixels, so that no seams show between them.
  const edge = (start: number, place: number, count: number): number => Math.round(start + (place * side) / count);
  values.forEach((value, i) => {
    const column = i % columns;
    const row = rows - 1 - Math.floor(i / columns);
    const [x0, y0] = [edge(left, column, columns), edge(top, row, rows)];
    context.globalAlpha = largest > 0 ? Math.min(Math.abs(value) / largest, 1) * 0.9 : 0;
    context.fillStyle = value < 0 ? palette.negative : palette.positive;
    context.fillRect(x0, y0, edge(left, column + 1, columns) - x0, edge(top, row + 1, rows) - y0);
  });
}

function paintCurve(
  context: CanvasRenderingContext2D,
  { values, columns }: SmallPicture,
  left: number,
  top: number,
  side: number,
  palette: Palette,
): void {
  const lowest = Math.min(0, ...values);
  const highest = Math.max(0, ...values);
  const scale = (side - 6) / (highest - lowest || 1);
  const zero = top + side - 3 + lowest * scale;
  context.globalAlpha = 0.35;
  context.fillStyle = palette.ink;
  context.fillRect(left, zero - 0.5, side, 1);
  context.globalAlpha = 1;
  context.strokeStyle = palette.ink;
  context.lineWidth = 1.6;
  context.beginPath();
  values.forEach((value, i) => context.lineTo(left + (i * side) / Math.max(columns - 1, 1), zero - value * scale));
  context.stroke();
}
