import assert from "node:assert/strict";
import { test } from "node:test";

import { extent, linearScale, logScale, polyline } from "../src/plot/scales.ts";

test("a scale and its inverse agree", () => {
  for (const scale of [linearScale(-3, 7, 50, 450), logScale(1e-4, 30, 50, 450), linearScale(2, 2, 0, 10)]) {
    for (const pixel of [50, 111, 300, 450]) assert.ok(Math.abs(scale.place(scale.valueAt(pixel)) - pixel) < 1e-9);
  }
});

test("ticks are round and inside", () => {
  assert.deepEqual(linearScale(-0.13, 0.52, 0, 1).ticks, [0, 0.2, 0.4]);
  assert.deepEqual(linearScale(0, 10, 0, 1).ticks, [0, 2, 4, 6, 8, 10]);
  assert.deepEqual(logScale(2e-3, 40, 0, 1).ticks, [0.01, 0.1, 1, 10]);
});

test("what is not finite is neither in a range nor in a line", () => {
  assert.deepEqual(extent([3, NaN, -1, Infinity]), [-1, 3]);
  assert.deepEqual(extent([NaN]), [0, 1]);
  const scale = linearScale(0, 2, 0, 2);
  assert.equal(polyline([0, 1, 2], [1, NaN, 2], scale, scale), "0.0,1.0 2.0,2.0");
});
