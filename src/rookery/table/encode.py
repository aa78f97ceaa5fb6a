"""Encoding: columns of numbers become the network's inputs, labels become classes or numbers.

Fitted on training rows only; plain data, so that it can go to a file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rookery.errors import TableError
from rookery.table.check import check_finite, warn

__all__ = ["FeatureEncoder", "LabelEncoder", "class_numbers", "classes_of", "infer_task"]

MOST_CLASSES_OF_WHOLE_NUMBERS = 50
ROWS_AT_A_TIME = 8192


def _parts(x: NDArray[np.floating[Any]]) -> Iterator[NDArray[np.float64]]:
    """Stretches of rows in float64: a large table is never copied whole."""
    for begin in range(0, len(x), ROWS_AT_A_TIME):
        yield x[begin : begin + ROWS_AT_A_TIME].astype(np.float64, order="C")


@dataclass(frozen=True, slots=True)
class FeatureEncoder:
    """(value - mean) / scale for each column; a column that was constant in training becomes 0.

    Attributes
    ----------
    names : tuple of str
        The columns, in the order of the network's inputs; for arrays x0, x1, …
    mean, scale : (d,) float64

    """

    names: tuple[str, ...]
    mean: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def fit(cls, x: NDArray[np.floating[Any]], names: tuple[str, ...], standardize: bool) -> FeatureEncoder:
        """From the training rows x (n, d); without `standardize`, values stay as they are."""
        if not standardize:
            return cls(names, np.zeros(x.shape[1]), np.ones(x.shape[1]))
        # Powers of two near the largest values, so that no square overflows and no bit is lost.
        _, exponent = np.frexp(np.abs(x).max(axis=0).astype(np.float64))
        size = np.ldexp(1.0, np.clip(exponent, -1000, 1000))
        mean = sum((part / size).sum(axis=0) for part in _parts(x)) / len(x) * size
        variance = sum((((part - mean) / size) ** 2).sum(axis=0) for part in _parts(x)) / len(x)
        # A constant column's deviation comes out as rounding error, not always as 0.
        constant = np.ptp(x, axis=0) == 0
        if constant.any():
            names_ = ", ".join(name for name, same in zip(names, constant, strict=True) if same)
            warn(f"constant in the training rows, so nothing can be learnt from: {names_}")
        return cls(names, mean, np.where(constant, np.inf, np.sqrt(variance) * size))

    def transform(self, x: NDArray[np.floating[Any]], precision: str) -> NDArray[Any]:
        """The network's inputs (n, d) in the plan's precision, for x (n, d) in the order of `names`.

        Where nothing is to be changed, x itself.
        """
        with np.errstate(over="ignore"):
            if not self.mean.any() and (self.scale == 1).all():
                out = np.ascontiguousarray(x, dtype=precision)
            else:
                out = np.empty(x.shape, dtype=precision)
                for i, part in enumerate(_parts(x)):
                    out[i * ROWS_AT_A_TIME : (i + 1) * ROWS_AT_A_TIME] = (part - self.mean) / self.scale
        if out is not x:
            check_finite(out, what=f"X in {precision}")
        return out


@dataclass(frozen=True, slots=True)
class LabelEncoder:
    """What the network's outputs mean.

    Attributes
    ----------
    name : str
        Of the label column.
    classes : tuple, or None
        The classes, in the order of their numbers (sorted); None for numbers.
    mean, scale : float
        Numbers are learnt as (y - mean) / scale, and predictions are brought back.

    """

    name: str
    classes: tuple[Any, ...] | None = None
    mean: float = 0.0
    scale: float = 1.0


def infer_task(y: NDArray[Any]) -> str:
    """Classes for words, yes/no and a few different whole numbers; else numbers."""
    if y.dtype.kind in "OUSb":
        return "classes"
    if y.dtype.kind in "iu":
        return "classes" if len(np.unique(y)) <= MOST_CLASSES_OF_WHOLE_NUMBERS else "numbers"
    return "numbers"


def classes_of(y: NDArray[Any], name: str) -> tuple[Any, ...]:
    """The different labels, sorted.

    Raises
    ------
    TableError
        If there are fewer than two.

    """
    different = set(y.tolist()) if y.dtype == object else np.unique(y).tolist()
    found = sorted(different, key=lambda value: (str(type(value)), value))
    if len(found) < 2:
        only = f" ({found[0]!r})" if found else ""
        raise TableError(f"label {name!r}: has one class only{only}; there is nothing to tell apart")
    if y.dtype.kind == "f" and len(found) == len(y) > MOST_CLASSES_OF_WHOLE_NUMBERS:
        raise TableError(
            f"label {name!r}: {len(y)} rows with {len(found)} different numbers are no classes; use task='numbers'"
        )
    return tuple(found)


def class_numbers(
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
        found, which = np.unique(y, return_inverse=True)
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
