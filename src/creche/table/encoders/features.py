"""The feature encoder: from the columns of a table, or an array, to the inputs of the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche._phrases import list_first
from creche.errors import FileError, TableError
from creche.plan.embeddings import CategoryEmbedding, EmbeddedColumns, LinearEmbedding, NumberEmbedding
from creche.table.cell_format import CellFormat, ExpectedColumn
from creche.table.cell_types import ColumnContext, Rule
from creche.table.checks import check_precision, warn
from creche.table.column_blocks import NUMBER_KINDS
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.moments import compute_moments
from creche.table.encoders.numeric import NumericEncoder
from creche.table.encoders.numeric_block import NumericBlock, fit_numbers
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.encoders.tree_bins import BinTarget
from creche.table.roles import ENCODERS, ROLE_DEFINITIONS, Encoder
from creche.table.schema import Schema
from creche.table.table import Column, Table
from creche.table.word_columns import coerce_column

__all__ = ["Encoder", "FeatureEncoder", "Preprocessing", "prepare_column"]

BLOCK_ROWS = 8192

# Constant columns that a warning names.
CONSTANT_NAMED = 20

# No model needs more inputs, and the names of more, read from a bad file, could fill the memory.
MAX_INPUTS = 1_000_000


@dataclass(frozen=True, eq=False)
class FeatureEncoder:
    """Encoders of all features: from columns to the inputs of the network.

    Attributes
    ----------
    columns : tuple of NumericEncoder, CategoricalEncoder or DatetimeEncoder
        The encoder of each feature.
    has_column_names : bool
        Whether the features are named columns of a table; those of arrays are x0, x1, …
    formats : dict of str to CellFormat
        How the cells of columns were written in the training table, if it was text.

    """

    columns: tuple[Encoder, ...]
    has_column_names: bool
    formats: Mapping[str, CellFormat] = field(default_factory=dict)
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
        cls,
        table: Table,
        schema: Schema,
        preprocessing: Preprocessing,
        weights: NDArray[np.float64] | None = None,
        target: BinTarget | None = None,
    ) -> Self:
        """Fit the encoders to the training rows of a table; a row of weight 2 counts as two rows.

        Bins whose edges depend on the labels need a target.

        Raises
        ------
        TableError
            If no column varies, or a number is infinite.

        """
        roles, features = schema.roles, schema.features
        numbers = [name for name in features if _holds_numbers(table.columns[name], roles[name])]
        by_name: dict[str, Encoder] = {}
        # Columns that are read when they are asked for are fitted one by one, with the same bits.
        for some in [[name] for name in numbers] if table.is_lazy else [numbers]:
            fitted = fit_numbers(some, [table.columns[name] for name in some], preprocessing, weights, target)
            by_name.update(zip(some, fitted, strict=True))
        columns = tuple(
            by_name.get(name) or _fit_column(table, name, roles[name], preprocessing, weights) for name in features
        )
        formats = {name: table.columns[name].format for name in features}
        encoder = cls(columns, True, {name: format for name, format in formats.items() if format is not None})
        if encoder.width == 0:
            raise TableError(
                f"{table.source}: every column is constant in the training rows; needs at least one that varies"
            )
        _check_width(encoder)
        _warn_of_constants(encoder.columns)
        return encoder

    @classmethod
    def fit_matrix(
        cls,
        x: NDArray[np.floating[Any]],
        names: Sequence[str],
        preprocessing: Preprocessing,
        weights: NDArray[np.float64] | None = None,
        target: BinTarget | None = None,
    ) -> Self:
        """Fit the encoders to the training rows of an array, (n, d), of finite numbers."""
        if preprocessing.scaling in ("standard", "none") and preprocessing.only_scales_numbers:
            mean, scale = np.zeros(x.shape[1]), np.ones(x.shape[1])
            if preprocessing.scaling == "standard":
                mean, scale = compute_moments(x, weights)
            pairs = zip(names, mean.tolist(), scale.tolist(), strict=True)
            columns = tuple(NumericEncoder(name, "number", m, s, m) for name, m, s in pairs)
        else:
            table = _as_table(x, names)
            columns = tuple(fit_numbers(names, list(table.columns.values()), preprocessing, weights, target))
        encoder = cls(columns, False)
        _check_width(encoder)
        _warn_of_constants(columns)
        return encoder

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the columns that it reads."""
        return tuple(column.name for column in self.columns)

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs of the network."""
        return tuple(name for column in self.columns for name in column.inputs)

    @cached_property
    def width(self) -> int:
        """The number of inputs, counted without making their names."""
        return sum(column.width for column in self.columns)

    @cached_property
    def column_numbers(self) -> tuple[int, ...]:
        """For each input, the number of the column it stems from, from 0; empty if each column is one input."""
        if all(column.width == 1 for column in self.columns):
            return ()
        return tuple(i for i, column in enumerate(self.columns) for _ in range(column.width))

    @cached_property
    def kinds(self) -> dict[str, str]:
        """The kind as which each column is to be read, by name; empty for arrays."""
        return {column.name: column.kind for column in self.columns} if self.has_column_names else {}

    @cached_property
    def expected(self) -> dict[str, ExpectedColumn]:
        """How each column is to be read, by name; empty for arrays."""
        return {
            name: ExpectedColumn("words" if isinstance(column, CategoricalEncoder) else kind, self.formats.get(name))
            for column, (name, kind) in zip(self.columns, self.kinds.items(), strict=False)
        }

    def transform(self, table: Table, precision: str, row_numbers: NDArray[np.int64] | None = None) -> NDArray[Any]:
        """Return the inputs of the network, (n, inputs), in that precision.

        Parameters
        ----------
        table : Table
        precision : {"float32", "float64"}
        row_numbers : (n,) array of int, optional
            The row number of each row; by default, rows are numbered from the table's first.

        Raises
        ------
        TableError
            If a column is missing, or a value is of another kind than in training.

        """
        values = self._prepare_columns(table, row_numbers)
        block, others = self._numeric_block, self._other_columns
        out = np.empty((len(table), self.width), dtype=precision)
        for begin in range(0, len(table), BLOCK_ROWS):
            part = out[begin : begin + BLOCK_ROWS]
            rows = slice(begin, begin + len(part))
            with np.errstate(over="ignore"):
                if not block.write([values[i][rows] for i in block.indices], part):
                    for column in self.columns:  # find out which number is infinite
                        prepare_column(table, column, row_numbers)
                for i, position in others:
                    column = self.columns[i]
                    column.write(values[i][rows], part[:, position : position + column.width])
            if not np.isfinite(part).all():
                self._refuse_overflow(table, part, begin, row_numbers)
        return out

    @cached_property
    def positions(self) -> list[int]:
        """The position of the first input of each column."""
        return [0, *accumulate(column.width for column in self.columns)][:-1]

    @cached_property
    def _numeric_block(self) -> NumericBlock:
        return NumericBlock.of(self.columns, self.positions)

    @cached_property
    def _other_columns(self) -> list[tuple[int, int]]:
        """The index of each column outside the numeric block, and the position of its first input."""
        others = set(range(len(self.columns))).difference(self._numeric_block.indices)
        return [(i, self.positions[i]) for i in sorted(others)]

    def _prepare_columns(self, table: Table, row_numbers: NDArray[np.int64] | None) -> list[NDArray[Any]]:
        """Return the values of each column as its encoder writes them; whether numbers are finite is not checked."""
        others = {i for i, _ in self._other_columns}
        values = []
        for i, encoder in enumerate(self.columns):
            column = table.columns.get(encoder.name)
            if column is not None and i not in others and _has_kind(column, encoder):
                values.append(column.values)
            else:
                values.append(prepare_column(table, encoder, row_numbers))
        return values

    def _refuse_overflow(
        self, table: Table, part: NDArray[Any], begin: int, row_numbers: NDArray[np.int64] | None
    ) -> None:
        """Raise the error about a number of the table that is too large for the precision of its encoding."""
        context = ColumnContext(table.source, "", table.first_row, row_numbers)
        ends = np.cumsum([column.width for column in self.columns])

        def original(row: int, column: int) -> tuple[object, str]:
            name = self.columns[int(np.searchsorted(ends, column, side="right"))].name
            return table.columns[name].take(slice(begin + row, begin + row + 1)).to_objects()[0], repr(name)

        def row_number(row: int) -> int:
            return context.row_number(begin + row)

        check_precision(part, original, str(part.dtype), table.source, row_number)

    def transform_matrix(self, x: NDArray[np.floating[Any]], precision: str) -> NDArray[Any]:
        """Return the inputs of the network, (n, inputs), for an array of finite numbers, (n, d).

        It is x itself, without a copy, if the encoders change nothing.

        Raises
        ------
        TableError
            If a number is too large for the precision.

        """
        if not self._is_plain:
            return self.transform(_as_table(x, self.names), precision)
        if self._changes_nothing and x.dtype == precision and x.flags.c_contiguous:
            return x
        with np.errstate(over="ignore"):
            if self._changes_nothing:
                out = np.ascontiguousarray(x, dtype=precision)
            elif len(x) <= BLOCK_ROWS:
                out = ((x.astype(np.float64) - self._mean) / self._scale).astype(precision, order="C")
            else:
                out = np.empty(x.shape, dtype=precision)
                for begin in range(0, len(x), BLOCK_ROWS):
                    rows = slice(begin, begin + BLOCK_ROWS)
                    out[rows] = (x[rows].astype(np.float64, order="C") - self._mean) / self._scale
        if out is not x:
            check_precision(out, lambda row, column: (float(x[row, column]), str(column)), precision)
        return out

    def embed(self, number: NumberEmbedding | None, category: CategoryEmbedding | None) -> list[EmbeddedColumns]:
        """Return which inputs an embedding of numbers, and one of the codes of categories, apply to.

        Numbers are columns of the role numeric, and the numeric columns of arrays; dates, booleans and constant columns
        are not.
        """
        placed = list(zip(self.columns, self.positions, strict=True))
        found = []
        numbers = [
            (position, column)
            for column, position in placed
            if isinstance(column, NumericEncoder) and column.kind == "number" and not column.is_constant
        ]
        if isinstance(number, LinearEmbedding) and numbers:
            sizes = tuple(column.width - column.marked for _, column in numbers)
            found.append(EmbeddedColumns(number, tuple(position for position, _ in numbers), sizes))
        elif number is not None and numbers:
            found.append(EmbeddedColumns(number, tuple(position for position, _ in numbers)))
        coded = [
            (position, column.codes)
            for column, position in placed
            if isinstance(column, CategoricalEncoder) and column.coded
        ]
        if category is not None and coded:
            positions, codes = zip(*coded, strict=True)
            found.append(EmbeddedColumns(category, positions, codes))
        return found

    def to_dict(self) -> dict[str, Any]:
        """Return the encoders as plain data."""
        formats = {name: format.to_dict() for name, format in self.formats.items()}
        return {
            "of_table": self.has_column_names,
            "columns": [column.to_dict() for column in self.columns],
            "formats": formats,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the encoders that `to_dict` described.

        Raises
        ------
        FileError
            If the data describe none.

        """
        if not isinstance(data, Mapping):
            raise FileError(f"features: got {type(data).__name__}; the file was damaged or made by hand")
        descriptions, has_column_names = data.get("columns"), data.get("of_table")
        if not isinstance(descriptions, list) or not descriptions or not isinstance(has_column_names, bool):
            raise FileError("features: there are no columns; the file was damaged or made by hand")
        columns: list[Encoder] = []
        for description in descriptions:
            role = description.get("role") if isinstance(description, Mapping) else None
            if not isinstance(role, str) or role not in ENCODERS:
                raise FileError(f"features: unknown role {str(role)[:40]!r}; the file was damaged or made by hand")
            columns.append(ENCODERS[role].from_dict(description))
        names = [column.name for column in columns]
        if len(set(names)) < len(names):
            raise FileError("features: a column occurs twice; the file was damaged or made by hand")
        formats = data.get("formats", {})
        if not isinstance(formats, Mapping) or not set(formats) <= set(names):
            raise FileError(
                "features: the formats of cells are not a dict of columns; the file was damaged or made by hand"
            )
        read = {name: CellFormat.from_dict(format) for name, format in formats.items()}
        encoder = cls(tuple(columns), has_column_names, read)
        if not 0 < encoder.width <= MAX_INPUTS:
            raise FileError(f"features: there are {encoder.width:,} inputs; the file was damaged or made by hand")
        return encoder


def _holds_numbers(column: Column, role: str) -> bool:
    """Whether the numeric encoder takes the column as it is."""
    return column.kind in NUMBER_KINDS and (role == "numeric" or role == column.kind == "boolean")


def _fit_column(
    table: Table,
    name: str,
    role: str,
    preprocessing: Preprocessing,
    weights: NDArray[np.float64] | None,
) -> Encoder:
    column, definition = table.columns[name], ROLE_DEFINITIONS[role]
    assert definition.encoder is not None
    if definition.kind == "boolean":  # it may also hold the numbers 1 and 0
        context = ColumnContext(table.source, name, table.first_row)
        column = coerce_column(column, Rule("boolean", required=True), context)
    return definition.encoder.fit(name, column, preprocessing, weights)


def _has_kind(column: Column, encoder: Encoder) -> bool:
    """Whether the numeric encoder takes the column as it is."""
    return column.kind == encoder.kind or (encoder.kind == "number" and column.kind in NUMBER_KINDS)


def prepare_column(table: Table, encoder: Encoder, row_numbers: NDArray[np.int64] | None = None) -> NDArray[Any]:
    """Return the values of the encoder's column, as it writes them.

    Raises
    ------
    TableError
        If the column is missing, or a value is of another kind than in training, or infinite.

    """
    context = ColumnContext(table.source, encoder.name, table.first_row, row_numbers)
    column = table.column(encoder.name)
    if not isinstance(encoder, CategoricalEncoder):  # which compares values of any kind
        column = coerce_column(column, Rule(encoder.kind, required=True), context)
    return encoder.prepare(column, context)


def _check_width(encoder: FeatureEncoder) -> None:
    """Refuse, before training, more inputs than a model file can have."""
    if encoder.width > MAX_INPUTS:
        raise TableError(
            f"the table makes {encoder.width:,} inputs of the network; a model has at most {MAX_INPUTS:,}: leave "
            "columns out, or lower max_categories, buckets and bins of the preprocessing"
        )


def _warn_of_constants(columns: Sequence[Encoder]) -> None:
    constant = [column.name for column in columns if column.is_constant]
    if constant:
        names = list_first(constant, CONSTANT_NAMED)
        warn(f"constant in the training rows, so nothing can be learnt from: {names}")


def _as_table(x: NDArray[np.floating[Any]], names: Sequence[str]) -> Table:
    columns = {name: Column("number", x[:, i].astype(np.float64)) for i, name in enumerate(names)}
    return Table(columns, "X", first_row=0)
