"""The schema: what the columns of a table are, each with its role, its kind, counts and examples."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche._system.forks import is_polars_usable
from creche.errors import FileError, TableError, nearest
from creche.plan.words import Role
from creche.table.cell_types import ColumnContext
from creche.table.checks import warn
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.roles import (
    INPUT_ROLES,
    ROLE_DEFINITIONS,
    ROLES,
    apply_roles,
    check_category_length,
    find_non_number,
    infer_role,
)
from creche.table.table import KINDS, Column, Table

__all__ = ["ColumnSchema", "Schema"]

EMPTY_NAMED = 5

EXAMPLES = 3  # values

EXAMPLE_LENGTH = 40  # characters

ROWS_FOR_EXAMPLES = 1000

WORDS_PROBED = 1000  # of a column, to see whether it holds numbers kept as text

# In longer columns, distinct numbers are counted by Polars, which need not sort them.
MAX_SORTED_ROWS = 50_000


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """What one column of a table is.

    Attributes
    ----------
    name : str
    role : str
        One of `creche.table.roles.ROLES`.
    kind : str
        The kind of its values: number, whole, boolean, words or datetime.
    rows, missing, distinct : int
        The number of rows, of missing values, and of distinct values.
    examples : tuple of str
        Some of its values.
    reason : str
        Why it was left out; empty if it is an input or its role was set.

    """

    name: str
    role: str
    kind: str
    rows: int
    missing: int
    distinct: int
    examples: tuple[str, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Schema:
    """The columns of a table, without its label.

    Attributes
    ----------
    columns : tuple of ColumnSchema

    Examples
    --------
    >>> from creche.table.reading.read import read_table
    >>> penguins = read_table("penguins")
    >>> schema = Schema.infer(penguins, ["species"], {"species": "ignore"})
    >>> {column.name: column.role for column in schema.columns if column.role != "numeric"}
    {'species': 'ignore', 'island': 'categorical', 'sex': 'categorical'}

    """

    columns: tuple[ColumnSchema, ...]

    @classmethod
    def infer(
        cls,
        table: Table,
        labels: Sequence[str],
        roles: Mapping[str, str],
        row_numbers: NDArray[np.int64] | None = None,
    ) -> Self:
        """Infer what the columns are from their values.

        Parameters
        ----------
        table : Table
        labels : sequence of str
            The names of label columns; a role set for one of them has no effect.
        roles : dict of str to str
            The roles of columns that the user has set.
        row_numbers : (n,) array of int, optional
            The row number of each row; by default, rows are numbered from the table's first.

        Raises
        ------
        TableError
            If a role is set for a column that does not exist or cannot have it, if a column has no value at all or an
            infinite number, or if no column is left to learn from.

        """
        for name in roles:
            if name not in table.columns and name not in labels:
                raise TableError(f"schema: {table.source} has no column {name!r}; {nearest(name, table.names)}")
        table = apply_roles(table, roles, row_numbers)
        _check_not_empty(table, roles)
        columns = tuple(_describe_column(table, name, roles.get(name), row_numbers) for name in table.names)
        schema = cls(columns)
        for name in schema.features:
            _check_finite(table, name, row_numbers)
        if not schema.features:
            name = columns[0].name if columns else "name"
            left_out = "; ".join(f"{c.name} is {c.reason or 'ignored'}" for c in columns[:5])
            role = _role_to_keep(table.columns[name]) if columns else "categorical"
            raise TableError(
                f"{table.source}: no column is left to learn from ({left_out or 'the label is its only column'}); "
                f"set the role of a column: schema={{{name!r}: {role!r}}}, or --column {shlex.quote(f'{name}={role}')}"
            )
        for column in columns:
            if column.name not in roles:
                _warn_of_column(table, column, row_numbers)
        return schema

    @property
    def features(self) -> list[str]:
        """The names of the columns to learn from."""
        return [column.name for column in self.columns if column.role in INPUT_ROLES]

    @property
    def roles(self) -> dict[str, str]:
        """The role of each column by name."""
        return {column.name: column.role for column in self.columns}

    def to_dict(self) -> dict[str, Any]:
        """Return the schema as plain data."""
        names = [f.name for f in fields(ColumnSchema)]
        plain = [{name: getattr(column, name) for name in names} for column in self.columns]
        return {"columns": [{**column, "examples": list(column["examples"])} for column in plain]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the schema that `to_dict` described.

        Raises
        ------
        FileError
            If the data describe none.

        """
        try:
            columns = tuple(ColumnSchema(**{**c, "examples": tuple(c["examples"])}) for c in data["columns"])
        except (KeyError, TypeError) as error:
            raise FileError(f"schema: cannot be read ({error}); the file was damaged or made by hand") from error
        for column in columns:
            texts = (column.name, column.reason, *column.examples)
            counts = (column.rows, column.missing, column.distinct)
            fits = column.role in ROLES and column.kind in KINDS and all(isinstance(text, str) for text in texts)
            if not fits or not all(type(count) is int and count >= 0 for count in counts):
                raise FileError(
                    f"schema: column {column.name!r} contradicts itself; the file was damaged or made by hand"
                )
        if len({column.name for column in columns}) < len(columns):
            raise FileError("schema: a column occurs twice; the file was damaged or made by hand")
        return cls(columns)


def _check_not_empty(table: Table, roles: Mapping[str, str]) -> None:
    """Refuse columns without any value, all of them in one error."""
    empty = [
        name
        for name, column in table.columns.items()
        if column.missing.all() and (name not in roles or roles[name] in INPUT_ROLES)
    ]
    if not empty:
        return
    named = empty[:EMPTY_NAMED]
    names = ", ".join(map(repr, named)) + (f", … ({len(empty):,} columns)" if len(empty) > EMPTY_NAMED else "")
    schema = ", ".join(f"{name!r}: 'ignore'" for name in named)
    options = " ".join(f"--column {shlex.quote(f'{name}=ignore')}" for name in named)
    subject, them = (f"column {names} is", "it") if len(empty) == 1 else (f"columns {names} are", "them")
    raise TableError(
        f"{table.source}: {subject} empty in each of the {len(table):,} rows; leave {them} out: schema={{{schema}}}, "
        f"or {options}"
    )


def _check_finite(table: Table, name: str, row_numbers: NDArray[np.int64] | None) -> None:
    values = table.columns[name].values
    if values.dtype.kind != "f" or not np.isinf(values).any():
        return
    row = int(np.argmax(np.isinf(values)))
    number = ColumnContext(table.source, name, table.first_row, row_numbers).row_number(row)
    raise TableError(
        f"{table.source}: row {number}, column {name!r} is {values[row]}; needs a finite number, or an empty cell"
    )


def _describe_column(table: Table, name: str, role: str | None, row_numbers: NDArray[np.int64] | None) -> ColumnSchema:
    column = table.columns[name]
    missing = int(column.missing.sum())
    distinct = _count_distinct(column, missing)
    reason = ""
    if role is None:
        role, reason = infer_role(name, column, missing, distinct)
    if ROLE_DEFINITIONS[role].encoder is CategoricalEncoder:
        check_category_length(table, name, row_numbers)
    return ColumnSchema(name, role, column.kind, len(column), missing, distinct, _pick_examples(column), reason)


def _count_distinct(column: Column, missing: int) -> int:
    """Return the number of distinct values, missing ones not counted."""
    values = column.values
    if column.kind == "words":
        return int((np.bincount(values[values >= 0], minlength=1) > 0).sum())
    if len(values) <= MAX_SORTED_ROWS or not is_polars_usable():
        present = values[~column.missing] if missing else values
        return len(np.unique(present))
    import polars as pl

    count = pl.Series(values.view(np.int64) if column.kind == "datetime" else values).n_unique()
    return count - (missing > 0)


def _pick_examples(column: Column) -> tuple[str, ...]:
    head = column.take(slice(0, ROWS_FOR_EXAMPLES))
    examples: dict[str, None] = {}
    for value in head.to_objects().tolist():
        if value is not None:
            examples.setdefault(_format_value(value))
        if len(examples) == EXAMPLES:
            break
    return tuple(examples)


def _format_value(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "isoformat"):
        return str(value.isoformat(sep=" ").removesuffix(" 00:00:00"))
    text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= EXAMPLE_LENGTH else text[: EXAMPLE_LENGTH - 1] + "…"


def _role_to_keep(column: Column) -> Role:
    """Return the role to advise for a column that was left out: numeric if it holds numbers, even as text."""
    if column.kind != "words":
        return "numeric"
    try:
        return "numeric" if [float(word) for word in column.words[:WORDS_PROBED]] else "categorical"
    except ValueError:
        return "categorical"


def _warn_of_column(table: Table, column: ColumnSchema, row_numbers: NDArray[np.int64] | None) -> None:
    """Warn of a column that was read or left out as its user may not expect."""
    name, values = column.name, table.columns[column.name]
    exception = find_non_number(values) if column.kind == "words" else None
    if exception is not None:
        index, numbers = exception
        row = ColumnContext(table.source, name, table.first_row, row_numbers).row_number(index)
        word = str(values.take(slice(index, index + 1)).to_objects()[0])[:EXAMPLE_LENGTH]
        warn(
            f"column {name!r} is read as words because row {row} is {word!r}, though {numbers:,} of {column.rows:,} "
            "rows hold numbers; leave a cell empty where its number is unknown"
        )
    if column.reason:
        role = _role_to_keep(values)
        warn(
            f"left out column {name!r}: {column.reason}; to keep it, set schema={{{name!r}: {role!r}}}, or --column "
            f"{shlex.quote(f'{name}={role}')}"
        )
