"""``creche find-learning-rate``: many learning rates at once, and which of them to take."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from creche.cli.options import (
    DROP_UNLABELLED,
    JSON,
    READING,
    THREADS,
    TRAINING,
    Option,
    create_read_options,
    options_of,
    parse_arguments,
    with_options,
)
from creche.cli.output import print_page
from creche.cli.progress import sweep_progress
from creche.cli.sweep import YES, create_confirmation
from creche.cli.value_lists import parse_values
from creche.errors import PlanError

if TYPE_CHECKING:
    from creche.model_selection.learning_rate_result import LearningRates

__all__ = ["find_learning_rate"]

NETWORK_OPTIONS = options_of("plan", "preparation", "optimizer", without=("learning_rate",))
SHARED_OPTIONS = (DROP_UNLABELLED, *options_of("held_out"), THREADS)
RATES = (
    Option(
        "rates", str, TRAINING, "The rates to try: a range such as 1e-4..1/24, or several with commas.", "1e-6..10/48",
        parse=lambda text: parse_values(text, "--rates", float),
    ),
    Option("seeds", int, TRAINING, "Networks for each rate, each with a seed of its own.", "4"),
    Option("only", bool, TRAINING, "Try no rates beyond the range, wherever the good ones lie.", typed="--no-extend"),
)  # fmt: skip
SHOWN = (YES, JSON)
LESS = "give fewer --rates, --seeds or --epochs"


@with_options(*NETWORK_OPTIONS, *RATES, *READING, *SHARED_OPTIONS, *SHOWN)
def find_learning_rate(table: Annotated[str, typer.Argument(show_default=False)], **given: Any) -> None:
    """Train with many learning rates at once, and show which are too low, good or too high, and which to take.

    Each network is trained to its end, as `creche train` would. For example:

    creche find-learning-rate penguins --label species

    creche find-learning-rate penguins --label species --optimizer sgd --hidden 10,10

    creche find-learning-rate houses.csv --label price --rates 1e-4..1/24 --seeds 8 --epochs 30
    """
    arguments, shown = _arguments(given), parse_arguments(SHOWN, given)
    from creche.model_selection.learning_rate_search import find_learning_rate as find

    as_json, interrupted = "as_json" in shown, False
    with sweep_progress(quiet=as_json) as on_progress:
        try:
            found = find(table, **arguments, confirm=create_confirmation("yes" in shown, LESS), on_progress=on_progress)
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "learning_rates"):
                print("creche: stopped before enough networks were done to tell", file=sys.stderr)
                raise
            found, interrupted = interrupt.learning_rates, True
    _show(found, as_json)
    if interrupted:
        raise KeyboardInterrupt


def _arguments(given: dict[str, Any]) -> dict[str, Any]:
    """Those of `creche.find_learning_rate`."""
    arguments = parse_arguments((*NETWORK_OPTIONS, *RATES, *SHARED_OPTIONS), given)
    if "label" not in arguments:
        raise PlanError("--label: is missing; name the column to predict, such as --label species")
    if arguments.pop("drop_unlabelled", False):
        arguments["missing_label"] = "drop"
    arguments["extend"] = not arguments.pop("only", False)
    read_options = create_read_options(given)
    return {**arguments, "read_options": read_options} if read_options else arguments


def _show(found: LearningRates, as_json: bool) -> None:
    from creche.cli.pages import learning_rate as render_rates

    if as_json:
        print(json.dumps(render_rates.learning_rate_data(found), allow_nan=False, default=str))
        return
    print_page(render_rates.learning_rate_page(found))
