"""``creche find-learning-rate``: trains with many learning rates at once, and recommends one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from creche.cli.files import TableArgument
from creche.cli.label import check_label
from creche.cli.messages import print_message
from creche.cli.options import (
    CLUSTER,
    DEVICE,
    DROP_UNLABELLED,
    JSON,
    READING,
    THREADS,
    TRAINING,
    Option,
    create_read_options,
    option_of,
    options_of,
    parse_arguments,
    with_options,
)
from creche.cli.output import print_page
from creche.cli.progress import sweep_progress
from creche.cli.sweep import YES, create_confirmation
from creche.cli.value_lists import parse_values

if TYPE_CHECKING:
    from creche.model_selection.learning_rate_result import LearningRates

__all__ = ["find_learning_rate"]

NETWORK_OPTIONS = options_of("plan", "preparation", "optimizer", without=("learning_rate", "keep"))
SHARED_OPTIONS = (DROP_UNLABELLED, *options_of("held_out"), THREADS, DEVICE, option_of("memory"), CLUSTER)
RATE_OPTIONS = (
    Option(
        "rates", str, TRAINING, "Learning rates to try: a range such as 1e-4..1/24, or several separated by commas.",
        "1e-6..10/48", parse=lambda text: parse_values(text, "--rates", float),
    ),
    Option("seeds", int, TRAINING, "Number of seeds for each rate.", "4"),
    Option("no_extend", bool, TRAINING, "Do not extend the range where the good rates reach its end."),
)  # fmt: skip
OUTPUT_OPTIONS = (YES, JSON)
LESS = "give fewer --rates, --seeds or --epochs"


@with_options(*NETWORK_OPTIONS, *RATE_OPTIONS, *READING, *SHARED_OPTIONS, *OUTPUT_OPTIONS)
def find_learning_rate(table: TableArgument, **given: Any) -> None:
    """Train with many learning rates at once, and show which are too low, good or too high, and which one to use.

    Each network is trained to its last epoch, as 'creche train' would train it. For example:

    creche find-learning-rate penguins --label species

    creche find-learning-rate penguins --label species --optimizer sgd --hidden 10,10

    creche find-learning-rate houses.csv --label price --rates 1e-4..1/24 --seeds 8 --epochs 30
    """
    arguments, output = _search_arguments(table, given), parse_arguments(OUTPUT_OPTIONS, given)
    from creche.model_selection.learning_rate_search import find_learning_rate as find

    as_json, interrupted = "as_json" in output, False
    with sweep_progress(quiet=as_json) as on_progress:
        try:
            found = find(
                table, **arguments, confirm=create_confirmation("yes" in output, LESS), on_progress=on_progress
            )
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "learning_rates"):
                print_message("stopped before enough networks had finished")
                raise
            found, interrupted = interrupt.learning_rates, True
    _show(found, as_json)
    if interrupted:
        raise KeyboardInterrupt


def _search_arguments(table: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `creche.find_learning_rate`."""
    arguments = parse_arguments((*NETWORK_OPTIONS, *RATE_OPTIONS, *SHARED_OPTIONS), given)
    check_label(arguments, table, create_read_options(given))
    if arguments.pop("drop_unlabelled", False):
        arguments["missing_label"] = "drop"
    arguments["extend"] = not arguments.pop("no_extend", False)
    read_options = create_read_options(given)
    return {**arguments, "read_options": read_options} if read_options else arguments


def _show(found: LearningRates, as_json: bool) -> None:
    from creche.pages import learning_rate as render_rates

    if as_json:
        print(json.dumps(render_rates.learning_rate_data(found), allow_nan=False, default=str))
        return
    print_page(render_rates.learning_rate_page(found))
