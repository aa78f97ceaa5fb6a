import assert from "node:assert/strict";
import { test } from "node:test";

import { curveOfMember, groupMembers, sharedLosses, spreadRates } from "../src/colony/arrange_members.ts";
import type { ColonyMember, ColonyView } from "../src/protocol.ts";

function member(number: number, optimizer: string, rate: number, rank: number | null): ColonyMember {
  const status = rank === null ? "diverged" : "finished";
  return { number, optimizer, learning_rate: rate, hidden: [5], seed: 0, status, validation_loss: rank, rank };
}

const colony: ColonyView = {
  status: "finished", epoch: 2, epochs: 2, networks_per_second: 1, text: "",
  members: [member(0, "sgd", 1, 2), member(1, "adam", 0.1, 1), member(2, "sgd", 0.1, null), member(3, "adam", 0.01, 3)],
  curves: { shape: [4, 2], data: Float32Array.of(1, 0.5, 0.9, 0.1, 50, NaN, 1.1, 0.7) },
};

test("networks are grouped by optimizer and ordered by learning rate, or ordered by rank", () => {
  assert.deepEqual(groupMembers(colony.members, "grid"), [
    { title: "sgd", members: [2, 0] },
    { title: "adam", members: [3, 1] },
  ]);
  assert.deepEqual(groupMembers(colony.members, "rank")[0]!.members, [1, 0, 3, 2]);
});

test("a network that diverges does not squeeze the others", () => {
  const [low, high] = sharedLosses(colony);
  assert.ok(Math.abs(low - 0.1) < 1e-6);
  assert.ok(high >= 1.1 && high < 5);
  const lucky = { ...colony, members: Array.from({ length: 20 }, (_, i) => member(i, "sgd", 1, i + 1)) };
  const data = Float32Array.from({ length: 40 }, (_, i) => (i === 1 ? 1e-9 : i % 2 === 0 ? 1 : 0.1));
  assert.ok(sharedLosses({ ...lucky, curves: { shape: [20, 2], data } })[0] > 0.01);
  const empty = { ...colony, curves: { shape: [4, 2], data: new Float32Array(8).fill(NaN) } };
  assert.deepEqual(sharedLosses(empty), [0.1, 1]);
});

test("each network has its own curve", () => {
  assert.deepEqual([...curveOfMember(colony, 3)], [...Float32Array.of(1.1, 0.7)]);
});

test("learning rates are spread evenly over the powers of ten", () => {
  assert.deepEqual(spreadRates(0.001, 1, 4), [0.001, 0.01, 0.1, 1]);
  assert.deepEqual(spreadRates(0.3, 0.3, 5), [0.3]);
});
