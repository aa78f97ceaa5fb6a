/** Marks of classes: each class has its shape and its colour, so that colour alone never tells them apart. */

interface Props {
  readonly number: number;
  readonly x: number;
  readonly y: number;
  readonly size: number;
}

/** The shapes in a square from -1 to 1: circle, triangle, square, diamond, cross, triangle pointing down. */
const SHAPES = [
  "M-1,0a1,1 0 1 0 2,0a1,1 0 1 0 -2,0z",
  "M0,-1.1L1.1,0.9L-1.1,0.9z",
  "M-0.9,-0.9H0.9V0.9H-0.9z",
  "M0,-1.25L1.25,0L0,1.25L-1.25,0z",
  "M-1,-0.4H-0.4V-1H0.4V-0.4H1V0.4H0.4V1H-0.4V0.4H-1z",
  "M0,1.1L1.1,-0.9L-1.1,-0.9z",
];

/** Return the colour of a class, among the `--series-1` … of the style sheet. */
export function classColour(number: number): string {
  return `var(--series-${(Math.max(0, Math.round(number)) % SHAPES.length) + 1})`;
}

export function ClassMark({ number, x, y, size }: Props) {
  const shape = SHAPES[Math.max(0, Math.round(number)) % SHAPES.length];
  const transform = `translate(${x.toFixed(1)} ${y.toFixed(1)}) scale(${size})`;
  return <path class="class-mark" d={shape} transform={transform} style={{ fill: classColour(number) }} />;
}
