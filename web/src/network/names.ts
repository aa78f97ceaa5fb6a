/** How layers, neurons and weights are called in sentences. */
import type { NetworkView } from "../protocol.ts";
import type { WeightPlace } from "../store.ts";

/** Return the name of a neuron in sentences: a class, an input, or "neuron 3 of layer 1". */
export function neuronTitle(network: NetworkView, layer: number, neuron: number): string {
  const name = network.layers[layer]?.names[neuron];
  return name !== undefined && name !== "" ? name : `neuron ${neuron} of layer ${layer}`;
}

/** Return the name of a weight: "mass → neuron 3 of layer 1", or "bias of neuron 3 of layer 1". */
export function weightTitle(network: NetworkView, { layer, source, target }: WeightPlace): string {
  const to = neuronTitle(network, layer + 1, target);
  return source === null ? `bias of ${to}` : `${neuronTitle(network, layer, source)} → ${to}`;
}

/** Return the shape of a network as it is usually written, such as "4-5-5-3". */
export function shapeOf(network: NetworkView): string {
  return network.layers.map((layer) => layer.width).join("-");
}
