"""``creche train --folds``: cross-validation, shown, and its predictions kept where a file is named for them."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from creche.cli.output import print_page
from creche.cli.progress import folds_progress, show_activity
from creche.errors import PlanError

if TYPE_CHECKING:
    from creche.model_selection.cross_validation import CrossValidation

__all__ = ["cross_validate"]

NOT_OF_FOLDS = ("output", "save_plan", "checkpoint", "resume", "diagnose", "validation_data", "test_data")


def cross_validate(table: str, arguments: dict[str, Any], others: dict[str, Any]) -> None:
    """Trains the networks of all folds and shows how good they are.

    Parameters
    ----------
    table : str
    arguments : dict
        Of the plan, as `creche.train` takes them.
    others : dict
        The other options that were typed.

    """
    for name in NOT_OF_FOLDS:
        if name in others:
            raise PlanError(
                f"--{name.replace('_', '-')}: does not go with --folds, which trains a network for each fold"
            )
    if "predictions" in others:
        _check_target(str(others["predictions"]))
    from creche.model_selection.cross_validation import cross_validate as cross

    as_json, interrupted = "as_json" in others, False
    chosen = {name: others[name] for name in ("folds", "repeats", "seeds", "threads") if name in others}
    with folds_progress(quiet=as_json) as on_progress:
        try:
            crossed = cross(table, **arguments, **chosen, on_progress=on_progress)
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "cross_validation"):
                print("creche: stopped before any network was done", file=sys.stderr)
                raise
            crossed, interrupted = interrupt.cross_validation, True
    with show_activity("judging the networks", as_json):
        _ = crossed.evaluation
    try:
        if "predictions" in others:
            crossed.write_predictions(others["predictions"])
    finally:
        _show(crossed, as_json, interrupted)
    if interrupted:
        raise KeyboardInterrupt


def _check_target(target: str) -> None:
    """Says before any work is done that a file has a name that tells no format."""
    from creche.table.write import resolve_format

    if target == "-":
        raise PlanError("--predictions: got '-', but the page goes to standard output; name a file")
    resolve_format(target)


def _show(crossed: CrossValidation, as_json: bool, interrupted: bool) -> None:
    if as_json:
        data = {**crossed.to_dict(), "interrupted": interrupted}
        print(json.dumps(data, allow_nan=False, default=str))
        return
    from creche.cli.pages.cross_validation import cross_validation_page

    print_page(cross_validation_page(crossed, interrupted))
