"""Numbers as one input each: scaled, or by their rank as a normal number; a second input marks missing values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError, TableError
from creche.table.cell_types import ColumnContext
from creche.table.encoders.file_values import read_flag, read_name, read_number, read_numbers
from creche.table.encoders.moments import compute_moments
from creche.table.encoders.quantiles import normal_quantile, quantiles
from creche.table.table import Column

if TYPE_CHECKING:
    from creche.plan.words import Scaling
    from creche.table.encoders.preprocessing import Preprocessing

__all__ = ["MISSING", "NumericEncoder", "fit_quantiles"]

MISSING = " missing"  # at the end of the name of an input that marks missing values

MAX_REFERENCES = 1000

# The distance between the quartiles of the standard normal distribution.
NORMAL_QUARTILE_RANGE = 1.3489795003921634

LARGE = 2.0**1000

QUARTILES = np.array([0.25, 0.5, 0.75])


@dataclass(frozen=True, slots=True)
class NumericEncoder:
    """An encoder of numbers: (value - center) / scale, or a curve through quantiles; a constant column becomes 0.

    Attributes
    ----------
    name : str
    kind : {"number", "boolean"}
        The kind of the column in training.
    center, scale : float
        The scale is infinite if the column was constant in training.
    fill : float
        The value in place of a missing one: the mean, or the median with robust and quantile scaling.
    marked : bool
        Whether a second input marks missing values, because there were some in the training rows.
    references : tuple of float
        With quantile scaling, evenly spaced quantiles of the training rows: a value becomes the standard normal number
        with the same share of values below it.

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
            object.__setattr__(self, "_curve", _build_curve(self.references))

    @classmethod
    def fit(
        cls,
        name: str,
        column: Column,
        preprocessing: Preprocessing,
        weights: NDArray[np.float64] | None = None,
        moments: tuple[float, float] | None = None,
    ) -> Self:
        """Fit the encoder to the training rows.

        Parameters
        ----------
        name : str
        column : Column
            The training rows.
        preprocessing : Preprocessing
            Its `scaling` is used.
        weights : (n,) array, optional
            How many rows each row counts for.
        moments : (float, float), optional
            Mean and standard deviation of the column, if they are known already.

        Raises
        ------
        TableError
            If a number is infinite.

        """
        scaling = preprocessing.scaling
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
            raise TableError(f"column {name!r}: holds {value}; needs finite numbers, or empty cells")
        mean, deviation = moments or (float(number[0]) for number in compute_moments([values], weights))
        quartiles, references = fit_quantiles(values, scaling, weights) if deviation != np.inf else (None, None)
        return cls.from_statistics(name, kind, scaling, mean, deviation, marked, quartiles, references)

    @classmethod
    def from_statistics(
        cls,
        name: str,
        kind: str,
        scaling: Scaling,
        mean: float,
        deviation: float,
        marked: bool,
        quartiles: NDArray[np.float64] | None = None,
        references: NDArray[np.float64] | None = None,
    ) -> Self:
        """Make the encoder of a column with these statistics; the quantiles are those of `fit_quantiles`."""
        if scaling == "none":
            return cls(name, kind, 0.0, 1.0, mean, marked)
        if scaling == "standard" or deviation == np.inf:
            return cls(name, kind, mean, deviation, mean, marked)
        assert quartiles is not None
        low, median, high = quartiles.tolist()
        if references is None:
            spread = (high - low) / NORMAL_QUARTILE_RANGE
            return cls(name, kind, median, spread if 0 < spread < np.inf else deviation, median, marked)
        return cls(name, kind, 0.0, 1.0, median, marked, tuple(references.tolist()))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs that it makes."""
        return (self.name, self.name + MISSING) if self.marked else (self.name,)

    @property
    def width(self) -> int:
        """The number of inputs that it makes."""
        return 1 + self.marked

    @property
    def is_constant(self) -> bool:
        """Whether the column was constant in training, so that nothing can be learnt from it."""
        return self.scale == np.inf

    @property
    def is_plain(self) -> bool:
        """Whether it only shifts and scales, in one input."""
        return not self.marked and not self.references

    def prepare(self, column: Column, context: ColumnContext) -> NDArray[Any]:
        """Return the values of the column, as `write` takes them.

        Raises
        ------
        TableError
            If a value is infinite, with its row.

        """
        values = column.values.astype(np.float64, copy=False)
        infinite = np.isinf(values)
        if infinite.any():
            row = int(np.argmax(infinite))
            raise TableError(
                f"{context.source}: row {context.row_number(row)}, column {self.name!r} is {values[row]}; needs a "
                "finite number, or an empty cell"
            )
        return values

    def write(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the inputs of some rows into `out`, (rows, width)."""
        missing = np.isnan(values)
        if self.marked:
            out[:, 1] = missing
        if missing.any():
            values = np.where(missing, self.fill, values)
        out[:, 0] = (values - self.center) / self.scale if self._curve is None else _interpolate(values, *self._curve)

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as plain data."""
        return {
            "role": self.role, "name": self.name, "kind": self.kind, "center": self.center,
            "scale": None if self.is_constant else self.scale, "fill": self.fill, "marked": self.marked,
            "references": list(self.references),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the encoder that `to_dict` described.

        Raises
        ------
        FileError
            If the data describe none.

        """
        name = read_name(data)
        scale = np.inf if data.get("scale") is None else read_number(data, "scale", above=0)
        kind, references = data.get("kind"), read_numbers(data, "references")
        if kind not in ("number", "boolean"):
            raise FileError(f"features: {name!r} has kind {str(kind)[:40]!r}; the file was damaged or made by hand")
        if len(references) > MAX_REFERENCES or list(references) != sorted(references):
            raise FileError(
                f"features: the references of {name!r} are no quantiles; the file was damaged or made by hand"
            )
        return cls(
            name, kind, read_number(data, "center"), scale, read_number(data, "fill"), read_flag(data, "marked"),
            references,
        )  # fmt: skip


def fit_quantiles(
    values: NDArray[np.float64], scaling: Scaling, weights: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Return the quartiles that robust and quantile scaling need, and the references of quantile scaling.

    Parameters
    ----------
    values : (n,) array, or (k, n) array for those of k columns
    scaling : {"standard", "robust", "quantile", "none"}
    weights : (n,) array, optional
        How many rows each row counts for. Only for one column.

    """
    if scaling not in ("robust", "quantile"):
        return None, None
    quartiles = quantiles(values, QUARTILES, weights)
    if scaling == "robust":
        return quartiles, None
    return quartiles, quantiles(values, _shares(min(MAX_REFERENCES, values.shape[-1])), weights)


def _shares(count: int) -> NDArray[np.float64]:
    return np.asarray((np.arange(count) + 0.5) / count)


@lru_cache(maxsize=8)
def _normal_numbers(count: int) -> NDArray[np.float64]:
    return np.array([normal_quantile(share) for share in _shares(count).tolist()])


def _build_curve(references: tuple[float, ...]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the distinct references, and the normal number of each: for ties, the middle of theirs."""
    normal = _normal_numbers(len(references))
    knots, first, count = np.unique(np.array(references), return_index=True, return_counts=True)
    return knots, (normal[first] + normal[first + count - 1]) / 2


def _interpolate(
    values: NDArray[np.float64], knots: NDArray[np.float64], normal: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Interpolate linearly between the knots; beyond them the curve is constant."""
    if len(knots) == 1:
        return np.zeros(len(values))
    right = np.clip(np.searchsorted(knots, values), 1, len(knots) - 1)
    left = right - 1
    # The distance between two numbers can overflow.
    size = 0.25 if knots[-1] / 2 - knots[0] / 2 > LARGE else 1.0
    share = np.clip((values * size - knots[left] * size) / (knots[right] * size - knots[left] * size), 0.0, 1.0)
    between = normal[left] + share * (normal[right] - normal[left])
    # Rounding can move the end of a line by one bit, which would break the order of values.
    return np.asarray(np.where(share == 1, normal[right], np.minimum(between, normal[right])))
