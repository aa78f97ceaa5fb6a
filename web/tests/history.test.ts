import assert from "node:assert/strict";
import { test } from "node:test";
import { addPiece, curveOf, NO_CURVES } from "../src/history.ts";
import type { History } from "../src/protocol.ts";

function piece(first: number, losses: readonly number[]): History {
  return {
    first,
    columns: ["train_loss", "validation_loss"],
    epochs: { shape: [losses.length], data: Int32Array.from(losses, (_, i) => first + i) },
    values: { shape: [losses.length, 2], data: Float32Array.from(losses.flatMap((loss) => [loss, loss + 1])) },
    is_thinned: false,
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
