import assert from "node:assert/strict";
import { test } from "node:test";
import { sendLatest } from "../src/ui/latest.ts";

test("values that came while another was sent are left out, but for the last", async () => {
  const sent: number[] = [];
  const answers: (() => void)[] = [];
  const send = sendLatest((value: number) => {
    sent.push(value);
    return new Promise<void>((resolve) => answers.push(resolve));
  });
  for (const value of [1, 2, 3]) send(value);
  assert.deepEqual(sent, [1]);
  answers[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(sent, [1, 3]);
  answers[1]?.();
  await new Promise((resolve) => setImmediate(resolve));
  send(4);
  assert.deepEqual(sent, [1, 3, 4]);
});
