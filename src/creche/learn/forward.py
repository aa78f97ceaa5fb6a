"""The way forward: through the layers to the predictions, and the loss that says how wrong they are."""

from __future__ import annotations

import numpy as np

from creche.explain.trace.errors import ClassificationErrors
from creche.learn.lesson import Lesson
from creche.render.components import describe_component
from creche.render.document import Block, Grid, Section, format_digits

__all__ = ["describe_batch", "describe_forward_pass", "describe_loss", "describe_own_loss"]

ROWS_SHOWN = 6
NEURONS_SHOWN = 8

# What the chapter predicts for its example: this for the true class, and the rest shared by the others.
EXAMPLE = 0.4


def describe_forward_pass(lesson: Lesson) -> Section:
    """Follow one row through all layers."""
    step, at = lesson.first_step, lesson.row
    layers = step.layers
    blocks: list[Block] = []
    first = step.follow(1, 0, int(step.rows[at]))
    terms = " + ".join(
        f"({value:.3f} × {weight:.3f})" for value, weight in zip(first.values[:4], first.weights[:4], strict=True)
    )
    more = " + …" if len(first.values) > 4 else ""
    blocks.append(
        "A neuron multiplies its inputs by its weights and adds its bias: this sum is z, the pre-activation (weighted "
        f"sum). Then it applies its activation f: {_explain_activation(first.function)}. Neuron 0 of layer 1: z = "
        f"{terms}{more} + {first.bias:.3f} = "
        f"{first.weighted_sum:.3f}, {first.function}(z) = {first.activation:.3f}."
    )
    for i, layer in enumerate(layers):
        is_last = i == len(layers) - 1
        width = min(layer.width, NEURONS_SHOWN)
        names = lesson.classes if is_last else [f"neuron {j}" for j in range(layer.width)]
        results = step.outputs if is_last else layer.activations
        rows: list[list[str | float]] = [
            ["z", *(f"{z:.3f}" for z in layer.sums[at, :width].tolist())],
            [f"{layer.activation}(z)", *(f"{a:.3f}" for a in results[at, :width].tolist())],
        ]
        blocks.append(Grid(["outputs" if is_last else f"layer {i + 1}", *names[:width]], rows))
    blocks.append(
        "The softmax of the last layer turns its z into probabilities: e to the power of each, divided by their sum."
    )
    return Section(f"Forward pass: row {step.rows[at]} through the layers", blocks)


def describe_loss(lesson: Lesson) -> Section:
    """Compare the chapter's example of a prediction with the label."""
    true, count = int(lesson.errors.true[lesson.row]), len(lesson.classes)
    probabilities = np.full((1, count), (1 - EXAMPLE) / (count - 1))
    probabilities[0, true] = EXAMPLE
    example = ClassificationErrors.of(probabilities, np.array([true]))
    return Section(
        "The loss: how wrong a prediction is",
        [
            f"The label of class {true}, {lesson.classes[true]}, is the vector {_label(true, count)}: a "
            "probability of 1 for the true class (one-hot). Suppose a network predicted these probabilities:",
            _error_grid(lesson, example, 0),
            f"{_arithmetic(example, 0)} It is 0 for a perfect prediction, and larger the more wrong the prediction is.",
        ],
    )


def describe_own_loss(lesson: Lesson) -> Section:
    """Compare the network's own prediction for the row that is followed with its label."""
    errors, at = lesson.errors, lesson.row
    true = int(errors.true[at])
    return Section(
        f"The loss of row {lesson.first_step.rows[at]}",
        [
            "With its random weights, the network predicts for our row:",
            _error_grid(lesson, errors, at),
            _arithmetic(errors, at),
            "Most classifiers are trained with another loss, the cross-entropy: -log of the probability of the true "
            f"class. Here it is -log {errors.probabilities[at, true]:.4f} = {errors.cross_entropy[at]:.4f}. It, too, "
            "is 0 for a perfect prediction, and grows without limit as the probability of the true class approaches 0.",
        ],
    )


def _label(true: int, count: int) -> str:
    return f"[{', '.join('1' if i == true else '0' for i in range(count))}]"


def _error_grid(lesson: Lesson, errors: ClassificationErrors, at: int) -> Grid:
    true = errors.true[at]
    rows: list[list[str | float]] = [
        ["label", *("1" if i == true else "0" for i in range(len(lesson.classes)))],
        ["prediction", *(f"{p:.4g}" for p in errors.probabilities[at])],
        ["difference", *(f"{d:.4g}" for d in errors.differences[at])],
        ["its square", *(f"{s:.4g}" for s in errors.squares[at])],
    ]
    return Grid(["", *lesson.classes], rows)


def _arithmetic(errors: ClassificationErrors, at: int) -> str:
    squares = " + ".join(f"{s:.4g}" for s in errors.squares[at])
    return (
        f"The mean of the squares is the squared error: ({squares}) / {len(errors.squares[at])} = "
        f"{errors.squared_error[at]:.4g}."
    )


def describe_batch(lesson: Lesson) -> Section:
    """Tell the loss of the whole batch."""
    step, errors = lesson.first_step, lesson.errors
    rows: list[list[str | float]] = [
        [str(step.rows[r]), lesson.classes[errors.true[r]], *(f"{p:.3f}" for p in errors.probabilities[r]),
         f"{step.losses[r]:.4f}"]
        for r in range(min(ROWS_SHOWN, len(step)))
    ]  # fmt: skip
    loss = describe_component(step.plan.loss)
    epochs = lesson.start.plan.steps_per_epoch(len(lesson.prepared.train))
    more = [f"… and {len(step) - ROWS_SHOWN} more"] if len(step) > ROWS_SHOWN else []
    return Section(
        "A batch",
        [
            f"The network learns not from one row at a time but from a batch of {len(step)}, drawn at random from the "
            "training rows:",
            Grid(["row", "label", *lesson.classes, "loss"], rows, left=2),
            *more,
            f"The loss of the batch ({loss}) is the mean of the losses of its rows: {format_digits(step.loss, 5)}. "
            f"{len(lesson.prepared.train):,} training rows make {epochs} batches; one pass through all of them is an "
            "epoch.",
        ],
    )


def _explain_activation(function: str) -> str:
    return "relu(z) is z if z is above 0, otherwise 0" if function == "relu" else f"here f is {function}"
