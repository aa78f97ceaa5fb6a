/** The buttons above the drawing that add and remove neurons and layers. */

import type { NetworkView } from "../protocol.ts";
import type { Layout } from "./layout.ts";
import { addLayer, hiddenWidths, resizeLayer } from "./reshape.ts";

interface Props {
  readonly network: NetworkView;
  readonly layout: Layout;
  readonly onReshape: (hidden: readonly number[]) => void;
}

function LayerHead({ network, layer, onReshape }: Omit<Props, "layout"> & { layer: number }) {
  const hidden = hiddenWidths(network);
  const { width, activation } = network.layers[layer]!;
  return (
    <>
      <span class="head-title">{activation}</span>
      <span class="head-buttons">
        <button
          type="button"
          aria-label={width > 1 ? `Remove a neuron from layer ${layer}` : `Remove layer ${layer}`}
          title={width > 1 ? "Remove a neuron" : "Remove the layer"}
          onClick={() => onReshape(resizeLayer(hidden, layer, width - 1))}
        >
          −
        </button>
        <span class="head-width">{width}</span>
        <button
          type="button"
          aria-label={`Add a neuron to layer ${layer}`}
          title="Add a neuron"
          onClick={() => onReshape(resizeLayer(hidden, layer, width + 1))}
        >
          +
        </button>
        <button
          type="button"
          class="remove-layer"
          aria-label={`Remove layer ${layer}`}
          title="Remove the layer"
          onClick={() => onReshape(resizeLayer(hidden, layer, 0))}
        >
          ×
        </button>
      </span>
    </>
  );
}

/** The narrowest steps from layer to layer at which there is room for all buttons of a layer, and for any. */
const WIDE_STEP = 132;
const NARROW_STEP = 100;

export function LayerHeads({ network, layout, onReshape }: Props) {
  const hidden = hiddenWidths(network);
  const xOf = (layer: number): number => layout.spots[layout.layers[layer]![0]!]!.x;
  return (
    <div class={`layer-heads${layout.step < NARROW_STEP ? " is-tight" : layout.step < WIDE_STEP ? " is-compact" : ""}`} role="group" aria-label="Layers">
      {network.layers.map((layer, i) => {
        const isHidden = i > 0 && i < network.layers.length - 1;
        return (
          <span key={`head-${i}`} class={`layer-head${isHidden ? " is-hidden" : ""}`} style={{ left: `${xOf(i)}px` }}>
            {isHidden ? (
              <LayerHead network={network} layer={i} onReshape={onReshape} />
            ) : (
              <>
                <span class="head-title">{i === 0 ? "inputs" : layer.activation}</span>
                <span class="head-width">{layer.width}</span>
              </>
            )}
          </span>
        );
      })}
      {network.layers.slice(1).map((_, i) => (
        <button
          key={`add-${i}`}
          type="button"
          class="add-layer"
          style={{ left: `${(xOf(i) + xOf(i + 1)) / 2}px` }}
          aria-label={i < hidden.length ? `Add a layer before layer ${i + 1}` : "Add a layer before the outputs"}
          title="Add a layer here"
          onClick={() => onReshape(addLayer(hidden, i))}
        >
          +
        </button>
      ))}
    </div>
  );
}
