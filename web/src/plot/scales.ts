/** Scales and numbers of the drawings in SVG: from values to pixels, round ticks, lines. */
import { logTicks } from "../charts/ticks.ts";

export interface Scale {
  readonly low: number;
  readonly high: number;
  readonly isLogarithmic: boolean;
  /** From a value to pixels. */
  readonly place: (value: number) => number;
  /** From pixels to a value. */
  readonly valueAt: (pixel: number) => number;
  readonly ticks: readonly number[];
}

/** Return a scale from [low, high] to [from, to] pixels, with about `count` ticks at round values. */
export function linearScale(low: number, high: number, from: number, to: number, count = 5): Scale {
  const [a, b] = high > low ? [low, high] : [low - 0.5, low + 0.5];
  const factor = (to - from) / (b - a);
  return {
    low: a,
    high: b,
    isLogarithmic: false,
    place: (value) => from + (value - a) * factor,
    valueAt: (pixel) => a + (pixel - from) / factor,
    ticks: roundTicks(a, b, count),
  };
}

/** Return a logarithmic scale, with at most `count` ticks; `low` must be above 0. */
export function logScale(low: number, high: number, from: number, to: number, count = 5): Scale {
  const [a, b] = high > low ? [Math.log10(low), Math.log10(high)] : [Math.log10(low) - 0.5, Math.log10(low) + 0.5];
  const factor = (to - from) / (b - a);
  return {
    low: 10 ** a,
    high: 10 ** b,
    isLogarithmic: true,
    place: (value) => from + (Math.log10(value) - a) * factor,
    valueAt: (pixel) => 10 ** (a + (pixel - from) / factor),
    ticks: logTicks(10 ** a, 10 ** b, count),
  };
}

function roundTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / Math.max(count, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5].find((factor) => rough <= factor * power) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const ticks = [];
  for (let i = first; i * step <= high + step * 1e-9; i++) ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

/** Return the lowest and the highest finite number; [0, 1] if there is none. */
export function extent(values: Iterable<number>): readonly [low: number, high: number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [0, 1];
}

/** Return the points of a polyline, leaving out what is not finite. */
export function polyline(xs: Iterable<number>, ys: ArrayLike<number>, x: Scale, y: Scale): string {
  const points: string[] = [];
  let i = 0;
  for (const value of xs) {
    const height = ys[i++]!;
    if (Number.isFinite(height) && (!y.isLogarithmic || height > 0)) {
      points.push(`${x.place(value).toFixed(1)},${y.place(height).toFixed(1)}`);
    }
  }
  return points.join(" ");
}
