"""Training as a whole: epochs, the loss against a weight, learning rates, optimizers, GPUs, and a prediction."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from creche._system.shell import shell_command
from creche.explain.cells import format_cell
from creche.explain.compare import Comparison
from creche.explain.trace.forward import forward_pass
from creche.learn.lesson import RATE_OF_ADAM, Lesson
from creche.pages.comparison import MARKS, comparison_chart
from creche.plan.network import Network
from creche.render.document import Block, Chart, Curve, Facts, Grid, Point, Section

__all__ = [
    "describe_curve",
    "describe_epochs",
    "describe_gpus",
    "describe_optimizers",
    "describe_prediction",
    "describe_rates",
]

EPOCHS_SHOWN = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000)
SHOWN = 8  # columns of an observation
TANGENT_LENGTH = 0.12  # of the curve's width, to either side
# A network that needs a GPU, for comparison with the chapter's.
LARGE_INPUTS, LARGE_HIDDEN, LARGE_OUTPUTS = 1000, (4096, 4096, 4096), 1000


def describe_epochs(lesson: Lesson) -> Section:
    """Tell what happens in the next epochs."""
    run = lesson.trained
    history, epochs = run.history, len(run.history)
    shown = [epoch for epoch in EPOCHS_SHOWN if epoch < epochs] + [epochs]
    has_validation = history.has_validation
    head = ["epoch", "loss", "accuracy", *(["validation loss", "validation accuracy"] if has_validation else [])]
    rows: list[list[str | float]] = []
    for epoch in shown:
        numbers = [history.train_loss[epoch - 1], history.train_metric[epoch - 1]]
        if has_validation:
            numbers += [history.validation_loss[epoch - 1], history.validation_metric[epoch - 1]]
        rows.append([str(epoch), *(f"{number:.4f}" for number in numbers)])
    blocks: list[Block] = [
        "The same is repeated with the next batch: forward pass, loss, backward pass, step. After "
        f"{run.plan.steps_per_epoch(len(run.rows))} steps the first epoch is over; then the rows are shuffled, and the "
        "next epoch begins.",
        Grid(head, rows),
        "The loss and accuracy of an epoch are means over its batches, each measured before its step.",
    ]
    if has_validation:
        blocks.append(
            f"After {epochs} epochs the network predicts {history.validation_metric[-1]:.1%} of the validation rows "
            "correctly, although it was never trained on them. When the training loss keeps falling while the "
            "validation loss rises, the network memorizes the training rows: it is overfitting."
        )
    return Section("Epoch after epoch", blocks)


def describe_curve(lesson: Lesson) -> Section:
    """Draw the loss against the steepest weight."""
    curve = lesson.curve
    weights = curve.weights.astype(float)
    reach = TANGENT_LENGTH * (weights[-1] - weights[0])
    ends = np.linspace(max(curve.weight - reach, weights[0]), min(curve.weight + reach, weights[-1]), 41)
    ends = ends[(curve.tangent(ends) >= curve.losses.min()) & (curve.tangent(ends) <= curve.losses.max())]
    chart = Chart(
        "weight",
        [Curve("tangent", ends.tolist(), curve.tangent(ends).tolist(), "-"),
         Curve("loss of all training rows", weights.tolist(), curve.losses.tolist())],
        [Point("the network before training", curve.weight, curve.loss)],
    )  # fmt: skip
    rows: list[list[str | float]] = [
        [f"{step.learning_rate:.3g}", f"{step.weight:.4g}", f"{step.loss:.4g}", step.verdict] for step in curve.steps
    ]
    place = curve.name.removeprefix("weight ")
    return Section(
        "The loss against one weight",
        [
            f"All weights but one stay as they are. This one, {place}, has the largest gradient and varies from left "
            f"to "
            "right:",
            chart,
            f"The gradient is the slope of the curve at the point, {curve.gradient:.4g} ({curve.slope}).",
            Grid(["learning rate", "weight after", "loss after", "verdict"], rows, left=0),
        ],
    )


def describe_rates(lesson: Lesson) -> Section:
    """Show a learning rate that is too low, one that is good, and one that is too high."""
    return _describe_runs(
        "Learning rates",
        "How long should a step be? The gradient gives the direction, and the learning rate scales the length. Here "
        "are "
        "three networks with the same random weights and the same batches, but different learning rates:",
        lesson.rates,
    )


def describe_optimizers(lesson: Lesson) -> Section:
    """Show SGD, ADADELTA and Adam side by side."""
    rate = lesson.start.plan.optimizer.learning_rate
    return _describe_runs(
        "SGD, ADADELTA and Adam",
        f"SGD has one learning rate for all weights, here {rate:g}. ADADELTA (Zeiler 2012) and Adam (Kingma & Ba 2015) "
        "also keep track of how large the gradients of each weight have been, and scale the step of each weight "
        "accordingly: longer where its gradients are small. ADADELTA needs no learning rate; Adam has one, here "
        f"{RATE_OF_ADAM:g}. All three start from the same weights:",
        lesson.optimizers,
    )


def _describe_runs(title: str, question: str, runs: Comparison) -> Section:
    verdicts = Facts([(f"{mark} {one.name}", f"{one.verdict}") for mark, one in zip(MARKS, runs, strict=False)])
    return Section(title, [question, comparison_chart(runs), verdicts])


def describe_gpus(lesson: Lesson) -> Section:
    """Count the multiplications of a step, here and in a large network."""
    plan, rows = lesson.start.plan, len(lesson.prepared.train)
    own = _count_multiplications(plan.network)
    large = _count_multiplications(Network.of(LARGE_INPUTS, LARGE_HIDDEN, LARGE_OUTPUTS))
    seconds = float(lesson.trained.history.seconds.sum())
    steps = lesson.trained.step
    table = Grid(
        ["network", "per row", f"per batch of {plan.batch_size}"],
        [
            [str(plan.network), f"{own:,}", f"{own * plan.batch_size:,}"],
            ["-".join(map(str, (LARGE_INPUTS, *LARGE_HIDDEN, LARGE_OUTPUTS))), f"{large:,}",
             f"{large * plan.batch_size:,}"],
        ],
    )  # fmt: skip
    duration = f"{1e3 * seconds:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
    return Section(
        "What GPUs change",
        [
            "They change nothing in what is computed: sums, gradients and steps are the same. But all neurons of a "
            "layer, "
            "and all rows of a batch, can be computed at the same time, and a GPU has thousands of small arithmetic "
            "units "
            "for that. These are the multiplications of one step, forward and backward:",
            table,
            "The large network keeps a GPU busy and trains many times faster on it. The small one does not: sending "
            "its work to a GPU takes longer than doing it. Creche computes on the processor (CPU), with several "
            "numbers "
            f"in each instruction. Here it took {steps:,} steps: {len(lesson.trained.history)} epochs of {rows:,} "
            f"rows.",
            f"That took {duration}.",
        ],
    )


def describe_prediction(lesson: Lesson) -> Section:
    """Predict an observation that the network was not trained on, and tell how to continue."""
    model, names = lesson.trained.model, lesson.prepared.features.names
    forward = forward_pass(model, lesson.observation)
    cells = ", ".join(f"{name} {format_cell(values[0])}" for name, values in list(forward.features.items())[:SHOWN])
    rows: list[list[str | float]] = [
        [name, f"{p:.4f}"] for name, p in zip(lesson.classes, forward.predictions[0].tolist(), strict=True)
    ]
    best = lesson.classes[int(forward.predictions[0].argmax())]
    typed = ",".join("" if values[0] is None else str(values[0]) for values in forward.features.values())
    label = lesson.prepared.labels.name
    more = ", …" if len(names) > SHOWN else ""
    commands = [
        shell_command("creche", "train", lesson.source, "--label", label, "--hidden", "5,5", "-o", "mine.creche"),
        shell_command("creche", "predict", "mine.creche", "--row", typed),
        shell_command("creche", "compare", lesson.source, "--label", label),
    ]
    return Section(
        "A prediction, and your turn",
        [
            f"Here is a new observation: {cells}{more}. One forward pass through the trained network gives:",
            Grid([label, "probability"], rows),
            f"The network predicts {best}. These commands do the same, and compare learning rates and optimizers:",
            *commands,
            "'creche glossary' explains the terms, and 'creche --help' lists the commands.",
        ],
    )


def _count_multiplications(network: Network) -> int:
    """Return the multiplications of a row: each weight once forward and twice backward, the first layer's once."""
    products = [before * after for before, after in pairwise(network.widths)]
    return 3 * sum(products) - products[0]
