/** Where the neurons of a network stand in its drawing. Wide layers are folded, so that every network fits. */
import type { LayerView, NetworkView } from "../protocol.ts";
import { neuronTitle } from "./names.ts";

/** The most inputs and neurons of a layer that are drawn one by one. */
export const MOST_INPUTS = 20;
export const MOST_NEURONS = 16;

/** What is drawn as one mark: a neuron, or several that are folded. */
export interface Spot {
  readonly layer: number;
  readonly neurons: readonly number[];
  readonly title: string;
  readonly kind: "input" | "hidden" | "output";
  /** "column": the inputs that one column is encoded as; "rest": what there is no room for. */
  readonly folded: "no" | "column" | "rest";
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly width: number;
  readonly height: number;
  /** Half the side of a mark. */
  readonly radius: number;
  /** How far it is from layer to layer. */
  readonly step: number;
  readonly spots: readonly Spot[];
  /** For each layer, its spots from top to bottom, as indices of `spots`. */
  readonly layers: readonly (readonly number[])[];
  /** For each layer and neuron, the index of its spot. */
  readonly spotOf: readonly (readonly number[])[];
}

interface Group {
  readonly neurons: readonly number[];
  readonly title: string;
  readonly folded: Spot["folded"];
}

function countEdges(network: NetworkView): number[][] {
  const counts = network.layers.map((layer) => new Array<number>(layer.width).fill(0));
  const edges = network.edges.data;
  for (let i = 0; i < edges.length; i += 3) {
    const layer = edges[i]!;
    counts[layer]![edges[i + 1]!]! += 1;
    counts[layer + 1]![edges[i + 2]!]! += 1;
  }
  return counts;
}

function foldRest(groups: readonly Group[], most: number, counts: readonly number[], what: string): Group[] {
  if (groups.length <= most) return [...groups];
  const connections = (group: Group): number => group.neurons.reduce((sum, neuron) => sum + counts[neuron]!, 0);
  const strongest = new Set([...groups].sort((a, b) => connections(b) - connections(a)).slice(0, most - 1));
  const rest = groups.filter((group) => !strongest.has(group));
  return [
    ...groups.filter((group) => strongest.has(group)),
    { neurons: rest.flatMap((group) => group.neurons), title: `${rest.length} more ${what}`, folded: "rest" },
  ];
}

function groupInputs(layer: LayerView, counts: readonly number[]): Group[] {
  const singles = layer.names.map((name, i): Group => ({ neurons: [i], title: name, folded: "no" }));
  if (layer.width <= MOST_INPUTS) return singles;
  const columns = new Map<string, number[]>();
  layer.columns.forEach((column, i) => {
    const members = columns.get(column);
    if (members) members.push(i);
    else columns.set(column, [i]);
  });
  const groups = [...columns].map(
    ([column, neurons]): Group => ({ neurons, title: column, folded: neurons.length > 1 ? "column" : "no" }),
  );
  return foldRest(groups, MOST_INPUTS, counts, "columns");
}

function groupNeurons(network: NetworkView, layer: number, counts: readonly number[]): Group[] {
  const { width } = network.layers[layer]!;
  const singles = Array.from({ length: width }, (_, i): Group => {
    return { neurons: [i], title: neuronTitle(network, layer, i), folded: "no" };
  });
  return foldRest(singles, MOST_NEURONS, counts, layer === network.layers.length - 1 ? "outputs" : "neurons");
}

/** Margins of the drawing: room for the names of inputs and of outputs, and for the buttons above layers. */
export interface Margins {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

function groupLayers(network: NetworkView): Group[][] {
  const counts = countEdges(network);
  return network.layers.map((layer, i) => (i === 0 ? groupInputs(layer, counts[0]!) : groupNeurons(network, i, counts[i]!)));
}

/** Return the hidden neurons that have a spot of their own. */
export function drawnNeurons(network: NetworkView): { layer: number; neuron: number }[] {
  return groupLayers(network).slice(1, -1).flatMap((groups, i) => {
    return groups.filter(({ folded }) => folded === "no").map(({ neurons }) => ({ layer: i + 1, neuron: neurons[0]! }));
  });
}

/** Arrange a network in `width` pixels; the height follows from its widest layer. */
export function arrange(network: NetworkView, width: number, margins: Margins): Layout {
  const last = network.layers.length - 1;
  const groups = groupLayers(network);
  const tallest = Math.max(...groups.map((layer) => layer.length));
  const step = (width - margins.left - margins.right) / Math.max(last, 1);
  const gap = Math.min(64, Math.max(24, 440 / tallest));
  const radius = Math.max(6, Math.min(gap * 0.4, step * 0.3, 24));
  const inner = Math.max(tallest * gap, 200);
  const spots: Spot[] = [];
  const layers: number[][] = [];
  const spotOf = network.layers.map((layer) => new Array<number>(layer.width).fill(-1));
  groups.forEach((members, layer) => {
    const spread = Math.min(inner / members.length, 84);
    const first = margins.top + (inner - spread * members.length) / 2 + spread / 2;
    layers.push(
      members.map((group, i) => {
        for (const neuron of group.neurons) spotOf[layer]![neuron] = spots.length;
        const kind = layer === 0 ? "input" : layer === last ? "output" : "hidden";
        spots.push({ ...group, layer, kind, x: margins.left + step * layer, y: first + spread * i });
        return spots.length - 1;
      }),
    );
  });
  return { width, height: margins.top + inner + margins.bottom, radius, step, spots, layers, spotOf };
}

export type Direction = "up" | "down" | "left" | "right" | "first" | "last";

/** Return the spot that an arrow key leads to; at an edge of the drawing, the same spot. */
export function neighbour(layout: Layout, spot: number, direction: Direction): number {
  const { layer } = layout.spots[spot]!;
  const column = layout.layers[layer]!;
  const place = column.indexOf(spot);
  if (direction === "up") return column[Math.max(place - 1, 0)]!;
  if (direction === "down") return column[Math.min(place + 1, column.length - 1)]!;
  if (direction === "first") return column[0]!;
  if (direction === "last") return column[column.length - 1]!;
  const next = layout.layers[layer + (direction === "left" ? -1 : 1)];
  if (!next) return spot;
  const y = layout.spots[spot]!.y;
  return next.reduce((best, i) => {
    return Math.abs(layout.spots[i]!.y - y) < Math.abs(layout.spots[best]!.y - y) ? i : best;
  });
}
