/** Changes of the hidden layers. Layers are counted as in `NetworkView.layers`: the first hidden layer is layer 1. */
import type { NetworkView } from "../protocol.ts";

export function hiddenWidths(network: NetworkView): readonly number[] {
  return network.layers.slice(1, -1).map((layer) => layer.width);
}

export function resizeLayer(hidden: readonly number[], layer: number, width: number): number[] {
  return hidden.map((old, i) => (i === layer - 1 ? Math.max(1, width) : old));
}

export function removeLayer(hidden: readonly number[], layer: number): number[] {
  return hidden.filter((_, i) => i !== layer - 1);
}

/** Add a layer behind layer `layer`, as wide as the hidden layer before it, or else the one behind it, or 4. */
export function addLayer(hidden: readonly number[], layer: number): number[] {
  return [...hidden.slice(0, layer), hidden[layer - 1] ?? hidden[layer] ?? 4, ...hidden.slice(layer)];
}
