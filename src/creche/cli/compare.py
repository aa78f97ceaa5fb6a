"""``creche compare``: optimizers or learning rates side by side, from one start."""

from __future__ import annotations

import json
from typing import Any

from creche.cli.files import TableArgument
from creche.cli.label import check_label
from creche.cli.model_command import PLOT
from creche.cli.options import (
    DROP_UNLABELLED,
    JSON,
    READING,
    THREADS,
    create_read_options,
    options_of,
    parse_arguments,
    with_options,
)
from creche.cli.output import print_page
from creche.cli.progress import show_activity
from creche.cli.value_lists import accept_several
from creche.explain.compare import VARIABLE_ARGUMENTS

__all__ = ["compare"]

OPTIMIZERS_COMPARED = ("sgd", "adadelta", "adam")
FEW_POINTS = 3  # along each side of the surface, which only the plot shows

NETWORK_OPTIONS = tuple(
    accept_several(option) if option.name in VARIABLE_ARGUMENTS else option
    for option in options_of("plan", "preparation", "optimizer", without=("early_stopping", "keep"))
)
OTHER_OPTIONS = (DROP_UNLABELLED, *options_of("held_out"), THREADS, PLOT, JSON)


@with_options(*NETWORK_OPTIONS, *READING, *OTHER_OPTIONS)
def compare(table: TableArgument, **given: Any) -> None:
    """Train with several optimizers or learning rates from one start, and say which are too low, good or too high.

    All runs have the same initial weights, rows and order of rows, and go through all epochs. --optimizer,
    --learning-rate, --schedule, --batch-size, --weight-decay and --clip-norm take several values separated by commas,
    or a range of numbers; every combination is a run. By default, SGD, ADADELTA and Adam are compared. For example:

    creche compare penguins --label species

    creche compare penguins --label species --hidden 5,5 --optimizer sgd --learning-rate 0.001,0.1,10

    creche compare houses.csv --label price --learning-rate 1e-4..1/5 --epochs 30 --plot runs.png
    """
    from creche.explain.compare import compare as compare_runs

    arguments = parse_arguments((*NETWORK_OPTIONS, *OTHER_OPTIONS), given)
    as_json, picture = arguments.pop("as_json", False), arguments.pop("plot", None)
    check_label(arguments, table, create_read_options(given))
    if arguments.pop("drop_unlabelled", False):
        arguments["missing_label"] = "drop"
    read_options = create_read_options(given)
    if read_options:
        arguments["read_options"] = read_options
    if not arguments.keys() & set(VARIABLE_ARGUMENTS):
        arguments["optimizer"] = list(OPTIMIZERS_COMPARED)
    if picture is None:
        arguments["points"] = FEW_POINTS
    with show_activity("training", quiet=as_json):
        comparison = compare_runs(table, **arguments)
    if picture is not None:
        from creche.plots.save import save_picture

        save_picture(lambda: comparison.plot()[0], picture)
    if as_json:
        print(json.dumps(comparison.to_dict(), allow_nan=False, default=str))
    else:
        print_page(str(comparison))
