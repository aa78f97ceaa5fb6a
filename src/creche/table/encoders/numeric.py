"""Plain data out of a file, believed only when it is checked."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, ClassVar, Self, TypeGuard

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError, TableError
from creche.table.cell_types import ColumnContext
from creche.table.encoders.quantiles import normal_quantile, quantiles
from creche.table.table import Column

__all__ = [
    "MISSING",
    "NumericEncoder",
    "compute_moments",
    "read_flag",
    "read_name",
    "read_number",
    "read_numbers",
    "read_words",
]

LARGEST = sys.float_info.max


def _refuse(name: str, value: object) -> FileError:
    shown = repr(value)
    return FileError(
        f"features: {name} is {shown if len(shown) <= 80 else shown[:80] + '…'}; the file was damaged or made by hand"
    )


def read_number(data: Mapping[str, Any], name: str, above: float = -math.inf) -> float:
    """The number of that name."""
    value = data.get(name)
    if not _is_finite(value) or value <= above:
        raise _refuse(name, value)
    return float(value)


def _is_finite(value: Any) -> TypeGuard[int | float]:
    """Also that it is not a whole number beyond the largest float."""
    return type(value) in (int, float) and -LARGEST <= value <= LARGEST


def read_name(data: Mapping[str, Any]) -> str:
    """The column's name."""
    value = data.get("name")
    if not isinstance(value, str):
        raise _refuse("name", value)
    return value


def read_numbers(data: Mapping[str, Any], name: str) -> tuple[float, ...]:
    """The list of finite numbers of that name."""
    values = data.get(name)
    if not isinstance(values, list) or not all(map(_is_finite, values)):
        raise _refuse(name, values)
    return tuple(map(float, values))


def read_words(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The list of different words of that name."""
    values = data.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _refuse(name, values)
    if len(set(values)) < len(values):
        raise _refuse(name, values)
    return tuple(values)


def read_flag(data: Mapping[str, Any], name: str) -> bool:
    """The yes or no of that name."""
    value = data.get(name)
    if not isinstance(value, bool):
        raise _refuse(name, value)
    return value


MISSING = " missing"


ROWS_AT_A_TIME = 8192


MOST_REFERENCES = 1000


# Between the quartiles of a normal distribution lie so many standard deviations.
DEVIATIONS_BETWEEN_QUARTILES = 1.3489795003921634


LARGE = 2.0**1000


QUARTERS = np.array([0.25, 0.5, 0.75])


@dataclass(frozen=True, slots=True)
class NumericEncoder:
    """(value - center) / scale, or a curve through quantiles; a column that was constant in training becomes 0.

    Attributes
    ----------
    name : str
    kind : {"number", "boolean"}
        As what the column is read.
    center, scale : float
        scale is infinite for a constant column.
    fill : float
        What stands for a missing value: the mean, or with scaling by quantiles the median.
    marked : bool
        Whether a second input says that the value is missing, as it was in some training rows.
    references : tuple of float
        Values at even shares of the training rows; with them, a value becomes the normal number of the same share.

    """

    role: ClassVar[str] = "numeric"

    name: str
    kind: str = "number"
    center: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    marked: bool = False
    references: tuple[float, ...] = ()
    _curve: tuple[NDArray[np.float64], NDArray[np.float64]] | None = field(
        default=None, init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        if self.references:
            object.__setattr__(self, "_curve", _curve(self.references))

    @classmethod
    def fit(
        cls,
        name: str,
        column: Column,
        scaling: str,
        weights: NDArray[np.float64] | None,
        known: tuple[float, float] | None = None,
    ) -> Self:
        """From the training rows; mean and deviation may be known already."""
        values = column.values.astype(np.float64, copy=False)
        missing = np.isnan(values)
        marked = bool(missing.any())
        if marked:
            values, weights = values[~missing], None if weights is None else weights[~missing]
        kind = "boolean" if column.kind == "boolean" else "number"
        if len(values) == 0:
            return cls(name, kind, 0.0, np.inf, 0.0, True)
        if not np.isfinite(values).all():
            value = values[~np.isfinite(values)][0]
            raise TableError(f"column {name!r}: holds {value}; needs finite numbers, or nothing")
        mean, deviation = known or (float(number[0]) for number in compute_moments([values], weights))
        if scaling == "none":
            return cls(name, kind, 0.0, 1.0, mean, marked)
        if scaling == "standard" or deviation == np.inf:
            return cls(name, kind, mean, deviation, mean, marked)
        low, median, high = quantiles(values, QUARTERS, weights).tolist()
        if scaling == "robust":
            spread = (high - low) / DEVIATIONS_BETWEEN_QUARTILES
            return cls(name, kind, median, spread if 0 < spread < np.inf else deviation, median, marked)
        shares = _shares(min(MOST_REFERENCES, len(values)))
        references = tuple(quantiles(values, shares, weights).tolist())
        return cls(name, kind, 0.0, 1.0, median, marked, references)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of its inputs of the network."""
        return (self.name, self.name + MISSING) if self.marked else (self.name,)

    @property
    def width(self) -> int:
        """How many inputs there are."""
        return 1 + self.marked

    @property
    def is_constant(self) -> bool:
        return self.scale == np.inf

    @property
    def is_plain(self) -> bool:
        """Whether it only shifts and scales."""
        return not self.marked and not self.references

    def prepared(self, column: Column, place: ColumnContext) -> NDArray[Any]:
        """The column's values as `write` takes them.

        Raises
        ------
        TableError
            If one is infinite, with its row.

        """
        values = column.values.astype(np.float64, copy=False)
        infinite = np.isinf(values)
        if infinite.any():
            row = int(np.argmax(infinite))
            raise TableError(
                f"{place.source}: row {place.row_number(row)}, column {self.name!r} is {values[row]}; needs a finite "
                "number, or nothing"
            )
        return values

    def write(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Writes the inputs of some rows."""
        missing = np.isnan(values)
        if self.marked:
            out[:, 1] = missing
        if missing.any():
            values = np.where(missing, self.fill, values)
        out[:, 0] = (values - self.center) / self.scale if self._curve is None else _on_the_curve(values, *self._curve)

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "role": self.role, "name": self.name, "kind": self.kind, "center": self.center,
            "scale": None if self.is_constant else self.scale, "fill": self.fill, "marked": self.marked,
            "references": list(self.references),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` described; FileError if it cannot be."""
        name = read_name(data)
        scale = np.inf if data.get("scale") is None else read_number(data, "scale", above=0)
        kind, references = data.get("kind"), read_numbers(data, "references")
        if kind not in ("number", "boolean"):
            raise FileError(f"features: {name!r} is of kind {str(kind)[:40]!r}; the file was damaged or made by hand")
        if len(references) > MOST_REFERENCES or list(references) != sorted(references):
            raise FileError(f"features: references of {name!r} are no quantiles; the file was damaged or made by hand")
        return cls(
            name, kind, read_number(data, "center"), scale, read_number(data, "fill"), read_flag(data, "marked"),
            references,
        )  # fmt: skip


def _shares(count: int) -> NDArray[np.float64]:
    return np.asarray((np.arange(count) + 0.5) / count)


@lru_cache(maxsize=8)
def _normal_numbers(count: int) -> NDArray[np.float64]:
    return np.array([normal_quantile(share) for share in _shares(count).tolist()])


def _curve(references: tuple[float, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The different references, and the normal number of each; ties share the middle one of theirs."""
    normal = _normal_numbers(len(references))
    at, first, count = np.unique(np.array(references), return_index=True, return_counts=True)
    return at, (normal[first] + normal[first + count - 1]) / 2


def _on_the_curve(
    values: NDArray[np.float64], at: NDArray[np.float64], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """By straight lines between the references, level beyond them."""
    if len(at) == 1:
        return np.zeros(len(values))
    right = np.clip(np.searchsorted(at, values), 1, len(at) - 1)
    left = right - 1
    # The distance between two numbers can be beyond the largest number.
    size = 0.25 if at[-1] / 2 - at[0] / 2 > LARGE else 1.0
    share = np.clip((values * size - at[left] * size) / (at[right] * size - at[left] * size), 0.0, 1.0)
    between = normal[left] + share * (normal[right] - normal[left])
    # Rounded, the line may miss its right end by the last bit, to either side: the order of values would be lost.
    return np.asarray(np.where(share == 1, normal[right], np.minimum(between, normal[right])))


def compute_moments(
    x: NDArray[np.floating[Any]] | Sequence[NDArray[np.floating[Any]]], weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each column of x, an array (n, d) or columns (n,), with the deviation of a constant column infinite.

    Rows of weight 0 count as absent. Sums go down the rows one by one, in stretches, so that a large table is never
    copied whole, and the bits are the same however the columns are held, how many there are beside, and on
    each machine.
    """
    if weights is not None and not weights.all():
        counted = weights > 0
        x, weights = x[counted] if isinstance(x, np.ndarray) else [c[counted] for c in x], weights[counted]
    if isinstance(x, np.ndarray):
        low, high = x.min(axis=0), x.max(axis=0)
    else:
        low, high = np.array([column.min() for column in x]), np.array([column.max() for column in x])
    # Powers of two near the largest values, so that no square overflows and no bit is lost.
    _, exponent = np.frexp(np.maximum(-low, high).astype(np.float64))
    size = np.ldexp(1.0, np.clip(exponent, -1000, 1000))
    rows = len(x) if isinstance(x, np.ndarray) else len(x[0])
    total = rows if weights is None else float(weights.sum())

    def summed(measure: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[np.float64]:
        sums = np.zeros(len(low))
        for begin in range(0, rows, ROWS_AT_A_TIME):
            stretch = slice(begin, begin + ROWS_AT_A_TIME)
            part = measure(_side_by_side(x, stretch))
            if weights is not None:
                part = part * weights[stretch, np.newaxis]
            # NumPy adds up a single column in pairs; beside another it adds row by row.
            sums += part.sum(axis=0) if part.shape[1] > 1 else np.hstack([part, part]).sum(axis=0)[:1]
        return sums

    mean = summed(lambda part: part / size) / total
    variance = summed(lambda part: (part / size - mean) ** 2) / total
    # A constant column's deviation comes out as rounding error, not always as 0.
    return mean * size, np.where(low == high, np.inf, np.sqrt(variance) * size)


def _side_by_side(
    x: NDArray[np.floating[Any]] | Sequence[NDArray[np.floating[Any]]], rows: slice
) -> NDArray[np.float64]:
    """Some rows in float64, (m, d), row after row in memory."""
    if isinstance(x, np.ndarray):
        return np.ascontiguousarray(x[rows], dtype=np.float64)
    out = np.empty((len(x[0][rows]), len(x)))
    for i, column in enumerate(x):
        out[:, i] = column[rows]
    return out
