/** Networks for tests: fully connected, with every connection drawn. */
import type { LayerView, NetworkView } from "../src/protocol.ts";

export function makeNetwork(widths: readonly number[], columns: readonly string[] = []): NetworkView {
  const layers = widths.map((width, i): LayerView => {
    const names = i > 0 ? [] : Array.from({ length: width }, (_, k) => `x${k}`);
    return { width, activation: i === 0 ? "" : "relu", names, columns: i > 0 ? [] : columns.length > 0 ? columns : names };
  });
  const edges: number[] = [];
  widths.slice(1).forEach((width, layer) => {
    for (let source = 0; source < widths[layer]!; source++) {
      for (let target = 0; target < width; target++) edges.push(layer, source, target);
    }
  });
  const connections = edges.length / 3;
  const parameters = connections + widths.slice(1).reduce((a, b) => a + b, 0);
  const tensor = { shape: [connections, 3], data: Int32Array.from(edges) };
  return { layers, parameters, connections, edges_version: 1, edges_limit: 1500, edges: tensor };
}
