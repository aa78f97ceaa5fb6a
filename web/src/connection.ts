/** A conversation with a session: requests as promises, pushed views as events. */
import type { Message } from "./frames.ts";
import { type Failure, type Replies, type Request, VERSION } from "./protocol.ts";
import type { Listener, Transport } from "./transport.ts";

/** A request that was not carried out, with the session's words. */
export class RequestError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.text);
    this.failure = failure;
  }
}

/** What a connection tells its owner. */
export interface Events {
  /** A view that answers no request, or the `Welcome` of a new or restored connection. */
  pushed(message: Message): void;
  /** The connection was lost, or is there again. */
  changed(isConnected: boolean): void;
  /** How many requests wait for an answer, other than those that only acknowledge. */
  waiting(requests: number): void;
}

interface Pending {
  readonly isWork: boolean;
  resolve(view: unknown): void;
  reject(error: RequestError): void;
}

const LOST: Failure = {
  code: "internal",
  text: "The connection was lost before the session answered.",
  remedy: "Try again when it is back.",
};
const CHUNK = 36_000;

/** Numbers requests, matches answers to them, and greets the session each time the transport opens. */
export class Connection implements Listener {
  private readonly pending = new Map<number, Pending>();
  private next = 1;

  constructor(
    private readonly transport: Transport,
    private readonly events: Events,
  ) {}

  start(): void {
    this.transport.open(this);
  }

  /** Send a request; the promise fails with a `RequestError` if it is refused. */
  ask<R extends Request>(request: R): Promise<Replies[R["type"]]> {
    const id = this.next++;
    return new Promise<Replies[R["type"]]>((resolve, reject) => {
      const isWork = request.type !== "Acknowledge";
      this.pending.set(id, { isWork, resolve: resolve as (view: unknown) => void, reject });
      if (isWork) this.tellWaiting();
      this.transport.send({ ...request, id });
    });
  }

  /** Upload a file; `progress` gets the part that is done. Returns its name for `OpenTable`. */
  async upload(file: File, progress: (done: number) => void): Promise<string> {
    if (this.transport.upload) {
      progress(0);
      return this.transport.upload(file);
    }
    const upload = `${Date.now()}-${this.next}`;
    for (let offset = 0; offset === 0 || offset < file.size; offset += CHUNK) {
      const bytes = new Uint8Array(await file.slice(offset, offset + CHUNK).arrayBuffer());
      const content = btoa(String.fromCharCode(...bytes));
      await this.ask({ type: "UploadPart", upload, name: file.name, offset, content });
      progress(Math.min(1, (offset + bytes.length) / Math.max(1, file.size)));
    }
    return upload;
  }

  close(): void {
    this.transport.close();
    this.rejectAll();
  }

  opened(): void {
    this.ask({ type: "Connect", version: VERSION }).then(
      (view) => {
        this.events.pushed({ type: "Welcome", reply: null, view });
        this.events.changed(true);
      },
      (error: RequestError) => this.events.pushed({ type: "Failure", reply: null, view: error.failure }),
    );
  }

  received(message: Message): void {
    const waiting = message.reply === null ? undefined : this.pending.get(message.reply);
    if (message.reply === null || !waiting) {
      if (message.reply === null) this.events.pushed(message);
      return;
    }
    this.pending.delete(message.reply);
    if (waiting.isWork) this.tellWaiting();
    if (message.type === "Failure") waiting.reject(new RequestError(message.view));
    else waiting.resolve(message.view);
  }

  closed(): void {
    this.rejectAll();
    this.events.changed(false);
  }

  private rejectAll(): void {
    const waiting = [...this.pending.values()];
    this.pending.clear();
    this.tellWaiting();
    for (const { reject } of waiting) reject(new RequestError(LOST));
  }

  private tellWaiting(): void {
    this.events.waiting([...this.pending.values()].filter(({ isWork }) => isWork).length);
  }
}
