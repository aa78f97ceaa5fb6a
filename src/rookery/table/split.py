"""Splitting rows into training and validation: a pure function of the seed, the same on every machine and version."""

from __future__ import annotations

import numbers

import numpy as np
from numpy.typing import NDArray

from rookery.errors import TableError

__all__ = ["split_rows"]


def split_rows(
    rows: int, fraction: float, seed: int, classes: NDArray[np.int32] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The rows to train on and those to validate with, each in the table's order.

    Each row is given a number by hashing seed and row; the rows with the lowest go to validation: `fraction` of all,
    rounded, and, if classes are given, of each class as nearly as rounding allows. A class always keeps a training row.

    Parameters
    ----------
    rows : int
    fraction : float
        At least 0 and below 1.
    seed : int
    classes : (rows,) int array, optional
        To stratify by.

    Returns
    -------
    (train, validation) : two int64 arrays of row numbers

    Raises
    ------
    TableError
        If the fraction is out of range, or leaves no row for training.

    Examples
    --------
    >>> train, validation = split_rows(10, 0.3, seed=0)
    >>> len(train), len(validation)
    (7, 3)

    """
    if isinstance(fraction, bool) or not isinstance(fraction, numbers.Real) or not 0 <= fraction < 1:
        raise TableError(f"validation_fraction: got {fraction!r}; needs a number of at least 0 and below 1")
    wanted = int(np.floor(float(fraction) * rows + 0.5))
    if wanted >= rows:
        raise TableError(
            f"validation_fraction: {fraction:g} of {rows} rows leaves none to train on; give 0, or more rows"
        )
    ranks = np.argsort(_hash(seed, rows), kind="stable")
    groups = [ranks] if classes is None else [ranks[classes[ranks] == c] for c in np.unique(classes)]
    validation = np.sort(
        np.concatenate([group[:n] for group, n in zip(groups, _shares(groups, wanted, rows), strict=True)])
    )
    return np.setdiff1d(np.arange(rows), validation), validation.astype(np.int64)


def _shares(groups: list[NDArray[np.int64]], wanted: int, rows: int) -> list[int]:
    """How many rows each group gives: proportional, rounded so that they sum to `wanted` (largest remainders first)."""
    exact = [wanted * len(group) / rows for group in groups]
    shares = [int(share) for share in exact]
    by_remainder = sorted(range(len(groups)), key=lambda g: (shares[g] - exact[g], g))
    for g in by_remainder[: wanted - sum(shares)]:
        shares[g] += 1
    if len(groups) > 1:
        shares = [min(share, len(group) - 1) for share, group in zip(shares, groups, strict=True)]
    return shares


def _hash(seed: int, rows: int) -> NDArray[np.uint64]:
    """A 64-bit number for each row: SplitMix64 (Steele, Lea & Flood 2014) of row and seed."""
    with np.errstate(over="ignore"):
        state = np.arange(1, rows + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed % 2**64)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return state ^ (state >> np.uint64(31))
