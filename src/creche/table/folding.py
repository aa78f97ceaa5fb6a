"""A fold: the rows it holds out, and the others, prepared to be trained on."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, CrecheWarning
from creche.table.check import warn
from creche.table.fold_classes import check_classes
from creche.table.folds import assign_folds
from creche.table.labels import check_no_single_rows, class_numbers
from creche.table.leakage import leakage_of_folds
from creche.table.parts import Part, digests_of, split_by, with_validation
from creche.table.prepare import Prepared, parted
from creche.table.survey import Survey

__all__ = ["Fold", "check_not_of_folds", "folds_of"]

# Arguments of `creche.train` that say how rows are parted, which folds do already.
NOT_OF_FOLDS = ("split_column", "test_fraction", "validation_data", "test_data")


def check_not_of_folds(given: Mapping[str, Any], others: Sequence[str] = ()) -> None:
    """Refuses arguments that do not go with folds.

    Raises
    ------
    PlanError

    """
    for name in (*NOT_OF_FOLDS, *others):
        value = given.get(name)
        if value is not None and not (isinstance(value, bool | int | float) and value == 0):
            raise PlanError(f"{name}: does not go with folds, each of which trains on the rows of the others")


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One fold of one repeat.

    Attributes
    ----------
    repeat, number : int
        Both from 1.
    held_out : Part
        The rows its networks are judged by.
    learnt : int
        How many rows they were given: all others, those they watch to stop early among them.
    prepared : Prepared

    """

    repeat: int
    number: int
    held_out: Part
    learnt: int
    prepared: Prepared


def folds_of(survey: Survey, folds: int, repeats: int, seed: int, watches: bool) -> list[Fold]:
    """The folds of all repeats.

    Parameters
    ----------
    survey : Survey
        Of the whole table.
    folds, repeats : int
    seed : int
        Of the folds, where the split has none of its own.
    watches : bool
        Whether networks watch rows to decide when to stop: rows of their own then, not those of the fold.

    Warns
    -----
    CrecheWarning
        Of leakage, and of classes that a fold lacks.

    Raises
    ------
    TableError
        If there are fewer rows, groups or moments than folds, or a fold leaves one class only to train on.

    """
    found = []
    said: set[str] = set()
    for i, (kept, held_out) in enumerate(_pairs(survey, folds, repeats, seed)):
        fold = survey.whole.take(held_out)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", CrecheWarning)
            prepared = _prepared(survey, survey.whole.take(kept), fold, seed, watches)
        _say_once(caught, said)
        found.append(Fold(i // folds + 1, i % folds + 1, fold, len(kept), prepared))
    if survey.classes is not None:
        check_classes([(f.repeat, f.number, f.prepared.train, f.held_out) for f in found], survey.classes, repeats)
    return found


def _say_once(caught: Sequence[warnings.WarningMessage], said: set[str]) -> None:
    """What there is to warn of in several folds, such as a constant column, is said of the first."""
    for warning in caught:
        message = str(warning.message)
        if not isinstance(warning.message, CrecheWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif message not in said:
            said.add(message)
            warn(message)


def _pairs(survey: Survey, folds: int, repeats: int, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Training rows and held-out rows of each fold, by place among the rows that count."""
    rows, split = survey.whole.observations, survey.preparation.split
    classes = _class_numbers(survey)
    digests = digests_of(survey.whole, survey.schema, survey.classes)
    groups = times = None
    if split.group is not None or split.time is not None:
        by = split_by(rows, split)
        groups, times = (by, None) if split.group is not None else (None, by)
    elif survey.preparation.duplicates == "together":
        groups = digests
    stratified = classes if split.stratify and groups is None and times is None else None
    seed = seed if split.seed is None else split.seed
    pairs = assign_folds(len(rows), folds, repeats=repeats, seed=seed, classes=stratified, groups=groups, times=times)
    leak = leakage_of_folds(digests, pairs, rows.called)
    if leak is not None:
        warn(str(leak))
    return pairs


def _class_numbers(survey: Survey) -> NDArray[np.int32] | None:
    if survey.classes is None:
        return None
    rows = survey.whole.observations
    numbers = class_numbers(rows.y, survey.classes, rows.label, rows.called)
    check_no_single_rows(numbers, survey.classes, rows.label, rows.called, "name another label")
    return numbers


def _prepared(survey: Survey, kept: Part, fold: Part, seed: int, watches: bool) -> Prepared:
    """The fold is for validation; where validation rows decide when to stop, they are others, and it is for testing."""
    if not watches:
        return parted(survey, kept, fold, None)
    train_rows, watched = with_validation(kept, survey.preparation, survey.classes, seed, survey.schema)
    return parted(survey, train_rows, watched, fold)
