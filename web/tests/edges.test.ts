import assert from "node:assert/strict";
import { test } from "node:test";

import { activityOf, biasesOf, contributionsOf, splitByLayer } from "../src/network/activity.ts";
import {
  curveOf, indexOf, isSameDrawing, levelOf, LEVELS, nearestEdge, placeOf, pointAt, strokesOf, strongestEdges,
  thickestWeight, widthOf,
} from "../src/network/edges.ts";
import { arrange } from "../src/network/layout.ts";
import { makeNetwork } from "./networks.ts";

const MARGINS = { left: 100, right: 100, top: 10, bottom: 10 };
const network = makeNetwork([3, 4, 2]);
const layout = arrange(network, 600, MARGINS);
const weights = Float32Array.from({ length: network.connections }, (_, i) => Math.sin(i * 2.3) * (1 + i));

test("a point on a connection picks it", () => {
  const edges = strongestEdges(network, layout, weights, 1500);
  for (const edge of edges) {
    // A third of the way, where no two curves of this network cross.
    const [x, y] = pointAt(curveOf(layout, edge), 0.04);
    const found = nearestEdge(layout, edges, x, y)!;
    assert.equal(found.from, edge.from);
  }
  const only = edges.slice(0, 1);
  const [x, y] = pointAt(curveOf(layout, only[0]!), 0.5);
  assert.equal(nearestEdge(layout, only, x, y + 3), only[0]);
  assert.equal(nearestEdge(layout, only, x, y + 40), null);
});

test("the strongest connections are drawn, the strongest last", () => {
  const all = strongestEdges(network, layout, weights, 1500);
  assert.equal(all.length, network.connections);
  const sizes = all.map((edge) => Math.abs(edge.weight));
  assert.deepEqual(sizes, [...sizes].sort((a, b) => a - b));
  assert.deepEqual(strongestEdges(network, layout, weights, 5), all.slice(-5));
});

test("weak connections are drawn first, and those that glow last", () => {
  const edges = strongestEdges(network, layout, weights, 1500);
  const thickest = thickestWeight(weights);
  const levels = strokesOf(edges, thickest, null).map((stroke) => stroke.level);
  assert.deepEqual(levels, [...levels].sort((a, b) => a - b));
  assert.equal(new Set(levels).size > 2, true);
  const glowing = edges.map((edge) => edge.index % 3 === 0);
  const strokes = strokesOf(edges, thickest, Float32Array.from(glowing, Number));
  assert.deepEqual(strokes.map(({ edge }) => edge.index % 3 === 0), [...glowing].sort());
  for (const { edge, isNegative } of strokes) assert.equal(isNegative, edge.weight < 0);
});

test("a drawing stays the same until a line looks different", () => {
  const draw = (values: Float32Array) => strokesOf(strongestEdges(network, layout, values, 1500), 100, null);
  const shaken = weights.map((weight) => weight * 1.0001);
  assert.equal(isSameDrawing(draw(weights), draw(shaken)), true);
  for (const change of [(weight: number) => -weight, (weight: number) => weight * 10]) {
    const changed = Float32Array.from(weights, (weight, i) => (i === 3 ? change(weight) : weight));
    assert.equal(isSameDrawing(draw(weights), draw(changed)), false);
  }
  assert.equal(isSameDrawing(draw(weights), draw(weights).slice(1)), false);
});

test("between folded neurons one connection is drawn, the strongest", () => {
  const wide = makeNetwork([2, 60, 2]);
  const folded = arrange(wide, 600, MARGINS);
  const values = Float32Array.from({ length: wide.connections }, (_, i) => (i % 7) - 3);
  const edges = strongestEdges(wide, folded, values, 1500);
  const pairs = new Set(edges.map((edge) => `${edge.from} ${edge.to}`));
  assert.equal(pairs.size, edges.length);
  for (const edge of edges) {
    const { layer, source, target } = placeOf(wide, edge.index);
    assert.equal(folded.spotOf[layer]![source!], edge.from);
    assert.equal(folded.spotOf[layer + 1]![target], edge.to);
  }
});

test("a connection is found again by its place, and a bias is none", () => {
  for (const index of [0, 5, network.connections - 1]) assert.equal(indexOf(network, placeOf(network, index)), index);
  assert.equal(indexOf(network, { layer: 0, source: null, target: 1 }), -1);
});

test("the thickest line stands for a round weight that none exceeds", () => {
  assert.equal(thickestWeight(Float32Array.of(0.3, -1.7)), 2);
  assert.equal(thickestWeight(Float32Array.of(0.04)), 0.05);
  assert.equal(thickestWeight(Float32Array.of(NaN, 0)), 1);
  assert.equal(levelOf(2, 2), LEVELS - 1);
  assert.equal(levelOf(0, 2), 0);
  assert.ok(widthOf(LEVELS - 1, 1000) < widthOf(LEVELS - 1, 20));
  assert.equal(widthOf(0, 1000), widthOf(0, 20));
});

test("activations and biases belong to their layers", () => {
  const activations = Float32Array.from({ length: 9 }, (_, i) => i);
  assert.deepEqual(splitByLayer(network, activations)!.map((layer) => [...layer]), [[0, 1, 2], [3, 4, 5, 6], [7, 8]]);
  assert.equal(splitByLayer(network, activations.subarray(1)), null);
  assert.deepEqual([...biasesOf(network, Float32Array.of(1, 2, 3, 4, 5, 6), 2)], [5, 6]);
});

test("a contribution is weight times activation, relative to the largest of its layer", () => {
  const layers = [Float32Array.of(1, 0, 2), Float32Array.of(1, 1, 1, 1), Float32Array.of(0, 0)];
  const edges = strongestEdges(network, layout, weights, 1500);
  const shares = contributionsOf(network, layout, edges, layers);
  const products = edges.map((edge) => {
    const { layer, source } = placeOf(network, edge.index);
    return { layer, size: Math.abs(edge.weight * layers[layer]![source!]!) };
  });
  edges.forEach((_, i) => {
    const largest = Math.max(...products.filter(({ layer }) => layer === products[i]!.layer).map(({ size }) => size));
    assert.ok(Math.abs(shares[i]! - products[i]!.size / largest) < 1e-6);
  });
  const activity = activityOf(layout, [Float32Array.of(1, 0, -2), Float32Array.of(0, 0, 0, 0), Float32Array.of(0.5, 1)]);
  assert.deepEqual([...activity], [0.5, 0, -1, 0, 0, 0, 0, 0.5, 1]);
});
