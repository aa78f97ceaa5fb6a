/** How numbers and words are written on the page. */
const MINUS = "\u2212";
const COUNTS = new Intl.NumberFormat("en");

/** A number with about four digits that count: 0.0123, 12.34, 1.2e-7. A number that does not exist is a dash. */
export function writeNumber(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  const size = Math.abs(value);
  if (size === 0) return "0";
  const text = size < 1e-4 || size >= 1e7 ? writeExponent(value, digits) : writePlain(value, size, digits);
  return text.replace("-", MINUS);
}

function writePlain(value: number, size: number, digits: number): string {
  if (Number.isInteger(value) && size >= 10 ** digits) return COUNTS.format(value);
  const whole = size >= 1 ? Math.floor(Math.log10(size)) + 1 : 1;
  const smaller = size < 1 ? -Math.floor(Math.log10(size)) - 1 : 0;
  return value.toFixed(Math.max(0, Math.min(8, digits - whole + (size < 1 ? 1 : 0) + smaller)));
}

function writeExponent(value: number, digits: number): string {
  const [mantissa, exponent] = value.toExponential(digits - 2).split("e") as [string, string];
  return `${mantissa}e${exponent.replace("+", "")}`;
}

/** A number in as few characters as fit into a mark of the drawing: 0.05, −1.2, 37, 2e5. */
export function writeTiny(value: number): string {
  if (!Number.isFinite(value)) return writeNumber(value);
  const size = Math.abs(value);
  if (size >= 1e4) return value.toExponential(0).replace("e+", "e").replace("-", MINUS);
  const text = value.toFixed(size >= 9.95 ? 0 : size >= 0.995 ? 1 : 2);
  return Number(text) === 0 ? "0" : text.replace("-", MINUS);
}

/** A number as short as it can be: 0.001, 3e-5, 32. For settings, which people choose. */
export function writeShort(value: number): string {
  if (value === 0) return "0";
  const rounded = Number(value.toPrecision(3));
  return Math.abs(rounded) < 1e-4 ? rounded.toExponential().replace("e+", "e") : String(rounded);
}

/** A whole number with separators of thousands. */
export function writeCount(value: number): string {
  return COUNTS.format(value);
}

/** "1 row", "2 rows". */
export function countOf(value: number, noun: string): string {
  return `${writeCount(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A share in percent. One that is near 0 or 1 is not rounded to it: 3.4 %, 50 %, 99.7 %, > 99.9 %. */
export function writePercent(share: number): string {
  if (share > 0 && share < 0.0005) return "< 0.1 %";
  if (share < 1 && share >= 0.9995) return "> 99.9 %";
  const isNearEnd = (share > 0 && share < 0.1) || (share > 0.9 && share < 1);
  return `${(100 * share).toFixed(isNearEnd ? 1 : 0)} %`;
}

const BYTES = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** A number of bytes with about two digits that count: 512 bytes, 1.5 KiB, 64 MiB. */
export function writeBytes(bytes: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), BYTES.length - 1);
  const size = bytes / 1024 ** power;
  return `${size < 10 ? Number(size.toFixed(1)) : COUNTS.format(Math.round(size))} ${BYTES[power]}`;
}

/** A key of the protocol as words: "leaky_relu" is "leaky relu". */
export function writeWords(key: string): string {
  return key.replaceAll("_", " ");
}

/** Words as a sentence: with a capital, and a full stop unless there is one. */
export function writeSentence(words: string): string {
  if (words === "") return "";
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.!?…]$/.test(words) ? "" : "."}`;
}
