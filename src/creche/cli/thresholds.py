"""The decision thresholds that commands choose: one of two classes, or one for each of several labels of yes or no."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, TypeAlias, Union

from creche.cli.output import print_page

if TYPE_CHECKING:
    from creche.evaluation import Threshold
    from creche.model.predictor import Predictor
    from creche.model_selection.cross_validation_result import CrossValidation

__all__ = ["ChosenThresholds", "choose_thresholds", "print_thresholds", "threshold_facts"]

ChosenThresholds: TypeAlias = Union["Threshold", Mapping[str, "Threshold"]]


def choose_thresholds(
    chooser: Predictor | CrossValidation, *rows: Any, is_multilabel: bool, **arguments: Any
) -> ChosenThresholds:
    """Choose the threshold of two classes, or those of several labels.

    Parameters
    ----------
    chooser : Predictor or CrossValidation
    *rows
        What they are chosen on, unless the chooser has rows of its own.
    is_multilabel : bool
        Whether it predicts several labels of yes or no.
    **arguments
        As for `Predictor.choose_threshold`.

    Raises
    ------
    TableError
        If it predicts something else, or an answer is missing among the rows.

    """
    choose: Any = chooser.choose_thresholds if is_multilabel else chooser.choose_threshold
    chosen: ChosenThresholds = choose(*rows, **arguments)
    return chosen


def threshold_facts(chosen: ChosenThresholds | None) -> dict[str, Any]:
    """Return what the JSON of a command says of the thresholds that it chose."""
    if chosen is None:
        return {}
    if isinstance(chosen, Mapping):
        return {"chosen_thresholds": {label: asdict(each) for label, each in chosen.items()}}
    return {"chosen_threshold": asdict(chosen)}


def print_thresholds(chosen: ChosenThresholds | None, classes: tuple[Any, ...] | None, *, is_first: bool) -> None:
    """Print a line for each threshold, above or below the page of an evaluation."""
    if chosen is None:
        return
    from creche.pages.evaluation import threshold_line

    if isinstance(chosen, Mapping):
        lines = [threshold_line(each, f"yes of {label}") for label, each in chosen.items()]
    else:
        assert classes is not None
        lines = [threshold_line(chosen, classes[1])]
    print_page(*([*lines, ""] if is_first else ["", *lines]))
