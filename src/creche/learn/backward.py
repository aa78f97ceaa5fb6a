"""The way back: the gradient of every weight by backpropagation, and the step that the optimizer takes along it."""

from __future__ import annotations

import numpy as np

from creche.learn.lesson import Lesson
from creche.plan.optimizers import SGD
from creche.render.components import describe_optimizer
from creche.render.document import Block, Grid, Section, format_digits

__all__ = ["describe_backpropagation", "describe_chain", "describe_step"]

NEURONS_SHOWN = 8


def describe_backpropagation(lesson: Lesson) -> Section:
    """Follow the gradient of one row back through all layers."""
    step, at = lesson.first_step, lesson.row
    blocks: list[Block] = [
        "How does the loss change if a weight grows a little? The answer is the gradient of the weight. "
        "Backpropagation "
        "computes the gradients of all weights in one pass from the outputs back to the inputs. It begins with the "
        f"gradient of the loss with respect to the z of each neuron, here for row {step.rows[at]}:",
    ]
    for i in reversed(range(len(step.layers))):
        layer = step.layers[i]
        is_last = i == len(step.layers) - 1
        width = min(layer.width, NEURONS_SHOWN)
        names = lesson.classes if is_last else [f"neuron {j}" for j in range(layer.width)]
        values = [format_digits(float(g), 3) for g in layer.dloss_dsums[at, :width]]
        blocks.append(Grid(["outputs" if is_last else f"layer {i + 1}", *names[:width]], [["gradient", *values]]))
    blocks.append(
        "A negative gradient means that a larger z lowers the loss. At the outputs, the gradient of the true class is "
        "negative, and those of the other classes are positive. A neuron whose relu is 0 has a gradient of 0 and "
        "passes nothing back."
    )
    return Section("Backward pass: from the outputs to the inputs", blocks)


def describe_chain(lesson: Lesson) -> Section:
    """Work out the gradient of one neuron, and of one weight, and check all of them."""
    step, at = lesson.first_step, lesson.row
    row = int(step.rows[at])
    layer = max(1, len(step.layers) - 1)
    neuron = int(np.abs(step.layers[layer - 1].dloss_dsums[at].astype(np.float64)).argmax())
    followed = step.follow(layer, neuron, row)
    blocks: list[Block] = []
    if followed.dloss_dactivation is not None:
        head = ["to", "weight", "gradient there", "product"]
        numbers = np.column_stack([followed.target_weights, followed.target_gradients, followed.target_products])
        rows: list[list[str | float]] = [
            [to, *products] for to, products in zip(followed.targets, numbers[:NEURONS_SHOWN].tolist(), strict=False)
        ]
        rows.append(["sum", "", "", followed.dloss_dactivation])
        blocks += [
            f"By the chain rule, the gradient of {followed.name} comes from all neurons that it leads to:",
            Grid(head, rows, sums=1),
            f"Multiplied by the slope of {followed.function} at its z, {followed.derivative or 0:.3g}, this gives "
            f"{format_digits(followed.dloss_dsum)}, the gradient at z.",
        ]
    i = int(np.abs(followed.values).argmax())
    blocks.append(
        "The gradient of a weight is its input times the gradient at z. For the weight from "
        f"{followed.sources[i]}: {followed.values[i]:.5g} × {format_digits(followed.dloss_dsum)} = "
        f"{format_digits(followed.values[i] * followed.dloss_dsum)} in row {row}; summed over the rows of the batch, "
        f"{format_digits(float(followed.gradients[i]))}."
    )
    if step.check is not None:
        check = step.check
        blocks.append(
            "Is that right? Changing each weight a little and computing the loss again (finite differences) confirms "
            f"{check.checked:,} of {check.total:,} gradients, to a relative difference of "
            f"{check.largest_difference_in_float64:.1g}."
        )
    return Section("One gradient, worked out", blocks)


def describe_step(lesson: Lesson) -> Section:
    """Show the step of the weights of one neuron, and what it does to the loss."""
    step, at = lesson.first_step, lesson.row
    neuron = int(np.abs(step.layers[0].gradient.astype(np.float64)).max(axis=0).argmax())
    followed = step.follow(1, neuron, int(step.rows[at]))
    numbers = np.column_stack([followed.weights, followed.gradients, followed.steps, followed.weights_after])
    rows: list[list[str | float]] = [
        [name, *(f"{number:.5f}" for number in row)]
        for name, row in zip(followed.sources, numbers[:NEURONS_SHOWN].tolist(), strict=False)
    ]
    bias = (followed.bias, followed.bias_gradient, followed.bias_step, followed.bias_after)
    rows.append(["bias", *(f"{number:.5f}" for number in bias)])
    optimizer = step.plan.optimizer
    rule = f" The optimizer is {describe_optimizer(optimizer)}."
    if isinstance(optimizer, SGD) and not optimizer.momentum:
        i = int(np.abs(followed.gradients).argmax())
        rule = (
            f" SGD subtracts the learning rate, {step.learning_rate:g}, times the gradient. For {followed.sources[i]}: "
            f"{followed.weights[i]:.5f} - {step.learning_rate:g} × {followed.gradients[i]:.5f} = "
            f"{followed.weights_after[i]:.5f}."
        )
    before, after = step.loss, step.loss_after
    change = "lower" if after < before else "higher: the step was too long"
    return Section(
        "The optimizer's step",
        [
            f"The gradient points in the direction in which the loss rises, so the optimizer goes the opposite "
            f"way.{rule}",
            Grid([f"to {followed.name}", "before", "gradient", "step", "after"], rows),
            f"All {step.plan.network.parameters:,} weights and biases change at once. The loss of this batch was "
            f"{format_digits(before, 5)} before the step and is {format_digits(after, 5)} after it: {change}.",
        ],
    )
