/** The numbers of a stage as a table: of the neurons, of the outputs, or of the weights that lead to one neuron. */
import { neuronTitle } from "../network/names.ts";
import type { BatchTrace, NetworkView } from "../protocol.ts";
import type { NeuronPlace } from "../store.ts";
import { writeNumber } from "../ui/numbers.ts";
import { columnOf, predictionsOf, rowOf } from "./read_stage.ts";
import type { Stage } from "./stages.ts";

interface Column {
  readonly title: string;
  readonly numbers: ArrayLike<number>;
}

interface TableProps {
  readonly caption: string;
  readonly names: readonly string[];
  readonly nameTitle: string;
  readonly columns: readonly Column[];
}

function NumberTable({ caption, names, nameTitle, columns }: TableProps) {
  return (
    <div class="scroll" role="region" aria-label={caption} tabIndex={0}>
      <table class="stage-table">
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col">{nameTitle}</th>
            {columns.map((column) => (
              <th key={column.title} scope="col" class="number">
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {names.map((name, i) => (
            <tr key={`${i} ${name}`}>
              <th scope="row">{name}</th>
              {columns.map((column) => (
                <td key={column.title} class="number">
                  {writeNumber(column.numbers[i] ?? null, 5)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface Props {
  readonly network: NetworkView;
  readonly trace: BatchTrace;
  /** The place of the row in the batch. */
  readonly row: number;
  readonly stage: Stage;
  /** The neuron whose weights are listed. */
  readonly neuron: NeuronPlace;
}

function namesOf(network: NetworkView, layer: number): string[] {
  const { width, names } = network.layers[layer]!;
  return Array.from({ length: width }, (_, i) => names[i] || `neuron ${i}`);
}

function OutputTable({ trace, row, hasSquares }: { trace: BatchTrace; row: number; hasSquares: boolean }) {
  const columns = [
    { title: "label", numbers: rowOf(trace.labels, row) },
    { title: "prediction", numbers: rowOf(trace.predictions, row) },
    { title: "difference", numbers: rowOf(trace.differences, row) },
  ];
  if (hasSquares) columns.push({ title: "its square", numbers: rowOf(trace.squares, row) });
  return (
    <>
      <NumberTable caption={`Outputs for ${trace.row_names[row]}`} names={trace.output_names} nameTitle="output" columns={columns} />
      {hasSquares && (
        <dl class="stage-sums">
          <div>
            <dt>mean of the squares</dt>
            <dd>{writeNumber(trace.mean_squares.data[row]!, 5)}</dd>
          </div>
          <div>
            <dt>{trace.loss_name}, the loss that is minimized</dt>
            <dd>{writeNumber(trace.row_losses.data[row]!, 5)}</dd>
          </div>
          <div>
            <dt>loss of the batch, the mean over its {trace.row_names.length} rows</dt>
            <dd>{writeNumber(trace.loss, 5)}</dd>
          </div>
        </dl>
      )}
    </>
  );
}

/** The columns of numbers that belong to the weights of one neuron, its bias as the last. */
function weightColumns(trace: BatchTrace, neuron: NeuronPlace, kind: Stage["kind"]): Column[] {
  const layer = trace.layers[neuron.layer - 1]!;
  const k = neuron.neuron;
  const before = [...columnOf(layer.weights, k), layer.bias.data[k]!];
  const gradient = [...columnOf(layer.weight_gradients, k), layer.bias_gradients.data[k]!];
  const after = [...columnOf(layer.weights_after, k), layer.bias_after.data[k]!];
  const gradients = { title: "gradient", numbers: gradient };
  if (kind === "weight_gradients") return [{ title: "weight", numbers: before }, gradients];
  if (kind === "optimizer") {
    const arrays = layer.optimizer_arrays.flatMap((array) => [
      { title: `${array.name} before`, numbers: [...columnOf(array.before, k), array.bias_before.data[k]!] },
      { title: `${array.name} after`, numbers: [...columnOf(array.after, k), array.bias_after.data[k]!] },
    ]);
    return [gradients, ...arrays];
  }
  const change = before.map((weight, i) => after[i]! - weight);
  return [{ title: "before", numbers: before }, gradients, { title: "change", numbers: change }, { title: "after", numbers: after }];
}

function WeightTable({ network, trace, stage, neuron }: Omit<Props, "row">) {
  const title = neuronTitle(network, neuron.layer, neuron.neuron);
  const columns = weightColumns(trace, neuron, stage.kind);
  return (
    <>
      <NumberTable
        caption={`Weights that lead to ${title}`}
        names={[...namesOf(network, neuron.layer - 1), "bias"]}
        nameTitle="weight from"
        columns={columns}
      />
      {stage.kind === "optimizer" && columns.length === 1 && (
        <p class="small quiet">
          {trace.optimizer} keeps no numbers of its own: its step is the learning rate, {writeNumber(trace.learning_rate)}, times the
          gradient.
        </p>
      )}
      {stage.kind === "update" && (
        <p class="small">
          Loss of this batch before the step: {writeNumber(trace.loss, 5)}; after it: {writeNumber(trace.loss_after, 5)}.
        </p>
      )}
    </>
  );
}

export function StageTable({ network, trace, row, stage, neuron }: Props) {
  switch (stage.kind) {
    case "inputs":
      return (
        <NumberTable
          caption={`Inputs of ${trace.row_names[row]}`}
          names={trace.input_names}
          nameTitle="input"
          columns={[{ title: "number", numbers: rowOf(trace.inputs, row) }]}
        />
      );
    case "differences":
    case "losses":
      return <OutputTable trace={trace} row={row} hasSquares={stage.kind === "losses"} />;
    case "weight_gradients":
    case "optimizer":
    case "update":
      return <WeightTable network={network} trace={trace} stage={stage} neuron={neuron} />;
    default: {
      const layer = trace.layers[stage.layer - 1]!;
      const columns: Column[] = [{ title: "z", numbers: rowOf(layer.sums, row) }];
      const isLast = stage.layer === trace.layers.length;
      const applied = isLast ? predictionsOf(trace, row) : rowOf(layer.activations, row);
      if (stage.kind !== "sums") columns.push({ title: `${layer.activation}(z)`, numbers: applied });
      if (stage.kind === "sum_gradients") columns.push({ title: "gradient at z", numbers: rowOf(layer.sum_gradients, row) });
      const caption = `${stage.title}, ${trace.row_names[row]}`;
      return <NumberTable caption={caption} names={namesOf(network, stage.layer)} nameTitle="neuron" columns={columns} />;
    }
  }
}
