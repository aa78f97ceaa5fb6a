import assert from "node:assert/strict";
import { test } from "node:test";
import { addPiece, curveOf, NO_CURVES } from "../src/history.ts";
import type { History } from "../src/protocol.ts";

function piece(first: number, losses: readonly number[], stride = 1): History {
  return {
    first,
    columns: ["train_loss", "validation_loss"],
    epochs: { shape: [losses.length], data: Int32Array.from(losses, (_, i) => first + i) },
    values: { shape: [losses.length, 2], data: Float32Array.from(losses.flatMap((loss) => [loss, loss + 1])) },
    stride,
    snapshots: { shape: [1], data: new Int32Array([first]) },
  };
}

test("pieces are joined", () => {
  const curves = addPiece(addPiece(NO_CURVES, piece(1, [8, 4])), piece(3, [2]));
  assert.deepEqual(curves.epochs, [1, 2, 3]);
  assert.deepEqual(curveOf(curves, "validation_loss"), [9, 5, 3]);
  assert.deepEqual(curves.snapshots, [3]);
  assert.deepEqual(curveOf(curves, "accuracy"), []);
});

test("training that went back replaces what came after", () => {
  const curves = addPiece(addPiece(NO_CURVES, piece(1, [8, 4, 2, 1])), piece(3, [3]));
  assert.deepEqual(curveOf(curves, "train_loss"), [8, 4, 3]);
});

test("a piece from the first epoch replaces everything", () => {
  assert.deepEqual(addPiece(addPiece(NO_CURVES, piece(1, [8, 4])), piece(1, [])).epochs, []);
});

test("a wider stride drops epochs in between, and the newest of the piece before", () => {
  const whole = addPiece(NO_CURVES, piece(1, [10, 20, 30, 40, 50, 60]));
  const newest: History = {
    ...piece(7, [70], 4),
    epochs: { shape: [2], data: new Int32Array([9, 10]) },
    values: { shape: [2, 2], data: new Float32Array([90, 91, 100, 101]) },
  };
  const thinned = addPiece(whole, newest);
  assert.deepEqual(thinned.epochs, [1, 5, 9, 10]);
  assert.deepEqual(curveOf(thinned, "train_loss"), [10, 50, 90, 100]);
  assert.deepEqual(addPiece(thinned, piece(11, [110], 4)).epochs, [1, 5, 9, 11]);
});
