import assert from "node:assert/strict";
import { test } from "node:test";

import { linearScale } from "../src/plot/scales.ts";
import type { WeightCurve } from "../src/protocol.ts";
import { lossAt, steadyRange, stepArrow, tangent, weightAfterKey } from "../src/weight/curve_geometry.ts";

/** The parabola (w - 1)² around a weight. */
function parabola(weight: number, rate = 0.1): WeightCurve {
  const weights = Float32Array.from({ length: 81 }, (_, i) => -3 + i / 10);
  const gradient = 2 * (weight - 1);
  return {
    layer: 0, source: 1, target: 2, title: "a → b", weight, loss: (weight - 1) ** 2, gradient, slope: "", rows: "",
    next_weight: weight - rate * gradient, is_trial: false,
    weights: { shape: [81], data: weights }, losses: { shape: [81], data: weights.map((w) => (w - 1) ** 2) },
  };
}

const x = linearScale(-3, 5, 60, 460);
const y = linearScale(0, 16, 220, 20);

test("the tangent touches the curve at its point, with its slope", () => {
  const curve = parabola(2.5);
  const line = tangent(curve, x, y, 80)!;
  const slope = (y.valueAt(line.y2) - y.valueAt(line.y1)) / (x.valueAt(line.x2) - x.valueAt(line.x1));
  assert.ok(Math.abs(slope - curve.gradient) < 1e-9);
  assert.ok(Math.abs((line.x1 + line.x2) / 2 - x.place(2.5)) < 1e-9);
  assert.ok(Math.abs(Math.hypot(line.x2 - line.x1, line.y2 - line.y1) - 160) < 1e-9);
  assert.equal(tangent({ ...curve, loss: NaN }, x, y, 80), null);
});

test("the arrow leads to the next weight, or to the edge of the plot", () => {
  const inside = stepArrow(parabola(2.5), x)!;
  assert.equal(inside.isCut, false);
  assert.ok(Math.abs(x.valueAt(inside.to) - 2.2) < 1e-9);
  const outside = stepArrow(parabola(2.5, 30), x)!;
  assert.equal(outside.isCut, true);
  assert.equal(outside.to, 60);
  assert.equal(stepArrow(parabola(1), x), null);
});

test("the loss is read off the curve", () => {
  assert.ok(Math.abs(lossAt(parabola(0), 2)! - 1) < 1e-3);
  assert.equal(lossAt(parabola(0), 9), null);
});

test("a range stays while what moves is inside and fills it", () => {
  const range = steadyRange(null, [0, 10]);
  assert.equal(steadyRange(range, [1, 9]), range);
  assert.notEqual(steadyRange(range, [1, 2]), range);
  assert.notEqual(steadyRange(range, [5, 20]), range);
});

test("keys move the weight within the plot", () => {
  assert.equal(weightAfterKey("ArrowRight", 0, [-1, 1]), 0.02);
  assert.equal(weightAfterKey("PageDown", -0.95, [-1, 1]), -1);
  assert.equal(weightAfterKey("End", 0, [-1, 1]), 1);
  assert.equal(weightAfterKey("a", 0, [-1, 1]), null);
});
