import assert from "node:assert/strict";
import { test } from "node:test";
import { linearRange, logRange, logTicks, writeTick } from "../src/charts/ticks.ts";

test("ticks of a logarithmic axis are round and few", () => {
  assert.deepEqual(logTicks(0.09, 1.2, 6), [0.1, 0.2, 0.5, 1]);
  assert.deepEqual(logTicks(0.31, 0.95, 8), [0.4, 0.5, 0.6, 0.8]);
  assert.deepEqual(logTicks(1e-6, 1, 7), [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1]);
  assert.deepEqual(logTicks(1e-12, 1, 5), [1e-12, 1e-9, 1e-6, 1e-3, 1]);
});

test("ranges have room, and exist without values", () => {
  assert.deepEqual(
    [logRange(null, null), linearRange(null, null)],
    [
      [0.1, 1],
      [0, 1],
    ],
  );
  const [low, high] = logRange(0.5, 0.5);
  assert.ok(low > 0 && low < 0.5 && high > 0.5);
  assert.ok(linearRange(3, 3)[1] > 3);
});

test("an axis of values near zero begins there", () => {
  assert.equal(linearRange(0.1, 1)[0], 0);
  assert.ok(linearRange(0.9, 1)[0] > 0.8);
});

test("ticks are written short", () => {
  assert.deepEqual([0, 0.2, 0.30000000000000004, 1500, 2_000_000, 0.0005].map(writeTick), [
    "0",
    "0.2",
    "0.3",
    "1500",
    "2e6",
    "5e-4",
  ]);
});
