import { useEffect, useState } from "preact/hooks";

import type { NetworkView, NeuronResponse } from "../protocol.ts";
import { useStore } from "../store.ts";
import { pictureKey } from "./diagram.tsx";
import { drawnNeurons } from "./layout.ts";
import { shapeOf } from "./names.ts";
import type { SmallPicture } from "./paint.ts";
import { revisionOf } from "./use_answer.ts";

/** The most neurons whose small pictures are asked for. */
export const MOST_PICTURES = 40;
/** Milliseconds between two questions, so that they take a small part of the time of training. */
const PAUSE = 80;
const MAP_SIDE = 12;
const NONE: ReadonlyMap<string, SmallPicture> = new Map();

/** Make a response small enough to be painted thirty times a second. */
export function shrink(response: NeuronResponse): SmallPicture {
  const [rows, columns] = response.y_column === null ? [1, response.x_values.data.length] : response.activations.shape;
  if (response.y_column === null) return { values: response.activations.data, columns: columns!, rows: 1 };
  const [height, width] = [Math.min(rows!, MAP_SIDE), Math.min(columns!, MAP_SIDE)];
  const values = Float32Array.from({ length: width * height }, (_, i) => {
    const row = Math.round((Math.floor(i / width) * (rows! - 1)) / Math.max(height - 1, 1));
    const column = Math.round(((i % width) * (columns! - 1)) / Math.max(width - 1, 1));
    return response.activations.data[row * columns! + column]!;
  });
  return { values, columns: width, rows: height };
}

/** The columns over which small pictures are drawn; a null `x` is the strongest column of each neuron. */
export interface PictureColumns {
  readonly x: string | null;
  readonly y: string | null;
}

/** Keep small pictures of all hidden neurons, asked for one after the other as the network changes. */
export function usePictures(network: NetworkView | null, columns: PictureColumns | null): ReadonlyMap<string, SmallPicture> {
  const store = useStore();
  const shape = network && columns ? `${shapeOf(network)} ${JSON.stringify(columns)}` : "";
  const [pictures, setPictures] = useState({ shape, made: NONE });
  useEffect(() => {
    if (!network || !columns) return undefined;
    const hidden = drawnNeurons(network);
    if (hidden.length > MOST_PICTURES) return undefined;
    let isOver = false;
    let asked = "";
    let next = 0;
    const timer = setInterval(() => {
      if (document.hidden) return;
      const revision = next === 0 ? revisionOf(store.tick.peek()) : "";
      if (next === 0 && revision === asked) return;
      if (next === 0) asked = revision;
      const place = hidden[next]!;
      next = (next + 1) % hidden.length;
      store
        .ask({ type: "Respond", ...place, x_column: columns.x, y_column: columns.y })
        .then((response) => {
          if (isOver) return;
          setPictures((old) => {
            const made = new Map(old.shape === shape ? old.made : NONE);
            return { shape, made: made.set(pictureKey(place.layer, place.neuron), shrink(response)) };
          });
        })
        .catch(() => {
          // A picture that is refused is not worth a notice; it is asked for again when the network has changed.
          next = 0;
        });
    }, PAUSE);
    return () => {
      isOver = true;
      clearInterval(timer);
    };
  }, [store, shape, network?.edges_version]);
  // A network of the same shape keeps its pictures until it has new ones.
  return pictures.shape === shape ? pictures.made : NONE;
}
