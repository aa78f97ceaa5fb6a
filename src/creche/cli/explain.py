"""``creche explain``: what a model uses, and what it made of one row."""

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
from creche.cli.progress import show_activity
from creche.errors import PlanError

if TYPE_CHECKING:
    from creche.explain.integrated_gradients import IntegratedGradients
    from creche.explain.permutation_importance import PermutationImportance
    from creche.model.ensemble import Ensemble
    from creche.model.model import Model

__all__ = ["explain"]

SHUFFLES, ONE_ROW = "The importance of columns", "One row"
OF_SHUFFLES = (
    Option("metric", str, SHUFFLES, "log_loss, accuracy, auc, …; of numbers rmse, mae, r2.", "log_loss, rmse"),
    Option("repeats", int, SHUFFLES, "How often each column is shuffled.", "20"),
    Option("seed", int, SHUFFLES, "Of the shuffles.", "0"),
    Option("n_resamples", int, SHUFFLES, "Resamples for the intervals of 95 %; 0 for none.", "200"),
    Option("sample_weight", str, ROWS, "A column that says how much each row counts."),
)
OF_A_ROW = (
    Option("row", int, ONE_ROW, "The row whose prediction is taken apart, counted from 1."),
    Option("target", str, ONE_ROW, "The class whose probability is meant, or one of several labels.", "what is said"),
    Option("logit", bool, ONE_ROW, "Take the log-odds apart rather than the probability."),
    Option("baseline", str, ONE_ROW, "'mean': compare with the mean of the table.", "a neutral row"),
    Option("steps", int, ONE_ROW, "Points of the integral.", "128"),
)
OPTIONS = (
    *OF_SHUFFLES,
    *OF_A_ROW,
    DROP_UNLABELLED,
    THREADS,
    Option("plot", Path, FILES, "Draw the picture to this file: .png, .svg or .pdf.", parse=check_writable),
    JSON,
)


@with_options(*OPTIONS, *READING)
def explain(
    model: Annotated[Path, typer.Argument(show_default=False)],
    table: Annotated[str, typer.Argument(show_default=False)],
    **given: Any,
) -> None:
    """Show how much a model uses each column, or what each column did to the prediction of one row.

    MODEL is a file that 'creche train -o' or 'creche sweep -o' wrote; TABLE holds the label, unless a --row is
    explained. For example:

    creche explain penguins.creche penguins.csv

    creche explain penguins.creche penguins.csv --row 12

    creche explain penguins.creche penguins.csv --row 12 --target Gentoo --plot row12.png
    """
    from creche.model.file import load

    options = parse_arguments(OPTIONS, given)
    picture, as_json = options.pop("plot", None), options.pop("as_json", False)
    network = load(model, threads=options.pop("threads", None))
    _check_kind(options)
    with show_activity("looking at what the model uses", quiet=as_json):
        found = (_of_row if "row" in options else _of_columns)(network, table, options, given)
    if picture is not None:
        save_picture(found.plot, picture)
    if as_json:
        print(json.dumps(found.to_dict(), allow_nan=False))
        return
    from creche.cli.pages import explain as render_explain
    from creche.explain.permutation_importance import PermutationImportance

    if isinstance(found, PermutationImportance):
        print_page(render_explain.importance_page(found))
    else:
        print_page(render_explain.attribution_page(found))


def _check_kind(options: dict[str, Any]) -> None:
    """Refuses options of the one kind of page with the other."""
    is_row = "row" in options
    for option in OF_SHUFFLES if is_row else OF_A_ROW:
        if option.name in options:
            name = f"--{option.name.replace('_', '-')}"
            why = "does not go with --row" if is_row else "is of one row; say which with --row"
            raise PlanError(f"{name}: {why}")


def _of_columns(
    network: Model | Ensemble, table: str, options: dict[str, Any], given: dict[str, Any]
) -> PermutationImportance:
    from creche.explain.permutation_importance import permutation_importance
    from creche.table.reading.options import ReadOptions

    missing_label = "drop" if options.pop("drop_unlabelled", False) else "error"
    rows = network.read_observations(
        table, read_options=ReadOptions(**create_read_options(given)), missing_label=missing_label
    )
    return permutation_importance(network, rows, **options)


def _of_row(
    network: Model | Ensemble, table: str, options: dict[str, Any], given: dict[str, Any]
) -> IntegratedGradients:
    from creche.explain.integrated_gradients import integrated_gradients
    from creche.table.reading.options import ReadOptions
    from creche.table.reading.read import read_table

    options.pop("drop_unlabelled", None)
    rows = read_table(table, ReadOptions(**create_read_options(given)), network.features.kinds)
    return integrated_gradients(network, rows, rows=options.pop("row"), **options)
