/** The buttons above the drawing that add and remove neurons and layers. */

import type { NetworkView } from "../protocol.ts";
import type { Layout } from "./layout.ts";
import { addLayer, hiddenWidths, removeLayer, resizeLayer } from "./reshape.ts";

interface Props {
  readonly network: NetworkView;
  readonly layout: Layout;
  /** Whether the buttons of a layer stand one above the other. */
  readonly isCompact: boolean;
  readonly onReshape: (hidden: readonly number[]) => void;
}

function LayerHead({ network, layer, onReshape }: Omit<Props, "layout" | "isCompact"> & { layer: number }) {
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
          onClick={() => onReshape(width > 1 ? resizeLayer(hidden, layer, width - 1) : removeLayer(hidden, layer))}
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
          onClick={() => onReshape(removeLayer(hidden, layer))}
        >
          ×
        </button>
      </span>
    </>
  );
}

export function LayerHeads({ network, layout, isCompact, onReshape }: Props) {
  const hidden = hiddenWidths(network);
  const xOf = (layer: number): number => layout.spots[layout.layers[layer]![0]!]!.x;
  return (
    <div class={`layer-heads${isCompact ? " is-compact" : ""}`} role="group" aria-label="Layers">
      {network.layers.map((layer, i) => {
        const isHidden = i > 0 && i < network.layers.length - 1;
        return (
          <span key={`head-${i}`} class="layer-head" style={{ left: `${xOf(i)}px` }}>
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
