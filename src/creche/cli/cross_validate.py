"""``creche train --folds``: cross-validates, shows the result, and writes the out-of-fold predictions to a file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from creche._phrases import format_count
from creche.cli.files import save_model
from creche.cli.messages import print_message
from creche.cli.output import print_page
from creche.cli.progress import folds_progress, show_activity, training_progress
from creche.cli.thresholds import ChosenThresholds, choose_thresholds, print_thresholds, threshold_facts
from creche.errors import PlanError
from creche.plan.arguments import ARGUMENTS

if TYPE_CHECKING:
    from pathlib import Path

    from creche.model_selection.cross_validation_result import CrossValidation

__all__ = ["cross_validate", "keep_model"]

# Options that are not arguments of `creche.train`, and make sense for one network only.
ONE_NETWORK = ("save_plan", "diagnose")


def cross_validate(table: str, arguments: dict[str, Any], run: dict[str, Any], others: dict[str, Any]) -> None:
    """Train the networks of all folds and show how good they are.

    Parameters
    ----------
    table : str
    arguments : dict
        Those that determine the networks, as `creche.train` takes them.
    run : dict
        Tables, threads and checkpoints, as `creche.train` takes them.
    others : dict
        The other options that were typed.

    """
    refused = [
        *(name for name in run if not ARGUMENTS[name].with_folds),
        *(name for name in ONE_NETWORK if name in others),
    ]
    for name in refused:
        raise PlanError(
            f"--{name.replace('_', '-')}: cannot be combined with --folds, which trains a network for each fold; "
            f"leave one of "
            "the two out",
            argument=name,
        )
    if "refit" in others and "output" not in others:
        raise PlanError("--refit: needs a file for the model; name it with -o", argument="refit")
    if "predictions" in others:
        _check_target(str(others["predictions"]))
    from creche.model_selection.cross_validation import cross_validate as cross_validate_networks

    as_json, interrupted = "as_json" in others, False
    chosen = {name: others[name] for name in ("folds", "repeats", "seeds") if name in others} | run
    with folds_progress(quiet=as_json) as on_progress:
        try:
            validation = cross_validate_networks(table, **arguments, **chosen, on_progress=on_progress)
        except KeyboardInterrupt as interrupt:
            if not hasattr(interrupt, "cross_validation"):
                print_message("stopped before any network had finished")
                raise
            validation, interrupted = interrupt.cross_validation, True
    with show_activity("evaluating the networks", as_json):
        _ = validation.evaluation
    threshold = None
    try:
        if "predictions" in others:
            validation.write_predictions(others["predictions"])
        threshold = _choose_threshold(validation, others)
    finally:
        _show(validation, as_json, interrupted, threshold)
        if "output" in others and not (interrupted and "refit" in others):
            keep_model(validation, others["output"], "refit" in others, threshold, as_json)
    if interrupted:
        raise KeyboardInterrupt


def _choose_threshold(validation: CrossValidation, others: dict[str, Any]) -> ChosenThresholds | None:
    if "choose_threshold" not in others:
        return None
    return choose_thresholds(validation, is_multilabel=validation.is_multilabel, metric=others["choose_threshold"])


def keep_model(
    validation: CrossValidation, path: Path, refits: bool, chosen: ChosenThresholds | None, as_json: bool
) -> None:
    """Write the ensemble of the folds' networks, or a network trained on all rows, to a file."""
    if not refits:
        ensemble = validation.ensemble()
        save_model(ensemble.with_threshold(chosen), path)
        kept = f"the ensemble of the {format_count(len(ensemble), 'network')}"
    else:
        with training_progress(quiet=as_json) as on_progress:
            model = validation.refit(on_progress=on_progress)
        save_model(model.with_threshold(chosen), path)
        assert model.provenance is not None
        rows, epochs = model.provenance.rows["train"], len(model.provenance.history)
        kept = f"one network, trained on all {format_count(rows, 'row')} for {format_count(epochs, 'epoch')}"
    if not as_json:
        print_page("", f"{path}: {kept}")


def _check_target(target: str) -> None:
    """Raise an error, before any work is done, if the name of a file does not tell its format."""
    from creche.table.write import resolve_format

    resolve_format(target)


def _show(validation: CrossValidation, as_json: bool, interrupted: bool, chosen: ChosenThresholds | None) -> None:
    if as_json:
        data = {**validation.to_dict(), "interrupted": interrupted}
        data |= threshold_facts(chosen)
        print(json.dumps(data, allow_nan=False, default=str))
        return
    from creche.pages.cross_validation import cross_validation_page

    print_page(cross_validation_page(validation, interrupted))
    print_thresholds(chosen, None if chosen is None else validation.members[0].model.classes, is_first=False)
