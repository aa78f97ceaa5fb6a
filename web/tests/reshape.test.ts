import assert from "node:assert/strict";
import { test } from "node:test";

import { arrange } from "../src/network/layout.ts";
import { addLayer, ghostSpots, hiddenWidths, leavingSpots, resizeLayer, widthAfterDrag } from "../src/network/reshape.ts";
import { makeNetwork } from "./networks.ts";

const MARGINS = { left: 100, right: 100, top: 10, bottom: 10 };

function arranged(widths: readonly number[]) {
  const network = makeNetwork(widths);
  return { network, layout: arrange(network, 700, MARGINS) };
}

/** The y of the spots of a layer, from top to bottom. */
function heights(layout: ReturnType<typeof arrange>, layer: number): number[] {
  return layout.layers[layer]!.map((spot) => layout.spots[spot]!.y);
}

test("layers are resized and added by their place, and one without neurons goes", () => {
  const hidden = hiddenWidths(makeNetwork([4, 5, 6, 3]));
  assert.deepEqual(hidden, [5, 6]);
  assert.deepEqual(resizeLayer(hidden, 2, 9), [5, 9]);
  assert.deepEqual(resizeLayer(hidden, 1, 0), [6]);
  assert.deepEqual(addLayer(hidden, 0), [5, 5, 6]);
  assert.deepEqual(addLayer([], 0), [4]);
});

test("a layer grows by a neuron for each distance between two of its neurons", () => {
  const { layout } = arranged([4, 5, 3]);
  const [first, second] = heights(layout, 1);
  const pitch = second! - first!;
  assert.deepEqual([0, 0.4, 0.6, 2, -1, -2.4].map((n) => widthAfterDrag(layout, 1, 5, n * pitch)), [5, 5, 6, 7, 4, 3]);
  assert.equal(widthAfterDrag(layout, 1, 5, -9 * pitch), 0);
});

test("a layer of a single neuron can be dragged, too", () => {
  const { layout } = arranged([4, 1, 3]);
  assert.ok(widthAfterDrag(layout, 1, 1, 300) > 1);
  assert.equal(widthAfterDrag(layout, 1, 1, -300), 0);
});

test("a wide layer whose neurons are folded changes by several at a time", () => {
  const { layout } = arranged([4, 160, 3]);
  const [first, second] = heights(layout, 1);
  assert.equal(widthAfterDrag(layout, 1, 160, 2 * (second! - first!)), 180);
});

test("new neurons are shown below the last one, at the same distances", () => {
  const { layout } = arranged([4, 5, 3]);
  const ys = heights(layout, 1);
  const ghosts = ghostSpots(layout, 1, 5, 7).map(({ y }) => y);
  assert.deepEqual(ghosts.map((y) => Math.round(y - ys.at(-1)!)), [1, 2].map((n) => Math.round(n * (ys[1]! - ys[0]!))));
  assert.deepEqual(ghostSpots(layout, 1, 5, 4), []);
});

test("the neurons that go are the last ones", () => {
  const { layout } = arranged([4, 5, 3]);
  const ys = heights(layout, 1);
  assert.deepEqual(leavingSpots(layout, 1, 5, 3).map(({ y }) => y), ys.slice(3));
  assert.deepEqual(leavingSpots(layout, 1, 5, 0).map(({ y }) => y), ys);
  assert.deepEqual(leavingSpots(layout, 1, 5, 6), []);
});
