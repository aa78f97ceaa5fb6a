/** Linear scales for the plots that the page draws itself. */

export interface Scale {
  (value: number): number;
  /** The value at a position. */
  invert(position: number): number;
  /** Round values within the domain, about `count` of them. */
  ticks(count: number): number[];
}

export function linearScale(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const [from, to] = domain;
  const [start, end] = range;
  const slope = to === from ? 0 : (end - start) / (to - from);
  const scale = (value: number): number => start + (value - from) * slope;
  return Object.assign(scale, {
    invert: (position: number) => (slope === 0 ? from : from + (position - start) / slope),
    ticks: (count: number) => roundTicks(Math.min(from, to), Math.max(from, to), count),
  });
}

/** Multiples of 1, 2 or 5 times a power of ten. */
export function roundTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / Math.max(1, count);
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999) ?? 10);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Dividing by a whole number where the step is a fraction keeps 0.3 from becoming 0.30000000000000004.
  const inverse = Math.round(1 / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
    step < 1 && Math.abs(inverse * step - 1) < 1e-9 ? (first + i) / inverse : (first + i) * step,
  );
}
