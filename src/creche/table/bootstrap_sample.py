"""Bootstrap samples: as many rows as there are, drawn with replacement, by a pure function of a seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows
from creche.table.split import hash_sequence, mix_bits

__all__ = ["draw_bootstrap_rows", "resample_rows"]

STREAM = 0xB0075742  # keeps the draw independent of the split, which hashes the same seeds


def draw_bootstrap_rows(seed: int, count: int) -> NDArray[np.int64]:
    """Draw the rows of a bootstrap sample: `count` of `count` rows, uniformly with replacement (Efron 1979).

    Parameters
    ----------
    seed : int
    count : int
        The number of rows.

    Returns
    -------
    (count,) int64 array
        Indices of rows, ascending; a row that was drawn several times occurs as often.

    Examples
    --------
    >>> draw_bootstrap_rows(0, 8)
    array([0, 1, 2, 3, 4, 7, 7, 7])

    """
    own_seed = int(mix_bits(np.array([(seed ^ (STREAM << 32)) % 2**64], dtype=np.uint64))[0])
    shares = (hash_sequence(own_seed, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.sort(np.minimum((shares * count).astype(np.int64), count - 1))


def resample_rows(rows: Rows, seed: int) -> Rows:
    """Return the encoded rows of a bootstrap sample, with their labels and weights."""
    drawn = draw_bootstrap_rows(seed, len(rows))
    classes, targets, weights = (
        None if array is None else array[drawn] for array in (rows.classes, rows.targets, rows.weights)
    )
    return Rows(rows.x[drawn], classes, targets, weights)
