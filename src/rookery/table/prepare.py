"""The whole way from what a user has to the rows the engine reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rookery.engine.native import Rows
from rookery.errors import TableError
from rookery.plan.losses import BinaryCrossEntropy, Loss, Poisson
from rookery.table.columns import Table
from rookery.table.encode import Encoding, FeatureEncoder
from rookery.table.labels import LabelEncoder, class_numbers, classes_of, infer_task
from rookery.table.observations import Observations, observations
from rookery.table.parts import Part, divided, without_duplicates
from rookery.table.preparation import Preparation
from rookery.table.read import is_table
from rookery.table.schema import Schema
from rookery.table.weights import class_weights, sample_weights

__all__ = ["Prepared", "encoded_features", "label_rows", "prepare"]


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """What training needs of a table.

    Attributes
    ----------
    everything : Observations
        All rows of the table that have a label.
    train : Part
    validation, test : Part or None
    features : FeatureEncoder
    labels : LabelEncoder
    schema : Schema or None
        None for arrays, whose columns are all numbers.
    task : {"classes", "numbers"}
    preparation : Preparation

    """

    everything: Observations
    train: Part
    validation: Part | None
    test: Part | None
    features: FeatureEncoder
    labels: LabelEncoder
    schema: Schema | None
    task: str
    preparation: Preparation

    @property
    def judged(self) -> tuple[str, Part]:
        """The rows to judge a network by: those for testing, else for validation, else those it was trained on."""
        named = (("test", self.test), ("validation", self.validation), ("train", self.train))
        return next((name, part) for name, part in named if part is not None)

    def rows(self, loss: Loss, precision: str) -> tuple[Rows, Rows | None]:
        """Training and validation rows, encoded."""
        train = self.encoded(self.train, loss, precision)
        return train, None if self.validation is None else self.encoded(self.validation, loss, precision)

    def used_table(self) -> Table:
        """All rows, with the columns that training depends on: what digests are of."""
        columns = None if self.schema is None else [*self.schema.features, *self.preparation.beside]
        return self.everything.table(columns)

    def encoded(self, part: Part, loss: Loss, precision: str) -> Rows:
        """One part's rows as the engine reads them."""
        observed = part.observations
        x = encoded_features(self.features, observed.x, precision)
        classes, targets = label_rows(observed.y, self.labels, loss, precision, observed.called)
        return Rows(x, classes, targets, None if part.weights is None else part.weights.astype(precision))


def encoded_features(features: FeatureEncoder, x: Table | NDArray[Any], precision: str) -> NDArray[Any]:
    """The network's inputs for rows of a table or of an array."""
    return features.transform(x, precision) if isinstance(x, Table) else features.transform_matrix(x, precision)


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
    """Reads, checks and splits; fits the encoders on the training rows.

    Parameters
    ----------
    data, y, task, loss, seed, validation_data, test_data
        As `rookery.train` takes them.
    preparation : Preparation
    weights : (n,) array, optional
        In place of the preparation's column of weights.
    encoders : (FeatureEncoder, LabelEncoder), optional
        Those of an earlier run; nothing is fitted then.

    Raises
    ------
    TableError
        If the table cannot be trained on.

    """
    everything = observations(
        data, y, preparation.label or None, missing_label=preparation.missing_label, reading=preparation.reading,
        expected=None if encoders is None else encoders[0].kinds,
    )  # fmt: skip
    if encoders is not None:
        task = "numbers" if encoders[1].classes is None else "classes"
    task = _task(task, loss, everything)
    schema = _schema(everything, preparation) if encoders is None else None
    whole = _counting(everything, preparation.sample_weight if weights is None else weights)
    if preparation.duplicates == "drop":
        whole = without_duplicates(whole, schema)
    classes = preparation.classes if encoders is None else encoders[1].classes
    if task == "classes" and classes is None:
        classes = classes_of(whole.observations.y, everything.label)
    train, validation, test = divided(whole, preparation, classes, seed, schema, beside=(validation_data, test_data))
    validation = _given("validation_data", validation_data, everything, preparation, validation)
    test = _given("test_data", test_data, everything, preparation, test)
    _check_labels(task, loss, [train, validation, test])
    labels = _fit_labels(train, classes, loss, preparation.encoding) if encoders is None else encoders[1]
    features = _fit_features(train, schema, preparation.encoding) if encoders is None else encoders[0]
    if preparation.class_weight is not None:
        count = class_weights(preparation.class_weight, train.observations, labels, train.weights)
        train = Part(train.observations, count)
    return Prepared(everything, train, validation, test, features, labels, schema, task, preparation)


def _counting(rows: Observations, given: Any) -> Part:
    """The rows with their weights; those that weigh nothing are left out."""
    weights = sample_weights(given, rows)
    if weights is None or weights.all():
        return Part(rows, weights)
    some = np.flatnonzero(weights)
    return Part(rows.take(some), weights[some])


def _fit_features(train: Part, schema: Schema | None, encoding: Encoding) -> FeatureEncoder:
    x = train.observations.x
    if isinstance(x, Table):
        assert schema is not None
        return FeatureEncoder.fit(x, schema, encoding, train.weights)
    return FeatureEncoder.fit_matrix(x, tuple(f"x{i}" for i in range(x.shape[1])), encoding, train.weights)


def _schema(rows: Observations, preparation: Preparation) -> Schema | None:
    if not isinstance(rows.x, Table):
        named: list[str | None] = [*filter(None, preparation.beside), *(preparation.schema or ())]
        if named or preparation.split.time:
            raise TableError(f"{(named or [preparation.split.time])[0]!r}: arrays have no named columns; give a table")
        return None
    for name, what in ((preparation.split.used, "split"), (preparation.sample_weight, "sample_weight")):
        if name is not None:
            rows.x.column(name, what)
    left_out = dict.fromkeys(preparation.beside, "ignore")
    labels = [name for name in rows.labels if name not in rows.x.columns]
    return Schema.infer(rows.x, labels, {**(preparation.schema or {}), **left_out})


def _given(
    what: str, data: Any, everything: Observations, preparation: Preparation, otherwise: Part | None
) -> Part | None:
    """Rows in a table or arrays of their own."""
    if data is None:
        return otherwise
    x, y = data if isinstance(data, tuple) else (data, None)
    expected = None
    if is_table(x) and isinstance(everything.x, Table):
        expected = {name: column.kind for name, column in everything.x.columns.items()}
        expected |= dict(zip(everything.labels, everything.kinds, strict=False))
    rows = observations(
        x, y, everything.labels, expected=expected, missing_label=preparation.missing_label, reading=preparation.reading
    )
    if isinstance(rows.x, Table) != isinstance(everything.x, Table):
        raise TableError(f"{what}: is a table where the training rows are an array, or the reverse; give both alike")
    if not isinstance(rows.x, Table) and rows.x.shape[1] != everything.x.shape[1]:  # type: ignore[union-attr]
        raise TableError(
            f"{what}: has {rows.x.shape[1]} features, the training rows have {everything.x.shape[1]}"  # type: ignore[union-attr]
        )
    counts = sample_weights(preparation.sample_weight, rows)
    return Part(rows, counts)


def _task(task: str | None, loss: Loss | None, rows: Observations) -> str:
    if task is not None:
        if task not in ("classes", "numbers"):
            raise TableError(f"task: got {task!r}; needs 'classes' or 'numbers'")
        if task == "numbers" and rows.y.dtype.kind in "OUS":
            raise TableError(f"label {rows.label!r}: holds words; a label of numbers is needed for task='numbers'")
        if task == "classes" and rows.y.ndim == 2:
            raise TableError(f"label {rows.label!r}: several labels at once must be numbers, for task='numbers'")
        return task
    if loss is not None and not loss.for_classes and rows.y.dtype.kind not in "OUS":
        return "numbers"
    if loss is not None and not loss.for_numbers and rows.y.ndim == 1:
        return "classes"
    return infer_task(rows.y)


def _fit_labels(part: Part, classes: tuple[Any, ...] | None, loss: Loss | None, encoding: Encoding) -> LabelEncoder:
    train, weights = part.observations, part.weights
    if classes is not None:
        counts = np.bincount(class_numbers(train.y, classes, train.label, train.called), weights, len(classes))
        return LabelEncoder(train.labels, classes, baseline=tuple((counts / counts.sum()).tolist()), kinds=train.kinds)
    y = train.y.astype(np.float64).reshape(len(train), -1)
    # By powers of two near the largest labels, so that no square overflows or vanishes, and no bit is lost.
    size = np.ldexp(1.0, np.clip(np.frexp(np.abs(y).max(axis=0))[1], -1000, 1000))
    y = y / size
    average = np.average(y, axis=0, weights=weights)
    mean, scale = np.zeros(y.shape[1]), np.ones(y.shape[1])
    if encoding.scaling != "none" and not isinstance(loss, Poisson):
        varies = np.ptp(y, axis=0) > 0
        mean[varies] = (average * size)[varies]
        scale[varies] = (np.sqrt(np.average((y - average) ** 2, axis=0, weights=weights)) * size)[varies]
    return LabelEncoder(
        train.labels, None, tuple(mean.tolist()), tuple(scale.tolist()), tuple((average * size).tolist()), train.kinds
    )


def _check_labels(task: str, loss: Loss | None, parts: list[Part | None]) -> None:
    for part in parts:
        if part is None or task != "numbers":
            continue
        y = part.observations.y
        if isinstance(loss, Poisson) and (y < 0).any():
            row = int(np.argmax((y < 0).reshape(len(y), -1).any(axis=1)))
            raise TableError(
                f"label {part.observations.label!r}: row {part.observations.called[row]} is {y[row].min():g}; "
                "the poisson loss needs counts of 0 or more"
            )


def label_rows(
    y: NDArray[Any], labels: LabelEncoder, loss: Loss, precision: str, rows: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int32] | None, NDArray[Any] | None]:
    """Labels as the loss wants them: (classes, None) or (None, targets)."""
    if labels.classes is None:
        with np.errstate(over="ignore"):
            targets = labels.encode_numbers(y).astype(precision)
        _check_size(targets, y, labels, precision, rows)
        return None, targets
    numbers = class_numbers(y, labels.classes, labels.name, rows)
    if not isinstance(loss, BinaryCrossEntropy):
        return numbers, None
    count = len(labels.classes)
    hot = numbers.reshape(-1, 1) == (np.array([1]) if count == 2 else np.arange(count))
    return None, hot.astype(precision)


def _check_size(
    targets: NDArray[Any], y: NDArray[Any], labels: LabelEncoder, precision: str, rows: NDArray[np.int64] | None
) -> None:
    """Refuses labels that the precision has no numbers for."""
    finite = np.isfinite(targets)
    if not finite.all():
        row, column = (int(place) for place in np.argwhere(~finite)[0])
        raise TableError(
            f"label {labels.names[column]!r}: row {row if rows is None else rows[row]} is "
            f"{y.reshape(len(y), -1)[row, column]:g}, too large for {precision}; scale it, or let it be standardised"
        )
