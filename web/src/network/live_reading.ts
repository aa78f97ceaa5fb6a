/** What the diagram shows while a network trains: its weights, and the way of the row that is followed. */
import { formatNumber } from "../plot/scales.ts";
import type { NetworkView, TableView, Tick } from "../protocol.ts";
import { contributionsOf, splitByLayer } from "./activity.ts";
import type { Reading } from "./diagram.tsx";

/** Return the reading of a tick; an older tick than the network has no weights for its connections. */
export function readTick(network: NetworkView, tick: Tick, task: TableView["task"]): Reading {
  const fits = tick.edges_version === network.edges_version;
  const weights = fits ? tick.edge_weights.data : new Float32Array(0);
  const layers = splitByLayer(network, tick.activations.data);
  const outputs = [...tick.probabilities.data].map((number) => {
    if (task === "regression") return { text: formatNumber(number), share: null };
    return { text: formatShare(number), share: number };
  });
  return {
    weights,
    values: layers,
    outputs,
    glow: layers && ((layout, edges) => contributionsOf(network, layout, edges, layers)),
    meaning: "activation",
  };
}

/** Return a probability in percent, such as "97.4 %"; what is neither 0 nor 1 is not rounded to it. */
export function formatShare(share: number): string {
  if (!Number.isFinite(share)) return formatNumber(share);
  const percent = share * 100;
  if (percent > 0 && percent < 0.05) return "< 0.1 %";
  if (percent < 100 && percent >= 99.95) return "> 99.9 %";
  return `${percent.toFixed(1)} %`;
}
