/** The neuron that is selected: what it responds to, and the weights that lead to it. */
import { useState } from "preact/hooks";

import type { NetworkView, Tick } from "../protocol.ts";
import { useStore, type NeuronPlace } from "../store.ts";
import { Term } from "../ui/hint.tsx";
import { Links } from "./links.tsx";
import { neuronTitle } from "./names.ts";
import { ResponsePlot } from "./response_plot.tsx";
import { useAnswer } from "./use_answer.ts";

interface Props {
  readonly network: NetworkView;
  readonly tick: Tick;
  readonly neuron: NeuronPlace;
}

function ColumnSelect(props: {
  label: string;
  /** What a screen reader says, where the label alone would not be understood. */
  name: string;
  none: string;
  columns: readonly string[];
  value: string | null;
  onChange: (column: string | null) => void;
}) {
  return (
    <label class="field">
      <span>{props.label}</span>
      <select aria-label={props.name} value={props.value ?? ""} onChange={(event) => props.onChange(event.currentTarget.value || null)}>
        <option value="">{props.none}</option>
        {props.columns.map((column) => (
          <option key={column} value={column}>
            {column}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Return the columns of the table that the network has as inputs. */
export function inputColumns(network: NetworkView): readonly string[] {
  return [...new Set(network.layers[0]!.columns)];
}

export function NeuronPanel({ network, tick, neuron }: Props) {
  const store = useStore();
  const [x, setX] = useState<string | null>(null);
  const [y, setY] = useState<string | null>(null);
  const { layer } = neuron;
  const question = layer > 0 ? JSON.stringify([layer, neuron.neuron, x, y]) : null;
  const response = useAnswer(question, (session) => {
    return session.ask({ type: "Respond", layer, neuron: neuron.neuron, x_column: x, y_column: y });
  });
  const title = neuronTitle(network, layer, neuron.neuron);
  const columns = inputColumns(network);
  const table = store.table.value;
  const dates = table?.columns.filter((column) => column.role === "datetime").map((column) => column.name) ?? [];
  return (
    <section class="neuron-panel" aria-label={`Selected: ${title}`}>
      <header>
        <h3>{title}</h3>
        <button type="button" class="quiet" onClick={() => (store.selectedNeuron.value = null)}>
          Close
        </button>
      </header>
      {layer === 0 ? (
        <p>
          An input: it stands for the column {network.layers[0]!.columns[neuron.neuron]}, encoded as a number. No weights lead to
          it.
        </p>
      ) : (
        <div class="neuron-columns">
          <div>
            <h4>
              <Term term="response">Response</Term>
            </h4>
            <div class="fields">
              <ColumnSelect label="Responds along" name="Responds along" none="its strongest column" columns={columns} value={x} onChange={setX} />
              <ColumnSelect
                label="and"
                name="Second column of the response"
                none="no second column"
                columns={columns.filter((column) => column !== x)}
                value={y}
                onChange={setY}
              />
            </div>
            {response ? (
              <ResponsePlot response={response} classes={table?.classes ?? []} dates={dates} />
            ) : (
              <p class="is-waiting">Waiting for the response …</p>
            )}
          </div>
          <Links
            network={network}
            tick={tick}
            neuron={neuron}
            chosen={store.selectedWeight.value}
            onChoose={(place) => (store.selectedWeight.value = place)}
          />
        </div>
      )}
    </section>
  );
}
