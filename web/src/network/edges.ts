/** The connections of the drawing: which are drawn, how thick, and which lies under the pointer. */
import type { NetworkView } from "../protocol.ts";
import type { WeightPlace } from "../store.ts";
import type { Layout } from "./layout.ts";

/** A connection between two spots. Where spots are folded, it is the strongest of the connections between them. */
export interface Edge {
  /** The row of `NetworkView.edges`, and the place in `Tick.edge_weights`. */
  readonly index: number;
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

/** The width levels in which lines are drawn, and the steps in which they glow: small changes need no new drawing. */
export const LEVELS = 8;
const GLOWS = 5;
export const THINNEST = 0.7;
export const THICKEST = 6;
/** Up to this many lines are drawn at full width. */
export const FEW = 60;

/** Return the strongest `most` connections, one for each pair of spots, the strongest last. */
export function strongestEdges(network: NetworkView, layout: Layout, weights: Float32Array, most: number): Edge[] {
  const rows = network.edges.data;
  const strongest = new Map<number, Edge>();
  const count = Math.min(weights.length, rows.length / 3);
  for (let index = 0; index < count; index++) {
    const layer = rows[3 * index]!;
    const from = layout.spotOf[layer]![rows[3 * index + 1]!]!;
    const to = layout.spotOf[layer + 1]![rows[3 * index + 2]!]!;
    const weight = weights[index]!;
    const pair = from * layout.spots.length + to;
    const other = strongest.get(pair);
    if (!other || Math.abs(weight) > Math.abs(other.weight)) strongest.set(pair, { index, from, to, weight });
  }
  return [...strongest.values()].sort((a, b) => Math.abs(a.weight) - Math.abs(b.weight)).slice(-most);
}

/** Return the weight of which the thickest line stands: the largest there is, rounded up to 1, 2 or 5 × 10ⁿ. */
export function thickestWeight(weights: Float32Array): number {
  let largest = 0;
  for (const weight of weights) if (Number.isFinite(weight)) largest = Math.max(largest, Math.abs(weight));
  if (largest === 0) return 1;
  const power = 10 ** Math.floor(Math.log10(largest));
  return power * ([1, 2, 5].find((factor) => largest <= factor * power) ?? 10);
}

/** Return the width level of a weight, from 0 to `LEVELS` - 1. */
export function levelOf(weight: number, thickest: number): number {
  if (!Number.isFinite(weight)) return LEVELS - 1;
  return Math.round(Math.min(Math.abs(weight) / thickest, 1) ** 0.7 * (LEVELS - 1));
}

/** Return the width of a line in pixels, among `count` lines: many lines are thinner, so that they can be told apart. */
export function widthOf(level: number, count: number): number {
  const crowding = Math.min(1, Math.sqrt(FEW / Math.max(count, 1)));
  return THINNEST + ((THICKEST - THINNEST) * crowding * level) / (LEVELS - 1);
}

/** How a connection is drawn. */
export interface Stroke {
  readonly edge: Edge;
  readonly level: number;
  /** How much it contributes to the row that is followed, from 0 to 1; null without such a row. */
  readonly glow: number | null;
  readonly isNegative: boolean;
}

/** Return how edges are drawn, the weakest first; `contributions` are those of the edges, from 0 to 1. */
export function strokesOf(edges: readonly Edge[], thickest: number, contributions: Float32Array | null): Stroke[] {
  const strokes = edges.map((edge, i): Stroke => {
    const glow = contributions ? Math.round(contributions[i]! * (GLOWS - 1)) / (GLOWS - 1) : null;
    return { edge, level: levelOf(edge.weight, thickest), glow, isNegative: edge.weight < 0 };
  });
  return strokes.sort((a, b) => (a.glow ?? 0) - (b.glow ?? 0) || a.level - b.level || a.edge.index - b.edge.index);
}

/** Return whether two drawings of the same layout look the same. */
export function isSameDrawing(some: readonly Stroke[], others: readonly Stroke[]): boolean {
  return (
    some.length === others.length &&
    some.every((stroke, i) => {
      const { edge, level, glow, isNegative } = others[i]!;
      return stroke.edge.index === edge.index && stroke.level === level && stroke.glow === glow && stroke.isNegative === isNegative;
    })
  );
}

/** The place of a connection in the network. */
export function placeOf(network: NetworkView, index: number): WeightPlace {
  const rows = network.edges.data;
  return { layer: rows[3 * index]!, source: rows[3 * index + 1]!, target: rows[3 * index + 2]! };
}

/** Return the place of a weight among the drawn connections, or -1. */
export function indexOf(network: NetworkView, place: WeightPlace): number {
  const rows = network.edges.data;
  for (let i = 0; i < rows.length; i += 3) {
    if (rows[i] === place.layer && rows[i + 1] === place.source && rows[i + 2] === place.target) return i / 3;
  }
  return -1;
}

export function isSamePlace(a: WeightPlace | null, b: WeightPlace | null): boolean {
  return a === b || (a !== null && b !== null && a.layer === b.layer && a.source === b.source && a.target === b.target);
}

/** A curve from spot to spot, level at both ends. */
export interface Curve {
  readonly x0: number;
  readonly y0: number;
  readonly x1: number;
  readonly y1: number;
  /** How far the control points lie from the ends. */
  readonly bend: number;
}

export function curveOf(layout: Layout, edge: Edge): Curve {
  const from = layout.spots[edge.from]!;
  const to = layout.spots[edge.to]!;
  const x0 = from.x + layout.radius;
  const x1 = to.x - layout.radius;
  return { x0, y0: from.y, x1, y1: to.y, bend: (x1 - x0) * 0.45 };
}

/** Return a point of a curve, for t from 0 to 1. */
export function pointAt(curve: Curve, t: number): readonly [x: number, y: number] {
  const s = 1 - t;
  const [b0, b1, b2, b3] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t];
  const x = b0 * curve.x0 + b1 * (curve.x0 + curve.bend) + b2 * (curve.x1 - curve.bend) + b3 * curve.x1;
  return [x, (b0 + b1) * curve.y0 + (b2 + b3) * curve.y1];
}

function squaredDistance(curve: Curve, x: number, y: number): number {
  const pieces = 24;
  let best = Infinity;
  let [ax, ay] = pointAt(curve, 0);
  for (let i = 1; i <= pieces; i++) {
    const [bx, by] = pointAt(curve, i / pieces);
    const [dx, dy] = [bx - ax, by - ay];
    const along = Math.max(0, Math.min(1, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy || 1)));
    best = Math.min(best, (ax + along * dx - x) ** 2 + (ay + along * dy - y) ** 2);
    [ax, ay] = [bx, by];
  }
  return best;
}

/** Return the connection nearest to a point, or null if none is within `tolerance` pixels. */
export function nearestEdge(layout: Layout, edges: readonly Edge[], x: number, y: number, tolerance = 8): Edge | null {
  let best: Edge | null = null;
  let least = tolerance * tolerance;
  for (const edge of edges) {
    const curve = curveOf(layout, edge);
    if (x < curve.x0 - tolerance || x > curve.x1 + tolerance) continue;
    const distance = squaredDistance(curve, x, y);
    if (distance <= least) {
      best = edge;
      least = distance;
    }
  }
  return best;
}
