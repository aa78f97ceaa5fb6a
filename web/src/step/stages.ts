/** The stages of one training step: forward from layer to layer, the loss, backward, and the update. */
import type { NetworkView, TableView } from "../protocol.ts";

export type Task = TableView["task"];

export type StageKind =
  | "inputs" | "sums" | "activations" | "predictions" | "differences" | "losses" | "sum_gradients" | "weight_gradients"
  | "optimizer" | "update";

export interface Stage {
  readonly kind: StageKind;
  /** The layer whose numbers come in at this stage, as in `NetworkView.layers`. */
  readonly layer: number;
  readonly title: string;
  readonly text: string;
}

function layerTitle(network: NetworkView, layer: number): string {
  return layer === network.layers.length - 1 ? "the outputs" : `layer ${layer}`;
}

function forwardStages(network: NetworkView, task: Task): Stage[] {
  const last = network.layers.length - 1;
  return network.layers.slice(1).flatMap(({ activation }, i): Stage[] => {
    const layer = i + 1;
    const where = layerTitle(network, layer);
    const sums: Stage = {
      kind: "sums",
      layer,
      title: `Weighted sums of ${where}`,
      text: "Each neuron multiplies what comes in by its weights and adds its bias: the sum z, its pre-activation.",
    };
    if (layer < last) {
      const text = `Each neuron applies its activation function, ${activation}, to its z. The result goes on to the next layer.`;
      return [sums, { kind: "activations", layer, title: `Activations of ${where}`, text }];
    }
    const isNumber = task === "regression";
    const text = isNumber
      ? "The sums of the outputs are the predictions, in the units that the network sees."
      : `The ${activation} of the sums of the outputs is a probability for each ${task === "multilabel" ? "label" : "class"}.`;
    return [sums, { kind: "predictions", layer, title: isNumber ? "Predictions" : "Probabilities", text }];
  });
}

function backwardStages(network: NetworkView): Stage[] {
  const last = network.layers.length - 1;
  return Array.from({ length: last }, (_, i): Stage => {
    const layer = last - i;
    const text =
      layer === last
        ? "How would the loss of the batch change if a z of the outputs grew a little? That is its gradient; below 0 means that a larger z lowers the loss."
        : "Gradients flow back over the same connections: each neuron adds the gradients of the neurons it leads to, times the weights between them, times the slope of its activation.";
    return { kind: "sum_gradients", layer, title: `Gradients at the sums of ${layerTitle(network, layer)}`, text };
  });
}

const DIFFERENCES: Readonly<Record<NonNullable<Task>, string>> = {
  classification:
    "The label is 1 at the true class and 0 at the others. The difference is the prediction minus the label.",
  multilabel: "A label is 1 for yes and 0 for no. The difference is the prediction minus the label.",
  regression: "The difference is the prediction minus the label.",
};

/** Return the stages of a step of a network, in their order. */
export function stagesOf(network: NetworkView, task: Task, optimizer: string): Stage[] {
  const last = network.layers.length - 1;
  return [
    {
      kind: "inputs",
      layer: 0,
      title: "Features in",
      text: "The row comes in, each feature encoded as a number that is neither very large nor very small.",
    },
    ...forwardStages(network, task),
    {
      kind: "differences",
      layer: last,
      title: "Difference from the label",
      text: DIFFERENCES[task ?? "classification"],
    },
    {
      kind: "losses",
      layer: last,
      title: "The loss",
      text: "The mean of the squared differences beside the loss that is minimized. Both are lowest for a perfect prediction, and grow as it gets worse.",
    },
    ...backwardStages(network),
    {
      kind: "weight_gradients",
      layer: last,
      title: "Gradients of the weights",
      text: "The gradient of a weight is what comes in through it times the gradient at the z it leads to, added up over the rows of the batch.",
    },
    {
      kind: "optimizer",
      layer: last,
      title: "The optimizer's numbers",
      text: `The optimizer, ${optimizer}, makes a step out of each gradient; what it remembers of earlier gradients is in its own numbers, one for each weight.`,
    },
    {
      kind: "update",
      layer: last,
      title: "Weights before and after",
      text: "All weights and biases move at once, against their gradients.",
    },
  ];
}
