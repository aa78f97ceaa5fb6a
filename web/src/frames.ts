/** Frames of the protocol: a header in JSON and its arrays, as `creche.studio.protocol.frames` writes them. */
import type { Tensor, Views } from "./protocol.ts";

type Numbers = Float32Array | Int32Array | Uint8Array;

interface ArrayHead {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** The header of a frame; `body` has `{"$array": i}` where the i-th array belongs. */
export interface Header {
  readonly type: string;
  readonly reply: number | null;
  readonly body: unknown;
  readonly arrays: readonly ArrayHead[];
}

/** A view with its name, and the number of the request that it answers. */
export type Message = {
  [Name in keyof Views]: { readonly type: Name; readonly reply: number | null; readonly view: Views[Name] };
}[keyof Views];

const ALIGNMENT = 8;
const WIDTHS: Readonly<Record<string, number>> = { f4: 4, i4: 4, u1: 1 };

/** Decode a binary frame, as a WebSocket delivers it. */
export function decodeFrame(frame: ArrayBuffer): Message {
  const length = new DataView(frame).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(frame, 4, length))) as Header;
  let at = aligned(4 + length);
  const arrays = header.arrays.map((head) => {
    const bytes = countNumbers(head) * widthOf(head);
    const view = new DataView(frame, at, bytes);
    at += aligned(bytes);
    return view;
  });
  return decodeParts(header, arrays);
}

/** Decode a header and its buffers, as a notebook delivers them. */
export function decodeParts(header: Header, buffers: readonly DataView[]): Message {
  const tensors = header.arrays.map((head, i) => toTensor(head, buffers[i] as DataView));
  return { type: header.type, reply: header.reply, view: fill(header.body, tensors) } as Message;
}

function toTensor(head: ArrayHead, bytes: DataView): Tensor<Numbers> {
  const { buffer, byteOffset } = bytes;
  const count = countNumbers(head);
  // A typed array must begin at a multiple of its width, which a notebook does not promise.
  const [source, start] =
    byteOffset % widthOf(head) === 0
      ? [buffer, byteOffset]
      : [buffer.slice(byteOffset, byteOffset + bytes.byteLength), 0];
  switch (head.dtype) {
    case "f4":
      return { shape: head.shape, data: new Float32Array(source as ArrayBuffer, start, count) };
    case "i4":
      return { shape: head.shape, data: new Int32Array(source as ArrayBuffer, start, count) };
    default:
      return { shape: head.shape, data: new Uint8Array(source as ArrayBuffer, start, count) };
  }
}

function fill(value: unknown, tensors: readonly Tensor<Numbers>[]): unknown {
  if (Array.isArray(value)) return value.map((item) => fill(item, tensors));
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value);
  if (entries.length === 1 && entries[0]?.[0] === "$array") return tensors[entries[0][1] as number];
  return Object.fromEntries(entries.map(([name, item]) => [name, fill(item, tensors)]));
}

function countNumbers(head: ArrayHead): number {
  return head.shape.reduce((product, size) => product * size, 1);
}

function widthOf(head: ArrayHead): number {
  const width = WIDTHS[head.dtype];
  if (width === undefined) throw new Error(`arrays of type ${head.dtype} are not part of the protocol`);
  return width;
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}
