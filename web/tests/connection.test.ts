import assert from "node:assert/strict";
import { test } from "node:test";
import { Connection, RequestError } from "../src/connection.ts";
import type { Message } from "../src/frames.ts";
import type { Welcome } from "../src/protocol.ts";
import type { Listener, Outgoing, Transport } from "../src/transport.ts";

class FakeTransport implements Transport {
  readonly sent: Outgoing[] = [];
  listener: Listener | null = null;

  open(listener: Listener): void {
    this.listener = listener;
    listener.opened();
  }

  send(request: Outgoing): void {
    this.sent.push(request);
  }

  close(): void {}
}

function connect() {
  const transport = new FakeTransport();
  const pushed: Message[] = [];
  const changes: boolean[] = [];
  const waiting: number[] = [];
  const connection = new Connection(transport, {
    pushed: (message) => pushed.push(message),
    changed: (isConnected) => changes.push(isConnected),
    waiting: (requests) => waiting.push(requests),
  });
  connection.start();
  return { transport, pushed, changes, waiting, connection };
}

const answer = (reply: number, type: string, view: unknown): Message => ({ type, reply, view }) as Message;

test("the session is greeted each time the transport opens", async () => {
  const { transport, pushed, changes, connection } = connect();
  assert.deepEqual(transport.sent, [{ type: "Connect", version: 1, id: 1 }]);
  const welcome = { version: 1 } as Welcome;
  connection.received(answer(1, "Welcome", welcome));
  await Promise.resolve();
  assert.deepEqual(pushed, [{ type: "Welcome", reply: null, view: welcome }]);
  connection.closed();
  connection.opened();
  assert.equal(transport.sent[1]?.type, "Connect");
  assert.deepEqual(changes, [true, false]);
});

test("answers in any order reach their requests", async () => {
  const { transport, connection } = connect();
  const pause = connection.ask({ type: "Pause" });
  const step = connection.ask({ type: "Step", unit: "epoch" });
  assert.deepEqual(transport.sent.slice(1), [
    { type: "Pause", id: 2 },
    { type: "Step", unit: "epoch", id: 3 },
  ]);
  connection.received(answer(3, "Done", { text: "stepped" }));
  connection.received(answer(2, "Done", { text: "paused" }));
  assert.deepEqual([await pause, await step], [{ text: "paused" }, { text: "stepped" }]);
});

test("it tells how many requests wait for an answer", () => {
  const { waiting, connection } = connect();
  connection.received(answer(1, "Welcome", { version: 1 }));
  void connection.ask({ type: "Pause" });
  void connection.ask({ type: "Acknowledge", sequence: 4 });
  connection.received(answer(3, "Done", { text: "" }));
  connection.received(answer(2, "Done", { text: "" }));
  assert.deepEqual(waiting, [1, 0, 1, 0]);
});

test("a refusal has the session's words", async () => {
  const { connection } = connect();
  const play = connection.ask({ type: "Play" });
  const failure = { code: "no_network", text: "There is no network yet.", remedy: "Choose a label." };
  connection.received(answer(2, "Failure", failure));
  await assert.rejects(play, (error) => error instanceof RequestError && error.failure === failure);
});

test("what was asked fails when the connection is lost", async () => {
  const { connection } = connect();
  const play = connection.ask({ type: "Play" });
  connection.closed();
  await assert.rejects(play, /connection was lost/);
});

test("a file without an upload of its own goes in parts that add up to it", async () => {
  const { transport, connection } = connect();
  const content = new Uint8Array(80_000).map((_, i) => i % 251);
  const upload = connection.upload(new File([content], "t.csv"), () => {});
  const parts: { offset: number; content: string }[] = [];
  while (true) {
    const part = await untilSent(transport, parts.length + 2);
    parts.push(part as unknown as { offset: number; content: string });
    connection.received(answer(part.id, "Done", { text: "" }));
    const size = parts.reduce((sum, { content }) => sum + atob(content).length, 0);
    if (size >= content.length) break;
  }
  await upload;
  assert.deepEqual(Buffer.concat(parts.map((part) => Buffer.from(part.content, "base64"))), Buffer.from(content));
  assert.ok(parts.every((part) => part.content.length <= 48_000));
});

async function untilSent(transport: FakeTransport, count: number): Promise<Outgoing> {
  while (transport.sent.length < count) await new Promise((resolve) => setImmediate(resolve));
  return transport.sent[count - 1] as Outgoing;
}
