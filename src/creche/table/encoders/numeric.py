"""Numbers as inputs: scaled, or by their rank as a normal number, and in bins; one more input marks missing values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError, TableError
from creche.table.cell_types import ColumnContext
from creche.table.encoders.bins import Bins, are_edges, fit_quantile_edges
from creche.table.encoders.file_values import read_flag, read_name, read_number, read_numbers
from creche.table.encoders.moments import compute_moments
from creche.table.encoders.normal_curve import MAX_REFERENCES, build_curve, fit_references, interpolate
from creche.table.encoders.quantiles import quantiles
from creche.table.encoders.tree_bins import BinTarget, fit_tree_edges
from creche.table.table import Column

if TYPE_CHECKING:
    from creche.plan.words import Scaling
    from creche.table.encoders.preprocessing import Preprocessing

__all__ = ["FAR", "MISSING", "QUARTILES", "NumericEncoder", "clip_smoothly", "fit_quantiles", "unscaled_spread"]

MISSING = " missing"  # at the end of the name of an input that marks missing values

# The distance between the quartiles of the standard normal distribution.
NORMAL_QUARTILE_RANGE = 1.3489795003921634

QUARTILES = np.array([0.25, 0.5, 0.75])

# Beyond this, the smooth clip is 3 to the last bit, and a square cannot overflow below it.
FAR = 3 * 2.0**60


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
    clipped : bool
        Whether the scaled number goes through `clip_smoothly`.
    edges : tuple of float
        The edges of bins; each bin is one more input, see `Bins.write`. Empty without bins.

    """

    role: ClassVar[str] = "numeric"

    name: str
    kind: str = "number"
    center: float = 0.0
    scale: float = 1.0
    fill: float = 0.0
    marked: bool = False
    references: tuple[float, ...] = ()
    clipped: bool = False
    edges: tuple[float, ...] = ()
    _curve: tuple[NDArray[np.float64], NDArray[np.float64]] | None = field(
        default=None, init=False, repr=False, compare=False
    )
    _bins: Bins | None = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.references:
            object.__setattr__(self, "_curve", build_curve(self.references))
        if self.edges:
            object.__setattr__(self, "_bins", Bins.between(self.edges))

    @classmethod
    def fit(
        cls,
        name: str,
        column: Column,
        preprocessing: Preprocessing,
        weights: NDArray[np.float64] | None = None,
        moments: tuple[float, float] | None = None,
        target: BinTarget | None = None,
    ) -> Self:
        """Fit the encoder to the training rows.

        Parameters
        ----------
        name : str
        column : Column
            The training rows.
        preprocessing : Preprocessing
            What it says about numbers and booleans is used.
        weights : (n,) array, optional
            How many rows each row counts for.
        moments : (float, float), optional
            Mean and standard deviation of the column, if they are known already.
        target : BinTarget, optional
            The labels of the rows, for bins whose edges depend on them.

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
        encoder = cls.from_statistics(name, kind, scaling, mean, deviation, marked, quartiles, references)
        if preprocessing.only_scales_numbers or encoder.is_constant:
            return encoder
        if target is not None and marked:
            target = target.select(~missing)
        if weights is not None:
            counted = weights > 0
            values, weights = values[counted], weights[counted]
            target = None if target is None else target.select(counted)
        return encoder.extend(values, preprocessing, weights, target, None if weights is not None else quartiles)

    def extend(
        self,
        values: NDArray[np.float64],
        preprocessing: Preprocessing,
        weights: NDArray[np.float64] | None = None,
        target: BinTarget | None = None,
        quartiles: NDArray[np.float64] | None = None,
    ) -> Self:
        """Return the encoder with signs, the smooth clip and bins, as far as the preprocessing asks for them.

        Parameters
        ----------
        values : (n,) array
            The training rows of the column that have a value and a weight above 0.
        preprocessing, weights, target
            As for `fit`.
        quartiles : (3,) array, optional
            Those of the values, if they are known already.

        """
        if self.kind == "boolean" and preprocessing.binary == "sign":
            signs = replace(self, center=0.5, scale=0.5, fill=0.5, references=())
            if not preprocessing.scale_categories:
                return signs
            known = quantiles(2 * values - 1, QUARTILES, weights)
            scale = unscaled_spread(2 * values - 1, known)
            center = 0.5 + 0.5 * float(known[1])
            return replace(signs, center=center, scale=0.5 * scale, clipped=preprocessing.clip == "smooth")
        encoder = self
        if preprocessing.clip == "smooth":
            scale = self.scale
            if preprocessing.scaling == "robust":
                known = quantiles(values, QUARTILES, weights) if quartiles is None else quartiles
                scale = unscaled_spread(values, known) or scale
            encoder = replace(encoder, clipped=True, scale=scale)
        if preprocessing.numeric_encoding == "piecewise_linear" and self.kind == "number":
            if preprocessing.bin_edges == "tree":
                assert target is not None
                edges = fit_tree_edges(values, preprocessing.bins, target, weights)
            else:
                edges = fit_quantile_edges(values, preprocessing.bins, weights)
            encoder = replace(encoder, edges=edges)
        return encoder

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
        bins = (f"{self.name} bin {number}" for number in range(1, self.n_bins + 1))
        return (self.name, *bins, self.name + MISSING) if self.marked else (self.name, *bins)

    @property
    def width(self) -> int:
        """The number of inputs that it makes."""
        return 1 + self.n_bins + self.marked

    @property
    def n_bins(self) -> int:
        """The number of bins."""
        return max(0, len(self.edges) - 1)

    @property
    def is_constant(self) -> bool:
        """Whether the column was constant in training, so that nothing can be learnt from it."""
        return self.scale == np.inf

    @property
    def is_plain(self) -> bool:
        """Whether it only shifts and scales, in one input."""
        return not (self.marked or self.references or self.clipped or self.edges)

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
            out[:, -1] = missing
        if missing.any():
            values = np.where(missing, self.fill, values)
        if self._curve is not None:
            scaled = interpolate(values, *self._curve)
        elif self.clipped:
            with np.errstate(over="ignore"):
                scaled = (values - self.center) / self.scale
        else:
            scaled = (values - self.center) / self.scale
        out[:, 0] = clip_smoothly(scaled) if self.clipped else scaled
        self.write_bins(values, missing, out)

    @property
    def bins(self) -> Bins | None:
        """The bins, if it has any."""
        return self._bins

    def write_bins(self, values: NDArray[np.float64], missing: NDArray[np.bool_], out: NDArray[Any]) -> None:
        """Write the codes of the bins into `out`, (rows, width); missing values are filled in already."""
        if self._bins is None:
            return
        codes = out[:, 1 : len(self.edges)]
        self._bins.write(values, codes)
        if self.marked and missing.any():
            codes[missing] = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as plain data."""
        data: dict[str, Any] = {
            "role": self.role, "name": self.name, "kind": self.kind, "center": self.center,
            "scale": None if self.is_constant else self.scale, "fill": self.fill, "marked": self.marked,
            "references": list(self.references),
        }  # fmt: skip
        if self.clipped:
            data["clipped"] = True
        if self.edges:
            data["edges"] = list(self.edges)
        return data

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
                f"features: the references of {name!r} are not quantiles; the file was damaged or made by hand"
            )
        clipped = "clipped" in data and read_flag(data, "clipped")
        edges = read_numbers(data, "edges") if "edges" in data else ()
        if not are_edges(edges):
            raise FileError(f"features: the edges of {name!r} are not bins; the file was damaged or made by hand")
        return cls(
            name, kind, read_number(data, "center"), scale, read_number(data, "fill"), read_flag(data, "marked"),
            references, clipped, edges,
        )  # fmt: skip


def clip_smoothly(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return x / sqrt(1 + (x / 3)²), which lies between -3 and 3 and is 3 for infinity.

    Holzmüller, Grinsztajn & Steinwart 2024, "Better by default", NeurIPS (arXiv 2407.04491), appendix A.1.

    Examples
    --------
    >>> clip_smoothly(np.array([0.0, 0.1, -4.0, np.inf])).round(3).tolist()
    [0.0, 0.1, -2.4, 3.0]

    """
    x = np.minimum(np.maximum(x, -FAR), FAR)
    third = x / 3
    return np.asarray(x / np.sqrt(1 + third * third))


def unscaled_spread(values: NDArray[np.float64], quartiles: NDArray[np.float64]) -> float:
    """Return the distance between the quartiles, or half the range if they are equal."""
    low, _, high = quartiles.tolist()
    spread = high - low
    return float(spread) if 0 < spread < np.inf else float(values.max() / 2 - values.min() / 2)


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
    return quartiles, fit_references(values, weights)
