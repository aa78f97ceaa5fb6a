"""``creche loss-against-weight``: the loss as a function of one weight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from creche.cli.model_command import PLOT, SAMPLE_WEIGHT, ModelCommand, model_command
from creche.cli.options import DROP_UNLABELLED, JSON, THREADS, Option
from creche.cli.output import print_page
from creche.errors import PlanError

if TYPE_CHECKING:
    from creche.model.model import Model

__all__ = ["loss_against_weight"]

WEIGHT, CURVE = "Which weight", "The curve"


def parse_rates(text: str) -> list[float]:
    """Parse numbers separated by commas."""
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise PlanError(f"--learning-rate: got {text!r}; needs a number, or several separated by commas") from None


def parse_range(text: str) -> tuple[float, float]:
    """Parse ``-2..2`` as the two ends of a range."""
    low, dots, high = text.partition("..")
    try:
        return float(low), float(high if dots else "")
    except ValueError:
        raise PlanError(f"--between: got {text!r}; needs two numbers, such as -2..2") from None


@model_command(
    Option("layer", int, WEIGHT, "Layer of the weight, counted from 0, the first hidden layer.", "the steepest"),
    Option(
        "source", str, WEIGHT, "Input (name or number) or neuron the weight comes from; 'bias' for the bias.",
        "the steepest",
    ),
    Option("target", str, WEIGHT, "Neuron the weight leads to; in the last layer also a class.", "the steepest"),
    Option("bias", bool, WEIGHT, "Vary the bias of the target."),
    Option(
        "learning_rate", str, CURVE, "Learning rates whose steps are shown, separated by commas.",
        "chosen from the curve", parse=parse_rates,
    ),
    Option("between", str, CURVE, "Range of the weight, such as -2..2.", "chosen from the curve", parse=parse_range),
    Option("points", int, CURVE, "Number of points of the curve.", "1001"),
    DROP_UNLABELLED,
    SAMPLE_WEIGHT,
    THREADS,
    PLOT,
    JSON,
)  # fmt: skip
def loss_against_weight(command: ModelCommand) -> None:
    """Show the loss as a function of one weight, its gradient, and where a step would end.

    MODEL is a file written by 'creche train -o'. Of the weights that --layer, --source and --target leave open, the one
    with the largest gradient is shown. For example:

    creche loss-against-weight penguins.creche penguins.csv

    creche loss-against-weight penguins.creche penguins.csv --layer 0 --source bill_length_mm --target 3

    creche loss-against-weight penguins.creche penguins.csv --layer 2 --bias --target Gentoo --learning-rate 0.1,1,10

    creche loss-against-weight penguins.creche penguins.csv --source bill_length_mm --plot curve.png
    """
    from creche.explain.loss_curve import loss_against_weight as compute_curve
    from creche.explain.rows import create_batch

    model, options = command.load_single(), dict(command.options)
    batch = create_batch(model, command.read_labelled_rows(model), sample_weight=options.pop("sample_weight", None))
    curve = compute_curve(model, batch, **_find_ends(model, options))
    command.save_picture(curve.plot)
    if command.as_json:
        command.print_json(curve.to_dict())
        return
    from creche.pages.loss_curve import loss_curve_page

    print_page(loss_curve_page(curve))


def _find_ends(model: Model, options: dict[str, Any]) -> dict[str, Any]:
    """Take the ends of the weight as numbers where they are not names: a column or class may be named 7."""
    from creche.explain.weight_space import output_names

    names = {"source": model.input_names, "target": output_names(model)}
    return {
        name: int(value) if name in names and value.isdecimal() and value not in names[name] else value
        for name, value in options.items()
    }
