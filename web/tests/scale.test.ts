import assert from "node:assert/strict";
import { test } from "node:test";
import { linearScale, roundTicks } from "../src/ui/scale.ts";

test("a scale goes both ways", () => {
  const scale = linearScale([-1, 3], [100, 0]);
  assert.deepEqual([scale(-1), scale(3), scale(1)], [100, 0, 50]);
  assert.equal(scale.invert(scale(0.7)), 0.7);
});

test("a domain of one value has one position", () => {
  const scale = linearScale([2, 2], [0, 10]);
  assert.deepEqual([scale(2), scale.invert(4), scale.ticks(4)], [0, 2, [2]]);
});

test("ticks are round and within the domain", () => {
  assert.deepEqual(roundTicks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(roundTicks(-0.13, 0.31, 4), [0, 0.2]);
  assert.deepEqual(roundTicks(2750, 6250, 4), [3000, 4000, 5000, 6000]);
  assert.deepEqual(roundTicks(0, Number.NaN, 4), [0]);
});
