/** Ticks and ranges of the axes of a chart. */
/** Round values between two positive ones, about `count` of them: powers of ten, with 2 and 5 times them if few. */
export function logTicks(low: number, high: number, count: number): number[] {
  const first = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => first + i);
  const inside = (factors: readonly number[]) =>
    powers
      .flatMap((power) => factors.map((factor) => Number(`${factor}e${power}`)))
      .filter((tick) => tick >= low && tick <= high);
  const finest = [[1, 2, 3, 4, 5, 6, 8], [1, 2, 5], [1, 3], [1]].map(inside).find((ticks) => ticks.length <= count);
  if (finest) return finest;
  const every = Math.ceil(powers.length / count);
  return inside([1]).filter((_, i) => i % every === 0);
}

/** A range of whole powers of ten would waste half of the chart; this one ends where the values do. */
export function logRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null || !(low > 0)) return [0.1, 1];
  return [Math.max(low / 1.15, Number.MIN_VALUE), Math.max(high, low * 1.2) * 1.15];
}

export function linearRange(low: number | null, high: number | null): [number, number] {
  if (low === null || high === null) return [0, 1];
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  return [low >= 0 && low < high * 0.25 ? 0 : low - room, high + room];
}

/** A tick without zeros at its end. */
export function writeTick(value: number): string {
  if (value !== 0 && (Math.abs(value) >= 1e6 || Math.abs(value) < 1e-3))
    return value.toExponential().replace("e+", "e");
  return String(Number(value.toPrecision(6)));
}
