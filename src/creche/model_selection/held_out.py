"""What is said of each row by the networks that never saw it, and how far they disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.model.ensemble import entropy
from creche.table.labels import LabelEncoder, encode_classes
from creche.table.partition import Partition
from creche.table.table import Column, Table

__all__ = ["OutOfFoldPredictions", "UncertainRow", "most_uncertain", "out_of_fold_table"]

Numbers = NDArray[np.float64]


class OutOfFoldPredictions:
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

    def disagreement(self, scale: Numbers) -> Numbers:
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


@dataclass(frozen=True, slots=True)
class UncertainRow:
    """A row about which the networks that never saw it disagree.

    Attributes
    ----------
    row : int
        As the user counts.
    truth, said
        Classes, or numbers; of several labels, lists of them.
    disagreement : float

    """

    row: int
    truth: Any
    predicted: Any
    disagreement: float


def out_of_fold_table(
    part: Partition, labels: LabelEncoder, said: Numbers, doubt: Numbers, times: NDArray[np.int64]
) -> Table:
    """Row, truth and prediction, a probability for each class, doubt, and how many networks said so.

    Parameters
    ----------
    part : Part
        The rows.
    labels : LabelEncoder
    said : (n, classes) or (n, k) float64
    doubt : (n,) float64
    times : (n,) int64

    """
    rows = part.observations
    columns = {"row": Column("whole", rows.row_numbers)}
    if labels.classes is None:
        truth = rows.y.reshape(len(rows), -1).astype(np.float64)
        for i, name in enumerate(labels.names):
            columns[f"true_{name}"] = Column("number", truth[:, i])
            columns[f"predicted_{name}"] = Column("number", said[:, i])
    else:
        words = tuple(str(value) for value in labels.classes)
        numbers = encode_classes(rows.y, labels.classes, rows.label, rows.row_numbers)
        columns[f"true_{labels.name}"] = Column("words", numbers, words)
        columns[f"predicted_{labels.name}"] = Column("words", said.argmax(axis=1).astype(np.int32), words)
        columns |= {f"probability_{word}": Column("number", said[:, i]) for i, word in enumerate(words)}
    columns["disagreement"] = Column("number", doubt)
    columns["networks"] = Column("whole", times)
    return Table(columns, "predictions")


def most_uncertain(
    part: Partition, classes: tuple[Any, ...] | None, said: Numbers, doubt: Numbers, most: int
) -> list[UncertainRow]:
    """The rows of the most doubt, those first; none of which there is no doubt."""
    rows, known = part.observations, np.nan_to_num(doubt)
    first = np.argsort(-known, kind="stable")[:most]
    first = first[known[first] > 0]
    numbers = said[first, 0] if rows.y.ndim == 1 else said[first]
    words = numbers.tolist() if classes is None else [classes[c] for c in said[first].argmax(axis=1)]
    of_rows = zip(rows.row_numbers[first].tolist(), rows.y[first].tolist(), words, known[first].tolist(), strict=True)
    return [UncertainRow(*of_row) for of_row in of_rows]
