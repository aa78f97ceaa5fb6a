"""Fold rows: on which rows the networks of `creche.fit` train, and on which each of them is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.folds import assign_fold_rows
from creche.table.inspection import TableInspection
from creche.table.labels import encode_classes
from creche.table.partition import read_split_column, warn_of_single_rows
from creche.table.split import hash_sequence

__all__ = ["FoldRows", "choose_fold_count", "split_fold_rows"]

# (rows below, folds): small tables cannot spare rows; in large ones a single part for validation tells enough.
FOLDS_BY_ROWS = ((150, 10), (1_000, 8), (30_000, 5))
# The share of rows held out where there is one split.
HELD_OUT_PARTS = 5
MOST_HELD_OUT = 50_000
# The share of training rows that may be left out for equal numbers.
LARGEST_SURPLUS = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class FoldRows:
    """The rows of one fold, as indices of the usable rows of the table.

    Attributes
    ----------
    train, held_out : (n,) int64 array
        Ascending.

    """

    train: NDArray[np.int64]
    held_out: NDArray[np.int64]


def choose_fold_count(rows: int) -> int:
    """Return the number of folds for a table with this number of rows; 1 for a single split.

    Examples
    --------
    >>> [choose_fold_count(rows) for rows in (100, 500, 5_000, 200_000)]
    [10, 8, 5, 1]

    """
    return next((folds for below, folds in FOLDS_BY_ROWS if rows < below), 1)


def split_fold_rows(inspection: TableInspection, folds: int, seed: int) -> list[FoldRows]:
    """Return the rows of each fold; of a single split, if `folds` is 1 or the rows are ordered by time.

    Groups stay together, as do copies of a row; classes are stratified, and in order of time the latest rows are held
    out. Folds train on equal numbers of rows, where that takes few away: networks of one shape then share the lanes of
    a register.

    Parameters
    ----------
    inspection : TableInspection
    folds : int
        As many as asked for; fewer if there are fewer rows or groups.
    seed : int

    Warns
    -----
    CrecheWarning
        About classes of a single row, and about copies of rows that lie in different folds, where groups or times
        separate them.

    Raises
    ------
    TableError
        If there are fewer than two rows, groups or times.

    """
    split = inspection.preparation.split
    rows = len(inspection.usable)
    _warn_of_single_rows(inspection)
    if split.time is not None:
        return [_hold_out_latest(inspection, split.time, seed)]
    units = rows if split.group is None else _count_groups(inspection)
    if units < 2:
        is_whole = len(inspection.labelled) == rows
        found = f"data: has only one row{'' if is_whole else ' of a weight above 0'}"
        if split.group is not None:
            found = f"group: column {split.group!r} has the same value in each row"
        raise TableError(f"{found}; needs two or more, to evaluate networks on held-out rows")
    if folds == 1:
        parts = min(max(HELD_OUT_PARTS, math.ceil(rows / MOST_HELD_OUT)), units)
        return _assign(inspection, max(parts, 2), seed)[:1]
    assigned = _assign(inspection, max(min(folds, units), 2), seed)
    return assigned if split.group is not None else _equalize(assigned, seed)


def _warn_of_single_rows(inspection: TableInspection) -> None:
    """Warn of classes that have only one row: a network learns it, or is judged on it."""
    if inspection.classes is None:
        return
    rows = inspection.usable.observations
    numbers = encode_classes(rows.y, inspection.classes, rows.label, rows.row_numbers)
    warn_of_single_rows(numbers, inspection.classes, rows, "so no network that has learnt its class is judged on it")


def _hold_out_latest(inspection: TableInspection, name: str, seed: int) -> FoldRows:
    """Hold out the last of five periods; of fewer, if there are fewer times."""
    times = read_split_column(inspection.usable.observations, inspection.preparation.split)
    assert times is not None
    distinct = np.unique(times)
    if len(distinct) < 2:
        raise TableError(
            f"time: column {name!r} has the same value in each row; needs two or more, to judge networks on later rows",
            argument="time",
        )
    if len(distinct) == 2:
        return FoldRows(np.flatnonzero(times == distinct[0]), np.flatnonzero(times == distinct[1]))
    return _assign(inspection, min(HELD_OUT_PARTS, len(distinct)) - 1, seed)[-1]


def _assign(inspection: TableInspection, folds: int, seed: int) -> list[FoldRows]:
    pairs = assign_fold_rows(inspection, folds, 1, seed, needs_all_classes=False, joins_copies=True)
    return [FoldRows(*pair) for pair in pairs if len(pair[0]) and len(pair[1])]


def _equalize(folds: list[FoldRows], seed: int) -> list[FoldRows]:
    """Leave out training rows of the folds that have more than others, if these are a few of a hundred."""
    size = min(len(fold.train) for fold in folds)
    if max(len(fold.train) for fold in folds) - size > max(1, LARGEST_SURPLUS * size):
        return folds
    equal = []
    for number, fold in enumerate(folds):
        order = np.argsort(hash_sequence(seed + number, len(fold.train)), kind="stable")
        equal.append(replace(fold, train=np.sort(fold.train[order[:size]])))
    return equal


def _count_groups(inspection: TableInspection) -> int:
    groups = read_split_column(inspection.usable.observations, inspection.preparation.split)
    assert groups is not None
    return len(np.unique(groups))
