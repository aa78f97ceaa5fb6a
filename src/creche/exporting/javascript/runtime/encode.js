// From the values of cells to the inputs of a network: numbers, categories and dates, each by its encoder.

import { RowError, parseBoolean, parsePlain, writeNumber } from "./cells.js";
import { hashWord } from "./blake2b.js";

/** Returns the inputs of a row, rounded to the precision of the network. */
export function encodeRow(encoders, cells, width, round) {
  const inputs = new Float64Array(width);
  let at = 0;
  encoders.forEach((encoder, i) => {
    const own = inputs.subarray(at, (at += encoder.width));
    if (own.length === 0) return;
    WRITERS[encoder.role](encoder, cells[i], own);
    own.forEach((value, k) => {
      own[k] = round(value);
      if (!Number.isFinite(own[k])) throw new RowError(encoder.name, `is ${cells[i]}, which is too large for the network`);
    });
  });
  return inputs;
}

const WRITERS = { numeric: writeNumeric, categorical: writeCategory, datetime: writeMoment };

function writeNumeric(encoder, value, out) {
  const isMissing = Number.isNaN(value);
  if (encoder.marked && isMissing) out[out.length - 1] = 1;
  const filled = isMissing ? encoder.fill : value;
  const scaled = encoder.knots
    ? interpolate(filled, encoder.knots, encoder.heights)
    : (filled - encoder.center) / (encoder.scale ?? Infinity);
  out[0] = encoder.clipped ? clipSmoothly(scaled) : scaled;
  const edges = encoder.edges ?? [];
  if (encoder.marked && isMissing) return;
  const size = edges.length > 0 ? sizeOf(edges[0], edges[edges.length - 1]) : 1;
  for (let i = 0; i + 1 < edges.length; i++) {
    const [low, high] = [edges[i] * size, edges[i + 1] * size];
    out[1 + i] = clip((filled * size - low) / (high - low), 0, 1);
  }
}

function clip(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** Returns x / sqrt(1 + (x / 3)²): 3 for infinity. */
function clipSmoothly(value) {
  const near = clip(value, -3 * 2 ** 60, 3 * 2 ** 60);
  return near / Math.sqrt(1 + (near / 3) * (near / 3));
}

/** Returns by what numbers between two are multiplied, so that their distance does not overflow. */
function sizeOf(lowest, highest) {
  return highest / 2 - lowest / 2 > 2 ** 1000 ? 0.25 : 1;
}

/** Interpolates between knots in ascending order; beyond them the curve is constant. */
function interpolate(value, knots, heights) {
  if (knots.length === 1) return 0;
  let [low, high] = [0, knots.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (knots[middle] < value) low = middle + 1;
    else high = middle;
  }
  const right = clip(low, 1, knots.length - 1);
  const size = sizeOf(knots[0], knots[knots.length - 1]);
  const [left, end] = [knots[right - 1] * size, knots[right] * size];
  const share = clip((value * size - left) / (end - left), 0, 1);
  const [bottom, top] = [heights[right - 1], heights[right]];
  return share === 1 ? top : Math.min(bottom + share * (top - bottom), top);
}

function writeCategory(encoder, word, out) {
  const place = word === null ? -1 : findCategory(encoder, word);
  if (encoder.coded) {
    out[0] = place + 1;
    return;
  }
  if (word === null && encoder.marked) out[out.length - 1] = 1;
  if (encoder.signed) {
    if (place >= 0) out[0] = place === 0 ? -1 : 1;
  } else if (place >= 0) out[place] = 1;
  (encoder.centers ?? []).forEach((center, i) => {
    const scaled = (out[i] - center) / encoder.scales[i];
    out[i] = encoder.clipped ? clipSmoothly(scaled) : scaled;
  });
}

/** Returns the number of a category, or of the input that rare ones share; -1 for none. */
function findCategory(encoder, word) {
  encoder.places ??= new Map(encoder.categories.map((category, i) => [category, i]));
  const known = encoder.places.get(word);
  if (known !== undefined) return known;
  const value = valueOf(word, encoder.kind);
  if (Object.hasOwn(encoder.sameValues, value)) return encoder.sameValues[value];
  const same = encoder.places.get(value);
  if (same !== undefined) return same;
  if (encoder.buckets === 0) return -1;
  return encoder.categories.length + Number(encoder.buckets === 1 ? 0 : hashWord(value) % BigInt(encoder.buckets));
}

/** Returns one word for 10115, 10115.0 and "10115", and for True, "true" and "TRUE". */
function valueOf(word, kind) {
  const lower = word.toLowerCase();
  if (lower === "true" || lower === "false") return lower;
  if (kind === "boolean" && parseBoolean(word) !== undefined) return parseBoolean(word) ? "true" : "false";
  const value = parsePlain(word);
  if (value === undefined || !Number.isFinite(value)) return word;
  if (/^[+-]?[0-9]+$/.test(word) && value > -(2 ** 63) && value < 2 ** 63) return String(BigInt(word.replace("+", "")));
  return Number.isInteger(value) && Math.abs(value) < 2 ** 63 ? String(BigInt(value)) : writeNumber(value);
}

function writeMoment(encoder, moment, out) {
  if (moment === null) {
    if (encoder.marked) out[out.length - 1] = 1;
    return;
  }
  const { days, microseconds } = moment;
  const date = new Date(days * 86_400_000);
  const hours = (days * 86_400_000_000 + microseconds) / 3_600_000_000;
  let at = 0;
  const scale = (value, [mean, deviation]) => (out[at++] = (value - mean) / deviation);
  const turn = (part, parts) => {
    out[at++] = Math.sin((2 * Math.PI * part) / parts);
    out[at++] = Math.cos((2 * Math.PI * part) / parts);
  };
  const write = {
    year: () => scale(date.getUTCFullYear(), encoder.year),
    month: () => turn(date.getUTCMonth(), 12),
    day: () => scale(date.getUTCDate() - 1, encoder.day),
    weekday: () => turn((date.getUTCDay() + 6) % 7, 7),
    hour: () => turn(Math.floor(microseconds / 3_600_000_000), 24),
    moment: () => scale(hours, encoder.moment),
  };
  encoder.parts.forEach((part) => write[part]());
}
