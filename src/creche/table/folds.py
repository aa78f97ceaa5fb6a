"""Folds for cross-validation: each row is validated once per repeat, by a network that never saw it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import CrecheWarning, PlanError, TableError
from creche.plan.arguments import ARGUMENTS
from creche.table.checks import warn
from creche.table.labels import check_class_sizes, encode_classes
from creche.table.leakage import find_fold_leakage
from creche.table.partition import Partition, hash_rows, read_split_column, split_validation
from creche.table.prepare import Prepared, TableInspection, split_rows
from creche.table.split import hash_sequence

__all__ = ["Fold", "assign_folds", "check_fold_arguments", "check_fold_classes", "prepare_folds"]


def assign_folds(
    rows: int,
    k: int,
    *,
    repeats: int = 1,
    seed: int = 0,
    classes: NDArray[np.int32] | None = None,
    groups: NDArray[np.generic] | None = None,
    times: NDArray[np.generic] | None = None,
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The rows to train on and those to validate with, for each fold of each repeat.

    Parameters
    ----------
    rows : int
    k : int
        How many folds, 2 or more.
    repeats : int, default 1
        How often the rows are dealt out anew.
    seed : int, default 0
    classes : (rows,) int array, optional
        To stratify by: a class's rows go to the folds in turns.
    groups : (rows,) array, optional
        Rows of one group stay in one fold.
    times : (rows,) array, optional
        Values to order by: each fold is validated by what went before it only, so the first of k + 1 stretches of time
        is never validated, and there is nothing to repeat.

    Returns
    -------
    list of (train, validation)
        k x repeats pairs of int64 row numbers, ascending.

    Raises
    ------
    PlanError
        If k or repeats cannot be, or both groups and times are given.
    TableError
        If there are fewer rows, groups or moments than folds.

    Examples
    --------
    >>> [validation.tolist() for _, validation in assign_folds(6, 3)]
    [[1, 2], [0, 4], [3, 5]]

    """
    for name, value, least in (("folds", k, 2), ("repeats", repeats, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise PlanError(f"{name}: got {value!r}; needs a whole number of at least {least}")
    if groups is not None and times is not None:
        raise PlanError("group, time: both say how to split; give one of them")
    if times is not None:
        if repeats > 1:
            raise PlanError(f"repeats: got {repeats}; there is only one order of time, so there is nothing to repeat")
        return _forward(times, k)
    dealt = [_dealt(rows, k, seed + repeat, classes, groups) for repeat in range(repeats)]
    return [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for fold in dealt for f in range(k)]


def _dealt(
    rows: int, k: int, seed: int, classes: NDArray[np.int32] | None, groups: NDArray[np.generic] | None
) -> NDArray[np.int64]:
    """The fold of each row."""
    if groups is not None:
        return _dealt_by_group(np.unique(groups, return_inverse=True)[1], k, seed)
    if rows < k:
        raise TableError(f"folds: {rows} rows cannot make {k} folds; give at most {rows}")
    order = np.argsort(hash_sequence(seed, rows), kind="stable")
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(rows, dtype=np.int64)
    fold[order] = np.arange(rows) % k
    return fold


def _dealt_by_group(group: NDArray[np.int64], k: int, seed: int) -> NDArray[np.int64]:
    """Groups, the largest first and else in a hashed order, each to the fold with the fewest rows so far."""
    sizes = np.bincount(group)
    if len(sizes) < k:
        raise TableError(f"folds: {len(sizes)} groups cannot make {k} folds; give at most {len(sizes)}")
    order = np.lexsort((hash_sequence(seed, len(sizes)), -sizes))
    filled = np.zeros(k, dtype=np.int64)
    of_group = np.empty(len(sizes), dtype=np.int64)
    for g in order:
        of_group[g] = filled.argmin()
        filled[of_group[g]] += sizes[g]
    return of_group[group]


def _forward(times: NDArray[np.generic], k: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """K + 1 stretches of about as many rows each; moments are never parted."""
    moment = np.unique(times, return_inverse=True)[1]
    rows_until = np.concatenate([[0], np.cumsum(np.bincount(moment))])
    if len(rows_until) <= k + 1:
        raise TableError(
            f"folds: {len(rows_until) - 1} different moments cannot make {k} folds in order of time; give at most "
            f"{len(rows_until) - 2}"
        )
    wanted = np.arange(1, k + 1) * len(times) / (k + 1)
    begins = np.searchsorted(rows_until, wanted)
    # Each fold keeps a moment of its own, and one is left before the first.
    for i in range(k):
        begins[i] = max(begins[i], begins[i - 1] + 1 if i else 1)
    for i in reversed(range(k)):
        begins[i] = min(begins[i], (begins[i + 1] if i < k - 1 else len(rows_until) - 1) - 1)
    ends = [*begins[1:], len(rows_until) - 1]
    return [
        (np.flatnonzero(moment < begin), np.flatnonzero((moment >= begin) & (moment < end)))
        for begin, end in zip(begins, ends, strict=True)
    ]


SHOWN = 3


CURE = "Give fewer folds, join the class with another, or leave its rows out"


Lacking = dict[Any, list[str]]  # of a class, the names of folds


def check_fold_classes(
    folds: Sequence[tuple[int, int, Partition, Partition]], classes: tuple[Any, ...], repeats: int
) -> None:
    """Says which classes which folds lack.

    Parameters
    ----------
    folds : sequence of (repeat, number, training rows, held-out rows)
    classes : tuple
    repeats : int

    Warns
    -----
    CrecheWarning
        If the networks of a fold never learn a class, or are never asked for it.

    Raises
    ------
    TableError
        If a fold has rows of one class only to learn from.

    """
    never_learnt: Lacking = {}
    never_asked: Lacking = {}
    for repeat, number, train, held_out in folds:
        name = f"fold {number}" if repeats == 1 else f"fold {number} of repeat {repeat}"
        learnt, asked = (_counts(part, classes) > 0 for part in (train, held_out))
        if learnt.sum() < 2:
            only = classes[int(np.argmax(learnt))]
            raise TableError(
                f"label {train.observations.label!r}: the networks of {name} would learn from rows of class {only!r} "
                "only, so there is nothing to tell apart; give other folds, or another column to group by"
            )
        for c in np.flatnonzero(learnt ^ asked):  # a class that no row has at all is lacked by nobody
            (never_asked if learnt[c] else never_learnt).setdefault(classes[c], []).append(name)
    if never_learnt:
        warn(
            f"folds: no row to learn from of {_some(never_learnt)}; there it is never learnt, and always missed. {CURE}"
        )
    if never_asked:
        warn(
            f"folds: no held-out row of {_some(never_asked)}; there AUC, F1 and balanced accuracy are of the other "
            f"classes. {CURE}"
        )


def _counts(part: Partition, classes: tuple[Any, ...]) -> NDArray[np.int64]:
    rows = part.observations
    return np.bincount(encode_classes(rows.y, classes, rows.label, rows.row_numbers), minlength=len(classes))


def _some(lacking: Lacking) -> str:
    """The first of the classes, and of the folds of each."""
    said = []
    for which, names in list(lacking.items())[:SHOWN]:
        more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
        said.append(f"class {which!r} in {', '.join(names[:SHOWN])}{more}")
    return "; ".join(said) + (f"; nor of {len(lacking) - SHOWN:,} other classes" if len(lacking) > SHOWN else "")


def check_fold_arguments(given: Mapping[str, Any]) -> None:
    """Refuses arguments that do not go with folds.

    Raises
    ------
    PlanError

    """
    for name in (argument.name for argument in ARGUMENTS.values() if not argument.with_folds):
        value = given.get(name)
        if value is not None and not (isinstance(value, bool | int | float) and value == 0):
            raise PlanError(
                f"{name}: does not go with folds, each of which trains on the rows of the others; leave it out",
                argument=name,
            )


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
    held_out: Partition
    learnt: int
    prepared: Prepared


def prepare_folds(survey: TableInspection, folds: int, repeats: int, seed: int, watches: bool) -> list[Fold]:
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
        check_fold_classes([(f.repeat, f.number, f.prepared.train, f.held_out) for f in found], survey.classes, repeats)
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


def _pairs(
    survey: TableInspection, folds: int, repeats: int, seed: int
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Training rows and held-out rows of each fold, by place among the rows that count."""
    rows, split = survey.whole.observations, survey.preparation.split
    classes = _class_numbers(survey)
    digests = hash_rows(survey.whole, survey.schema, survey.classes)
    groups = times = None
    if split.group is not None or split.time is not None:
        by = read_split_column(rows, split)
        groups, times = (by, None) if split.group is not None else (None, by)
    elif survey.preparation.duplicates == "together":
        groups = digests
    stratified = classes if split.stratify and groups is None and times is None else None
    seed = seed if split.seed is None else split.seed
    pairs = assign_folds(len(rows), folds, repeats=repeats, seed=seed, classes=stratified, groups=groups, times=times)
    leak = find_fold_leakage(digests, pairs, rows.row_numbers)
    if leak is not None:
        warn(str(leak))
    return pairs


def _class_numbers(survey: TableInspection) -> NDArray[np.int32] | None:
    if survey.classes is None:
        return None
    rows = survey.whole.observations
    numbers = encode_classes(rows.y, survey.classes, rows.label, rows.row_numbers)
    check_class_sizes(numbers, survey.classes, rows.label, rows.row_numbers, "name another label")
    return numbers


def _prepared(survey: TableInspection, kept: Partition, fold: Partition, seed: int, watches: bool) -> Prepared:
    """The fold is for validation; where validation rows decide when to stop, they are others, and it is for testing."""
    if not watches:
        return split_rows(survey, kept, fold, None)
    train_rows, watched = split_validation(kept, survey.preparation, survey.classes, seed, survey.schema)
    return split_rows(survey, train_rows, watched, fold)
