"""Fold tables: the encoded rows of each fold, made once for each preprocessing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from creche.engine.colony import check_tables
from creche.engine.native import Rows
from creche.errors import CrecheWarning, TableError
from creche.evaluation.ordered_math import sum_rows
from creche.fitting.fold_rows import FoldRows
from creche.plan.losses import Loss
from creche.plan.words import Precision
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.inspection import TableInspection
from creche.table.labels import encode_classes
from creche.table.observations import Observations
from creche.table.prepare import Prepared, split_rows

__all__ = ["FoldTable", "FoldTables", "Judged"]

LARGEST_LABEL = 1e150


@dataclass(frozen=True, slots=True, eq=False)
class FoldTable:
    """The rows of one fold, encoded with one preprocessing.

    Attributes
    ----------
    prepared : Prepared
        Its validation rows are those held out.
    rows, held_out : Rows

    """

    prepared: Prepared
    rows: Rows
    held_out: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The rows that some fold holds out, fold by fold, with their labels: predictions of them are judged.

    Attributes
    ----------
    rows : (n,) int64 array
        Indices of the usable rows of the table.
    classes : (n,) int32 array, or None
        Class numbers.
    numbers : (n, labels) float64 array, or None
    weights : (n,) float64 array
        They sum to 1.
    fold_weights : tuple of float
        The sum of the weights of each fold.

    """

    rows: NDArray[np.int64]
    classes: NDArray[np.int32] | None
    numbers: NDArray[np.float64] | None
    weights: NDArray[np.float64]
    fold_weights: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: NDArray[np.int64]) -> Judged:
        """Return the rows at these places, as one fold."""
        weights = self.weights[places]
        return Judged(
            self.rows[places],
            None if self.classes is None else self.classes[places],
            None if self.numbers is None else self.numbers[places],
            weights / float(sum_rows(weights)),
            (1.0,),
        )


class FoldTables:
    """The folds of a table.

    Parameters
    ----------
    inspection : TableInspection
    folds : sequence of FoldRows
    loss : Loss
    precision : {"float32", "float64"}

    Attributes
    ----------
    judged : Judged

    """

    def __init__(
        self, inspection: TableInspection, folds: Sequence[FoldRows], loss: Loss, precision: Precision
    ) -> None:
        self.inspection = inspection
        self.folds = list(folds)
        self.loss = loss
        self.precision = precision
        self.judged = self._collect_judged()
        self._encoded: dict[str, list[FoldTable]] = {}

    def __len__(self) -> int:
        return len(self.folds)

    def encode(self, preprocessing: Preprocessing) -> list[FoldTable]:
        """Return the table of each fold, with encoders fitted to its training rows.

        Raises
        ------
        PlanError
            If they do not fit into memory.

        """
        key = repr(preprocessing)
        if key not in self._encoded:
            with warnings.catch_warnings():  # of constant columns, which the whole table has or which hardly matter
                warnings.simplefilter("ignore", CrecheWarning)
                self._encoded[key] = self._encode(preprocessing)
        return self._encoded[key]

    def forget(self, preprocessing: Preprocessing) -> None:
        """Free the memory of a preprocessing that is not needed again."""
        self._encoded.pop(repr(preprocessing), None)

    def _encode(self, preprocessing: Preprocessing) -> list[FoldTable]:
        preparation = self.inspection.preparation.with_preprocessing(preprocessing)
        inspection = replace(self.inspection, preparation=preparation)
        tables: list[FoldTable] = []
        for fold in self.folds:
            train, held_out = (self.inspection.usable.take(rows) for rows in (fold.train, fold.held_out))
            prepared = split_rows(inspection, train, held_out, None)
            rows, validation = prepared.encode(self.loss, self.precision)
            assert validation is not None
            if not tables:
                check_tables(rows, validation, len(self.folds))
            tables.append(FoldTable(prepared, rows, validation))
        return tables

    def _collect_judged(self) -> Judged:
        usable = self.inspection.usable
        rows = np.concatenate([fold.held_out for fold in self.folds])
        part = usable.take(rows)
        weights = np.ones(len(rows)) if part.weights is None else part.weights.astype(np.float64)
        weights = weights / float(sum_rows(weights))
        ends = np.cumsum([len(fold.held_out) for fold in self.folds]).tolist()
        starts = [0, *ends[:-1]]
        of_folds = tuple(float(sum_rows(weights[start:end])) for start, end in zip(starts, ends, strict=True))
        observed = part.observations
        if self.inspection.classes is None:
            numbers = observed.y.astype(np.float64).reshape(len(rows), -1)
            _check_range(numbers, observed)
            return Judged(rows, None, numbers, weights, of_folds)
        classes = encode_classes(observed.y, self.inspection.classes, observed.label, observed.row_numbers)
        return Judged(rows, classes, None, weights, of_folds)


def _check_range(numbers: NDArray[np.float64], observed: Observations) -> None:
    """Check that the squares of labels are finite: errors are compared by their squares."""
    too_large = np.abs(numbers) > LARGEST_LABEL
    if too_large.any():
        row = int(too_large.any(axis=1).argmax())
        raise TableError(
            f"label {observed.label!r}: row {observed.row_numbers[row]} is {numbers[row][too_large[row]][0]:.3g}; "
            f"needs numbers up to {LARGEST_LABEL:g}, because errors are squared: divide the label by a constant"
        )
