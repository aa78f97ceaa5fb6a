"""What is said of each row by the networks that never saw it, and how far they disagree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche.ensemble import entropy

__all__ = ["HeldOut"]

Numbers = NDArray[np.float64]


class HeldOut:
    """Collects predictions of rows, and holds no more than their sums.

    Parameters
    ----------
    rows : int
        Of the table.
    columns : int
        Classes, or labels of numbers.
    of_classes : bool

    """

    def __init__(self, rows: int, columns: int, of_classes: bool) -> None:
        self.times = np.zeros(rows, dtype=np.int64)
        self._of_classes = of_classes
        self._total = np.zeros((rows, columns))
        # Deviations of numbers are from a row's first prediction, so that no square loses anything to a large one.
        self._first = np.zeros((rows, columns))
        self._squares = np.zeros((rows, columns))
        self._entropies = np.zeros(rows)

    def add(self, rows: NDArray[np.int64], said: Numbers) -> None:
        """What one network says, (k, columns), of k different rows."""
        if self._of_classes:
            self._entropies[rows] += entropy(said)
        else:
            new = rows[self.times[rows] == 0]
            self._first[new] = said[self.times[rows] == 0]
            said = said - self._first[rows]
            self._squares[rows] += said**2
        self._total[rows] += said
        self.times[rows] += 1

    @property
    def mean(self) -> Numbers:
        """Of each row, (rows, columns); NaN where no network has said anything."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self._first + self._total / self.times[:, np.newaxis])

    def doubt(self, scale: Numbers) -> Numbers:
        """How far the networks disagree about each row, as `Ensemble.disagreement` tells it, (rows,).

        Parameters
        ----------
        scale : (columns,) array
            Of several labels of numbers, their standard deviations.

        Returns
        -------
        (rows,) float64
            NaN for rows of fewer than two predictions.

        """
        times = np.where(self.times > 1, self.times, np.nan)
        if self._of_classes:
            gained = entropy(self._total / times[:, np.newaxis]) - self._entropies / times
            return np.asarray(np.maximum(gained, 0) / np.log(self._total.shape[1]))
        means = self._total / times[:, np.newaxis]
        spread = np.sqrt(np.maximum(self._squares / times[:, np.newaxis] - means**2, 0))
        return np.asarray(spread[:, 0] if spread.shape[1] == 1 else (spread / scale).mean(axis=1))
