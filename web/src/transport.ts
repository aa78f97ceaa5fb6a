/** The two ways to a session: a WebSocket of the server, and the messages of a notebook's widget. */
import { decodeFrame, decodeParts, type Header, type Message } from "./frames.ts";

/** What a transport tells: that it is open, that a message came, or that it is closed for now. */
export interface Listener {
  opened(): void;
  received(message: Message): void;
  closed(reason: string): void;
}

/** A request with its number, as it travels. */
export type Outgoing = { readonly type: string; readonly id: number };

/** Sends requests and delivers messages; opens itself again after it was closed, until `close`. */
export interface Transport {
  open(listener: Listener): void;
  send(request: Outgoing): void;
  /** Uploads a file at once and returns its name for `OpenTable`; absent where it goes in parts through `UploadPart`. */
  readonly upload?: (file: File) => Promise<string>;
  close(): void;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 8000;
/** A socket that lived this long was a good one: the next loss starts again with the first wait. */
const STEADY = 5000;

/** The WebSocket of a session whose page has the address `page`. */
export class SocketTransport implements Transport {
  private socket: WebSocket | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private wait = FIRST_WAIT;
  private isClosed = false;

  constructor(private readonly page: URL) {}

  open(listener: Listener): void {
    const address = new URL("ws", this.page);
    address.protocol = this.page.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, "creche.1");
    socket.binaryType = "arraybuffer";
    this.socket = socket;
    let openedAt = 0;
    socket.onopen = () => {
      openedAt = performance.now();
      listener.opened();
    };
    socket.onmessage = (event: MessageEvent<ArrayBuffer>) => listener.received(decodeFrame(event.data));
    socket.onclose = (event) => {
      if (this.isClosed) return;
      if (openedAt && performance.now() - openedAt > STEADY) this.wait = FIRST_WAIT;
      listener.closed(event.reason);
      this.timer = setTimeout(() => this.open(listener), this.wait);
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    };
  }

  send(request: Outgoing): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(request));
  }

  readonly upload = async (file: File): Promise<string> => {
    const address = new URL("upload", this.page);
    address.searchParams.set("name", file.name);
    const response = await fetch(address, { method: "POST", body: file }).catch(() => {
      throw new Error(`The upload of ${file.name} broke off. Check that the file can be read and the studio runs.`);
    });
    const answer = (await response.json()) as { upload?: string; text?: string };
    if (!response.ok || !answer.upload) throw new Error(answer.text ?? `The server answered with ${response.status}.`);
    return answer.upload;
  };

  close(): void {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.socket?.close();
  }
}

/** More requests than one place ever sends. */
const PLACE = 2 ** 30;

/** What a widget needs of anywidget's model. */
export interface WidgetModel {
  send(content: unknown): void;
  on(event: "msg:custom", callback: (content: Header, buffers: readonly DataView[]) => void): void;
  off(event: "msg:custom", callback: (content: Header, buffers: readonly DataView[]) => void): void;
}

/** The custom messages of a widget, which the notebook's kernel answers. */
export class WidgetTransport implements Transport {
  private callback: ((content: Header, buffers: readonly DataView[]) => void) | null = null;
  /** Added to the numbers of requests: all places that show a widget share its messages, and each begins at 1. */
  private readonly first = Math.floor(Math.random() * 2 ** 20) * PLACE;

  constructor(private readonly model: WidgetModel) {}

  open(listener: Listener): void {
    this.callback = (content, buffers) => {
      const message = decodeParts(content, buffers);
      if (message.reply === null) return listener.received(message);
      const reply = message.reply - this.first;
      if (reply > 0 && reply < PLACE) listener.received({ ...message, reply } as Message);
    };
    this.model.on("msg:custom", this.callback);
    listener.opened();
  }

  send(request: Outgoing): void {
    this.model.send({ ...request, id: request.id + this.first });
  }

  close(): void {
    if (this.callback) this.model.off("msg:custom", this.callback);
  }
}
