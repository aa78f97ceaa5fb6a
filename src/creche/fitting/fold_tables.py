"""Fold tables: the encoded rows of each fold, made once for each preprocessing."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._ordered_math import sum_rows
from creche._phrases import format_count
from creche._system.disk_space import format_size
from creche.engine.memory_checks import check_tables
from creche.engine.native import Rows, rows_memory
from creche.errors import CrecheWarning, PlanError, TableError
from creche.fitting.fold_rows import FoldRows
from creche.plan.losses import Loss
from creche.plan.words import Precision
from creche.table.encoders.features import FeatureEncoder
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.inspection import TableInspection
from creche.table.labels import LabelEncoder, encode_classes
from creche.table.observations import Observations
from creche.table.partition import Partition
from creche.table.prepare import Prepared, fit_labels, split_rows
from creche.table.row_weights import apply_class_weights

__all__ = ["FoldTable", "FoldTables", "Judged"]

LARGEST_LABEL = 1e150

# Encoded rows are kept up to this size, beside those in use.
ENCODED_MEMORY = 1_000_000_000


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

    @property
    def nbytes(self) -> int:
        """The size of the encoded rows."""
        return rows_memory(self.rows) + rows_memory(self.held_out)


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
        Each label is repeated for several quantiles.
    weights : (n,) float64 array
        How much each counts where candidates are compared and calibrated, class weights included; they sum to 1.
    row_weights : (n,) float64 array
        The same without class weights, for the evaluation.
    fold_weights : tuple of float
        The sum of the weights of each fold.
    quantiles : tuple of float
        The quantiles that are predicted, of each of the numbers, or of all; empty for the mean.

    """

    rows: NDArray[np.int64]
    classes: NDArray[np.int32] | None
    numbers: NDArray[np.float64] | None
    weights: NDArray[np.float64]
    row_weights: NDArray[np.float64]
    fold_weights: tuple[float, ...]
    quantiles: tuple[float, ...] = ()

    @property
    def unit_power(self) -> int:
        """The power of the labels' unit in which errors of numbers are compared."""
        return 1 if self.quantiles else 2

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, places: NDArray[np.int64]) -> Judged:
        """Return the rows at these places, as one fold."""
        weights, row_weights = self.weights[places], self.row_weights[places]
        return Judged(
            self.rows[places],
            None if self.classes is None else self.classes[places],
            None if self.numbers is None else self.numbers[places],
            weights / float(sum_rows(weights)),
            row_weights / float(sum_rows(row_weights)),
            (1.0,),
            self.quantiles,
        )


class FoldTables:
    """The folds of a table.

    Parameters
    ----------
    inspection : TableInspection
    folds : sequence of FoldRows
    loss : Loss
    precision : {"float32", "float64"}
    memory : int, optional
        Bytes that the encoded rows may take.

    Attributes
    ----------
    judged : Judged
    outputs : int
        The number of outputs of a network.

    """

    def __init__(
        self,
        inspection: TableInspection,
        folds: Sequence[FoldRows],
        loss: Loss,
        precision: Precision,
        memory: int | None = None,
    ) -> None:
        self.inspection = inspection
        self.folds = list(folds)
        self.loss = loss
        self.precision = precision
        self._memory = memory
        self._weighted = _apply_class_weights(inspection, loss)
        self.judged = self._collect_judged()
        classes = inspection.classes
        self.outputs = loss.outputs(inspection.task, len(inspection.labelled.labels if classes is None else classes))
        self._encoded: dict[str, list[FoldTable]] = {}
        self._first_encoders: dict[str, tuple[FeatureEncoder, LabelEncoder]] = {}

    def __len__(self) -> int:
        return len(self.folds)

    def encode(self, preprocessing: Preprocessing) -> list[FoldTable]:
        """Return the table of each fold, with encoders fitted to its training rows.

        Raises
        ------
        PlanError
            If they do not fit into memory.

        """
        self._check_memory(preprocessing)
        key = repr(preprocessing)
        if key in self._encoded:
            self._encoded[key] = self._encoded.pop(key)  # the last one used
        else:
            with warnings.catch_warnings():  # of constant columns, which the whole table has or which hardly matter
                warnings.simplefilter("ignore", CrecheWarning)
                self._encoded[key] = self._encode(preprocessing)
            self._evict()
        return self._encoded[key]

    def first_encoders(self, preprocessing: Preprocessing) -> FeatureEncoder:
        """Return the encoders of the first fold; no row is encoded for it."""
        key = repr(preprocessing)
        if key not in self._first_encoders:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", CrecheWarning)
                prepared = self._prepare(self.folds[0], preprocessing)
                self._first_encoders[key] = prepared.features, prepared.labels
        return self._first_encoders[key][0]

    def count_bytes(self, preprocessing: Preprocessing) -> int:
        """Return about how many bytes the encoded rows of all folds take."""
        rows = sum(len(fold.train) + len(fold.held_out) for fold in self.folds)
        return rows * self.first_encoders(preprocessing).width * np.dtype(self.precision).itemsize

    def _check_memory(self, preprocessing: Preprocessing) -> None:
        size = 0 if self._memory is None else self.count_bytes(preprocessing)
        if self._memory is not None and size > self._memory:
            raise PlanError(
                f"memory: got {format_size(self._memory)}, but the configurations of a fit learn the encoded rows of "
                f"{format_count(len(self), 'fold')} in memory, which take {format_size(size)}; give that much, or "
                f"train one network with {advise('creche.train')}, which reads rows from disk",
                argument="memory",
            )

    def _evict(self) -> None:
        """Free the tables that have not been used for longest, if all take much memory; they can be made again."""

        def size() -> int:
            return sum(table.nbytes for tables in self._encoded.values() for table in tables)

        most = ENCODED_MEMORY if self._memory is None else min(ENCODED_MEMORY, self._memory)
        while len(self._encoded) > 1 and size() > most:
            del self._encoded[next(iter(self._encoded))]

    def _encode(self, preprocessing: Preprocessing) -> list[FoldTable]:
        tables: list[FoldTable] = []
        for number, fold in enumerate(self.folds):
            encoders = None if number else self._first_encoders.get(repr(preprocessing))
            prepared = self._prepare(fold, preprocessing, encoders)
            rows, validation = prepared.encode(self.loss, self.precision)
            assert validation is not None
            if not tables:
                check_tables(rows, validation, len(self.folds), "data", "fit to fewer rows, or to fewer columns")
            tables.append(FoldTable(prepared, rows, validation))
        return tables

    def _prepare(
        self,
        fold: FoldRows,
        preprocessing: Preprocessing,
        encoders: tuple[FeatureEncoder, LabelEncoder] | None = None,
    ) -> Prepared:
        """Return the rows of a fold with encoders fitted to those for training, unless they have been fitted before."""
        # Without the class weights, which are no concern of the encoders.
        preparation = replace(self.inspection.preparation, preprocessing=preprocessing, class_weight=None)
        inspection = replace(self.inspection, preparation=preparation, encoders=encoders)
        train, held_out = (self.inspection.usable.take(rows) for rows in (fold.train, fold.held_out))
        prepared = split_rows(inspection, train, held_out, None)
        if self._weighted is self.inspection.usable:
            return prepared
        train, held_out = (self._weighted.take(rows) for rows in (fold.train, fold.held_out))
        return replace(prepared, train=train, validation=held_out)

    def _collect_judged(self) -> Judged:
        rows = np.concatenate([fold.held_out for fold in self.folds])
        part = self.inspection.usable.take(rows)
        weights, row_weights = (
            _normalized_weights(each.take(rows)) for each in (self._weighted, self.inspection.usable)
        )
        ends = np.cumsum([len(fold.held_out) for fold in self.folds]).tolist()
        starts = [0, *ends[:-1]]
        of_folds = tuple(float(sum_rows(weights[start:end])) for start, end in zip(starts, ends, strict=True))
        observed = part.observations
        if self.inspection.classes is None:
            numbers = observed.y.astype(np.float64).reshape(len(rows), -1)
            _check_range(numbers, observed)
            quantiles = self.loss.predicted_quantiles
            if len(quantiles) > 1:
                numbers = np.repeat(numbers, len(quantiles), axis=1)
            return Judged(rows, None, numbers, weights, row_weights, of_folds, quantiles)
        classes = encode_classes(observed.y, self.inspection.classes, observed.label, observed.row_numbers)
        return Judged(rows, classes, None, weights, row_weights, of_folds)


def _apply_class_weights(inspection: TableInspection, loss: Loss) -> Partition:
    """Return the usable rows with the class weights in their weights."""
    usable, class_weight = inspection.usable, inspection.preparation.class_weight
    if class_weight is None:
        return usable
    labels = fit_labels(usable, inspection.classes, loss, inspection.preparation)
    return Partition(
        usable.observations, apply_class_weights(class_weight, usable.observations, labels, usable.weights)
    )


def _normalized_weights(part: Partition) -> NDArray[np.float64]:
    weights = np.ones(len(part)) if part.weights is None else part.weights.astype(np.float64)
    return np.asarray(weights / float(sum_rows(weights)))


def _check_range(numbers: NDArray[np.float64], observed: Observations) -> None:
    """Check that the squares of labels are finite: errors are compared by their squares."""
    too_large = np.abs(numbers) > LARGEST_LABEL
    if too_large.any():
        row = int(too_large.any(axis=1).argmax())
        raise TableError(
            f"label {observed.label!r}: row {observed.row_numbers[row]} is {numbers[row][too_large[row]][0]:.3g}; "
            f"needs numbers up to {LARGEST_LABEL:g}, because errors are squared: divide the label by a constant"
        )
