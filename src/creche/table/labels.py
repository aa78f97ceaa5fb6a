"""Labels: what the network's outputs mean, as classes or as numbers. Plain data, so that it can go to a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError, TableError
from creche.plan.losses import Loss
from creche.table.schema import LONGEST_CATEGORY
from creche.table.table import KINDS

__all__ = ["LabelEncoder", "check_class_sizes", "check_varying", "encode_classes", "find_classes", "infer_task"]

MOST_CLASSES_OF_WHOLE_NUMBERS = 50
# Whole numbers within a range like this are counted in place, which is many times quicker than sorting them.
COUNTED_IN_PLACE = 65_536


@dataclass(frozen=True, slots=True)
class LabelEncoder:
    """What the network's outputs mean.

    Attributes
    ----------
    names : tuple of str
        The label columns: one, or several columns of numbers that are predicted together.
    classes : tuple, or None
        The classes, in the order of their numbers (sorted); None for numbers.
    mean, scale : tuple of float
        Of each label of numbers: it is learnt as (y - mean) / scale, and predictions are brought back.
    baseline : tuple of float
        The share of each class among the training rows, or the mean of each label of numbers: what could be said
        without a network.
    kinds : tuple of str
        As what kind of column the labels were read, so that they are read again as the same; empty for arrays.

    """

    names: tuple[str, ...]
    classes: tuple[Any, ...] | None = None
    mean: tuple[float, ...] = ()
    scale: tuple[float, ...] = ()
    baseline: tuple[float, ...] = ()
    kinds: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The label's name; several with commas between."""
        return ", ".join(self.names)

    def outputs(self, loss: Loss) -> int:
        """How many outputs a network needs."""
        if self.classes is None:
            return len(self.names)
        return loss.outputs(len(self.classes))

    def encode_numbers(self, y: NDArray[Any]) -> NDArray[np.float64]:
        """Targets (n, k) for labels of numbers y, (n,) or (n, k)."""
        columns = y.astype(np.float64).reshape(len(y), -1)
        return np.asarray((columns - np.array(self.mean)) / np.array(self.scale))

    def decode_numbers(self, outputs: NDArray[Any]) -> NDArray[np.float64]:
        """Predictions in the labels' units: (n,) for one label, (n, k) for several."""
        numbers = np.asarray(outputs.astype(np.float64) * np.array(self.scale) + np.array(self.mean))
        return numbers[:, 0] if len(self.names) == 1 else numbers

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "names": list(self.names),
            "classes": None if self.classes is None else [_plain(value) for value in self.classes],
            "mean": list(self.mean),
            "scale": list(self.scale),
            "baseline": list(self.baseline),
            "kinds": list(self.kinds),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` described.

        Raises
        ------
        FileError
            If it cannot be.

        """
        if not isinstance(data, Mapping):
            raise FileError(f"labels: are {type(data).__name__}; the file was damaged or made by hand")

        def listed(name: str, kinds: type | tuple[type, ...]) -> tuple[Any, ...]:
            values = data.get(name)
            if not isinstance(values, list) or not all(isinstance(value, kinds) for value in values):
                raise FileError(f"labels: {name} is {values!r}; the file was damaged or made by hand")
            return tuple(values)

        names = listed("names", str)
        classes = None if data.get("classes") is None else listed("classes", (str, int, float, bool))
        mean, scale, baseline = (listed(name, (int, float)) for name in ("mean", "scale", "baseline"))
        fits = len(classes) >= 2 and len(set(classes)) == len(classes) if classes else len(mean) == len(names)
        fits = fits and len(baseline) == (len(classes) if classes else len(names))
        kinds = listed("kinds", str)
        fits = fits and len(kinds) in (0, len(names)) and all(kind in KINDS for kind in kinds)
        if not names or not fits or len(mean) != len(scale) or not all(0 < s < np.inf for s in scale):
            raise FileError("labels: do not fit together; the file was damaged or made by hand")
        return cls(
            names,
            classes,
            tuple(map(float, mean)),
            tuple(map(float, scale)),
            tuple(map(float, baseline)),
            kinds,
        )


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _distinct(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """The different values, sorted, and the place of each row's among them."""
    if y.dtype.kind not in "iu" or len(y) == 0:
        return np.unique(y, return_inverse=True)
    low = int(y.min())
    if int(y.max()) - low >= COUNTED_IN_PLACE or abs(low) > 2**62:
        return np.unique(y, return_inverse=True)
    shifted = y.astype(np.int64) - low
    there = np.bincount(shifted) > 0
    return (np.flatnonzero(there) + low).astype(y.dtype), (np.cumsum(there) - 1)[shifted]


def infer_task(y: NDArray[Any]) -> str:
    """Classes for words, yes/no and a few different whole numbers; else numbers."""
    if y.ndim == 2:
        return "regression"
    if y.dtype.kind in "OUSb":
        return "classification"
    if y.dtype.kind in "iu":
        return "classification" if len(_distinct(y)[0]) <= MOST_CLASSES_OF_WHOLE_NUMBERS else "regression"
    return "regression"


def find_classes(y: NDArray[Any], name: str, rows: NDArray[np.int64] | None = None) -> tuple[Any, ...]:
    """The different labels, sorted. `rows`: what the user calls each row; by default, counted from 0.

    Raises
    ------
    TableError
        If there are fewer than two, or as many as rows, or one is as long as a book.

    """
    different = set(y.tolist()) if y.dtype == object else _distinct(y)[0].tolist()
    found = sorted(different, key=lambda value: (str(type(value)), value))
    for value in found:
        if isinstance(value, str) and len(value) > LONGEST_CATEGORY:
            row = y.tolist().index(value)
            raise TableError(
                f"label {name!r}: row {row if rows is None else rows[row]} holds {len(value):,} characters; a class "
                f"has at most {LONGEST_CATEGORY:,}: shorten it, or name another column"
            )
    if len(found) < 2:
        only = f" ({found[0]!r})" if found else ""
        raise TableError(f"label {name!r}: has one class only{only}; there is nothing to tell apart")
    if len(found) == len(y) > MOST_CLASSES_OF_WHOLE_NUMBERS:
        what = "numbers" if y.dtype.kind in "iuf" else "words"
        cure = "use task='regression'" if what == "numbers" else "is it an identifier? Name another column"
        raise TableError(f"label {name!r}: {len(y)} rows with {len(found)} different {what} are no classes; {cure}")
    return tuple(found)


def check_varying(y: NDArray[Any], names: Sequence[str]) -> None:
    """Refuses labels of numbers, (n,) or (n, k), that are the same in all rows.

    Raises
    ------
    TableError

    """
    for name, values in zip(names, y.reshape(len(y), -1).T, strict=True):
        if len(values) > 1 and (values == values[0]).all():
            raise TableError(
                f"label {name!r}: is {values[0]:g} in each of the {len(values):,} rows; there is nothing to learn"
            )


def check_class_sizes(
    numbers: NDArray[np.int32], classes: tuple[Any, ...], name: str, rows: NDArray[np.int64], otherwise: str
) -> None:
    """Refuses a class of one row, which cannot stand on both sides of a split; `otherwise` ends what is to be done.

    Raises
    ------
    TableError

    """
    counts = np.bincount(numbers, minlength=len(classes))
    if not (counts == 1).any():
        return
    alone = int(np.argmax(counts == 1))
    is_amount = len(classes) > 2 and all(type(value) is int for value in classes)
    amounts = "learn it as a number with task='regression', " if is_amount else ""
    row = rows[int(np.argmax(numbers == alone))]
    raise TableError(
        f"label {name!r}: row {row} is the only one of class {classes[alone]!r}, which so cannot be "
        f"both learnt and validated; {amounts}leave it out, join it with another class, or {otherwise}"
    )


def encode_classes(
    y: NDArray[Any], classes: tuple[Any, ...], name: str, rows: NDArray[np.int64] | None = None
) -> NDArray[np.int32]:
    """The number of each label's class. `rows`: what the user calls each row; by default, counted from 0.

    Raises
    ------
    TableError
        If a label is none of the classes.

    """
    number = {value: i for i, value in enumerate(classes)}
    if y.dtype == object:  # words, whose comparison is Python's own
        numbers = np.array([number.get(value, -1) for value in y.tolist()], dtype=np.int32)
    else:
        found, which = _distinct(y)
        numbers = np.array([number.get(value, -1) for value in found.tolist()], dtype=np.int32)[which]
    unknown = np.flatnonzero(numbers < 0)
    if len(unknown):
        row = unknown[0]
        shown = ", ".join(repr(c) for c in classes[:10])
        called = row if rows is None else rows[row]
        raise TableError(
            f"label {name!r}: row {called} is {y[row : row + 1].tolist()[0]!r}, none of the training rows' classes: "
            f"{shown}"
        )
    return numbers
