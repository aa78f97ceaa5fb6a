/** The grip under each hidden layer: drawn down it adds neurons, drawn up it removes them, and at last the layer. */
import { useState } from "preact/hooks";

import type { NetworkView } from "../protocol.ts";
import { countOf } from "../ui/numbers.ts";
import type { Layout } from "./layout.ts";
import { ghostSpots, hiddenWidths, leavingSpots, resizeLayer, widthAfterDrag } from "./reshape.ts";

/** How far a grip is below the last neuron of its layer, in pixels. */
const GAP = 14;
const KEYS: Readonly<Record<string, number>> = {
  ArrowUp: 1, ArrowRight: 1, "+": 1, ArrowDown: -1, ArrowLeft: -1, "-": -1, PageUp: 4, PageDown: -4,
};

interface Props {
  readonly network: NetworkView;
  readonly layout: Layout;
  readonly onReshape: (hidden: readonly number[]) => void;
}

interface Drag {
  readonly layer: number;
  readonly from: number;
  readonly width: number;
}

export function LayerGrips({ network, layout, onReshape }: Props) {
  const [drag, setDrag] = useState<Drag | null>(null);
  const hidden = hiddenWidths(network);
  const resize = (layer: number, width: number): void => {
    if (width !== hidden[layer - 1]) onReshape(resizeLayer(hidden, layer, width));
  };
  return (
    <>
      {drag && <Preview layout={layout} drag={drag} present={hidden[drag.layer - 1]!} />}
      {hidden.map((present, i) => {
        const layer = i + 1;
        const last = layout.spots[layout.layers[layer]!.at(-1)!]!;
        const width = drag?.layer === layer ? drag.width : present;
        return (
          <div
            key={layer}
            role="slider"
            tabIndex={0}
            class="layer-grip"
            style={{ left: `${last.x}px`, top: `${last.y + layout.radius + GAP}px` }}
            title="Drag down to add neurons, up to remove them"
            aria-label={`Neurons of layer ${layer}`}
            aria-orientation="vertical"
            aria-valuemin={0}
            aria-valuenow={width}
            aria-valuetext={width > 0 ? countOf(width, "neuron") : "remove the layer"}
            onPointerDown={(event) => {
              if (event.button !== 0) return;
              event.currentTarget.setPointerCapture(event.pointerId);
              setDrag({ layer, from: event.clientY, width: present });
            }}
            onPointerMove={(event) => {
              if (drag?.layer !== layer) return;
              setDrag({ ...drag, width: widthAfterDrag(layout, layer, present, event.clientY - drag.from) });
            }}
            onPointerUp={() => {
              if (drag?.layer === layer) resize(layer, drag.width);
              setDrag(null);
            }}
            onPointerCancel={() => setDrag(null)}
            onKeyDown={(event) => {
              const change = KEYS[event.key];
              if (event.key === "Escape" && drag) setDrag(null);
              else if (change) resize(layer, present + change);
              else if (event.key === "Delete") resize(layer, 0);
              else return;
              event.preventDefault();
              event.stopPropagation();
            }}
          >
            {drag?.layer === layer && <span class="grip-width">{width > 0 ? width : "remove the layer"}</span>}
          </div>
        );
      })}
    </>
  );
}

/** The neurons that a drag would add, as outlines, and those that it would remove, faded. */
function Preview({ layout, drag, present }: { readonly layout: Layout; readonly drag: Drag; readonly present: number }) {
  const { radius } = layout;
  const square = (x: number, y: number) => ({
    left: `${x - radius}px`, top: `${y - radius}px`, width: `${2 * radius}px`, height: `${2 * radius}px`,
  });
  return (
    <div aria-hidden="true">
      {ghostSpots(layout, drag.layer, present, drag.width).map(({ x, y }) => (
        <span key={y} class="ghost" style={square(x, y)} />
      ))}
      {leavingSpots(layout, drag.layer, present, drag.width).map(({ x, y }) => (
        <span key={y} class="ghost is-leaving" style={square(x, y)} />
      ))}
    </div>
  );
}
