/** What a row does in the network: activations of its neurons, and how much each connection contributes. */
import type { NetworkView } from "../protocol.ts";
import type { Edge } from "./edges.ts";
import type { Layout } from "./layout.ts";

/** Split `Tick.activations` into layers, inputs first; null without activations. */
export function splitByLayer(network: NetworkView, activations: Float32Array): Float32Array[] | null {
  const widths = network.layers.map((layer) => layer.width);
  if (activations.length !== widths.reduce((a, b) => a + b, 0)) return null;
  let begin = 0;
  return widths.map((width) => activations.subarray(begin, (begin += width)));
}

/** Return the biases of one layer (counted from 1, the first after the inputs) out of `Tick.biases`. */
export function biasesOf(network: NetworkView, biases: Float32Array, layer: number): Float32Array {
  let begin = 0;
  for (let i = 1; i < layer; i++) begin += network.layers[i]!.width;
  return biases.subarray(begin, begin + network.layers[layer]!.width);
}

/** Return, for each spot, its largest number in absolute value relative to its layer: from -1 to 1. */
export function activityOf(layout: Layout, layers: readonly (Float32Array | null)[]): Float32Array {
  const activity = new Float32Array(layout.spots.length);
  layout.layers.forEach((spots, layer) => {
    const values = layers[layer];
    if (!values) return;
    const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (!(largest > 0) || !Number.isFinite(largest)) return;
    for (const i of spots) {
      const strongest = layout.spots[i]!.neurons.reduce((most, neuron) => {
        return Math.abs(values[neuron]!) > Math.abs(most) ? values[neuron]! : most;
      }, 0);
      activity[i] = strongest / largest;
    }
  });
  return activity;
}

/**
 * Return how much each connection contributes: weight × activation of its source, relative to the largest
 * contribution to the same layer, without its sign: from 0 to 1.
 */
export function contributionsOf(
  network: NetworkView,
  layout: Layout,
  edges: readonly Edge[],
  layers: readonly Float32Array[],
): Float32Array {
  const products = edges.map((edge) => {
    const layer = layout.spots[edge.from]!.layer;
    return Math.abs(edge.weight * layers[layer]![network.edges.data[3 * edge.index + 1]!]!);
  });
  const largest = new Array<number>(network.layers.length).fill(0);
  edges.forEach((edge, i) => {
    const { layer } = layout.spots[edge.to]!;
    if (Number.isFinite(products[i])) largest[layer] = Math.max(largest[layer]!, products[i]!);
  });
  return Float32Array.from(edges, (edge, i) => {
    const most = largest[layout.spots[edge.to]!.layer]!;
    return most > 0 ? Math.min(products[i]! / most, 1) || 0 : 0;
  });
}
