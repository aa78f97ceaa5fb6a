/** What the diagram shows while a network trains: its weights, and the way of the row that is followed. */
import type { NetworkView, TableView, Tick } from "../protocol.ts";
import { writeNumber, writePercent } from "../ui/numbers.ts";
import { contributionsOf, splitByLayer } from "./activity.ts";
import type { Reading } from "./diagram.tsx";

/** Return the reading of a tick; an older tick than the network has no weights for its connections. */
export function readTick(network: NetworkView, tick: Tick, task: TableView["task"]): Reading {
  const fits = tick.edges_version === network.edges_version;
  const weights = fits ? tick.edge_weights.data : new Float32Array(0);
  const layers = splitByLayer(network, tick.activations.data);
  // Two classes may share an output, which is then the probability of the second.
  const predicted = [...tick.probabilities.data].slice(-network.layers.at(-1)!.width);
  const outputs = predicted.map((number) => {
    if (task === "regression") return { text: writeNumber(number), share: null };
    return { text: writePercent(number), share: number };
  });
  return {
    weights,
    values: layers,
    outputs,
    glow: layers && ((layout, edges) => contributionsOf(network, layout, edges, layers)),
    meaning: "activation",
    edgeMeaning: "weight",
  };
}
