"""Folds for cross-validation: each row is validated once per repeat, by a network that never saw it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, TableError
from creche.table.split import hashed

__all__ = ["assign_folds"]


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
    order = np.argsort(hashed(seed, rows), kind="stable")
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
    order = np.lexsort((hashed(seed, len(sizes)), -sizes))
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
