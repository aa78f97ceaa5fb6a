"""``creche trace``: one training step, taken apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from creche.cli.options import (
    DROP_UNLABELLED,
    FILES,
    JSON,
    READING,
    ROWS,
    THREADS,
    Option,
    check_writable,
    create_read_options,
    parse_arguments,
    with_options,
)
from creche.cli.output import print_page
from creche.errors import PlanError

__all__ = ["trace"]


def parse_neuron(text: str) -> tuple[int, int]:
    """``1:3`` as a layer and a neuron."""
    layer, colon, number = text.partition(":")
    if not colon or not layer.strip().isdecimal() or not number.strip().isdecimal():
        raise PlanError(f"--neuron: got {text!r}; needs a layer and a neuron, such as 1:3 (the inputs are layer 0)")
    return int(layer), int(number)


def parse_rows(text: str) -> slice | list[int]:
    """Return row numbers: ``1-20`` as a slice, ``3,38`` as a list."""
    first, dash, last = text.partition("-")
    try:
        if dash:
            return slice(int(first), int(last) + 1)
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise PlanError(f"--rows: got {text!r}; needs row numbers: 1-20, or 3,38") from None


OPTIONS = (
    Option(
        "rows", str, ROWS, "The rows of the batch, counted from 1: 1-20, or 3,38.", "all", parse=parse_rows,
    ),
    DROP_UNLABELLED,
    Option("sample_weight", str, ROWS, "A column that says how much each row counts.", "as in training"),
    Option(
        "neuron", str, "What to show", "The layer and number of a neuron to follow in full, such as 1:3.",
        "the one that matters most", parse=parse_neuron,
    ),
    THREADS,
    Option("html", Path, FILES, "Write the step as a page to this file.", parse=check_writable),
    JSON,
)  # fmt: skip


@with_options(*OPTIONS, *READING)
def trace(
    model: Annotated[Path, typer.Argument(show_default=False)],
    table: Annotated[str, typer.Argument(show_default=False)],
    **given: Any,
) -> None:
    """Take one training step apart: sums, activations, probabilities, loss, gradients and the update of each weight.

    MODEL is a file that 'creche train -o' wrote; the rows of TABLE that are chosen are one batch. For example:

    creche trace penguins.creche penguins.csv --rows 1-20

    creche trace penguins.creche penguins.csv --rows 3,38 --neuron 1:3

    creche trace penguins.creche penguins.csv --rows 1-20 --html step.html

    The model is not changed. Neurons are counted from 0; the inputs are layer 0, the first hidden layer is layer 1.
    """
    from creche.explain.trace.trace import trace as trace_of
    from creche.model.file import load
    from creche.model.model import Model
    from creche.table.reading.options import ReadOptions

    options = parse_arguments(OPTIONS, given)
    network = load(model, threads=options.pop("threads", None))
    if not isinstance(network, Model):
        raise PlanError(f"{model}: holds an ensemble of {len(network)} networks; give the model of one")
    page, as_json = options.pop("html", None), options.pop("as_json", False)
    missing_label = "drop" if options.pop("drop_unlabelled", False) else "error"
    observed = network.read_observations(
        table, read_options=ReadOptions(**create_read_options(given)), missing_label=missing_label
    )
    step = trace_of(network, observed, **options)
    if page is not None:
        step.save_html(page)
    if as_json:
        print(json.dumps(step.to_dict(), allow_nan=False, default=str))
    elif page is None:
        print_page(str(step))
    else:
        print_page(f"{step!r}\nThe page is {page}.")
