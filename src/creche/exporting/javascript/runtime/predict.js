// What the module exports: the columns, the classes and the function that predicts a row.

import { RowError, describeValue, readCell } from "./cells.js";
import { encodeRow } from "./encode.js";
import { runNetwork } from "./network.js";
import { average, calibrate, decodeOutputs, findInterval, measureDisagreement } from "./outputs.js";

/** Turns numbers, written as such or as base64 of their bytes, into arrays of them, wherever they are in the model. */
function decodeNumbers(value) {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(decodeNumbers);
  const numbers = value.float32 ?? value.float64;
  if (numbers === undefined) return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, decodeNumbers(v)]));
  if (typeof numbers !== "string") return Float64Array.from(numbers, value.float32 ? Math.fround : undefined);
  const view = new DataView(Uint8Array.from(atob(numbers), (c) => c.charCodeAt(0)).buffer);
  return value.float32
    ? Float64Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true))
    : Float64Array.from({ length: view.byteLength / 8 }, (_, i) => view.getFloat64(8 * i, true));
}

const model = decodeNumbers(MODEL);

/** The columns that a row needs: the name of each, its kind, and its categories if it has some. */
export const columns = model.columns.map(({ name, kind }, i) => {
  const { categories } = model.encoders[0][i];
  return categories ? { name, kind, categories: [...categories] } : { name, kind };
});

/** The classes, in the order of the training table; null if the label is a number, or there are several labels. */
export const classes = model.classes;

/**
 * Predicts one row.
 *
 * @param {Object<string, number|string|boolean|Date|null>|Array<number>} row  The value of each column by its name, null
 *   where it is missing; other columns are ignored. For a model of an array, the numbers of the row.
 * @returns {Object} `label` and `probabilities` by class, of several labels of yes or no both by label; or `prediction`,
 *   the number, or several by name. Of several networks also `disagreement`; if the export was asked for an interval,
 *   `low` and `high`, the limits of the number, or of several by name, or `inSet`, by class.
 * @throws {RowError} If a column is missing, or holds a value of another kind than in training.
 */
export function predict(row) {
  const cells = model.columns.map((column, i) => readCell(column, takeCell(column.name, row, i)));
  const predicted = model.networks.map((network) => {
    const round = network.isDouble ? (value) => value : Math.fround;
    const inputs = encodeRow(model.encoders[network.encoder], cells, network.inputs, round);
    const outputs = runNetwork(network, inputs, round);
    if (!outputs.every(Number.isFinite)) {
      throw new RowError("", `the network's output is ${outputs.find((value) => !Number.isFinite(value))}: a number of the row is too large`);
    }
    return decodeOutputs(network, outputs, round);
  });
  if (!model.shares) return present(predicted[0]);
  const mean = average(predicted, model.shares);
  const disagreement = measureDisagreement(model, predicted, mean, model.shares);
  const values = calibrate(model.calibration, mean);
  return { ...present(values), ...presentInterval(values), disagreement };
}

function takeCell(name, row, place) {
  if (row === null || typeof row !== "object") throw new RowError("", `the row is ${describeValue(row)}; needs an object with a value for each column`);
  const isArray = Array.isArray(row) && model.isArray;
  const cell = isArray ? row[place] : Object.hasOwn(row, name) ? row[name] : undefined;
  if (isArray && row.length !== model.columns.length) {
    throw new RowError("", `the row has ${row.length} numbers; the model reads ${model.columns.length}`);
  }
  if (cell === undefined) throw new RowError(name, "is not in the row; give null for a missing value");
  if (model.isArray && (cell === null || Number.isNaN(cell))) throw new RowError(name, `is ${describeValue(cell)}; needs a number`);
  return cell;
}

function nameEach(names, values) {
  return Object.fromEntries(names.map((name, i) => [String(name), values[i]]));
}

/** Names the limits, or the set of classes, if there are some. */
function presentInterval(values) {
  if (!model.interval) return {};
  const { inSet, low, high } = findInterval(model.interval, values, model.isRegression);
  if (inSet) return { inSet: nameEach(model.outcomes, inSet) };
  return low.length === 1 ? { low: low[0], high: high[0] } : { low: nameEach(model.labels, low), high: nameEach(model.labels, high) };
}

/** Names what is predicted. */
function present(values) {
  const named = (list) => nameEach(model.outcomes, list);
  if (model.isRegression) return { prediction: values.length === 1 ? values[0] : named(values) };
  if (!classes) {
    return { label: named(values.map((p, i) => p >= model.threshold[i])), probabilities: named(values) };
  }
  const best = model.threshold === null ? values.indexOf(Math.max(...values)) : Number(values[1] >= model.threshold);
  return { label: classes[best], probabilities: named(values) };
}
