"""``creche trace``: one training step, taken apart."""

from __future__ import annotations

from pathlib import Path

from creche._system.output_files import Output
from creche.cli.model_command import ModelCommand, model_command
from creche.cli.options import DROP_UNLABELLED, FILES, JSON, ROWS, THREADS, Option
from creche.cli.output import print_page
from creche.errors import PlanError
from creche.table.table import Table

__all__ = ["trace"]


def parse_neuron(text: str) -> tuple[int, int]:
    """Parse ``1:3`` as a layer and a neuron."""
    layer, colon, number = text.partition(":")
    if not colon or not layer.strip().isdecimal() or not number.strip().isdecimal():
        raise PlanError(f"--neuron: got {text!r}; needs a layer and a neuron, such as 1:3 (the inputs are layer 0)")
    return int(layer), int(number)


def parse_rows(text: str) -> slice | list[int]:
    """Parse ``1-20`` as a range of row numbers, both ends included, and ``3,38`` as a list of them."""
    first, dash, last = text.partition("-")
    try:
        if dash:
            return slice(int(first), int(last) + 1)
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise PlanError(f"--rows: got {text!r}; needs row numbers: 1-20, or 3,38", argument="rows") from None


@model_command(
    Option(
        "rows", str, ROWS, "Row numbers of the batch: 1-20, or 3,38.", "all", parse=parse_rows,
    ),
    DROP_UNLABELLED,
    Option("sample_weight", str, ROWS, "Column with the weight of each row.", "as in training"),
    Option(
        "neuron", str, "What to show", "Layer and number of a neuron to show in full, such as 1:3.",
        "the one with the largest effect", parse=parse_neuron,
    ),
    THREADS,
    Option("html", Path, FILES, "Write the step as a page to this HTML file.", file=Output("page", ".html")),
    JSON,
)  # fmt: skip
def trace(command: ModelCommand) -> None:
    """Take one training step apart: sums, activations, probabilities, loss, gradients and the update of each weight.

    MODEL is a file written by 'creche train -o'; the selected rows of TABLE form one batch. For example:

    creche trace penguins.creche penguins.csv --rows 1-20

    creche trace penguins.creche penguins.csv --rows 3,38 --neuron 1:3

    creche trace penguins.creche penguins.csv --rows 1-20 --html step.html

    Rows without a label get a forward pass only: the values of each neuron, and the predictions. The model is not
    changed.
    Neurons are counted from 0; the inputs are layer 0, the first hidden layer is layer 1.
    """
    from creche.explain.trace.result import Trace
    from creche.explain.trace.trace import trace as trace_step

    model, options = command.load_single(), dict(command.options)
    page = options.pop("html", None)
    rows = command.read_any_rows(model)
    if page is not None and isinstance(rows, Table):
        raise PlanError(
            f"--html: needs the label {model.labels.name!r}, which {rows.source} lacks; leave it out to see the way "
            "forward", argument="html",
        )  # fmt: skip
    step = trace_step(model, rows, **options)
    if page is not None and isinstance(step, Trace):
        step.save_html(page)
    if command.as_json:
        command.print_json(step.to_dict())
    elif page is None:
        print_page(str(step))
    else:
        print_page(f"{step!r}\nWritten to {page}.")
