"""Fold rows: on which rows the networks of `creche.fit` train, and on which each of them is judged."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.folds import assign_fold_rows
from creche.table.inspection import TableInspection
from creche.table.partition import read_split_column
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
        About copies of rows that lie in different folds, where groups or times separate them.

    Raises
    ------
    TableError
        If there are fewer than two rows, groups or times.

    """
    split = inspection.preparation.split
    rows = len(inspection.usable)
    if split.time is not None:  # the last of the periods is held out
        return _assign(inspection, HELD_OUT_PARTS - 1, seed)[-1:]
    units = rows if split.group is None else _count_groups(inspection)
    if units < 2:
        what = "row" if split.group is None else f"group in the column {split.group!r}"
        raise TableError(
            f"data: has only one {what}; needs two or more, to judge networks on rows that they do not learn"
        )
    if folds == 1:
        parts = min(max(HELD_OUT_PARTS, math.ceil(rows / MOST_HELD_OUT)), units)
        return _assign(inspection, max(parts, 2), seed)[:1]
    assigned = _assign(inspection, max(min(folds, units), 2), seed)
    return assigned if split.group is not None else _equalize(assigned, seed)


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
