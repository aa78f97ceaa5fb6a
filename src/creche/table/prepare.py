"""Bootstrap samples: as many rows as there are, drawn with replacement, by a pure function of a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows
from creche.errors import TableError
from creche.plan.losses import Loss
from creche.table.encoders.features import FeatureEncoder, Preprocessing
from creche.table.labels import LabelEncoder, check_varying, encode_classes, find_classes, infer_task
from creche.table.observations import Observations, read_observations
from creche.table.partition import Partition, assemble_partitions, drop_duplicates, warn_of_leakage_between
from creche.table.preparation import Preparation
from creche.table.reading.read import is_table
from creche.table.row_weights import apply_class_weights, resolve_sample_weights
from creche.table.schema import Schema, apply_roles
from creche.table.split import hash_sequence, mix_bits
from creche.table.table import Column, Table

__all__ = [
    "Prepared",
    "TableInspection",
    "draw_bootstrap_rows",
    "encode_features",
    "encode_labels",
    "inspect_table",
    "prepare",
    "reencode",
    "resample_rows",
    "split_rows",
]

STREAM = 0xB0075742  # so that what is drawn has nothing to do with the split, which hashes the same seeds


def draw_bootstrap_rows(seed: int, count: int) -> NDArray[np.int64]:
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
    >>> draw_bootstrap_rows(0, 8)
    array([0, 1, 2, 3, 4, 7, 7, 7])

    """
    own = int(mix_bits(np.array([(seed ^ (STREAM << 32)) % 2**64], dtype=np.uint64))[0])
    shares = (hash_sequence(own, count) >> np.uint64(11)).astype(np.float64) * 2.0**-53
    return np.sort(np.minimum((shares * count).astype(np.int64), count - 1))


def resample_rows(rows: Rows, seed: int) -> Rows:
    """The encoded rows of a bootstrap sample, with their labels and weights."""
    which = draw_bootstrap_rows(seed, len(rows))
    classes, targets, weights = (
        None if array is None else array[which] for array in (rows.classes, rows.targets, rows.weights)
    )
    return Rows(rows.x[which], classes, targets, weights)


@dataclass(frozen=True, slots=True, eq=False)
class TableInspection:
    """What is found out about a table as a whole, before its rows are parted.

    Attributes
    ----------
    everything : Observations
        All rows that have a label.
    whole : Part
        Those of them that count.
    schema : Schema or None
    task : {"classification", "regression"}
    classes : tuple or None
    loss : Loss or None
    preparation : Preparation
    encoders : (FeatureEncoder, LabelEncoder) or None
        Those of an earlier run.
    given_weights : (n,) array or None
        The weights of the table's rows, if they came in no column of it.

    """

    everything: Observations
    whole: Partition
    schema: Schema | None
    task: str
    classes: tuple[Any, ...] | None
    loss: Loss | None
    preparation: Preparation
    encoders: tuple[FeatureEncoder, LabelEncoder] | None = None
    given_weights: NDArray[np.float64] | None = None


def inspect_table(
    data: Any,
    y: Any,
    preparation: Preparation,
    *,
    task: str | None,
    loss: Loss | None,
    weights: Any = None,
    encoders: tuple[FeatureEncoder, LabelEncoder] | None = None,
) -> TableInspection:
    """Reads and checks; arguments as for `prepare`.

    Raises
    ------
    TableError
        If the table cannot be trained on.

    """
    everything = read_observations(
        data,
        y,
        preparation.label or None,
        expected=None if encoders is None else encoders[0].kinds,
        missing_label=preparation.missing_label,
        read_options=preparation.read_options,
    )
    if encoders is not None:
        task = "regression" if encoders[1].classes is None else "classification"
    task = _task(task, loss, everything)
    if isinstance(everything.x, Table) and preparation.schema and encoders is None:
        x = apply_roles(everything.x, preparation.schema, everything.row_numbers)
        everything = replace(everything, x=x)
    schema = _schema(everything, preparation) if encoders is None else None
    whole = _counting(everything, preparation.sample_weight if weights is None else weights)
    if preparation.duplicates == "drop":
        whole = drop_duplicates(whole, schema)
    classes = preparation.classes if encoders is None else encoders[1].classes
    if task == "regression" and classes is not None:
        raise TableError(f"classes: the label {everything.label!r} is learnt as a number, and has none; leave them out")
    if task == "classification" and classes is None:
        classes = find_classes(whole.observations.y, everything.label, whole.observations.row_numbers)
    if task == "regression" and encoders is None:
        check_varying(whole.observations.y, everything.labels)
    given_weights = resolve_sample_weights(weights, everything)
    return TableInspection(everything, whole, schema, task, classes, loss, preparation, encoders, given_weights)


def _task(task: str | None, loss: Loss | None, rows: Observations) -> str:
    if task is not None:
        if task not in ("classification", "regression"):
            raise TableError(f"task: got {task!r}; needs 'classification' or 'regression'")
        if task == "regression" and rows.y.dtype.kind in "OUS":
            raise TableError(f"label {rows.label!r}: holds words; a label of numbers is needed for task='regression'")
        if task == "classification" and rows.y.ndim == 2:
            raise TableError(f"label {rows.label!r}: several labels at once must be numbers, for task='regression'")
        return task
    if loss is not None and "classification" not in loss.tasks and rows.y.dtype.kind not in "OUS":
        return "regression"
    if loss is not None and "regression" not in loss.tasks and rows.y.ndim == 1:
        return "classification"
    return infer_task(rows.y)


def _counting(rows: Observations, given: Any) -> Partition:
    """The rows with their weights; those that weigh nothing are left out."""
    weights = resolve_sample_weights(given, rows)
    if weights is None or weights.all():
        return Partition(rows, weights)
    some = np.flatnonzero(weights)
    return Partition(rows.take(some), weights[some])


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
    return Schema.infer(rows.x, labels, {**(preparation.schema or {}), **left_out}, rows.row_numbers)


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
    task : {"classification", "regression"}
    preparation : Preparation
    validation_is_given : bool
        Whether the validation rows are of a table of their own.
    given_weights : (n,) array or None
        The weights of the table's rows, if they came in no column of it.

    """

    everything: Observations
    train: Partition
    validation: Partition | None
    test: Partition | None
    features: FeatureEncoder
    labels: LabelEncoder
    schema: Schema | None
    task: str
    preparation: Preparation
    validation_is_given: bool = False
    given_weights: NDArray[np.float64] | None = None

    @property
    def evaluated(self) -> tuple[str, Partition]:
        """The rows to judge a network by: those for testing, else for validation, else those it was trained on."""
        named = (("test", self.test), ("validation", self.validation), ("train", self.train))
        return next((name, part) for name, part in named if part is not None)

    def rows(self, loss: Loss, precision: str) -> tuple[Rows, Rows | None]:
        """Rows for training (those of the bootstrap sample, if there is one) and for validation, encoded."""
        train = self.encoded(self.train, loss, precision)
        if self.preparation.bootstrap is not None:
            train = resample_rows(train, self.preparation.bootstrap)
        return train, None if self.validation is None else self.encoded(self.validation, loss, precision)

    def used_table(self) -> Table:
        """All rows, with the columns that training depends on: what digests are of."""
        return self.everything.table(self._used)

    def beside(self) -> dict[str, Table]:
        """What training depends on and is not in the table."""
        found = {}
        if self.validation is not None and self.validation_is_given:
            found["validation_data"] = self.validation.observations.table(self._used_of(self.validation))
        if self.given_weights is not None:
            found["sample_weight"] = Table({"weight": Column("number", self.given_weights)}, "sample_weight")
        return found

    @property
    def _used(self) -> list[str] | None:
        return None if self.schema is None else [*self.schema.features, *self.preparation.beside]

    def _used_of(self, part: Partition) -> list[str] | None:
        """The columns that a table of its own has of them: it is not split, so those to split by may be missing."""
        x = part.observations.x
        if self._used is None or not isinstance(x, Table):
            return None
        return [name for name in self._used if name in x.columns]

    def encoded(self, part: Partition, loss: Loss, precision: str) -> Rows:
        """One part's rows as the engine reads them."""
        observed = part.observations
        x = encode_features(self.features, observed.x, precision, observed.row_numbers)
        classes, targets = encode_labels(observed.y, self.labels, loss, precision, observed.row_numbers)
        return Rows(x, classes, targets, None if part.weights is None else part.weights.astype(precision))


def split_rows(
    survey: TableInspection,
    train: Partition,
    validation: Partition | None,
    test: Partition | None,
    *,
    validation_is_given: bool = False,
) -> Prepared:
    """A table's rows parted, with the encoders fitted on those for training unless there are some already."""
    preparation = survey.preparation
    _check_labels(survey.task, survey.loss, [train, validation, test])
    if survey.encoders is None:
        labels = _fit_labels(train, survey.classes, survey.loss, preparation.preprocessing)
        features = _fit_features(train, survey.schema, preparation.preprocessing)
    else:
        features, labels = survey.encoders
    if preparation.class_weight is not None:
        count = apply_class_weights(preparation.class_weight, train.observations, labels, train.weights)
        train = Partition(train.observations, count)
    return Prepared(
        survey.everything, train, validation, test, features, labels, survey.schema, survey.task, preparation,
        validation_is_given, survey.given_weights,
    )  # fmt: skip


def reencode(prepared: Prepared, preprocessing: Preprocessing, loss: Loss) -> Prepared:
    """The same parts of the same table with other encoders, fitted on the training rows.

    Only where no class weights were multiplied into the rows' own, for encoders are fitted by those.
    """
    assert prepared.preparation.class_weight is None
    classes = prepared.labels.classes
    return replace(
        prepared,
        features=_fit_features(prepared.train, prepared.schema, preprocessing),
        labels=_fit_labels(prepared.train, classes, loss, preprocessing),
        preparation=replace(prepared.preparation, preprocessing=preprocessing),
    )


def encode_features(
    features: FeatureEncoder, x: Table | NDArray[Any], precision: str, rows: NDArray[np.int64] | None = None
) -> NDArray[Any]:
    """The network's inputs for rows of a table or of an array; `rows`: what the user calls each of a table's."""
    return features.transform(x, precision, rows) if isinstance(x, Table) else features.transform_matrix(x, precision)


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
        As `creche.train` takes them.
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
    preparation = _without_shares(preparation, validation_data, test_data)
    survey = inspect_table(data, y, preparation, task=task, loss=loss, weights=weights, encoders=encoders)
    train, validation, test = assemble_partitions(survey.whole, preparation, survey.classes, seed, survey.schema)
    if validation_data is not None:
        validation = _given("validation_data", validation_data, survey, train)
    if test_data is not None:
        test = _given("test_data", test_data, survey, train)
    return split_rows(survey, train, validation, test, validation_is_given=validation_data is not None)


def _without_shares(preparation: Preparation, validation_data: Any, test_data: Any) -> Preparation:
    """What is given beside the table is not taken from it; so written down, the split is the same without it."""
    split = preparation.split
    if split.column is None:
        validation, test = validation_data is not None, test_data is not None
        split = replace(
            split,
            validation_fraction=0.0 if validation else split.validation_fraction,
            test_fraction=0.0 if test else split.test_fraction,
        )
    return replace(preparation, split=split)


def _fit_features(train: Partition, schema: Schema | None, preprocessing: Preprocessing) -> FeatureEncoder:
    x = train.observations.x
    if isinstance(x, Table):
        assert schema is not None
        return FeatureEncoder.fit(x, schema, preprocessing, train.weights)
    return FeatureEncoder.fit_matrix(x, tuple(f"x{i}" for i in range(x.shape[1])), preprocessing, train.weights)


def _given(what: str, data: Any, survey: TableInspection, train: Partition) -> Partition:
    """Rows in a table or arrays of their own."""
    everything, preparation = survey.everything, survey.preparation
    x, y = data if isinstance(data, tuple) else (data, None)
    expected = None
    if is_table(x) and isinstance(everything.x, Table):
        expected = {name: column.kind for name, column in everything.x.columns.items()}
        expected |= dict(zip(everything.labels, everything.kinds, strict=False))
    rows = read_observations(
        x,
        y,
        everything.labels,
        expected=expected,
        missing_label=preparation.missing_label,
        read_options=preparation.read_options,
    )
    if isinstance(rows.x, Table) != isinstance(everything.x, Table):
        raise TableError(f"{what}: is a table where the training rows are an array, or the reverse; give both alike")
    if not isinstance(rows.x, Table) and rows.x.shape[1] != everything.x.shape[1]:  # type: ignore[union-attr]
        raise TableError(
            f"{what}: has {rows.x.shape[1]} features, the training rows have {everything.x.shape[1]}"  # type: ignore[union-attr]
        )
    part = Partition(rows, resolve_sample_weights(preparation.sample_weight, rows))
    warn_of_leakage_between(part, train, what, survey.schema, survey.classes)
    return part


def _fit_labels(
    part: Partition, classes: tuple[Any, ...] | None, loss: Loss | None, preprocessing: Preprocessing
) -> LabelEncoder:
    train, weights = part.observations, part.weights
    if classes is not None:
        counts = np.bincount(encode_classes(train.y, classes, train.label, train.row_numbers), weights, len(classes))
        return LabelEncoder(train.labels, classes, baseline=tuple((counts / counts.sum()).tolist()), kinds=train.kinds)
    y = train.y.astype(np.float64).reshape(len(train), -1)
    # By powers of two near the largest labels, so that no square overflows or vanishes, and no bit is lost.
    size = np.ldexp(1.0, np.clip(np.frexp(np.abs(y).max(axis=0))[1], -1000, 1000))
    y = y / size
    average = np.average(y, axis=0, weights=weights)
    mean, scale = np.zeros(y.shape[1]), np.ones(y.shape[1])
    if preprocessing.scaling != "none" and (loss is None or loss.standardizes_labels):
        varies = np.ptp(y, axis=0) > 0
        mean[varies] = (average * size)[varies]
        scale[varies] = (np.sqrt(np.average((y - average) ** 2, axis=0, weights=weights)) * size)[varies]
    return LabelEncoder(
        train.labels, None, tuple(mean.tolist()), tuple(scale.tolist()), tuple((average * size).tolist()), train.kinds
    )


def _check_labels(task: str, loss: Loss | None, parts: list[Partition | None]) -> None:
    for part in parts:
        if part is None or task != "regression":
            continue
        y = part.observations.y
        if loss is not None and np.isfinite(loss.smallest_label) and (y < loss.smallest_label).any():
            row = int(np.argmax((y < loss.smallest_label).reshape(len(y), -1).any(axis=1)))
            raise TableError(
                f"label {part.observations.label!r}: row {part.observations.row_numbers[row]} is {y[row].min():g}; "
                f"the {loss.key} loss needs counts of {loss.smallest_label:g} or more"
            )


def encode_labels(
    y: NDArray[Any], labels: LabelEncoder, loss: Loss, precision: str, rows: NDArray[np.int64] | None = None
) -> tuple[NDArray[np.int32] | None, NDArray[Any] | None]:
    """Labels as the loss wants them: (classes, None) or (None, targets)."""
    if labels.classes is None:
        with np.errstate(over="ignore"):
            targets = labels.encode_numbers(y).astype(precision)
        _check_size(targets, y, labels, precision, rows)
        return None, targets
    numbers = encode_classes(y, labels.classes, labels.name, rows)
    if loss.takes_class_numbers:
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
