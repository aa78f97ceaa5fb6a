"""Splits of a table into training and test rows: stratified, with repeated rows and groups on one side.

They depend on nothing but the rows and the seed, so that the results of peers stay comparable from version to version.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]

# Deciles of a number are its strata.
N_STRATA = 10


@dataclass(frozen=True)
class Split:
    """The rows to fit on, and those to judge by."""

    train: Rows
    test: Rows

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits of the SHA-256 of the test rows: results of other splits are never mixed in."""
        return hashlib.sha256(np.ascontiguousarray(self.test, dtype="<i8").tobytes()).hexdigest()[:8]


def n_folds_and_repeats(n_rows: int) -> tuple[int, int]:
    """Return the number of folds, and how often the table is divided into them."""
    if n_rows < 1_000:
        return 5, 2
    if n_rows <= 5_000:
        return 5, 1
    return 3, 1


def split_table(labels: NDArray[Any], units: NDArray[np.int64], numeric: bool, seed: int = 0) -> list[Split]:
    """Divide the rows into training and test rows as the size of the table asks for.

    `units` numbers the rows; those with the same number stay together. Above 20,000 rows there is one split, whose test
    rows are a fifth.
    """
    strata = stratify_numbers(labels) if numeric else np.unique(labels, return_inverse=True)[1]
    n_rows = len(labels)
    if n_rows > 20_000:
        folds = assign_folds(strata, units, 5, np.random.default_rng(seed))
        return [_split(folds, 0)]
    n_folds, repeats = n_folds_and_repeats(n_rows)
    found = []
    for repeat in range(repeats):
        folds = assign_folds(strata, units, n_folds, np.random.default_rng([seed, repeat]))
        found += [_split(folds, fold) for fold in range(n_folds)]
    return found


def split_by_folds(n_rows: int, folds: tuple[tuple[int, ...], ...]) -> list[Split]:
    """Return a split for each list of test rows."""
    every = np.arange(n_rows)
    found = []
    for rows in folds:
        test = np.sort(np.array(rows, dtype=np.int64))
        found.append(Split(np.setdiff1d(every, test), test))
    return found


def assign_folds(strata: NDArray[Any], units: Rows, n_folds: int, rng: np.random.Generator) -> Rows:
    """Return the fold of each row: each unit goes, the largest first, where its strata lack most rows.

    Among folds that lack the same, the one with fewest rows takes the unit.
    """
    n_strata = int(strata.max()) + 1
    n_units = int(units.max()) + 1
    counts = np.zeros((n_units, n_strata))
    np.add.at(counts, (units, strata), 1)
    sizes = counts.sum(axis=1)
    order = rng.permutation(n_units)
    order = order[np.argsort(-sizes[order], kind="stable")]
    share = counts.sum(axis=0)
    lacking = np.tile(share / n_folds, (n_folds, 1))
    filled = np.zeros(n_folds)
    fold_of_unit = np.empty(n_units, dtype=np.int64)
    for unit in order:
        present = np.flatnonzero(counts[unit])
        # Relative to the stratum, so that a rare class counts as much as a frequent one.
        need = (lacking[:, present] / share[present]) @ counts[unit, present]
        fold = int(np.lexsort((filled, -np.round(need, 9)))[0])
        fold_of_unit[unit] = fold
        lacking[fold] -= counts[unit]
        filled[fold] += sizes[unit]
    return fold_of_unit[units]


def stratify_numbers(labels: NDArray[Any]) -> Rows:
    """Return the decile of each number."""
    edges = np.quantile(labels, np.linspace(0, 1, N_STRATA + 1)[1:-1])
    return np.unique(np.searchsorted(edges, labels, side="right"), return_inverse=True)[1]


def join_rows(*keys: NDArray[Any]) -> Rows:
    """Number the rows such that those with an equal value in any key, directly or through others, are one unit."""
    units = np.arange(len(keys[0]))
    while True:
        before = units
        for key in keys:
            values = np.unique(key, return_inverse=True)[1]
            smallest = np.full(int(values.max()) + 1, len(units))
            np.minimum.at(smallest, values, units)
            units = smallest[values]
        if np.array_equal(units, before):
            return np.unique(units, return_inverse=True)[1]


def _split(folds: Rows, fold: int) -> Split:
    return Split(np.flatnonzero(folds != fold), np.flatnonzero(folds == fold))
