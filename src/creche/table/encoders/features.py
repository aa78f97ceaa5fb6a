"""Encoding: the columns of a table become the network's inputs. Fitted on training rows only; plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError, PlanError, TableError, nearest
from creche.plan.component import Component, count_field
from creche.table.cell_types import ColumnContext, Rule, coerce_column
from creche.table.checks import check_finite, warn
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.datetime import DatetimeEncoder
from creche.table.encoders.numeric import NumericEncoder, compute_moments
from creche.table.schema import Schema
from creche.table.table import Column, Table

__all__ = ["FeatureEncoder", "Preprocessing"]

SCALINGS = ("standard", "robust", "quantile", "none")


ROWS_AT_A_TIME = 8192


MOST_BUCKETS = 4096


# More than that no file needs, and their names alone could fill the memory.
MOST_INPUTS_OF_A_FILE = 1_000_000


Encoder = NumericEncoder | CategoricalEncoder | DatetimeEncoder


ENCODERS: dict[str, Any] = {encoder.role: encoder for encoder in (NumericEncoder, CategoricalEncoder, DatetimeEncoder)}


@dataclass(frozen=True, slots=True, repr=False)
class Preprocessing(Component):
    """How columns become inputs.

    Parameters
    ----------
    scaling : {"standard", "robust", "quantile", "none"}, default "standard"
        Of numbers: to mean 0 and deviation 1; to median 0, by the distance between the quartiles, which a few extreme
        values do not move; to the normal number of the same rank, which makes any distribution a normal one; not.
    infrequent : int, default 5
        Categories of fewer training rows share one input, and so do those never seen in training.
    max_categories : int, default 32
        How many categories of a column get an input of their own; where more are frequent, the rest are hashed.
    buckets : int, default 16
        Into how many inputs they are hashed.

    Examples
    --------
    >>> Preprocessing.of("quantile")
    Preprocessing(scaling='quantile')

    """

    scaling: str = "standard"
    infrequent: int = count_field(5)
    max_categories: int = count_field(32)
    buckets: int = count_field(16, at_most=MOST_BUCKETS)

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        if self.scaling not in SCALINGS:
            raise PlanError(f"preprocessing: got {self.scaling!r}; {nearest(self.scaling, SCALINGS)}")

    @classmethod
    def of(cls, choice: Preprocessing | Mapping[str, Any] | str | None) -> Preprocessing:
        """From None, a word for the scaling, a dict, or itself.

        Raises
        ------
        PlanError
            If it is none of these.

        """
        if choice is None:
            return cls()
        if isinstance(choice, str):
            return cls(scaling=choice)
        if isinstance(choice, Mapping):
            return cls.from_dict(choice)
        if not isinstance(choice, cls):
            raise PlanError(f"preprocessing: got {choice!r}; needs a Preprocessing, or one of {', '.join(SCALINGS)}")
        return choice


@dataclass(frozen=True, slots=True, eq=False)
class FeatureEncoder:
    """From columns to the network's inputs.

    Attributes
    ----------
    columns : tuple of NumberEncoder, CategoryEncoder or DateEncoder
        One for each feature.
    of_table : bool
        Whether the features have names of the user's; those of arrays are x0, x1, …

    """

    columns: tuple[Encoder, ...]
    of_table: bool
    _mean: NDArray[np.float64] = field(init=False, repr=False)
    _scale: NDArray[np.float64] = field(init=False, repr=False)
    _is_plain: bool = field(init=False, repr=False)
    _changes_nothing: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        plain = [column for column in self.columns if isinstance(column, NumericEncoder) and column.is_plain]
        object.__setattr__(self, "_is_plain", len(plain) == len(self.columns))
        object.__setattr__(self, "_mean", np.array([column.center for column in plain]))
        object.__setattr__(self, "_scale", np.array([column.scale for column in plain]))
        object.__setattr__(self, "_changes_nothing", bool(not self._mean.any() and (self._scale == 1).all()))

    @classmethod
    def fit(
        cls, table: Table, schema: Schema, preprocessing: Preprocessing, weights: NDArray[np.float64] | None = None
    ) -> Self:
        """From the training rows of a table; a row of weight 2 counts as two rows.

        Raises
        ------
        TableError
            If nothing in it differs, or a number is infinite.

        """
        roles = schema.roles
        known = _moments_of_complete_numbers(table, schema, weights)
        columns = tuple(
            _fit(table, name, roles[name], preprocessing, weights, known.get(name)) for name in schema.features
        )
        encoder = cls(columns, True)
        if encoder.width == 0:
            raise TableError(
                f"{table.source}: no column differs among the training rows; there is nothing to learn from"
            )
        _warn_of_constants(encoder.columns)
        return encoder

    @classmethod
    def fit_matrix(
        cls,
        x: NDArray[np.floating[Any]],
        names: Sequence[str],
        preprocessing: Preprocessing,
        weights: NDArray[np.float64] | None = None,
    ) -> Self:
        """From the training rows x (n, d) of an array of finite numbers."""
        if preprocessing.scaling in ("standard", "none"):
            mean, scale = np.zeros(x.shape[1]), np.ones(x.shape[1])
            if preprocessing.scaling == "standard":
                mean, scale = compute_moments(x, weights)
            pairs = zip(names, mean.tolist(), scale.tolist(), strict=True)
            columns = tuple(NumericEncoder(name, "number", m, s, m) for name, m, s in pairs)
        else:
            table = _as_table(x, names)
            columns = tuple(
                NumericEncoder.fit(name, column, preprocessing.scaling, weights)
                for name, column in table.columns.items()
            )
        _warn_of_constants(columns)
        return cls(columns, False)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it takes."""
        return tuple(column.name for column in self.columns)

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the network's inputs."""
        return tuple(name for column in self.columns for name in column.inputs)

    @property
    def width(self) -> int:
        """How many inputs there are; their names are not made for it."""
        return sum(column.width for column in self.columns)

    @property
    def kinds(self) -> dict[str, str]:
        """As what each column is to be read; empty for arrays."""
        return {column.name: column.kind for column in self.columns} if self.of_table else {}

    def transform(self, table: Table, precision: str, rows: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """The network's inputs (n, inputs) in the plan's precision.

        Parameters
        ----------
        table : Table
        precision : {"float32", "float64"}
        rows : (n,) array of int, optional
            What the user calls each row; by default, they are counted from the table's first.

        Raises
        ------
        TableError
            If a column is missing, or a value is not what it was in training.

        """
        values = [self._prepared(table, column, rows) for column in self.columns]
        ends = np.cumsum([column.width for column in self.columns]).tolist()
        out = np.empty((len(table), self.width), dtype=precision)
        for begin in range(0, len(table), ROWS_AT_A_TIME):
            part = out[begin : begin + ROWS_AT_A_TIME]
            with np.errstate(over="ignore"):
                for column, of_column, end in zip(self.columns, values, ends, strict=True):
                    column.write(of_column[begin : begin + len(part)], part[:, end - column.width : end])
            if not np.isfinite(part).all():
                row = begin + int(np.argmin(np.isfinite(part).all(axis=1)))
                called = ColumnContext(table.source, "", table.first_row, rows).row_number(row)
                check_finite(out[row : row + 1], self.inputs, f"{table.source} in {precision}", called)
        return out

    def _prepared(self, table: Table, column: Encoder, rows: NDArray[np.int64] | None) -> NDArray[Any]:
        place = ColumnContext(table.source, column.name, table.first_row, rows)
        given = table.column(column.name, "features")
        return column.prepared(coerce_column(given, Rule(column.kind, given=True), place), place)

    def transform_matrix(self, x: NDArray[np.floating[Any]], precision: str) -> NDArray[Any]:
        """The network's inputs (n, inputs) for an array of finite numbers (n, d).

        Where nothing is to be changed, x itself.

        Raises
        ------
        TableError
            If a number is beyond the precision.

        """
        if not self._is_plain:
            return self.transform(_as_table(x, self.names), precision)
        if self._changes_nothing and x.dtype == precision and x.flags.c_contiguous:
            return x
        with np.errstate(over="ignore"):
            if self._changes_nothing:
                out = np.ascontiguousarray(x, dtype=precision)
            elif len(x) <= ROWS_AT_A_TIME:
                out = ((x.astype(np.float64) - self._mean) / self._scale).astype(precision, order="C")
            else:
                out = np.empty(x.shape, dtype=precision)
                for begin in range(0, len(x), ROWS_AT_A_TIME):
                    rows = slice(begin, begin + ROWS_AT_A_TIME)
                    out[rows] = (x[rows].astype(np.float64, order="C") - self._mean) / self._scale
        if out is not x:
            check_finite(out, what=f"X in {precision}")
        return out

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        return {"of_table": self.of_table, "columns": [column.to_dict() for column in self.columns]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` described.

        Raises
        ------
        FileError
            If it cannot be.

        """
        if not isinstance(data, Mapping):
            raise FileError(f"features: are {type(data).__name__}; the file was damaged or made by hand")
        given, of_table = data.get("columns"), data.get("of_table")
        if not isinstance(given, list) or not given or not isinstance(of_table, bool):
            raise FileError("features: hold no columns; the file was damaged or made by hand")
        columns = []
        for column in given:
            role = column.get("role") if isinstance(column, Mapping) else None
            if not isinstance(role, str) or role not in ENCODERS:
                raise FileError(f"features: unknown role {str(role)[:40]!r}; the file was damaged or made by hand")
            columns.append(ENCODERS[role].from_dict(column))
        names = [column.name for column in columns]
        if len(set(names)) < len(names):
            raise FileError("features: a column stands there twice; the file was damaged or made by hand")
        encoder = cls(tuple(columns), of_table)
        if not 0 < encoder.width <= MOST_INPUTS_OF_A_FILE:
            raise FileError(f"features: make {encoder.width:,} inputs; the file was damaged or made by hand")
        return encoder


def _moments_of_complete_numbers(
    table: Table, schema: Schema, weights: NDArray[np.float64] | None
) -> dict[str, tuple[float, float]]:
    """Mean and deviation of all columns of numbers without missing ones, worked out together, which is quicker."""
    complete, roles = {}, schema.roles
    for name in schema.features:
        column = table.columns[name]
        is_number = roles[name] in ("numeric", "boolean") and column.values.dtype.kind in "if"
        if is_number and len(column) and np.isfinite(column.values).all():
            complete[name] = column.values
    if not complete:
        return {}
    mean, deviation = compute_moments(list(complete.values()), weights)
    return dict(zip(complete, zip(mean.tolist(), deviation.tolist(), strict=True), strict=True))


def _fit(
    table: Table,
    name: str,
    role: str,
    preprocessing: Preprocessing,
    weights: NDArray[np.float64] | None,
    known: tuple[float, float] | None,
) -> Encoder:
    column = table.columns[name]
    if role == "datetime":
        return DatetimeEncoder.fit(name, column, weights)
    if role in ("categorical", "text"):
        e = preprocessing
        return CategoricalEncoder.fit(name, column, e.infrequent, e.max_categories, e.buckets, weights)
    kind = "boolean" if role == "boolean" else column.kind
    read = coerce_column(column, Rule(kind, given=True), ColumnContext(table.source, name, table.first_row))
    return NumericEncoder.fit(name, read, preprocessing.scaling, weights, known)


def _warn_of_constants(columns: Sequence[Encoder]) -> None:
    constant = ", ".join(column.name for column in columns if column.is_constant)
    if constant:
        warn(f"constant in the training rows, so nothing can be learnt from: {constant}")


def _as_table(x: NDArray[np.floating[Any]], names: Sequence[str]) -> Table:
    columns = {name: Column("number", x[:, i].astype(np.float64)) for i, name in enumerate(names)}
    return Table(columns, "X", first_row=0)
