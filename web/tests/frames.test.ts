import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decodeFrame, decodeParts, type Header } from "../src/frames.ts";

/** Frames in hexadecimal digits; tests/unit/studio/test_frames.py holds the same views to the same bytes. */
const FRAMES = JSON.parse(readFileSync("tests/frames.json", "utf8")) as Record<string, string>;

function frame(name: string): ArrayBuffer {
  const bytes = Uint8Array.from(Buffer.from(FRAMES[name] as string, "hex"));
  return bytes.buffer;
}

test("a frame without arrays", () => {
  assert.deepEqual(decodeFrame(frame("done")), { type: "Done", reply: 3, view: { text: "größer" } });
});

test("arrays keep their types, shapes and special numbers", () => {
  const message = decodeFrame(frame("history"));
  assert.equal(message.type, "History");
  if (message.type !== "History") return;
  assert.equal(message.reply, null);
  assert.deepEqual(message.view.columns, ["train_loss", "validation_loss"]);
  assert.deepEqual(message.view.epochs, { shape: [2], data: new Int32Array([1, -2147483648]) });
  assert.deepEqual(message.view.values.shape, [2, 2]);
  assert.deepEqual(message.view.values.data, new Float32Array([0.5, Number.NaN, Number.POSITIVE_INFINITY, -1.5]));
  assert.deepEqual(message.view.snapshots, { shape: [0], data: new Int32Array() });
});

test("bytes of odd length", () => {
  const message = decodeFrame(frame("kept"));
  assert.equal(message.type, "KeptFile");
  if (message.type !== "KeptFile") return;
  assert.deepEqual(message.view.content.data, new Uint8Array([1, 2, 255]));
  assert.equal(message.view.text, "");
});

test("arrays within parts, and numbers that do not exist", () => {
  const message = decodeFrame(frame("network"));
  assert.equal(message.type, "NetworkView");
  if (message.type !== "NetworkView") return;
  assert.deepEqual(message.view.layers, [{ width: 2, activation: "", names: ["a", "b"], columns: ["a", "b"] }]);
  assert.deepEqual(message.view.edges, { shape: [0, 3], data: new Int32Array() });
});

test("a notebook's buffers may begin anywhere", () => {
  const header: Header = {
    type: "History",
    reply: null,
    body: { values: { $array: 0 } },
    arrays: [{ dtype: "f4", shape: [1, 2] }],
  };
  const bytes = new Uint8Array(11);
  bytes.set(new Uint8Array(new Float32Array([2.5, -1]).buffer), 3);
  const message = decodeParts(header, [new DataView(bytes.buffer, 3, 8)]);
  assert.deepEqual(message.view, { values: { shape: [1, 2], data: new Float32Array([2.5, -1]) } });
});
