import assert from "node:assert/strict";
import { test } from "node:test";

import type { BatchTrace, Tensor, TracedLayer } from "../src/protocol.ts";
import { arrange } from "../src/network/layout.ts";
import { strongestEdges } from "../src/network/edges.ts";
import { parseRows } from "../src/step/parse_rows.ts";
import { columnOf, numbersOfEdges, readStage, rowOf } from "../src/step/read_stage.ts";
import { stagesOf } from "../src/step/stages.ts";
import { makeNetwork } from "./networks.ts";

const network = makeNetwork([2, 3, 2]);
const matrix = (rows: number, width: number, first: number): Tensor<Float32Array> => {
  return { shape: [rows, width], data: Float32Array.from({ length: rows * width }, (_, i) => first + i) };
};

function layer(inputs: number, width: number, first: number): TracedLayer {
  return {
    activation: "relu", sums: matrix(2, width, first), activations: matrix(2, width, first + 10),
    sum_gradients: matrix(2, width, first + 20), weights: matrix(inputs, width, first + 30), bias: matrix(1, width, 0),
    weight_gradients: matrix(inputs, width, first + 40), bias_gradients: matrix(1, width, 0),
    weights_after: matrix(inputs, width, first + 50), bias_after: matrix(1, width, 0), optimizer_arrays: [],
  };
}

const trace: BatchTrace = {
  rows: { shape: [2], data: Int32Array.of(7, 9) }, row_names: ["row 7", "row 9"], input_names: ["a", "b"],
  output_names: ["u", "v"], inputs: matrix(2, 2, 0), layers: [layer(2, 3, 100), layer(3, 2, 200)],
  predictions: matrix(2, 2, 1), labels: matrix(2, 2, 2), differences: matrix(2, 2, 3), squares: matrix(2, 2, 4),
  mean_squares: matrix(1, 2, 5), row_losses: matrix(1, 2, 6), loss_name: "cross-entropy", loss: 1, loss_after: 0.5,
  optimizer: "SGD", learning_rate: 0.1,
};
const stages = stagesOf(network, "classification", "SGD");
const format = (share: number) => ({ text: String(share), share });

test("a step goes forward through every layer, to the loss, and back through every layer", () => {
  assert.deepEqual(
    stages.map(({ kind, layer: at }) => `${kind} ${at}`),
    [
      "inputs 0", "sums 1", "activations 1", "sums 2", "predictions 2", "differences 2", "losses 2", "sum_gradients 2",
      "sum_gradients 1", "weight_gradients 2", "optimizer 2", "update 2",
    ],
  );
  assert.equal(new Set(stages.map(({ title }) => title)).size, stages.length);
});

test("the numbers of a stage are those of the chosen row, and later layers have none yet", () => {
  const read = (kind: string, at: number) => {
    return readStage(network, trace, 1, stages.find((stage) => stage.kind === kind && stage.layer === at)!, format).values!;
  };
  const numbers = (values: readonly (Float32Array | null)[]) => values.map((layers) => layers && [...layers]);
  assert.deepEqual(numbers(read("inputs", 0)), [[2, 3], null, null]);
  assert.deepEqual(numbers(read("sums", 1)), [[2, 3], [103, 104, 105], null]);
  assert.deepEqual(numbers(read("sums", 2)), [[2, 3], [113, 114, 115], [202, 203]]);
  assert.deepEqual(numbers(read("sum_gradients", 2)), [null, null, [222, 223]]);
  assert.deepEqual(numbers(read("sum_gradients", 1)), [null, [123, 124, 125], [222, 223]]);
});

test("a connection has the number of its weight in the matrix", () => {
  const weights = numbersOfEdges(network, trace.layers, ({ weights: matrices }) => matrices);
  // The connections of `makeNetwork` are in the order of the matrices' numbers.
  assert.deepEqual([...weights], [...trace.layers[0]!.weights.data, ...trace.layers[1]!.weights.data]);
  const last = stages.at(-1)!;
  assert.equal(readStage(network, trace, 0, last, format).weights[0], 150);
});

test("connections along which numbers flow stand out", () => {
  const layout = arrange(network, 600, { left: 80, right: 80, top: 0, bottom: 0 });
  const stage = stages.find(({ kind, layer: at }) => kind === "sums" && at === 2)!;
  const reading = readStage(network, trace, 0, stage, format);
  const edges = strongestEdges(network, layout, reading.weights, 100);
  const glow = reading.glow!(layout, edges)!;
  edges.forEach((edge, i) => assert.equal(glow[i]! > 0, layout.spots[edge.to]!.layer === 2));
});

test("rows and columns of a matrix", () => {
  assert.deepEqual([...rowOf(matrix(3, 2, 0), 2)], [4, 5]);
  assert.deepEqual([...columnOf(matrix(3, 2, 0), 1)], [1, 3, 5]);
});

test("row numbers are read as they are typed", () => {
  assert.deepEqual(parseRows(" 17, 130 2-4", 200), [17, 130, 2, 3, 4]);
  assert.deepEqual(parseRows("", 200), []);
  assert.deepEqual(parseRows("5,5", 200), [5]);
  for (const text of ["0", "201", "4-2", "x", "1-100"]) assert.equal(typeof parseRows(text, 200), "string");
});
