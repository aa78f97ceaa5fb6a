"""Folds for cross-validation: each row is validated once per repeat, by a network that never saw it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.errors import CrecheWarning, PlanError, TableError
from creche.plan.arguments import ARGUMENTS
from creche.table.checks import warn
from creche.table.fold_classes import check_fold_classes
from creche.table.inspection import TableInspection
from creche.table.labels import check_class_sizes, encode_classes
from creche.table.leakage import find_fold_leakage
from creche.table.partition import (
    Partition,
    expect_repeats_within,
    hash_rows,
    read_split_column,
    split_validation,
)
from creche.table.prepare import Prepared, split_rows
from creche.table.split import hash_sequence

__all__ = ["Fold", "assign_fold_rows", "assign_folds", "check_fold_arguments", "prepare_folds"]


# Arguments of `creche.train` that split the rows, as folds do already.
@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """One fold of one repeat.

    Attributes
    ----------
    repeat, number : int
        Both counted from 1.
    held_out : Partition
        The rows on which its networks are evaluated.
    n_train : int
        The number of all other rows, including those that networks watch to stop early.
    prepared : Prepared
        The rows to train on, with encoders fitted to them.

    """

    repeat: int
    number: int
    held_out: Partition
    n_train: int
    prepared: Prepared


def prepare_folds(inspection: TableInspection, folds: int, repeats: int, seed: int, stops_early: bool) -> list[Fold]:
    """Prepare the folds of all repeats.

    Parameters
    ----------
    inspection : TableInspection
        The inspection of the whole table.
    folds : int
        The number of folds, 2 or more.
    repeats : int
        How often the rows are assigned to folds anew.
    seed : int
        The seed of the assignment, unless the split has a seed of its own.
    stops_early : bool
        Whether networks watch rows to decide when to stop: these are rows of their own, never those of the fold.

    Warns
    -----
    CrecheWarning
        About leakage, and about classes that a fold lacks.

    Raises
    ------
    TableError
        If there are fewer rows, groups or times than folds, or if a fold has only one class to train on.

    """
    prepared_folds = []
    issued: set[str] = set()
    for i, (train, held_out) in enumerate(assign_fold_rows(inspection, folds, repeats, seed)):
        fold = inspection.usable.take(held_out)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", CrecheWarning)
            prepared = _prepare_fold(inspection, inspection.usable.take(train), fold, seed, stops_early)
        _warn_once(caught, issued)
        prepared_folds.append(Fold(i // folds + 1, i % folds + 1, fold, len(train), prepared))
    if inspection.classes is not None:
        parts = [(fold.repeat, fold.number, fold.prepared.train, fold.held_out) for fold in prepared_folds]
        check_fold_classes(parts, inspection.classes, repeats)
    return prepared_folds


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
    """Return the training rows and the held-out rows of each fold of each repeat.

    Parameters
    ----------
    rows : int
        The number of rows.
    k : int
        The number of folds, 2 or more.
    repeats : int, default 1
        How often the rows are assigned to folds anew.
    seed : int, default 0
    classes : (rows,) int array, optional
        Classes to stratify by: each fold gets about the same share of each class.
    groups : (rows,) array, optional
        All rows of a group go to the same fold.
    times : (rows,) array, optional
        Values to order by: the rows are cut into k + 1 periods, and each but the first is held out for networks that
        learn from the periods before it. There is nothing to repeat.

    Returns
    -------
    list of (train, held out)
        k x repeats pairs of int64 row indices, ascending.

    Raises
    ------
    PlanError
        If k or repeats is out of range, or both groups and times are set.
    TableError
        If there are fewer rows, groups or times than folds.

    Examples
    --------
    >>> [validation.tolist() for _, validation in assign_folds(6, 3)]
    [[1, 2], [0, 4], [3, 5]]

    """
    for name, value, minimum in (("folds", k, 2), ("repeats", repeats, 1)):
        if isinstance(value, bool) or not isinstance(value, int) or value < minimum:
            raise PlanError(f"{name}: got {value!r}; needs a whole number of at least {minimum}")
    if groups is not None and times is not None:
        raise PlanError(f"{advise('group')}, {advise('time')}: got both; a split uses one of them")
    if times is not None:
        if repeats > 1:
            raise PlanError(
                f"repeats: got {repeats}; folds in order of time can be made in one way only: set "
                f"{advise('repeats', 1)}"
            )
        return _split_by_time(times, k)
    assignments = [_assign_repeat(rows, k, seed + repeat, classes, groups) for repeat in range(repeats)]
    return [(np.flatnonzero(fold != f), np.flatnonzero(fold == f)) for fold in assignments for f in range(k)]


def check_fold_arguments(arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that cannot be combined with folds.

    Parameters
    ----------
    arguments : dict
        Arguments of `creche.train` by name.

    Raises
    ------
    PlanError
        If one of them is set.

    """
    for name in (argument.name for argument in ARGUMENTS.values() if not argument.with_folds):
        value = arguments.get(name)
        if value is not None and not (isinstance(value, bool | int | float) and value == 0):
            raise PlanError(
                f"{name}: got {_describe(value)}, which cannot be combined with folds: each fold trains on the rows "
                "of the others; leave one of the two out",
                argument=name,
            )


def assign_fold_rows(
    inspection: TableInspection,
    folds: int,
    repeats: int,
    seed: int,
    *,
    needs_all_classes: bool = True,
    joins_copies: bool = False,
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the training rows and held-out rows of each fold, as indices of the usable rows.

    Parameters
    ----------
    inspection, folds, repeats, seed
        As `prepare_folds` takes them.
    needs_all_classes : bool, default True
        Whether a class with a single row is an error.
    joins_copies : bool, default False
        Whether copies of rows, if there are more than by chance, go to the fold of the first of them.

    Warns
    -----
    CrecheWarning
        About copies of rows that lie in different folds, unless they are joined.

    Raises
    ------
    TableError
        If there are fewer rows, groups or times than folds.

    """
    rows, split = inspection.usable.observations, inspection.preparation.split
    classes = _number_classes(inspection, needs_all_classes)
    digests = hash_rows(inspection.usable, inspection.schema, inspection.classes)
    groups = times = None
    if split.group is not None or split.time is not None:
        by = read_split_column(rows, split)
        groups, times = (by, None) if split.group is not None else (None, by)
    elif inspection.preparation.duplicates == "together":
        groups = digests
    stratified = classes if split.stratify and groups is None and times is None else None
    seed = seed if split.seed is None else split.seed
    pairs = assign_folds(len(rows), folds, repeats=repeats, seed=seed, classes=stratified, groups=groups, times=times)
    chance = expect_repeats_within(inspection.usable, inspection.schema, inspection.classes)
    leak = find_fold_leakage(digests, pairs, rows.row_numbers, chance)
    if leak is None:
        return pairs
    if joins_copies and times is None and groups is None:
        return _join_copies(pairs, digests)
    warn(str(leak))
    return pairs


def _join_copies(
    pairs: list[tuple[NDArray[np.int64], NDArray[np.int64]]], digests: NDArray[np.uint64]
) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return the folds of one repeat with all copies of a row in the fold of the first of them."""
    fold = np.empty(len(digests), dtype=np.int64)
    for number, (_, held_out) in enumerate(pairs):
        fold[held_out] = number
    _, first, inverse = np.unique(digests, return_index=True, return_inverse=True)
    fold = fold[first][inverse]
    return [(np.flatnonzero(fold != number), np.flatnonzero(fold == number)) for number in range(len(pairs))]


def _number_classes(inspection: TableInspection, needs_all_classes: bool) -> NDArray[np.int32] | None:
    if inspection.classes is None:
        return None
    rows = inspection.usable.observations
    numbers = encode_classes(rows.y, inspection.classes, rows.label, rows.row_numbers)
    if needs_all_classes:
        check_class_sizes(numbers, inspection.classes, rows.label, rows.row_numbers)
    return numbers


def _prepare_fold(
    inspection: TableInspection, train: Partition, fold: Partition, seed: int, stops_early: bool
) -> Prepared:
    """Prepare one fold: it validates the networks, or tests them if they stop early by validation rows of their own."""
    if not stops_early:
        return split_rows(inspection, train, fold, None)
    train_rows, watched = split_validation(train, inspection.preparation, inspection.classes, seed, inspection.schema)
    return split_rows(inspection, train_rows, watched, fold)


def _warn_once(caught: Sequence[warnings.WarningMessage], issued: set[str]) -> None:
    """Issue a warning that several folds cause, such as that of a constant column, only once."""
    for warning in caught:
        message = str(warning.message)
        if not isinstance(warning.message, CrecheWarning):
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        elif message not in issued:
            issued.add(message)
            warn(message)


def _assign_repeat(
    rows: int, k: int, seed: int, classes: NDArray[np.int32] | None, groups: NDArray[np.generic] | None
) -> NDArray[np.int64]:
    """Return the fold of each row in one repeat."""
    if groups is not None:
        return _assign_groups(np.unique(groups, return_inverse=True)[1], k, seed)
    if rows < k:
        raise TableError(f"folds: got {k} for {rows} rows; needs at most one fold per row")
    order = np.argsort(hash_sequence(seed, rows), kind="stable")
    if classes is not None:
        order = order[np.argsort(classes[order], kind="stable")]
    fold = np.empty(rows, dtype=np.int64)
    fold[order] = np.arange(rows) % k
    return fold


def _assign_groups(group: NDArray[np.int64], k: int, seed: int) -> NDArray[np.int64]:
    """Assign groups, the largest first and ties in a hashed order, each to the fold with the fewest rows so far."""
    sizes = np.bincount(group)
    if len(sizes) < k:
        raise TableError(f"folds: got {k} for {len(sizes)} groups; needs at most one fold per group")
    order = np.lexsort((hash_sequence(seed, len(sizes)), -sizes))
    fold_sizes = np.zeros(k, dtype=np.int64)
    fold_by_group = np.empty(len(sizes), dtype=np.int64)
    for g in order:
        fold_by_group[g] = fold_sizes.argmin()
        fold_sizes[fold_by_group[g]] += sizes[g]
    return fold_by_group[group]


def _split_by_time(times: NDArray[np.generic], k: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Cut the rows into k + 1 periods of about the same size; rows of the same time are never separated."""
    period = np.unique(times, return_inverse=True)[1]
    rows_until = np.concatenate([[0], np.cumsum(np.bincount(period))])
    if len(rows_until) <= k + 1:
        raise TableError(
            f"folds: got {k} for {len(rows_until) - 1} different times; folds in order of time need one time more than "
            f"folds, so at most {len(rows_until) - 2}"
        )
    targets = np.arange(1, k + 1) * len(times) / (k + 1)
    begins = np.searchsorted(rows_until, targets)
    # Each fold keeps at least one time, and one is left before the first fold.
    for i in range(k):
        begins[i] = max(begins[i], begins[i - 1] + 1 if i else 1)
    for i in reversed(range(k)):
        begins[i] = min(begins[i], (begins[i + 1] if i < k - 1 else len(rows_until) - 1) - 1)
    ends = [*begins[1:], len(rows_until) - 1]
    return [
        (np.flatnonzero(period < begin), np.flatnonzero((period >= begin) & (period < end)))
        for begin, end in zip(begins, ends, strict=True)
    ]


def _describe(value: Any) -> str:
    return repr(value) if isinstance(value, str | int | float) else f"a {type(value).__name__}"
