import assert from "node:assert/strict";
import { test } from "node:test";
import type { Header, Message } from "../src/frames.ts";
import { type Outgoing, type WidgetModel, WidgetTransport } from "../src/transport.ts";

type Callback = (content: Header, buffers: readonly DataView[]) => void;

/** A widget's model whose kernel answers each request with `Done`, to all places that show it. */
class FakeModel implements WidgetModel {
  readonly callbacks = new Set<Callback>();

  send(content: unknown): void {
    const { id } = content as Outgoing;
    this.push({ type: "Done", reply: id, body: { text: "" }, arrays: [] } as unknown as Header);
  }

  push(header: Header): void {
    for (const callback of [...this.callbacks]) callback(header, []);
  }

  on(_: "msg:custom", callback: Callback): void {
    this.callbacks.add(callback);
  }

  off(_: "msg:custom", callback: Callback): void {
    this.callbacks.delete(callback);
  }
}

function place(model: FakeModel) {
  const received: Message[] = [];
  const transport = new WidgetTransport(model);
  transport.open({ opened() {}, closed() {}, received: (message) => received.push(message) });
  return { transport, received };
}

test("two places that show a widget get the answers to their own requests", () => {
  const model = new FakeModel();
  const one = place(model);
  const two = place(model);
  one.transport.send({ type: "Play", id: 1 });
  two.transport.send({ type: "Pause", id: 1 });
  two.transport.send({ type: "Play", id: 2 });
  assert.deepEqual(
    one.received.map(({ reply }) => reply),
    [1],
  );
  assert.deepEqual(
    two.received.map(({ reply }) => reply),
    [1, 2],
  );
});

test("all places get what is pushed, until they are closed", () => {
  const model = new FakeModel();
  const one = place(model);
  const two = place(model);
  one.transport.close();
  model.push({ type: "Closing", reply: null, body: { text: "over" }, arrays: [] } as unknown as Header);
  assert.equal(one.received.length, 0);
  assert.equal(two.received[0]?.type, "Closing");
  assert.equal(model.callbacks.size, 1);
});
