"""Out-of-fold predictions: what the networks that never saw a row predict for it, and how far they disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.evaluation.disagreement import class_disagreement, entropy, number_disagreement
from creche.table.labels import LabelEncoder, encode_classes
from creche.table.partition import Partition
from creche.table.table import Column, Table

__all__ = ["OutOfFoldPredictions", "UncertainRow", "find_uncertain_rows", "out_of_fold_table"]

Numbers = NDArray[np.float64]


class OutOfFoldPredictions:
    """Predictions of the rows of a table, accumulated network by network; only sums are kept.

    Parameters
    ----------
    rows : int
        The number of rows of the table.
    columns : int
        The number of classes, of numeric labels or of quantiles.
    is_classification : bool

    Attributes
    ----------
    counts : (rows,) int64
        How many networks predicted each row.

    """

    def __init__(self, rows: int, columns: int, is_classification: bool) -> None:
        self.counts = np.zeros(rows, dtype=np.int64)
        self._is_classification = is_classification
        self._total = np.zeros((rows, columns))
        # Numbers are summed as deviations from a row's first prediction: squares of large numbers would lose digits.
        self._first = np.zeros((rows, columns))
        self._squares = np.zeros((rows, columns))
        self._entropies = np.zeros(rows)

    def add(self, rows: NDArray[np.int64], predicted: Numbers) -> None:
        """Add what one network predicted, (k, columns), for k different rows."""
        if self._is_classification:
            self._entropies[rows] += entropy(predicted)
        else:
            is_new = self.counts[rows] == 0
            self._first[rows[is_new]] = predicted[is_new]
            predicted = predicted - self._first[rows]
            self._squares[rows] += predicted**2
        self._total[rows] += predicted
        self.counts[rows] += 1

    @property
    def mean(self) -> Numbers:
        """The mean prediction of each row, (rows, columns); NaN for rows that no network predicted."""
        counts = np.where(self.counts > 0, self.counts, np.nan)  # 0 / 0 has another sign on other processors
        return np.asarray(self._first + self._total / counts[:, np.newaxis])

    def disagreement(self, scale: Numbers) -> Numbers:
        """Return how far the networks disagree about each row, as `Ensemble.disagreement` defines it.

        Parameters
        ----------
        scale : (columns,) array
            The standard deviations of the labels, by which the disagreement about several numeric labels is divided.

        Returns
        -------
        (rows,) float64
            NaN for rows with fewer than two predictions.

        """
        counts = np.where(self.counts > 1, self.counts, np.nan)
        means = self._total / counts[:, np.newaxis]
        if self._is_classification:
            return class_disagreement(means, self._entropies / counts)
        return number_disagreement(self._squares / counts[:, np.newaxis] - means**2, scale)


@dataclass(frozen=True, slots=True)
class UncertainRow:
    """A row about which the networks that never saw it disagree.

    Attributes
    ----------
    row : int
        Its row number, as the user counts.
    true, predicted
        The class or the number; a list for several numeric labels, or quantiles.
    disagreement : float
        See `CrossValidation.disagreement`.

    """

    row: int
    true: Any
    predicted: Any
    disagreement: float


def out_of_fold_table(
    rows: Partition, labels: LabelEncoder, predicted: Numbers, disagreement: Numbers, counts: NDArray[np.int64]
) -> Table:
    """Return a table of row numbers, labels, predictions, probabilities, disagreement and numbers of networks.

    Parameters
    ----------
    rows : Partition
    labels : LabelEncoder
    predicted : (n, classes) or (n, k) float64
    disagreement : (n,) float64
    counts : (n,) int64

    """
    observations = rows.observations
    columns = {"row": Column("whole", observations.row_numbers)}
    if labels.classes is None:
        true = observations.y.reshape(len(observations), -1).astype(np.float64)
        for i, name in enumerate(labels.names):
            columns[f"true_{name}"] = Column("number", true[:, i])
        for i, name in enumerate(labels.predicted_names):
            columns[f"predicted_{name}"] = Column("number", predicted[:, i])
    else:
        names = tuple(str(value) for value in labels.classes)
        class_numbers = encode_classes(observations.y, labels.classes, observations.label, observations.row_numbers)
        columns[f"true_{labels.name}"] = Column("words", class_numbers, names)
        columns[f"predicted_{labels.name}"] = Column("words", predicted.argmax(axis=1).astype(np.int32), names)
        columns |= {f"probability_{name}": Column("number", predicted[:, i]) for i, name in enumerate(names)}
    columns["disagreement"] = Column("number", disagreement)
    columns["networks"] = Column("whole", counts)
    return Table(columns, "predictions")


def find_uncertain_rows(
    rows: Partition, classes: tuple[Any, ...] | None, predicted: Numbers, disagreement: Numbers, limit: int
) -> list[UncertainRow]:
    """Return the rows about which the networks disagree most, in descending order; none where they all agree."""
    observations, known = rows.observations, np.nan_to_num(disagreement)
    order = np.argsort(-known, kind="stable")[:limit]
    order = order[known[order] > 0]
    if classes is None:
        labels = (predicted[order, 0] if predicted.shape[1] == 1 else predicted[order]).tolist()
    else:
        labels = [classes[c] for c in predicted[order].argmax(axis=1)]
    numbers, true = observations.row_numbers[order].tolist(), observations.y[order].tolist()
    return [UncertainRow(*row) for row in zip(numbers, true, labels, known[order].tolist(), strict=True)]
