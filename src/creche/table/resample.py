"""Bootstrap samples: as many rows as there are, drawn with replacement, by a pure function of a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows
from creche.table.split import hashed, mixed

__all__ = ["bootstrap_rows", "resampled"]

STREAM = 0xB0075742  # so that what is drawn has nothing to do with the split, which hashes the same seeds


def bootstrap_rows(seed: int, count: int) -> NDArray[np.int64]:
    """Which rows a bootstrap sample holds (Efron 1979): `count` of as many, each equally likely each time.

    Parameters
    ----------
    seed : int
    count : int

    Returns
    -------
    (count,) int64 array
        Places of rows, from 0, in their order; a row that was drawn several times stands there as often.

    Examples
    --------
    >>> bootstrap_rows(0, 8)
    array([0, 1, 2, 3, 4, 7, 7, 7])

    """
    own = int(mixed(np.array([(seed ^ (STREAM << 32)) % 2**64], dtype=np.uint64))[0])
    shares = (hashed(own, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.sort(np.minimum((shares * count).astype(np.int64), count - 1))


def resampled(rows: Rows, seed: int) -> Rows:
    """The encoded rows of a bootstrap sample, with their labels and weights."""
    which = bootstrap_rows(seed, len(rows))
    classes, targets, weights = (
        None if array is None else array[which] for array in (rows.classes, rows.targets, rows.weights)
    )
    return Rows(rows.x[which], classes, targets, weights)
