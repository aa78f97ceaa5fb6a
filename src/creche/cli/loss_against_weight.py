"""``creche loss-against-weight``: the loss as a function of one weight."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

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
from creche.cli.output import print_page, save_picture
from creche.errors import PlanError

if TYPE_CHECKING:
    from creche.model.model import Model

__all__ = ["loss_against_weight"]

WHICH = "Which weight"


def parse_rates(text: str) -> list[float]:
    """Numbers with commas between."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise PlanError(f"--learning-rate: got {text!r}; needs a number, or several with commas between") from None


def parse_range(text: str) -> tuple[float, float]:
    """``-2..2`` as its two ends."""
    low, dots, high = text.partition("..")
    try:
        return float(low), float(high if dots else "")
    except ValueError:
        raise PlanError(f"--between: got {text!r}; needs two numbers, such as -2..2") from None


OPTIONS = (
    Option("layer", int, WHICH, "The weight's layer, from 0: the first hidden layer's.", "0"),
    Option(
        "source", str, WHICH, "The input (by name or number) or neuron the weight comes from; 'bias' for the bias.", "0"
    ),
    Option("target", str, WHICH, "The neuron it leads to, by number; in the last layer also a class.", "0"),
    Option("bias", bool, WHICH, "Show the bias of the target instead of a weight."),
    Option("learning_rate", str, WHICH, "Whose steps to show, with commas between.", "by the curve", parse=parse_rates),
    Option("between", str, WHICH, "The range of the weight, such as -2..2.", "found", parse=parse_range),
    Option("points", int, WHICH, "Of the curve.", "1001"),
    DROP_UNLABELLED,
    Option("sample_weight", str, ROWS, "A column that says how much each row counts."),
    THREADS,
    Option("plot", Path, FILES, "Draw the picture to this file: .png, .svg or .pdf.", parse=check_writable),
    JSON,
)


@with_options(*OPTIONS, *READING)
def loss_against_weight(
    model: Annotated[Path, typer.Argument(show_default=False)],
    table: Annotated[str, typer.Argument(show_default=False)],
    **given: Any,
) -> None:
    """Show the loss as a function of one weight, its gradient, and where a step would land.

    MODEL is a file that 'creche train -o' wrote. For example:

    creche loss-against-weight penguins.creche penguins.csv --layer 0 --source bill_length_mm --target 3

    creche loss-against-weight penguins.creche penguins.csv --layer 2 --bias --target Gentoo --learning-rate 0.1,1,10

    creche loss-against-weight penguins.creche penguins.csv --source bill_length_mm --plot curve.png
    """
    from creche.explain.loss_curve import loss_against_weight as curve_of
    from creche.explain.rows import create_batch
    from creche.model.file import load
    from creche.model.model import Model
    from creche.table.reading.options import ReadOptions

    options = parse_arguments(OPTIONS, given)
    network = load(model, threads=options.pop("threads", None))
    if not isinstance(network, Model):
        raise PlanError(f"{model}: holds an ensemble of {len(network)} networks; give the model of one")
    picture, as_json = options.pop("plot", None), options.pop("as_json", False)
    missing_label = "drop" if options.pop("drop_unlabelled", False) else "error"
    rows = network.read_observations(
        table, read_options=ReadOptions(**create_read_options(given)), missing_label=missing_label
    )
    batch = create_batch(network, rows, sample_weight=options.pop("sample_weight", None))
    curve = curve_of(network, batch, **_named(network, options))
    if picture is not None:
        save_picture(curve.plot, picture)
    if as_json:
        print(json.dumps(curve.to_dict(), allow_nan=False))
        return
    from creche.cli.pages.loss_curve import loss_curve_page

    print_page(loss_curve_page(curve))


def _named(model: Model, options: dict[str, Any]) -> dict[str, Any]:
    """Turn sources and targets into numbers where they are not names; a class may be called 7."""
    from creche.explain.weight_space import output_names

    names = {"source": model.features.inputs, "target": output_names(model)}
    return {
        name: int(value) if name in names and value.isdecimal() and value not in names[name] else value
        for name, value in options.items()
    }
