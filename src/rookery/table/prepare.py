"""The whole way from what a user has to the rows the engine reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rookery.engine.native import Rows
from rookery.errors import TableError
from rookery.plan.losses import BinaryCrossEntropy, Loss, Poisson
from rookery.table.check import check_finite, complete_rows, feature_names, matrix
from rookery.table.encode import FeatureEncoder, LabelEncoder, class_numbers, classes_of, infer_task
from rookery.table.read import Table, is_table, read_table
from rookery.table.split import split_rows

__all__ = ["Observations", "Prepared", "label_rows", "observations", "prepare"]


@dataclass(frozen=True, slots=True)
class Observations:
    """Features and labels, complete and finite, not yet encoded.

    Attributes
    ----------
    x : (n, d) float32 or float64
    y : (n,) array of labels, words or numbers
    names : names of the features
    label : name of the label
    rows : (n,) int64, which of the user's rows these are, from 0
    of : int, how many rows the user's table has

    """

    x: NDArray[np.floating[Any]]
    y: NDArray[Any]
    names: tuple[str, ...]
    label: str
    rows: NDArray[np.int64]
    of: int
    first: int

    @property
    def called(self) -> NDArray[np.int64]:
        """The rows as the user counts them: from 1 in a table, from 0 in an array."""
        return self.rows + self.first

    def take(self, which: NDArray[np.int64]) -> Observations:
        if len(which) == len(self.y):
            return self  # all of them, in the table's order: no copy
        return Observations(self.x[which], self.y[which], self.names, self.label, self.rows[which], self.of, self.first)


@dataclass(frozen=True, slots=True)
class Prepared:
    """What training needs of a table."""

    train: Observations
    validation: Observations | None
    features: FeatureEncoder
    labels: LabelEncoder
    task: str
    train_weights: NDArray[np.float64] | None
    validation_weights: NDArray[np.float64] | None

    def outputs(self, loss: Loss) -> int:
        """How many outputs the network needs."""
        if self.labels.classes is None or (isinstance(loss, BinaryCrossEntropy) and len(self.labels.classes) == 2):
            return 1
        return len(self.labels.classes)

    def rows(self, loss: Loss, precision: str) -> tuple[Rows, Rows | None]:
        """Training and validation rows, encoded."""

        def encoded(part: Observations, weights: NDArray[np.float64] | None) -> Rows:
            x = self.features.transform(part.x, precision)
            classes, targets = label_rows(part.y, self.labels, loss, precision, part.called)
            return Rows(x, classes, targets, None if weights is None else weights.astype(precision))

        validation = None if self.validation is None else encoded(self.validation, self.validation_weights)
        return encoded(self.train, self.train_weights), validation


def observations(
    data: Any, y: Any = None, label: str | None = None, names: tuple[str, ...] | None = None
) -> Observations:
    """Features and labels: out of a file or DataFrame that holds both, or with the labels beside it, or out of arrays.

    Parameters
    ----------
    data, y, label
        As `rookery.train` takes them.
    names : tuple of str, optional
        The features to take; all that hold numbers, if not given.

    Raises
    ------
    TableError
        If they are empty, of different length, not finite, or without the label.

    """
    if y is not None:
        return _from_table_and_labels(data, y, label, names) if is_table(data) else _from_arrays(data, y, label)
    if label is None:
        raise TableError("label: is missing; name the column to predict, or give arrays X and y")
    table = read_table(data)
    if len(table) == 0:
        raise TableError(f"{table.source}: has no rows; there is nothing to learn from")
    column = table.column(label, "label")
    chosen, x, rows = _complete(table, names, label, [label])
    y = column[rows]
    if label in table.whole and y.dtype.kind == "f":
        y = y.astype(np.int64)  # was float only for the sake of missing values
    return Observations(x, y, chosen, label, rows, len(table), 1)


def _complete(
    table: Table, names: tuple[str, ...] | None, label: str | None, needed: list[str]
) -> tuple[tuple[str, ...], NDArray[np.float64], NDArray[np.int64]]:
    """Names and values of the features, of the rows in which neither they nor the `needed` columns miss a value."""
    chosen = names or tuple(feature_names(table, label))
    x = table.features(chosen)
    rows = np.flatnonzero(complete_rows(table, [*chosen, *needed]))
    return chosen, x if len(rows) == len(x) else x[rows], rows


def _from_arrays(data: Any, y: Any, label: str | None) -> Observations:
    x = matrix(data)
    check_finite(x)
    names = tuple(f"x{i}" for i in range(x.shape[1]))
    return Observations(x, _labels(y, len(x)), names, label or "y", np.arange(len(x)), len(x), 0)


def _from_table_and_labels(data: Any, y: Any, label: str | None, names: tuple[str, ...] | None) -> Observations:
    table = read_table(data)
    labels = _labels(y, len(table))
    label = label or getattr(y, "name", None)
    chosen, x, rows = _complete(table, names, label, [])
    return Observations(x, labels[rows], chosen, label or "y", rows, len(table), 1)


def _labels(y: Any, rows: int) -> NDArray[Any]:
    labels = np.asarray(y)
    if labels.ndim != 1:
        raise TableError(f"y: has shape {labels.shape}; needs one label per row, shape ({rows},)")
    if len(labels) != rows:
        raise TableError(f"X has {rows} rows and y has {len(labels)} labels; needs as many of one as of the other")
    if labels.dtype.kind == "f":
        wrong = np.flatnonzero(~np.isfinite(labels))
        if len(wrong):
            raise TableError(f"y: row {wrong[0]} is {labels[wrong[0]]}; needs finite numbers: leave such rows out")
    elif labels.dtype == object:
        missing = next((row for row, value in enumerate(labels) if _is_missing(value)), None)
        if missing is not None:
            raise TableError(f"y: row {missing} is {labels[missing]}; leave out rows without a label")
    elif labels.dtype.kind not in "USbiu":
        raise TableError(f"y: holds {labels.dtype}; needs numbers or words")
    return labels


def _is_missing(value: object) -> bool:
    try:
        return value is None or bool(value != value)  # NaN is not equal to itself
    except TypeError:
        return True  # pandas' NA says neither yes nor no


def prepare(
    data: Any,
    y: Any,
    label: str | None,
    *,
    task: str | None,
    loss: Loss | None,
    seed: int,
    standardize: bool,
    validation_fraction: float,
    validation_data: Any,
    sample_weight: Any,
    class_weight: Mapping[Any, float] | str | None,
) -> Prepared:
    """Reads, checks and splits; fits the encoders on the training rows. The arguments are those of `rookery.train`."""
    everything = observations(data, y, label)
    task = _task(task, loss, everything)
    if task == "numbers" and everything.y.dtype.kind in "OUS":
        raise TableError(f"label {everything.label!r}: holds words; a label of numbers is needed for task='numbers'")
    weights = _sample_weights(sample_weight, everything)
    if validation_data is not None:
        held_x, held_y = validation_data if isinstance(validation_data, tuple) else (validation_data, None)
        names = everything.names if is_table(data) else None
        train, validation = everything, observations(held_x, held_y, everything.label, names)
        if validation.x.shape[1] != train.x.shape[1]:
            raise TableError(
                f"validation_data: has {validation.x.shape[1]} features, the training rows have {train.x.shape[1]}"
            )
        train_weights, validation_weights = weights, None
    else:
        classes = None
        if task == "classes":
            classes = class_numbers(everything.y, classes_of(everything.y, everything.label), everything.label)
        kept, held_out = split_rows(len(everything.y), validation_fraction, seed, classes)
        train, validation = everything.take(kept), everything.take(held_out)
        train_weights = None if weights is None else weights[kept]
        validation_weights = None if weights is None else weights[held_out]
    if isinstance(loss, Poisson) and task == "numbers":
        _check_counts(train)
        _check_counts(validation)
    labels = _fit_labels(train, task, loss, standardize)
    if class_weight is not None:
        train_weights = _class_weights(class_weight, train, labels, train_weights)
    features = FeatureEncoder.fit(train.x, train.names, standardize)
    some = validation if validation is not None and len(validation.y) else None
    return Prepared(train, some, features, labels, task, train_weights, validation_weights)


def _task(task: str | None, loss: Loss | None, rows: Observations) -> str:
    if task is not None:
        if task not in ("classes", "numbers"):
            raise TableError(f"task: got {task!r}; needs 'classes' or 'numbers'")
        return task
    if loss is not None and not loss.for_classes and rows.y.dtype.kind not in "OUS":
        return "numbers"
    if loss is not None and not loss.for_numbers:
        return "classes"
    return infer_task(rows.y)


def _fit_labels(train: Observations, task: str, loss: Loss | None, standardize: bool) -> LabelEncoder:
    if task == "classes":
        return LabelEncoder(train.label, classes_of(train.y, train.label))
    y = train.y.astype(np.float64)
    if isinstance(loss, Poisson):
        return LabelEncoder(train.label)
    if not standardize or np.ptp(y) == 0:
        return LabelEncoder(train.label)
    return LabelEncoder(train.label, None, float(y.mean()), float(y.std()))


def _check_counts(part: Observations) -> None:
    negative = np.flatnonzero(part.y < 0)
    if len(negative):
        row = negative[0]
        raise TableError(
            f"label {part.label!r}: row {part.called[row]} is {part.y[row]:g}; "
            "the poisson loss needs counts of 0 or more"
        )


def label_rows(
    y: NDArray[Any], labels: LabelEncoder, loss: Loss, precision: str, rows: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int32] | None, NDArray[Any] | None]:
    """Labels as the loss wants them: (classes, None) or (None, targets)."""
    if labels.classes is None:
        return None, ((y.astype(np.float64) - labels.mean) / labels.scale).astype(precision).reshape(-1, 1)
    numbers = class_numbers(y, labels.classes, labels.name, rows)
    if not isinstance(loss, BinaryCrossEntropy):
        return numbers, None
    count = len(labels.classes)
    hot = numbers.reshape(-1, 1) == (np.array([1]) if count == 2 else np.arange(count))
    return None, hot.astype(precision)


def _sample_weights(weights: Any, rows: Observations) -> NDArray[np.float64] | None:
    if weights is None:
        return None
    try:
        array = np.asarray(weights, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TableError(f"sample_weight: holds no numbers ({error}); needs one number per row") from error
    if array.shape != (rows.of,):
        raise TableError(f"sample_weight: has shape {array.shape}; needs one number per row of the table, ({rows.of},)")
    array = array[rows.rows]
    wrong = np.flatnonzero(~(np.isfinite(array) & (array >= 0)))
    if len(wrong):
        raise TableError(
            f"sample_weight: row {rows.rows[wrong[0]]} is {array[wrong[0]]}; needs finite numbers of 0 or more"
        )
    if array.sum() == 0:
        raise TableError("sample_weight: all are 0; at least one row must count")
    return array


def _class_weights(
    class_weight: Mapping[Any, float] | str,
    train: Observations,
    labels: LabelEncoder,
    weights: NDArray[np.float64] | None,
) -> NDArray[np.float64]:
    """The rows' weights times those of their classes; "balanced" makes all classes weigh the same in sum."""
    if labels.classes is None:
        raise TableError("class_weight: the label holds numbers, not classes; use sample_weight")
    numbers = class_numbers(train.y, labels.classes, labels.name)
    if class_weight == "balanced":
        counts = np.bincount(numbers, minlength=len(labels.classes))
        of_class = len(numbers) / (len(labels.classes) * counts)
    elif isinstance(class_weight, Mapping):
        unknown = [key for key in class_weight if key not in labels.classes]
        if unknown:
            raise TableError(
                f"class_weight: {unknown[0]!r} is none of the classes {', '.join(map(repr, labels.classes))}"
            )
        try:
            of_class = np.array([float(class_weight.get(c, 1.0)) for c in labels.classes])
        except (TypeError, ValueError) as error:
            raise TableError(f"class_weight: got {dict(class_weight)}; needs a number for each class") from error
        if not (np.isfinite(of_class).all() and (of_class >= 0).all() and of_class.any()):
            raise TableError(f"class_weight: got {dict(class_weight)}; needs numbers of 0 or more, not all 0")
    else:
        raise TableError(f"class_weight: got {class_weight!r}; needs 'balanced' or a dict from class to weight")
    return of_class[numbers] * (1.0 if weights is None else weights)
