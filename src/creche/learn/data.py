"""The first steps: the table, the network, its random weights, and how measurements become inputs."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from creche._phrases import format_count
from creche.explain.cells import feature_values, format_cell
from creche.explain.trace.narrative import input_section
from creche.learn.lesson import Lesson
from creche.render.document import Block, Grid, Section
from creche.table.encoders.numeric import NumericEncoder

__all__ = ["describe_inputs", "describe_network", "describe_table", "describe_weights"]

ROWS_SHOWN = 5
COLUMNS_SHOWN = 8
NEURONS_SHOWN = 8


def describe_table(lesson: Lesson) -> Section:
    """Tell what a row is, and what is to be learnt."""
    observed, names = lesson.prepared.labelled, lesson.prepared.features.names
    label = lesson.prepared.labels.name
    cells = feature_values(observed, names)
    shown = names[:COLUMNS_SHOWN]
    places = [int(np.flatnonzero(observed.y == value)[0]) for value in lesson.model.classes or ()][:ROWS_SHOWN]
    rows: list[list[str | float]] = [
        [str(observed.row_numbers[at]), *(format_cell(cells[name][at]) for name in shown), str(observed.y[at])]
        for at in places
    ]
    numbered = ", ".join(f"{i} {name}" for i, name in enumerate(lesson.classes))
    more = [f"… and {len(names) - len(shown):,} more columns"] if len(names) > len(shown) else []
    train, validation = len(lesson.prepared.train), len(lesson.prepared.validation or ())
    return Section(
        "The table",
        [
            f"Each row of {lesson.source} is an observation: {format_count(len(names), 'value')} x and a label y, the "
            f"{label}. This is the first row of each class:",
            Grid(["row", *shown, label], rows),
            *more,
            f"The classes are numbered: {numbered}. The network has to predict the class from x alone.",
            f"Of the {len(observed):,} rows, {train:,} are training rows, which it learns from. The other "
            f"{validation:,}, the "
            "validation rows, are held out to measure how well it predicts rows that it has never seen.",
        ],
    )


def describe_network(lesson: Lesson) -> Section:
    """Tell the layers, and count the weights."""
    network = lesson.start.plan.network
    widths, layers = network.widths, network.layers
    rows: list[list[str | float]] = [["inputs", str(widths[0]), "", ""]]
    for i, (before, width) in enumerate(pairwise(widths)):
        last = i == len(layers) - 1
        name = "outputs" if last else f"hidden layer {i + 1}"
        rows.append([name, str(width), f"{before} × {width} + {width} = {before * width + width}",
                     "softmax" if last else layers[i].activation.key])  # fmt: skip
    hidden = " and ".join(str(width) for width in widths[1:-1]) or "no"
    return Section(
        "The network",
        [
            f"A fully connected network {network}: {widths[0]} inputs, hidden layers of {hidden} neurons, and "
            f"{widths[-1]} outputs, one probability for each class. You choose the hidden layers; the table determines "
            "the inputs and the outputs.",
            Grid(["layer", "neurons", "weights + biases", "activation"], rows, left=1),
            f"Every neuron is connected to every neuron of the previous layer by a weight, and has a bias: "
            f"{network.parameters:,} numbers (parameters) in all. Training changes these numbers and nothing else.",
        ],
    )


def describe_weights(lesson: Lesson) -> Section:
    """Show the weights before training, and what such a network predicts."""
    weights, bias = lesson.model.weights[0]
    initializer = lesson.start.plan.network.layers[0].initializer
    assert initializer is not None  # a layer has the one of its activation
    shown = weights[:COLUMNS_SHOWN, :NEURONS_SHOWN]
    head = ["weight from", *(f"neuron {j}" for j in range(shown.shape[1]))]
    rows: list[list[str | float]] = [
        [name, *map(float, values)] for name, values in zip(lesson.model.features.inputs, shown.tolist(), strict=False)
    ]
    rows.append(["bias", *map(float, bias[:NEURONS_SHOWN])])
    step = lesson.first_step
    right = int((lesson.errors.probabilities.argmax(axis=1) == lesson.errors.true).sum())
    return Section(
        "Random weights",
        [
            f"Before training, the network gets random weights ({initializer.key}, seed {lesson.start.plan.seed}) "
            f"and "
            "biases of 0. These weights lead from the inputs to layer 1:",
            Grid(head, rows, digits=3),
            f"Such a network knows nothing: it predicts {right} of the first {len(step)} rows correctly, where "
            f"guessing "
            f"would get about {len(step) / len(lesson.classes):.0f} right. The same seed gives the same weights, so "
            "everything that follows can be repeated to the last digit.",
        ],
    )


def describe_inputs(lesson: Lesson) -> Section:
    """Show how the measurements of one row become the inputs."""
    step = lesson.first_step
    row = int(step.rows[lesson.row])
    blocks: list[Block] = [
        f"From here on, we follow one row: row {row} of the table, {_article(lesson.label_of_row)}. Its values have "
        "different units, so each becomes its distance from the mean of its column, in standard deviations "
        "(standardization):",
        *input_section(step, row).blocks,
    ]
    first = lesson.prepared.features.columns[0]
    if isinstance(first, NumericEncoder) and first.is_plain:
        value = step.features[first.name][lesson.row]
        if value is not None:
            blocks.append(
                f"For {first.name}: ({format_cell(value)} - {first.center:.5g}) / {first.scale:.5g} = "
                f"{(value - first.center) / first.scale:.5g}. Mean and standard deviation are those of the training "
                f"rows."
            )
    return Section("From measurements to inputs", blocks)


def _article(name: str) -> str:
    return f"{'an' if name[:1] in 'AEIOUaeiou' else 'a'} {name}"
