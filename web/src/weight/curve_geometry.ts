/** The geometry of the loss against a weight: ranges that do not jump, the tangent, the way to the next weight. */
import type { WeightCurve } from "../protocol.ts";
import { extent, type Scale } from "../plot/scales.ts";

export type Range = readonly [low: number, high: number];

/**
 * Return the range to draw: the one drawn before, as long as the new one lies in it and fills at least a third of it.
 * So a point that moves is seen to move, and its axes do not.
 */
export function steadyRange(before: Range | null, [low, high]: Range): Range {
  if (before && low >= before[0] && high <= before[1] && high - low >= (before[1] - before[0]) / 3) return before;
  const margin = 0.06 * (high - low || 1);
  return [low - margin, high + margin];
}

/** Return the weights that the plot must show: those of the curve where its point is inside, else around its point. */
export function weightRange(curve: WeightCurve): Range {
  return extent([...curve.weights.data, curve.weight]);
}

export function lossRange(curve: WeightCurve): Range {
  return extent([...curve.losses.data, curve.loss]);
}

/** Return the loss on the drawn curve at a weight, by a line between its points; null outside the curve. */
export function lossAt(curve: WeightCurve, weight: number): number | null {
  const { data: weights } = curve.weights;
  const { data: losses } = curve.losses;
  for (let i = 1; i < weights.length; i++) {
    const [a, b] = [weights[i - 1]!, weights[i]!];
    if (weight < a || weight > b) continue;
    return losses[i - 1]! + ((losses[i]! - losses[i - 1]!) * (weight - a)) / (b - a || 1);
  }
  return null;
}

export interface Segment {
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** Return the tangent at the point, `length` pixels to each side of it. */
export function tangent(curve: WeightCurve, x: Scale, y: Scale, length: number): Segment | null {
  const [px, py] = [x.place(curve.weight), y.place(curve.loss)];
  const across = x.place(curve.weight + 1) - px;
  const up = y.place(curve.loss + curve.gradient) - py;
  const size = Math.hypot(across, up);
  if (!(size > 0) || !Number.isFinite(size + px + py)) return null;
  const [dx, dy] = [(across / size) * length, (up / size) * length];
  return { x1: px - dx, y1: py - dy, x2: px + dx, y2: py + dy };
}

/** Return where the arrow to the next weight begins and ends, and whether it is cut off at the edge of the plot. */
export function stepArrow(curve: WeightCurve, x: Scale): { from: number; to: number; isCut: boolean } | null {
  if (!Number.isFinite(curve.next_weight) || curve.next_weight === curve.weight) return null;
  const [left, right] = [x.place(x.low), x.place(x.high)];
  const to = x.place(curve.next_weight);
  const inside = Math.max(left, Math.min(right, to));
  return { from: x.place(curve.weight), to: inside, isCut: inside !== to };
}

/** Return the weight that a key leads to, from a weight in a range; null for other keys. */
export function weightAfterKey(key: string, weight: number, [low, high]: Range): number | null {
  const step = (high - low) / 100;
  const moves: Readonly<Record<string, number>> = {
    ArrowRight: step, ArrowUp: step, ArrowLeft: -step, ArrowDown: -step, PageUp: 10 * step, PageDown: -10 * step,
  };
  if (key === "Home") return low;
  if (key === "End") return high;
  const move = moves[key];
  return move === undefined ? null : Math.max(low, Math.min(high, weight + move));
}
