import { useMemo } from "preact/hooks";

import type { NetworkView, SmallResponses } from "../protocol.ts";
import { pictureKey } from "./diagram.tsx";
import { drawnNeurons } from "./layout.ts";
import { shapeOf } from "./names.ts";
import type { SmallPicture } from "./paint.ts";
import { useAnswer } from "./use_answer.ts";

/** The most neurons whose small pictures are asked for, as many as the session answers at once. */
const MOST_PICTURES = 500;
const NONE: ReadonlyMap<string, SmallPicture> = new Map();

/** The columns over which small pictures are drawn; a null `x` is the strongest column of each neuron. */
export interface PictureColumns {
  readonly x: string | null;
  readonly y: string | null;
}

type Places = readonly { readonly layer: number; readonly neuron: number }[];

function picturesOf(places: Places, { activations, counts }: SmallResponses): ReadonlyMap<string, SmallPicture> {
  const [, rows, width] = activations.shape as [number, number, number];
  return new Map(
    places.map(({ layer, neuron }, i) => {
      const columns = rows > 1 ? width : counts.data[i]!;
      const values = activations.data.subarray(i * rows * width, i * rows * width + rows * columns);
      return [pictureKey(layer, neuron), { values, columns, rows }];
    }),
  );
}

/** Keep small pictures of the hidden neurons that are drawn, asked for together as the network changes. */
export function usePictures(network: NetworkView | null, columns: PictureColumns | null): ReadonlyMap<string, SmallPicture> {
  const places = useMemo(() => (network ? drawnNeurons(network).slice(0, MOST_PICTURES) : []), [network]);
  const isAsked = network !== null && columns !== null && places.length > 0;
  // A network of the same shape keeps its pictures until it has new ones.
  const question = isAsked ? JSON.stringify([shapeOf(network), places, columns]) : null;
  const answer = useAnswer(question, (session) => {
    const request = { places: places.map(({ layer, neuron }) => [layer, neuron]), x_column: columns!.x, y_column: columns!.y };
    return (
      session
        .ask({ type: "RespondSmall", ...request })
        .then((view) => picturesOf(places, view))
        // What is refused, as in a network that was just replaced, is not worth a notice.
        .catch(() => NONE)
    );
  });
  return answer ?? NONE;
}
