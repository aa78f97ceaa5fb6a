/** Changes of the hidden layers. Layers are counted as in `NetworkView.layers`: the first hidden layer is layer 1. */
import type { NetworkView } from "../protocol.ts";
import type { Layout } from "./layout.ts";

export function hiddenWidths(network: NetworkView): readonly number[] {
  return network.layers.slice(1, -1).map((layer) => layer.width);
}

/** Set the width of a layer; one without neurons goes. */
export function resizeLayer(hidden: readonly number[], layer: number, width: number): number[] {
  return hidden.flatMap((old, i) => (i !== layer - 1 ? old : width > 0 ? width : []));
}

/** Add a layer behind layer `layer`, as wide as the hidden layer before it, or else the one behind it, or 4. */
export function addLayer(hidden: readonly number[], layer: number): number[] {
  return [...hidden.slice(0, layer), hidden[layer - 1] ?? hidden[layer] ?? 4, ...hidden.slice(layer)];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** Return how far it is from neuron to neuron of a layer, and how many neurons that distance stands for. */
function pitchOf(layout: Layout, layer: number, width: number): { readonly pixels: number; readonly neurons: number } {
  const [first, second] = layout.layers[layer]!.map((spot) => layout.spots[spot]!.y);
  const pixels = second === undefined ? 2.5 * layout.radius : second - first!;
  return { pixels, neurons: Math.max(1, Math.round(width / layout.layers[layer]!.length)) };
}

/** Return how wide a layer becomes when its lower end is drawn `distance` pixels down, or up where that is below 0. */
export function widthAfterDrag(layout: Layout, layer: number, width: number, distance: number): number {
  const { pixels, neurons } = pitchOf(layout, layer, width);
  return Math.max(0, width + neurons * Math.round(distance / pixels));
}

/** Return where the neurons would stand that a wider layer has more, below those that it has. */
export function ghostSpots(layout: Layout, layer: number, width: number, wanted: number): Point[] {
  const { pixels, neurons } = pitchOf(layout, layer, width);
  const { x, y } = layout.spots[layout.layers[layer]!.at(-1)!]!;
  const more = Math.max(0, Math.round((wanted - width) / neurons));
  return Array.from({ length: more }, (_, i) => ({ x, y: y + pixels * (i + 1) }));
}

/** Return where the neurons stand that a narrower layer loses. */
export function leavingSpots(layout: Layout, layer: number, width: number, wanted: number): Point[] {
  const { neurons } = pitchOf(layout, layer, width);
  const spots = layout.layers[layer]!.map((spot) => layout.spots[spot]!);
  const fewer = wanted === 0 ? spots.length : Math.max(0, Math.round((width - wanted) / neurons));
  return fewer === 0 ? [] : spots.slice(-fewer);
}
