"""Labels: what the outputs of a network mean, as classes or as numbers, and checks of the labels of a table."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._phrases import format_count, list_first
from creche.errors import FileError, TableError
from creche.plan.losses import Loss
from creche.plan.words import Task
from creche.table.cell_format import CellFormat, ExpectedColumn
from creche.table.roles import LONGEST_CATEGORY
from creche.table.table import KINDS

__all__ = [
    "LARGEST_EXACT",
    "LabelEncoder",
    "as_class_labels",
    "check_class_sizes",
    "check_exact",
    "check_varying",
    "class_array",
    "encode_classes",
    "find_classes",
    "find_distinct",
    "find_single_rows",
]

LARGEST = sys.float_info.max

LARGEST_EXACT = 2**53  # every whole number up to this is a float64

MIN_ROWS_WITHOUT_CLASSES = 50  # in a table with more rows, labels that all differ are not classes

CLASSES_NAMED = 10

# Whole numbers within a range of this size are counted, which is many times faster than sorting them.
MAX_COUNTED_RANGE = 65_536


@dataclass(frozen=True, slots=True)
class LabelEncoder:
    """What the outputs of a network mean.

    Attributes
    ----------
    names : tuple of str
        The names of the label columns: one, or several columns that are predicted together.
    classes : tuple, or None
        The classes: class number i is the i-th. Sorted unless they were given in another order. None for numbers, and
        for several labels of yes or no.
    mean, scale : tuple of float
        For regression, one of each per label: the network learns (y - mean) / scale, and its outputs are scaled back.
    baseline : tuple of float
        What can be predicted without a network: the share of each class among the training rows, the mean of each
        label (for yes or no, the share of yes), or its quantiles.
    kinds : tuple of str
        The kinds of the label columns in training, as which they are read again; empty for arrays.
    formats : tuple of CellFormat or None
        How the cells of the label columns were written, None where they were not text; empty for arrays.
    bounds : tuple of (float, float)
        For regression, the smallest and the largest label that is predicted, one pair per label; empty without bounds.
    values : tuple
        What tables hold in place of the name of each class; empty if they hold the classes themselves.
    quantiles : tuple of float
        The quantiles of each label that the outputs predict, which the loss of the plan tells; empty for the mean.
    is_multilabel : bool
        Whether they are several labels of yes or no, and the outputs probabilities of yes.
    is_ordered : bool
        Whether the classes are in an order, which the loss of the plan tells.

    """

    names: tuple[str, ...]
    classes: tuple[Any, ...] | None = None
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    baseline: tuple[float, ...] = ()
    kinds: tuple[str, ...] = ()
    formats: tuple[CellFormat | None, ...] = ()
    bounds: tuple[tuple[float, float], ...] = ()
    values: tuple[Any, ...] = ()
    quantiles: tuple[float, ...] = ()
    is_multilabel: bool = False
    is_ordered: bool = False

    @property
    def task(self) -> Task:
        """The task that a network with these labels learns."""
        if self.is_multilabel:
            return "multilabel"
        return "regression" if self.classes is None else "classification"

    @property
    def names_of_values(self) -> dict[Any, str] | None:
        """The name of each value of the label; None if tables hold the classes themselves."""
        return dict(zip(self.values, self.classes or (), strict=True)) if self.values else None

    @property
    def expected(self) -> dict[str, ExpectedColumn]:
        """How each label column is to be read, by name; empty for arrays."""
        columns = map(ExpectedColumn, self.kinds, self.formats or (None,) * len(self.kinds))
        return dict(zip(self.names, columns, strict=False))

    @property
    def name(self) -> str:
        """The name of the label; several names are joined by commas."""
        return ", ".join(self.names)

    @property
    def outcomes(self) -> tuple[Any, ...]:
        """What is predicted: each class, each label, or each of several quantiles, as ``mass_q0.05``."""
        if self.classes is not None:
            return self.classes
        if len(self.quantiles) > 1:
            return tuple(f"{name}_q{quantile:g}" for name in self.names for quantile in self.quantiles)
        return self.names

    def repeat(self, values: Any) -> NDArray[Any]:
        """Return values of each label, (…, labels), once for each of its predicted quantiles: (…, columns)."""
        return np.repeat(np.asarray(values), max(len(self.quantiles), 1), axis=-1)

    def label_of(self, column: int) -> int:
        """Return the place of the label that a column of predictions, or of targets, is of."""
        return column // max(len(self.quantiles), 1)

    def output_names(self, count: int) -> tuple[str, ...]:
        """Return the names of the outputs of a network that has `count` of them.

        Two classes may have one output, the second's; of ordered classes they are the probabilities of a class or one
        above it.
        """
        names = tuple(map(str, self.outcomes))[-count:]
        return tuple(f"≥ {name}" for name in names) if self.is_ordered and len(self.outcomes) > 2 else names

    @property
    def predicted_names(self) -> tuple[str, ...]:
        """The names of the columns of predictions: those of the labels, or of several quantiles."""
        return self.names if self.classes is not None else self.outcomes

    def outputs(self, loss: Loss) -> int:
        """Return the number of outputs that a network needs for this loss."""
        return loss.outputs(self.task, len(self.names if self.classes is None else self.classes))

    def encode_numbers(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """Return the targets, (n, columns), for number labels y, (n,) or (n, k): each repeated for its quantiles."""
        columns = y.astype(np.float64).reshape(len(y), -1)
        return self.repeat((columns - np.array(self.mean)) / np.array(self.scale))

    def unscale(self, targets: NDArray[Any]) -> NDArray[np.float64]:
        """Return targets, or outputs, in the units of the labels, without bounds: (n, k)."""
        return np.asarray(targets.astype(np.float64) * self.repeat(self.scale) + self.repeat(self.mean))

    def decode_numbers(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Return predictions in the units of the labels and within their bounds, (n, k)."""
        return self.clamp(self.unscale(outputs))

    def clamp(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return numbers in the units of the labels, (n, k), moved to the nearest bound where they are beyond it."""
        if not self.bounds:
            return numbers
        low, high = self.repeat(np.array(self.bounds).T)
        return np.asarray(np.minimum(np.maximum(numbers, low), high))

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as plain data."""
        data: dict[str, Any] = {
            "names": list(self.names),
            "classes": None if self.classes is None else [_to_python(value) for value in self.classes],
            "mean": list(self.mean),
            "scale": list(self.scale),
            "baseline": list(self.baseline),
            "kinds": list(self.kinds),
            "formats": [None if format is None else format.to_dict() for format in self.formats],
        }
        if self.bounds:
            data["bounds"] = [list(pair) for pair in self.bounds]
        if self.values:
            data["values"] = list(self.values)
        if self.is_multilabel:
            data["multilabel"] = True
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], loss: Loss | None = None) -> Self:
        """Make the encoder that `to_dict` described; the loss tells which quantiles, and whether classes are ordered.

        Raises
        ------
        FileError
            If the data describe none.

        """
        if not isinstance(data, Mapping):
            raise FileError(f"labels: got {type(data).__name__}; the file was damaged or made by hand")

        def read_list(name: str, kinds: type | tuple[type, ...]) -> tuple[Any, ...]:
            values = data.get(name)
            if not isinstance(values, list) or not all(isinstance(value, kinds) for value in values):
                raise FileError(f"labels: {name} is {values!r}; the file was damaged or made by hand")
            return tuple(values)

        quantiles = () if loss is None else loss.predicted_quantiles
        names = read_list("names", str)
        classes = None if data.get("classes") is None else read_list("classes", (str, int, float, bool))
        mean, scale, baseline = (read_list(name, (int, float)) for name in ("mean", "scale", "baseline"))
        is_valid = len(classes) >= 2 and len(set(classes)) == len(classes) if classes else len(mean) == len(names)
        is_valid = is_valid and len(baseline) == (len(classes) if classes else len(names) * max(len(quantiles), 1))
        kinds = read_list("kinds", str)
        is_valid = is_valid and len(kinds) in (0, len(names)) and all(kind in KINDS for kind in kinds)
        if not names or not is_valid or len(mean) != len(scale) or not all(0 < s < np.inf for s in scale):
            raise FileError("labels: their fields contradict each other; the file was damaged or made by hand")
        formats = data.get("formats", [])
        if not isinstance(formats, list) or len(formats) not in (0, len(kinds)):
            raise FileError("labels: the formats of cells are not a list; the file was damaged or made by hand")
        bounds = data.get("bounds", [])
        if not isinstance(bounds, list) or len(bounds) not in (0, len(mean)) or not all(map(_is_pair, bounds)):
            raise FileError(f"labels: bounds are {bounds!r}; the file was damaged or made by hand")
        is_multilabel = data.get("multilabel", False)
        if type(is_multilabel) is not bool or (is_multilabel and (classes is not None or len(names) < 2)):
            raise FileError("labels: their fields contradict each other; the file was damaged or made by hand")
        values = read_list("values", (str, int, float, bool)) if "values" in data else ()
        if values and (classes is None or len(set(map(str, values))) != len(classes)):
            raise FileError(f"labels: values are {values!r}; the file was damaged or made by hand")
        return cls(
            names,
            classes,
            tuple(map(float, mean)),
            tuple(map(float, scale)),
            tuple(map(float, baseline)),
            kinds,
            tuple(None if format is None else CellFormat.from_dict(format) for format in formats),
            tuple((float(low), float(high)) for low, high in bounds),
            values,
            quantiles,
            is_multilabel,
            loss is not None and loss.orders_classes,
        )


def _is_pair(value: Any) -> bool:
    """Whether it is a list of two finite numbers in order."""
    return (
        isinstance(value, list)
        and len(value) == 2
        and all(type(number) in (int, float) and -LARGEST <= number <= LARGEST for number in value)
        and value[0] <= value[1]
    )


def as_class_labels(y: NDArray[Any]) -> NDArray[Any]:
    """Return labels that are to be classes: floats that are all whole numbers as integers, others as they are.

    Whole numbers become floats wherever one was missing once: the classes 0.0 and 1.0 are 0 and 1.

    Examples
    --------
    >>> as_class_labels(np.array([0.0, 1.0])), as_class_labels(np.array([0.5, 1.0]))
    (array([0, 1]), array([0.5, 1. ]))

    """
    if y.dtype.kind != "f" or not ((np.abs(y) <= LARGEST_EXACT) & (y == np.trunc(y))).all():
        return y
    return y.astype(np.int64)


def class_array(classes: Sequence[Any]) -> NDArray[Any]:
    """Return the classes as an array that holds each of them exactly.

    Examples
    --------
    >>> class_array([5, 2**63 + 1]).tolist()
    [5, 9223372036854775809]

    """
    if all(type(value) is int for value in classes):
        for dtype in (np.int64, np.uint64):
            if np.iinfo(dtype).min <= min(classes) and max(classes) <= np.iinfo(dtype).max:
                return np.array(classes, dtype=dtype)
    kinds = set(map(type, classes))
    return np.array(classes) if len(kinds) == 1 and int not in kinds else np.array(classes, dtype=object)


def find_classes(
    y: NDArray[Any], name: str, row_numbers: NDArray[np.int64] | None = None, rows: str = ""
) -> tuple[Any, ...]:
    """Return the distinct labels, sorted.

    Parameters
    ----------
    y : (n,) array
    name : str
        The name of the label.
    row_numbers : (n,) array of int, optional
        The row number of each label; by default, rows are numbered from 0.
    rows : str, default ""
        What rows they are, such as "of a weight above 0", if not all.

    Raises
    ------
    TableError
        If there are fewer than two classes, as many as rows, or one of more than 1,000 characters.

    """
    distinct = set(y.tolist()) if y.dtype == object else find_distinct(y)[0].tolist()
    if any(isinstance(value, str) and len(value) > LONGEST_CATEGORY for value in distinct):
        labels = y.tolist()
        row = next(i for i, value in enumerate(labels) if isinstance(value, str) and len(value) > LONGEST_CATEGORY)
        raise TableError(
            f"label {name!r}: row {row if row_numbers is None else row_numbers[row]} holds {len(labels[row]):,} "
            f"characters; a class has at most {LONGEST_CATEGORY:,}: shorten it, or predict another column"
        )
    if len(distinct) < 2:
        only = f" ({next(iter(distinct))!r})" if distinct else ""
        where = f" in the {format_count(len(y), 'row')} {rows}" if rows else ""
        remedy = "needs two or more" if rows else "needs two or more, so predict another column"
        raise TableError(f"label {name!r}: has only one class{only}{where}; {remedy}")
    if len(distinct) == len(y) > MIN_ROWS_WITHOUT_CLASSES:
        is_number = y.dtype.kind in "iuf"
        remedy = (
            f"set {advise('task', 'regression')}" if is_number else "if it is an identifier, predict another column"
        )
        raise TableError(
            f"label {name!r}: each of the {len(y):,} rows has {'a number' if is_number else 'a word'} of its own, so "
            f"there are no classes to learn; {remedy}"
        )
    # The refusals come first, because a million words take long to sort.
    return tuple(sorted(distinct, key=lambda value: (str(type(value)), value)))


def check_varying(y: NDArray[Any], names: Sequence[str], rows: str = "") -> None:
    """Refuse labels, (n,) numbers or (n, k), that are the same in all rows; `rows` is as for `find_classes`.

    Raises
    ------
    TableError
        With the value.

    """
    among = f"rows {rows}".rstrip()
    for name, values in zip(names, y.reshape(len(y), -1).T, strict=True):
        if len(values) > 1 and (values == values[0]).all():
            raise TableError(
                f"label {name!r}: is {float(values[0]):g} in each of the {len(values):,} {among}; needs a label that "
                "varies"
            )


def check_exact(y: NDArray[Any], what: str, row_numbers: NDArray[np.int64] | None = None) -> None:
    """Refuse integers, (n,), that would be rounded if they were treated as numbers, which are float64.

    Parameters
    ----------
    y : (n,) array
    what : str
        What messages call it.
    row_numbers : (n,) array of int, optional
        The row number of each label; by default, rows are numbered from 0.

    Raises
    ------
    TableError
        With the row and the value.

    """
    if y.dtype.kind not in "iu" or len(y) == 0 or max(-int(y.min()), int(y.max())) <= LARGEST_EXACT:
        return
    for row in np.flatnonzero((y > LARGEST_EXACT) | (y < -LARGEST_EXACT)).tolist():
        value = int(y[row])
        if int(float(value)) != value:
            raise TableError(
                f"{what}: row {row if row_numbers is None else row_numbers[row]} is {value}, which float64 cannot hold "
                "exactly; subtract a constant from the label or divide it, or treat its values as classes with "
                f"{advise('task', 'classification')}"
            )


def find_single_rows(numbers: NDArray[np.int32], classes: tuple[Any, ...]) -> list[tuple[int, Any]]:
    """Return the classes that have only one row, each with the index of that row.

    Parameters
    ----------
    numbers : (n,) int array
        The class number of each row.
    classes : tuple

    """
    single = np.flatnonzero(np.bincount(numbers, minlength=len(classes)) == 1)
    return [(int(np.argmax(numbers == number)), classes[number]) for number in single]


def check_class_sizes(
    numbers: NDArray[np.int32], classes: tuple[Any, ...], name: str, row_numbers: NDArray[np.int64]
) -> None:
    """Refuse a class with only one row, which cannot be on both sides of a fold.

    Parameters
    ----------
    numbers : (n,) int array
        The class number of each row.
    classes : tuple
    name : str
        The name of the label.
    row_numbers : (n,) array of int

    Raises
    ------
    TableError
        With the row and its class.

    """
    for row, value in find_single_rows(numbers, classes)[:1]:
        is_amount = len(classes) > 2 and all(type(other) is int for other in classes)
        regression = f"treat the label as a number with {advise('task', 'regression')}, " if is_amount else ""
        raise TableError(
            f"label {name!r}: row {row_numbers[row]} is the only one of class {value!r}, and cannot be both a training "
            f"row and held out; {regression}leave it out, merge its class with another, or predict another column"
        )


def encode_classes(
    y: NDArray[Any], classes: tuple[Any, ...], name: str, row_numbers: NDArray[np.int64] | None = None
) -> NDArray[np.int32]:
    """Return the class number of each label.

    Parameters
    ----------
    y : (n,) array
    classes : tuple
    name : str
        The name of the label.
    row_numbers : (n,) array of int, optional
        The row number of each label; by default, rows are numbered from 0.

    Raises
    ------
    TableError
        If a label is none of the classes.

    """
    number = {value: i for i, value in enumerate(classes)}
    if y.dtype == object:  # Python's own objects, which NumPy cannot sort quickly
        values = y.tolist()
        try:
            return np.fromiter(map(number.__getitem__, values), dtype=np.int32, count=len(values))
        except KeyError:
            numbers = np.array([number.get(value, -1) for value in values], dtype=np.int32)
    else:
        distinct, index = find_distinct(y)
        numbers = np.array([number.get(value, -1) for value in distinct.tolist()], dtype=np.int32)[index]
    unknown = np.flatnonzero(numbers < 0)
    if len(unknown):
        row = unknown[0]
        number_of_row = row if row_numbers is None else row_numbers[row]
        raise TableError(
            f"label {name!r}: row {number_of_row} is {y[row : row + 1].tolist()[0]!r}, which is not a class of the "
            f"training rows; needs one of {list_first([*map(repr, classes)], CLASSES_NAMED)}"
        )
    return numbers


def _to_python(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def find_distinct(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the distinct values, sorted, and the index of each row's among them."""
    if y.dtype.kind not in "iu" or len(y) == 0:
        return np.unique(y, return_inverse=True)
    low = int(y.min())
    if int(y.max()) - low >= MAX_COUNTED_RANGE or abs(low) > 2**62:
        return np.unique(y, return_inverse=True)
    shifted = y.astype(np.int64) - low
    occurs = np.bincount(shifted) > 0
    return (np.flatnonzero(occurs) + low).astype(y.dtype), (np.cumsum(occurs) - 1)[shifted]
