"""``creche trace``: one training step, taken apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from creche.cli.model_command import ModelCommand, model_command
from creche.cli.options import DROP_UNLABELLED, FILES, JSON, ROWS, THREADS, Option, check_writable
from creche.cli.output import print_page
from creche.errors import PlanError, TableError

if TYPE_CHECKING:
    from creche.table.observations import Observations

__all__ = ["trace"]


def parse_neuron(text: str) -> tuple[int, int]:
    """Parse ``1:3`` as a layer and a neuron."""
    layer, colon, number = text.partition(":")
    if not colon or not layer.strip().isdecimal() or not number.strip().isdecimal():
        raise PlanError(f"--neuron: got {text!r}; needs a layer and a neuron, such as 1:3 (the inputs are layer 0)")
    return int(layer), int(number)


def parse_rows(text: str) -> slice | list[int]:
    """Parse ``0:20`` as the slice that it is in Python, and ``3,38`` as row numbers."""
    parts = text.split(":")
    try:
        if len(parts) == 1:
            return [int(part) for part in text.split(",")]
        if len(parts) == 2:
            return slice(*(int(part) if part.strip() else None for part in parts))
    except ValueError:
        pass
    raise TableError(f"--rows: got {text!r}; needs 0:20 (the first 20, as a slice in Python), or row numbers: 3,38")


@model_command(
    Option(
        "rows", str, ROWS, "Rows of the batch: 0:20 for the first 20 (a Python slice), or row numbers from 1: 3,38.",
        "all", parse=parse_rows,
    ),
    DROP_UNLABELLED,
    Option("sample_weight", str, ROWS, "Column with the weight of each row.", "as in training"),
    Option(
        "neuron", str, "What to show", "Layer and number of a neuron to show in full, such as 1:3.",
        "the one with the largest effect", parse=parse_neuron,
    ),
    THREADS,
    Option("html", Path, FILES, "Write the step as a page to this HTML file.", parse=check_writable),
    JSON,
)  # fmt: skip
def trace(command: ModelCommand) -> None:
    """Take one training step apart: sums, activations, probabilities, loss, gradients and the update of each weight.

    MODEL is a file written by 'creche train -o'; the selected rows of TABLE form one batch. For example:

    creche trace penguins.creche penguins.csv --rows 0:20

    creche trace penguins.creche penguins.csv --rows 3,38 --neuron 1:3

    creche trace penguins.creche penguins.csv --rows 0:20 --html step.html

    The model is not changed. Neurons are counted from 0; the inputs are layer 0, the first hidden layer is layer 1.
    """
    from creche.explain.trace.trace import trace as trace_step

    model, options = command.load_single(), dict(command.options)
    page, rows = options.pop("html", None), options.pop("rows", None)
    observations = command.read_labelled_rows(model)
    if isinstance(rows, list):
        rows = _find_rows(rows, observations)
    step = trace_step(model, observations, rows=rows, **options)
    if page is not None:
        step.save_html(page)
    if command.as_json:
        command.print_json(step.to_dict())
    elif page is None:
        print_page(str(step))
    else:
        print_page(f"{step!r}\nWritten to {page}.")


def _find_rows(numbers: list[int], observations: Observations) -> list[int]:
    """Find the positions of the rows with these row numbers."""
    positions = []
    for number in numbers:
        found = np.flatnonzero(observations.row_numbers == number)
        if not len(found):
            first, last = observations.row_numbers[0], observations.row_numbers[-1]
            raise TableError(
                f"--rows: there is no row {number}; the table's rows with a label are {first} to {last} "
                "(0:1 is the first)"
            )
        positions.append(int(found[0]))
    return positions
