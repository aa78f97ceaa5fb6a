/** What the diagram shows at a stage of a training step. */
import type { Reading } from "../network/diagram.tsx";
import { placeOf, type Edge } from "../network/edges.ts";
import type { Layout } from "../network/layout.ts";
import type { BatchTrace, NetworkView, Tensor, TracedLayer } from "../protocol.ts";
import type { Stage, StageKind } from "./stages.ts";

/** The row `row` of a matrix. */
export function rowOf(matrix: Tensor<Float32Array>, row: number): Float32Array {
  const width = matrix.shape[1]!;
  return matrix.data.subarray(row * width, (row + 1) * width);
}

/** The column `column` of a matrix. */
export function columnOf(matrix: Tensor<Float32Array>, column: number): Float32Array {
  const [rows, width] = matrix.shape;
  return Float32Array.from({ length: rows! }, (_, i) => matrix.data[i * width! + column]!);
}

/** Return the numbers of the drawn connections out of one matrix for each layer. */
export function numbersOfEdges(
  network: NetworkView,
  layers: readonly TracedLayer[],
  matrixOf: (layer: TracedLayer) => Tensor<Float32Array>,
): Float32Array {
  const matrices = layers.map(matrixOf);
  return Float32Array.from({ length: network.edges.shape[0]! }, (_, i) => {
    const { layer, source, target } = placeOf(network, i);
    const matrix = matrices[layer];
    return matrix ? matrix.data[source! * matrix.shape[1]! + target]! : 0;
  });
}

const BACKWARD: readonly StageKind[] = ["sum_gradients", "weight_gradients", "optimizer", "update"];

function valuesAt(trace: BatchTrace, row: number, stage: Stage): (Float32Array | null)[] {
  if (BACKWARD.includes(stage.kind)) {
    const first = stage.kind === "sum_gradients" ? stage.layer : 1;
    return [null, ...trace.layers.map((layer, i) => (i + 1 >= first ? rowOf(layer.sum_gradients, row) : null))];
  }
  const forward = trace.layers.map((layer, i) => {
    if (i + 1 > stage.layer) return null;
    if (i + 1 === stage.layer && stage.kind === "sums") return rowOf(layer.sums, row);
    return i + 1 === trace.layers.length ? predictionsOf(trace, row) : rowOf(layer.activations, row);
  });
  return [rowOf(trace.inputs, row), ...forward];
}

/** The prediction of each output; where two classes share an output, that of the second class. */
export function predictionsOf(trace: BatchTrace, row: number): Float32Array {
  return rowOf(trace.predictions, row).slice(-trace.layers.at(-1)!.bias.data.length);
}

/** Return how much a connection stands out at a stage: those that numbers flow along. */
function glowAt(stage: Stage, layout: Layout, edges: readonly Edge[]): Float32Array | null {
  const isForward = stage.kind === "sums";
  if (!isForward && stage.kind !== "sum_gradients") return null;
  return Float32Array.from(edges, (edge) => {
    const target = layout.spots[edge.to]!.layer;
    return target === (isForward ? stage.layer : stage.layer + 1) ? 0.9 : 0;
  });
}

const MEANINGS: Readonly<Record<StageKind, string>> = {
  inputs: "input", sums: "z", activations: "activation", predictions: "prediction", differences: "prediction",
  losses: "prediction", sum_gradients: "gradient", weight_gradients: "gradient", optimizer: "gradient", update: "gradient",
};

/** Return the reading of the diagram for one row of a traced batch. */
export function readStage(
  network: NetworkView,
  trace: BatchTrace,
  row: number,
  stage: Stage,
  format: (prediction: number) => Reading["outputs"][number],
): Reading {
  const isUpdate = stage.kind === "update";
  const isGradient = stage.kind === "weight_gradients" || stage.kind === "optimizer";
  const weights = numbersOfEdges(network, trace.layers, (layer) => {
    return isGradient ? layer.weight_gradients : isUpdate ? layer.weights_after : layer.weights;
  });
  const isPredicted = !["inputs", "sums", "activations"].includes(stage.kind);
  return {
    weights,
    values: valuesAt(trace, row, stage),
    outputs: isPredicted ? [...predictionsOf(trace, row)].map(format) : [],
    glow: (layout, edges) => glowAt(stage, layout, edges),
    meaning: MEANINGS[stage.kind],
    edgeMeaning: isGradient ? "gradient" : isUpdate ? "weight after the step" : "weight",
  };
}
