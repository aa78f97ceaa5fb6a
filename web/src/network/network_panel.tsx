/** The region of the network: the diagram, alive, with what is shown in it, and the neuron that is selected. */
import { useCallback, useMemo, useState } from "preact/hooks";

import type { NetworkView, TableView } from "../protocol.ts";
import { useStore } from "../store.ts";
import { writeCount, writeShort } from "../ui/numbers.ts";
import { Panel } from "../ui/panel.tsx";
import { Diagram } from "./diagram.tsx";
import { thickestWeight } from "./edges.ts";
import { drawnNeurons } from "./layout.ts";
import { readTick } from "./live_reading.ts";
import { shapeOf } from "./names.ts";
import { NeuronPanel, inputColumns } from "./neuron_panel.tsx";
import { usePictures, type PictureColumns } from "./use_pictures.ts";

type Shown = "numbers" | "curves" | "maps";

const FIRST_EDGES = 200;
const NO_WEIGHTS = new Float32Array();
/** Up to this many connections there is nothing to choose. */
const FEW_EDGES = 80;

function numericColumns(network: NetworkView, table: TableView | null): readonly string[] {
  const columns = inputColumns(network);
  const numeric = columns.filter((name) => table?.columns.find((column) => column.name === name)?.role === "numeric");
  return numeric.length >= 2 ? numeric : columns;
}

export function NetworkPanel() {
  const store = useStore();
  const network = store.network.value;
  const tick = store.tick.value;
  const table = store.table.value;
  const [most, setMost] = useState(FIRST_EDGES);
  const [chosen, setChosen] = useState<Shown | null>(null);
  const hidden = useMemo(() => (network ? drawnNeurons(network).length : 0), [network]);
  const shown = hidden === 0 ? "numbers" : (chosen ?? "curves");
  const pair = network ? numericColumns(network, table) : [];
  const columns: PictureColumns | null =
    shown === "numbers" ? null : shown === "curves" ? { x: null, y: null } : { x: pair[0] ?? null, y: pair[1] ?? null };
  const pictures = usePictures(network, columns);
  const reshape = useCallback((layers: readonly number[]) => void store.change({ hidden: layers }), [store]);
  const reading = network && tick && readTick(network, tick, table?.task ?? null);
  const drawn = Math.min(most, network?.edges.shape[0] ?? 0);
  const thickest = thickestWeight(reading?.weights ?? NO_WEIGHTS);
  const legend = useMemo(() => {
    return network && <Legend network={network} thickest={thickest} most={drawn} onMost={setMost} />;
  }, [network, thickest, drawn]);
  if (!network || !tick || !reading) return null;

  return (
    <Panel
      title={`Network ${shapeOf(network)}`}
      class="network-panel"
      aside={`${writeCount(network.parameters)} weights and biases`}
    >
      <div class="fields">
        {hidden > 0 && (
          <label class="field">
            <span>In the neurons</span>
            <select value={shown} onChange={(event) => setChosen(event.currentTarget.value as Shown)}>
              <option value="numbers">activations of the row</option>
              <option value="curves">response to its strongest column</option>
              {pair.length >= 2 && (
                <option value="maps">
                  response to {pair[0]} and {pair[1]}
                </option>
              )}
            </select>
          </label>
        )}
      </div>
      <Diagram
        network={network}
        reading={reading}
        most={drawn}
        neuron={store.selectedNeuron.value}
        weight={store.selectedWeight.value}
        pictures={pictures}
        onNeuron={(place) => (store.selectedNeuron.value = place)}
        onWeight={(place) => (store.selectedWeight.value = place)}
        onReshape={reshape}
        label={`The network ${shapeOf(network)}. Arrow keys walk from neuron to neuron; Enter opens a neuron.`}
      />
      {legend}
      {store.selectedNeuron.value && <NeuronPanel network={network} tick={tick} neuron={store.selectedNeuron.value} />}
    </Panel>
  );
}

interface LegendProps {
  readonly network: NetworkView;
  readonly thickest: number;
  readonly most: number;
  readonly onMost: (most: number) => void;
}

function Legend({ network, thickest, most, onMost }: LegendProps) {
  const available = network.edges.shape[0]!;
  return (
    <div class="diagram-legend">
      <span class="legend-entry">
        <svg width="28" height="8" aria-hidden="true">
          <line class="edge-positive" x1="0" x2="28" y1="4" y2="4" />
        </svg>{" "}
        weight above 0
      </span>
      <span class="legend-entry">
        <svg width="28" height="8" aria-hidden="true">
          <line class="edge-negative" x1="0" x2="28" y1="4" y2="4" />
        </svg>{" "}
        below 0
      </span>
      <span class="legend-entry">thickest line: {writeShort(thickest)}</span>
      {available > FEW_EDGES && (
        <label class="field legend-entry">
          <span>
            strongest {writeCount(most)} of {writeCount(network.connections)}
          </span>
          <input
            type="range"
            min={10}
            max={available}
            value={most}
            aria-label="Number of connections that are drawn"
            onInput={(event) => onMost(event.currentTarget.valueAsNumber)}
          />
        </label>
      )}
    </div>
  );
}
