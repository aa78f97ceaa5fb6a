/** Paints the connections and the small pictures of neurons on a canvas. */
import { colourOf } from "../ui/drawing.ts";
import { LEVELS, curveOf, levelOf, widthOf, type Edge } from "./edges.ts";
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

const GLOWS = 5;
const DASHES = [5, 4];

/** What is told apart from the other connections. */
export interface Emphasis {
  /** For each edge, how much it contributes to the row that is followed, from 0 to 1; null without such a row. */
  readonly contributions: Float32Array | null;
  /** The edges, by `Edge.index`, that are selected or under the pointer. */
  readonly selected: number;
  readonly hovered: number;
}

/** Paint all edges: solid and blue above 0, dashed and orange below, as wide as they are strong. */
export function paintEdges(
  context: CanvasRenderingContext2D,
  layout: Layout,
  edges: readonly Edge[],
  thickest: number,
  emphasis: Emphasis,
  palette: Palette,
): void {
  const buckets = new Map<number, Edge[]>();
  edges.forEach((edge, i) => {
    const level = levelOf(edge.weight, thickest);
    const glow = emphasis.contributions ? Math.round(emphasis.contributions[i]! * (GLOWS - 1)) : GLOWS;
    const key = (glow * LEVELS + level) * 2 + (edge.weight < 0 ? 1 : 0);
    const bucket = buckets.get(key);
    if (bucket) bucket.push(edge);
    else buckets.set(key, [edge]);
  });
  context.lineCap = "butt";
  for (const [key, members] of [...buckets].sort(([a], [b]) => a - b)) {
    const level = (key >> 1) % LEVELS;
    const glow = Math.floor((key >> 1) / LEVELS);
    const share = level / (LEVELS - 1);
    context.globalAlpha = glow === GLOWS ? 0.2 + 0.68 * share : 0.07 + (0.88 * glow) / (GLOWS - 1);
    strokeEdges(context, layout, members, key % 2 === 1, widthOf(level, edges.length), palette);
  }
  context.globalAlpha = 1;
  for (const index of [emphasis.hovered, emphasis.selected]) {
    const edge = edges.find((candidate) => candidate.index === index);
    if (edge) paintChosen(context, layout, edge, Math.max(widthOf(levelOf(edge.weight, thickest), edges.length), 2), palette);
  }
}

function strokeEdges(
  context: CanvasRenderingContext2D,
  layout: Layout,
  edges: readonly Edge[],
  isNegative: boolean,
  width: number,
  palette: Palette,
): void {
  context.strokeStyle = isNegative ? palette.negative : palette.positive;
  context.setLineDash(isNegative ? DASHES : []);
  context.lineWidth = width;
  tracePaths(context, layout, edges);
  context.setLineDash([]);
}

function tracePaths(context: CanvasRenderingContext2D, layout: Layout, edges: readonly Edge[]): void {
  context.beginPath();
  for (const edge of edges) {
    const { x0, y0, x1, y1, bend } = curveOf(layout, edge);
    context.moveTo(x0, y0);
    context.bezierCurveTo(x0 + bend, y0, x1 - bend, y1, x1, y1);
  }
  context.stroke();
}

function paintChosen(
  context: CanvasRenderingContext2D,
  layout: Layout,
  edge: Edge,
  width: number,
  palette: Palette,
): void {
  context.strokeStyle = palette.focus;
  context.lineWidth = width + 7;
  tracePaths(context, layout, [edge]);
  context.strokeStyle = palette.surface;
  context.lineWidth = width + 3;
  tracePaths(context, layout, [edge]);
  strokeEdges(context, layout, [edge], edge.weight < 0, width, palette);
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
