import assert from "node:assert/strict";
import { test } from "node:test";

import { arrange, drawnNeurons, MOST_INPUTS, MOST_NEURONS, neighbour } from "../src/network/layout.ts";
import { makeNetwork } from "./networks.ts";

const MARGINS = { left: 100, right: 100, top: 10, bottom: 10 };

test("every neuron of a small network has a spot of its own, inside the drawing", () => {
  const layout = arrange(makeNetwork([4, 5, 5, 3]), 700, MARGINS);
  assert.deepEqual(layout.layers.map((layer) => layer.length), [4, 5, 5, 3]);
  for (const { x, y, neurons } of layout.spots) {
    assert.equal(neurons.length, 1);
    assert.ok(x - layout.radius >= 0 && x + layout.radius <= layout.width);
    assert.ok(y - layout.radius >= 0 && y + layout.radius <= layout.height);
  }
});

test("no two spots of a layer touch, however wide the network", () => {
  for (const widths of [[4, 5, 3], [200, 512, 512, 40], [1, 1, 1]]) {
    const layout = arrange(makeNetwork(widths), 390, MARGINS);
    for (const layer of layout.layers) {
      const heights = layer.map((i) => layout.spots[i]!.y);
      heights.slice(1).forEach((y, i) => assert.ok(y - heights[i]! >= 2 * layout.radius));
    }
  }
});

test("inputs of one column are folded where there are many", () => {
  const columns = Array.from({ length: 30 }, (_, i) => (i < 25 ? "island" : `mass${i}`));
  const layout = arrange(makeNetwork([30, 3], columns), 700, MARGINS);
  const [island] = layout.layers[0]!.map((i) => layout.spots[i]!);
  assert.equal(layout.layers[0]!.length, 6);
  assert.equal(island!.title, "island");
  assert.equal(island!.neurons.length, 25);
});

test("a wide layer keeps its neurons with most drawn connections, and counts the rest", () => {
  const network = makeNetwork([2, 40, 2]);
  // Only neurons 30 to 39 have connections that are drawn.
  const kept = [...network.edges.data].reduce<number[]>((rows, _, i, all) => {
    if (i % 3 === 0) {
      const row = all.slice(i, i + 3);
      if ((row[0] === 0 ? row[2]! : row[1]!) >= 30) rows.push(...row);
    }
    return rows;
  }, []);
  const layout = arrange({ ...network, edges: { shape: [kept.length / 3, 3], data: Int32Array.from(kept) } }, 700, MARGINS);
  const spots = layout.layers[1]!.map((i) => layout.spots[i]!);
  assert.equal(spots.length, MOST_NEURONS);
  for (let neuron = 30; neuron < 40; neuron++) assert.ok(spots.some((spot) => spot.folded === "no" && spot.neurons[0] === neuron));
  const rest = spots.at(-1)!;
  assert.equal(rest.folded, "rest");
  assert.equal(rest.title, `${40 - MOST_NEURONS + 1} more neurons`);
});

test("every neuron of a folded network belongs to exactly one spot", () => {
  const layout = arrange(makeNetwork([90, 64, 20]), 700, MARGINS);
  assert.ok(layout.layers[0]!.length <= MOST_INPUTS);
  layout.spotOf.forEach((spots, layer) => {
    spots.forEach((spot, neuron) => {
      const owners = layout.layers[layer]!.filter((i) => layout.spots[i]!.neurons.includes(neuron));
      assert.deepEqual(owners, [spot]);
    });
  });
});

test("the drawn neurons are those that are not folded", () => {
  assert.deepEqual(drawnNeurons(makeNetwork([4, 2, 1, 3])), [
    { layer: 1, neuron: 0 },
    { layer: 1, neuron: 1 },
    { layer: 2, neuron: 0 },
  ]);
  assert.equal(drawnNeurons(makeNetwork([4, 40, 40, 3])).length, 2 * (MOST_NEURONS - 1));
});

test("arrow keys reach every spot, and stop at the edges", () => {
  const layout = arrange(makeNetwork([3, 4, 2]), 700, MARGINS);
  const reached = new Set([0]);
  for (const spot of reached) {
    for (const direction of ["up", "down", "left", "right"] as const) reached.add(neighbour(layout, spot, direction));
  }
  assert.equal(reached.size, layout.spots.length);
  assert.equal(neighbour(layout, 0, "up"), 0);
  assert.equal(neighbour(layout, 0, "left"), 0);
  assert.equal(layout.spots[neighbour(layout, 0, "right")]!.layer, 1);
});
