"""Preparing a table for training: inspect it, split its rows, fit the encoders, encode rows for the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.engine.native import Rows
from creche.errors import TableError
from creche.plan.losses import Loss
from creche.plan.words import Task
from creche.table.block_encoding import BlockEncoder
from creche.table.bootstrap_sample import resample_rows
from creche.table.cell_format import ExpectedColumn
from creche.table.class_names import name_labels
from creche.table.encoders.features import FeatureEncoder
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.encoders.tree_bins import BinTarget
from creche.table.inspection import TableInspection, inspect_table
from creche.table.labels import LabelEncoder, encode_classes
from creche.table.observations import Observations, read_observations
from creche.table.partition import Partition, PartName, assemble_partitions, warn_of_leakage_between
from creche.table.preparation import Preparation
from creche.table.reading.read import is_table
from creche.table.row_weights import apply_class_weights, resolve_sample_weights
from creche.table.schema import Schema
from creche.table.split import shuffle_rows
from creche.table.table import Column, FrameLibrary, Table

if TYPE_CHECKING:
    from creche.table.training_summary import TrainingSummary

__all__ = ["Prepared", "encode_features", "encode_labels", "fit_labels", "prepare", "reencode", "split_rows"]


def prepare(
    data: Any,
    y: Any,
    preparation: Preparation,
    *,
    task: str | None,
    loss: Loss | None,
    seed: int,
    validation_data: Any = None,
    test_data: Any = None,
    weights: Any = None,
    encoders: tuple[FeatureEncoder, LabelEncoder] | None = None,
) -> Prepared:
    """Read, check and split a table, and fit the encoders to the training rows.

    Parameters
    ----------
    data, y, task, loss, seed, validation_data, test_data
        As `creche.train` takes them.
    preparation : Preparation
    weights : (n,) array, optional
        The weights of the rows, in place of the preparation's column of weights.
    encoders : (FeatureEncoder, LabelEncoder), optional
        The encoders of an earlier run; then none are fitted.

    Raises
    ------
    TableError
        If the table cannot be trained on.

    """
    preparation = _clear_fractions(preparation, validation_data, test_data)
    inspection = inspect_table(data, y, preparation, task=task, loss=loss, weights=weights, encoders=encoders)
    train, validation, test = assemble_partitions(
        inspection.usable, preparation, inspection.classes, seed, inspection.schema
    )
    if validation_data is not None:
        validation = _read_part("validation_data", validation_data, inspection, train)
    if test_data is not None:
        test = _read_part("test_data", test_data, inspection, train)
    prepared = split_rows(inspection, train, validation, test)
    return replace(prepared, has_validation_table=validation_data is not None, has_test_table=test_data is not None)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Prepared:
    """A table ready for training: its parts and the encoders.

    Attributes
    ----------
    labelled : Observations
        All rows of the table that have a label.
    train : Partition
    validation, test : Partition or None
    features : FeatureEncoder
    labels : LabelEncoder
    schema : Schema or None
        None for arrays, whose columns are all numbers.
    task : {"classification", "regression", "multilabel"}
    preparation : Preparation
    has_validation_table, has_test_table : bool
        Whether the validation or test rows come from a table of their own.
    external_weights : (n,) array or None
        The weights of the labelled rows, if they are not a column of the table.
    task_note : str or None
        What the page tells of the task, if it was guessed and the other task is possible as well.

    """

    labelled: Observations
    train: Partition
    validation: Partition | None
    test: Partition | None
    features: FeatureEncoder
    labels: LabelEncoder
    schema: Schema | None
    task: Task
    preparation: Preparation
    has_validation_table: bool = False
    has_test_table: bool = False
    external_weights: NDArray[np.float64] | None = None
    task_note: str | None = None
    _summary: list[TrainingSummary] = field(default_factory=list, init=False, repr=False)

    @property
    def library(self) -> FrameLibrary:
        """The library of DataFrames in which results about the table come."""
        return self.labelled.library

    @property
    def evaluation_part(self) -> tuple[PartName, Partition]:
        """The rows on which a network is evaluated, by name: test rows, else validation rows, else training rows."""
        if self.test is not None:
            return "test", self.test
        return ("train", self.train) if self.validation is None else ("validation", self.validation)

    def __repr__(self) -> str:
        parts = {"training": self.train, "validation": self.validation, "test": self.test}
        counts = ", ".join(f"{len(part):,} {name} rows" for name, part in parts.items() if part is not None)
        return f"Prepared({counts}; {len(self.features.inputs):,} inputs; {self.labels.name})"

    def encode(self, loss: Loss, precision: str) -> tuple[Rows, Rows | None]:
        """Return the encoded training rows (of the bootstrap sample, if there is one) and validation rows."""
        train = self.encode_part(self.train, loss, precision)
        if self.preparation.bootstrap is not None:
            train = resample_rows(train, self.preparation.bootstrap)
        return train, None if self.validation is None else self.encode_part(self.validation, loss, precision)

    def summarize_training(self) -> TrainingSummary:
        """Return what a model keeps of the training rows."""
        if not self._summary:
            from creche.table.training_summary import TrainingSummary  # only now: most networks are not saved

            train, whole = self.train.observations, self.labelled
            rows = np.searchsorted(whole.row_indices, train.row_indices)
            self._summary.append(TrainingSummary.of(self.features, train.x, whole.x, rows))
        return self._summary[0]

    def training_table(self) -> Table:
        """Return all labelled rows with the columns that training depends on, for a digest."""
        return self.labelled.table(self._column_names)

    def side_tables(self) -> dict[str, Table]:
        """Return what training depends on that is not in the table: validation rows and weights of their own."""
        tables = {}
        if self.validation is not None and self.has_validation_table:
            tables["validation_data"] = self.validation.observations.table(self._select_names(self.validation))
        if self.external_weights is not None:
            tables["sample_weight"] = Table({"weight": Column("number", self.external_weights)}, "sample_weight")
        return tables

    @property
    def _column_names(self) -> list[str] | None:
        return None if self.schema is None else [*self.schema.features, *self.preparation.auxiliary_columns]

    def _select_names(self, part: Partition) -> list[str] | None:
        """Return those of the columns that a table of its own has: it needs none to split by."""
        x = part.observations.x
        if self._column_names is None or not isinstance(x, Table):
            return None
        return [name for name in self._column_names if name in x.columns]

    def encode_part(self, part: Partition, loss: Loss, precision: str) -> Rows:
        """Return the rows of one part as the engine reads them."""
        x = part.observations.x
        if isinstance(x, Table) and x.is_lazy:
            return self.block_encoder(part, loss, precision).to_memory()
        return self.encode_in_memory(part, loss, precision)

    def block_encoder(
        self, part: Partition, loss: Loss, precision: str = "float32", memory: int | None = None
    ) -> BlockEncoder:
        """Return what encodes the rows of a part whose columns are on disk, with at most `memory` bytes."""

        def encode(block: Partition) -> Rows:
            return self.encode_in_memory(block, loss, precision)

        return BlockEncoder(part, self.features, self.labels, loss, precision, encode, memory)

    @property
    def is_lazy(self) -> bool:
        """Whether the table may be larger than memory, so that its columns are read when they are asked for."""
        return isinstance(self.labelled.x, Table) and self.labelled.x.is_lazy

    def encode_in_memory(self, part: Partition, loss: Loss, precision: str) -> Rows:
        """Return the rows of a part as the engine reads them, all at once."""
        rows = part.observations
        x = encode_features(self.features, rows.x, precision, rows.row_numbers)
        classes, targets = encode_labels(rows.y, self.labels, loss, precision, rows.row_numbers)
        return Rows(x, classes, targets, None if part.weights is None else part.weights.astype(precision))


def split_rows(
    inspection: TableInspection,
    train: Partition,
    validation: Partition | None,
    test: Partition | None,
) -> Prepared:
    """Return a split table with encoders fitted to the training rows, unless the inspection has encoders already."""
    preparation = inspection.preparation
    suited = preparation.preprocessing.resolved(len(train), inspection.n_features)
    preparation = replace(preparation, preprocessing=suited)
    _check_labels(inspection.task, inspection.loss, [train, validation, test])
    if inspection.encoders is None:
        labels = fit_labels(train, inspection.classes, inspection.loss, preparation)
        features = _fit_features(train, inspection.schema, inspection.classes, preparation.preprocessing)
    else:
        features, labels = inspection.encoders
    if preparation.class_weight is not None:
        weights = apply_class_weights(preparation.class_weight, train.observations, labels, train.weights)
        train = Partition(train.observations, weights)
    if preparation.row_order is not None:
        train = train.take(shuffle_rows(preparation.row_order, len(train)))
    return Prepared(
        inspection.labelled, train, validation, test, features, labels, inspection.schema, inspection.task, preparation,
        external_weights=inspection.external_weights, task_note=inspection.task_note,
    )  # fmt: skip


def reencode(prepared: Prepared, preprocessing: Preprocessing, loss: Loss) -> Prepared:
    """Return the same parts of the same table with other encoders, fitted to the training rows.

    There must be no class weights: they are multiplied into the rows' own, by which encoders are fitted.
    """
    assert prepared.preparation.class_weight is None
    classes, preparation = prepared.labels.classes, replace(prepared.preparation, preprocessing=preprocessing)
    return replace(
        prepared,
        features=_fit_features(prepared.train, prepared.schema, classes, preprocessing),
        labels=fit_labels(prepared.train, classes, loss, preparation),
        preparation=preparation,
    )


def encode_features(
    features: FeatureEncoder, x: Table | NDArray[Any], precision: str, row_numbers: NDArray[np.int64] | None = None
) -> NDArray[Any]:
    """Return the inputs of the network for a table, whose rows have these numbers, or for an array."""
    if isinstance(x, Table):
        return features.transform(x, precision, row_numbers)
    return features.transform_matrix(x, precision)


def encode_labels(
    y: NDArray[Any], labels: LabelEncoder, loss: Loss, precision: str, row_numbers: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int32] | None, NDArray[Any] | None]:
    """Return the labels as the loss needs them: (class numbers, None) or (None, targets)."""
    if labels.classes is None:
        with np.errstate(over="ignore"):
            targets = labels.encode_numbers(y).astype(precision)
        _check_targets(targets, y, labels, precision, row_numbers)
        return None, targets
    numbers = encode_classes(y, labels.classes, labels.name, row_numbers)
    if loss.takes_class_numbers:
        return numbers, None
    return None, loss.class_targets(numbers, len(labels.classes)).astype(precision)


def _clear_fractions(preparation: Preparation, validation_data: Any, test_data: Any) -> Preparation:
    """Set the fraction of each part with a table of its own to 0, so that the recorded split is what was done."""
    split = preparation.split
    if split.column is None:
        split = replace(
            split,
            validation_fraction=split.validation_fraction if validation_data is None else 0.0,
            test_fraction=split.test_fraction if test_data is None else 0.0,
        )
    return replace(preparation, split=split)


def _read_part(what: str, data: Any, inspection: TableInspection, train: Partition) -> Partition:
    """Read the rows of a part from a table or arrays of its own; `what` is the argument that holds them."""
    labelled, preparation = inspection.labelled, inspection.preparation
    x, y = data if isinstance(data, tuple) else (data, None)
    expected = None
    if is_table(x) and isinstance(labelled.x, Table):
        expected = {name: ExpectedColumn(column.kind, column.format) for name, column in labelled.x.columns.items()}
        formats = labelled.formats or (None,) * len(labelled.kinds)
        expected |= dict(zip(labelled.labels, map(ExpectedColumn, labelled.kinds, formats), strict=False))
    rows = read_observations(
        x,
        y,
        labelled.labels,
        expected=expected,
        missing_label=preparation.missing_label,
        read_options=preparation.read_options,
        task=inspection.task,
    )
    if isinstance(preparation.classes, Mapping):
        rows = replace(rows, y=name_labels(rows.y, preparation.classes, rows.label, rows.row_numbers))
    if isinstance(rows.x, Table) != isinstance(labelled.x, Table):
        kind, training_kind = ("a table" if isinstance(each.x, Table) else "an array" for each in (rows, labelled))
        raise TableError(f"{what}: got {kind}, but the training rows are {training_kind}; give both in the same form")
    if not isinstance(rows.x, Table) and not isinstance(labelled.x, Table) and rows.x.shape[1] != labelled.x.shape[1]:
        raise TableError(
            f"{what}: has {rows.x.shape[1]} features, but the training rows have {labelled.x.shape[1]}; needs the same "
            "columns"
        )
    part = Partition(rows, resolve_sample_weights(preparation.sample_weight, rows))
    warn_of_leakage_between(part, train, what, inspection.schema, inspection.classes)
    return part


def _fit_features(
    train: Partition, schema: Schema | None, classes: tuple[Any, ...] | None, preprocessing: Preprocessing
) -> FeatureEncoder:
    x = train.observations.x
    target = _bin_target(train, classes) if preprocessing.needs_labels else None
    if isinstance(x, Table):
        assert schema is not None
        return FeatureEncoder.fit(x, schema, preprocessing, train.weights, target)
    names = tuple(f"x{i}" for i in range(x.shape[1]))
    return FeatureEncoder.fit_matrix(x, names, preprocessing, train.weights, target)


def _bin_target(train: Partition, classes: tuple[Any, ...] | None) -> BinTarget:
    rows = train.observations
    if classes is None:
        return BinTarget.of_numbers(rows.y, train.weights)
    return BinTarget.of_classes(encode_classes(rows.y, classes, rows.label, rows.row_numbers), train.weights)


def fit_labels(
    part: Partition, classes: tuple[Any, ...] | None, loss: Loss | None, preparation: Preparation
) -> LabelEncoder:
    """Fit the label encoder to the rows of a part: the shares of the classes, or the scale of numbers."""
    train, weights, preprocessing = part.observations, part.weights, preparation.preprocessing
    if classes is not None:
        counts = np.bincount(encode_classes(train.y, classes, train.label, train.row_numbers), weights, len(classes))
        return LabelEncoder(
            train.labels,
            classes,
            baseline=tuple((counts / counts.sum()).tolist()),
            kinds=train.kinds,
            formats=train.formats,
            values=tuple(preparation.classes) if isinstance(preparation.classes, Mapping) else (),
            is_ordered=loss is not None and loss.orders_classes,
        )
    y = train.y.astype(np.float64).reshape(len(train), -1)
    if train.y.ndim == 2 and train.y.dtype.kind == "b":
        shares, count = np.average(y, axis=0, weights=weights), y.shape[1]
        return LabelEncoder(
            train.labels, None, (0.0,) * count, (1.0,) * count, tuple(shares.tolist()), train.kinds, train.formats,
            is_multilabel=True,
        )  # fmt: skip
    # Dividing by powers of two near the largest labels keeps squares from over- and underflowing, and loses no bit.
    size = np.ldexp(1.0, np.clip(np.frexp(np.abs(y).max(axis=0))[1], -1000, 1000))
    y = y / size
    average = np.average(y, axis=0, weights=weights)
    mean, scale = np.zeros(y.shape[1]), np.ones(y.shape[1])
    if preprocessing.scaling != "none" and (loss is None or loss.standardizes_labels):
        varies = np.ptp(y, axis=0) > 0
        mean[varies] = (average * size)[varies]
        scale[varies] = (np.sqrt(np.average((y - average) ** 2, axis=0, weights=weights)) * size)[varies]
    quantiles = () if loss is None else loss.predicted_quantiles
    baseline = average * size
    if loss is not None and quantiles:
        count = loss.outputs("regression", y.shape[1])
        baseline = loss.best_constant(np.repeat(y * size, count // y.shape[1], axis=1), weights, count)
    return LabelEncoder(
        train.labels, None, tuple(mean.tolist()), tuple(scale.tolist()), tuple(baseline.tolist()), train.kinds,
        train.formats, _label_bounds(train.y, weights) if preprocessing.clamp else (), quantiles=quantiles,
    )  # fmt: skip


def _label_bounds(y: NDArray[Any], weights: NDArray[np.float64] | None) -> tuple[tuple[float, float], ...]:
    columns = y.astype(np.float64).reshape(len(y), -1)
    if weights is not None:
        columns = columns[weights > 0]
    return tuple(zip(columns.min(axis=0).tolist(), columns.max(axis=0).tolist(), strict=True))


def _check_labels(task: str, loss: Loss | None, parts: list[Partition | None]) -> None:
    for part in parts:
        if part is None or task != "regression":
            continue
        y = part.observations.y
        if loss is not None and np.isfinite(loss.smallest_label) and (y < loss.smallest_label).any():
            row = int(np.argmax((y < loss.smallest_label).reshape(len(y), -1).any(axis=1)))
            raise TableError(
                f"label {part.observations.label!r}: row {part.observations.row_numbers[row]} is {y[row].min():g}; "
                "the poisson loss needs counts of 0 or more: choose another loss, or leave such rows out"
            )


def _check_targets(
    targets: NDArray[Any], y: NDArray[Any], labels: LabelEncoder, precision: str, row_numbers: NDArray[np.int64] | None
) -> None:
    """Refuse labels that are too large for the precision."""
    finite = np.isfinite(targets)
    if not finite.all():
        row, column = (int(index) for index in np.argwhere(~finite)[0])
        label = labels.label_of(column)
        raise TableError(
            f"label {labels.names[label]!r}: row {row if row_numbers is None else row_numbers[row]} is "
            f"{y.reshape(len(y), -1)[row, label]:g}, too large for {precision}; scale the label, or set "
            f"{advise('preprocessing', 'standard')}"
        )
