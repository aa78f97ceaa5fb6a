"""The schema: what the columns of a table are, each with its role, its kind, counts and examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._displayed import Displayed
from creche._phrases import list_first, shorten_text
from creche._system.forks import is_polars_usable
from creche.errors import FileError, TableError, nearest
from creche.plan.words import Role
from creche.table.cell_types import ColumnContext
from creche.table.checks import find_note, warn
from creche.table.column_blocks import NUMBER_KINDS, BlockCounts, count_values, find_infinite
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.roles import (
    INPUT_ROLES,
    ROLE_DEFINITIONS,
    ROLES,
    apply_roles,
    check_category_length,
    find_non_number,
    infer_role,
    suggest_role,
)
from creche.table.sentinels import describe_sentinel, find_sentinel
from creche.table.spellings import SPELLING_REMEDY, count_words, describe_spellings, find_spellings
from creche.table.table import KINDS, Column, Table

__all__ = [
    "ColumnRemark",
    "ColumnSchema",
    "Schema",
    "describe_columns",
    "find_errors",
    "find_remarks",
    "format_value",
    "set_roles",
]

EMPTY_NAMED = 5

# Why a column without any value is left out.
EMPTY = "empty in each row"

EXAMPLES = 3  # values

EXAMPLE_LENGTH = 40  # characters

ROWS_FOR_EXAMPLES = 1000

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
class Schema(Displayed):
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
            If a role is set for a column that does not exist or cannot have it, such as one without any value, if a
            column has an infinite number, or if no column is left to learn from.

        """
        table = set_roles(table, labels, roles, row_numbers)
        columns = describe_columns(table, roles, row_numbers)
        for error in find_errors(table, columns, roles, row_numbers):
            raise error
        _warn_of_empty(table, columns)
        for column in columns:
            if column.reason != EMPTY:
                for remark in find_remarks(table, column, roles, row_numbers):
                    warn(str(remark))
        return cls(columns)

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
        """Return the schema that `to_dict` described.

        Parameters
        ----------
        data : dict

        Raises
        ------
        FileError
            If the data do not describe a schema.

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


def set_roles(
    table: Table, labels: Sequence[str], roles: Mapping[str, str], row_numbers: NDArray[np.int64] | None = None
) -> Table:
    """Return the table with each column of the kind that its role needs; the arguments are those of `Schema.infer`.

    Raises
    ------
    TableError
        If a role is set for a column that does not exist or cannot have it.

    """
    for name in roles:
        if name not in table.columns and name not in labels:
            raise TableError(f"schema: {table.source} has no column {name!r}; {nearest(name, table.names)}")
    return apply_roles(table, roles, row_numbers)


def describe_columns(
    table: Table, roles: Mapping[str, str], row_numbers: NDArray[np.int64] | None = None
) -> tuple[ColumnSchema, ...]:
    """Return what each column is, as set or as inferred from its values, also where no network could learn from it."""
    counts = _count_together(table)
    return tuple(_describe_column(table, name, roles.get(name), row_numbers, counts.get(name)) for name in table.names)


def find_errors(
    table: Table,
    columns: Sequence[ColumnSchema],
    roles: Mapping[str, str],
    row_numbers: NDArray[np.int64] | None = None,
) -> Iterator[TableError]:
    """Find what keeps a network from learning from these columns."""
    yield from _find_empty(table, columns, roles)
    yield from _find_unusable(table, roles)
    infinite = find_infinite(table.columns)
    for column in columns:
        if ROLE_DEFINITIONS[column.role].encoder is CategoricalEncoder:
            try:
                check_category_length(table, column.name, row_numbers)
            except TableError as error:
                yield error
        if column.name in infinite and column.role in INPUT_ROLES:
            yield _infinite_error(table, column.name, row_numbers)
    if not any(column.role in INPUT_ROLES for column in columns):
        named = next((column for column in columns if column.reason), columns[0] if columns else None)
        left_out = "; ".join(f"{c.name} is {c.reason or 'ignored'}" for c in columns[:5])
        remedy = advise("schema", {"name": "numeric"})
        if named is not None:
            remedy = advise("schema", {named.name: suggest_role(table.columns[named.name])})
        yield TableError(
            f"{table.source}: no column is left to learn from ({left_out or 'the label is its only column'}); set the "
            f"role of a column: {remedy}"
        )


def _count_together(table: Table) -> dict[str, BlockCounts]:
    """Count the values of all columns of numbers; of a table larger than memory, each is counted by itself."""
    if table.is_lazy:
        return {}
    numbers = {name: column for name, column in table.columns.items() if column.kind in NUMBER_KINDS}
    counts = count_values(list(numbers.values()), EXAMPLES, MAX_SORTED_ROWS)
    return dict(zip(numbers, counts, strict=True))


def _find_empty(table: Table, columns: Sequence[ColumnSchema], roles: Mapping[str, str]) -> Iterator[TableError]:
    """Find the columns without any value that are to be inputs, all of them in one error; others are left out."""
    empty = [
        column.name
        for column in columns
        if column.missing == column.rows
        and not table.columns[column.name].doubt
        and roles.get(column.name) in INPUT_ROLES
    ]
    if not empty:
        return
    named = empty[:EMPTY_NAMED]
    them = "it" if len(empty) == 1 else "them"
    yield TableError(
        f"{table.source}: {_name_columns(empty)} empty in each of the {len(table):,} rows; leave {them} out: "
        f"{advise('schema', dict.fromkeys(named, 'ignore'))}"
    )


def _warn_of_empty(table: Table, columns: Sequence[ColumnSchema]) -> None:
    """Warn once of all columns that are left out because they hold no value."""
    empty = [column.name for column in columns if column.reason == EMPTY]
    if empty:
        noun = "column" if len(empty) == 1 else "columns"
        named = list_first([*map(repr, empty)], EMPTY_NAMED)
        warn(f"dropped {noun} {named}: empty in each of the {len(table):,} rows")


def _name_columns(names: Sequence[str]) -> str:
    """Write the subject of a sentence about columns, and its verb."""
    listed = list_first([*map(repr, names)], EMPTY_NAMED)
    return f"column {listed} is" if len(names) == 1 else f"columns {listed} are"


def _find_unusable(table: Table, roles: Mapping[str, str]) -> Iterator[TableError]:
    """Find the columns that are to be inputs but hold lists and the like; without a role they are left out."""
    for name, role in roles.items():
        column = table.columns.get(name)
        if column is not None and column.doubt and role in INPUT_ROLES and bool(column.missing.all()):
            yield TableError(f"{table.source}: column {name!r}: {column.doubt}; leave it out, or make columns of it")


def _infinite_error(table: Table, name: str, row_numbers: NDArray[np.int64] | None) -> TableError:
    values = table.columns[name].values
    row = int(np.argmax(np.isinf(values)))
    number = ColumnContext(table.source, name, table.first_row, row_numbers).row_number(row)
    return TableError(
        f"{table.source}: row {number}, column {name!r} is {values[row]}; needs a finite number, or an empty cell"
    )


def _describe_column(
    table: Table, name: str, role: str | None, row_numbers: NDArray[np.int64] | None, counts: BlockCounts | None
) -> ColumnSchema:
    column = table.columns[name]
    missing = int(column.missing.sum()) if counts is None else counts.missing
    distinct = None if counts is None else counts.distinct
    if distinct is None:
        distinct = _count_distinct(column, missing)
    reason = ""
    if role is None and missing == len(column) and not column.doubt:
        role, reason = "ignore", EMPTY
    elif role is None:
        role, reason = infer_role(name, column, missing, distinct, row_numbers)
    examples = _pick_examples(column) if counts is None else _format_examples(column, counts)
    return ColumnSchema(name, role, column.kind, len(column), missing, distinct, examples, reason)


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


def _format_examples(column: Column, counts: BlockCounts) -> tuple[str, ...]:
    if column.kind == "boolean":
        written = [format_value(bool(value)) for value in counts.examples]
    else:  # as `format_value` writes them, in a fraction of the time
        written = [f"{value:g}" if column.kind == "number" else str(int(value)) for value in counts.examples]
    examples = tuple(dict.fromkeys(written))
    # Different numbers may be the same text.
    return _pick_examples(column) if counts.has_more and len(examples) < EXAMPLES else examples


def _pick_examples(column: Column) -> tuple[str, ...]:
    head = column.take(slice(0, ROWS_FOR_EXAMPLES))
    examples: dict[str, None] = {}
    for value in head.to_objects().tolist():
        if value is not None:
            examples.setdefault(format_value(value))
        if len(examples) == EXAMPLES:
            break
    return tuple(examples)


def format_value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "isoformat"):
        return str(value.isoformat(sep=" ").removesuffix(" 00:00:00"))
    text = " ".join(str(value).split())
    return shorten_text(text, EXAMPLE_LENGTH)


class ColumnRemark(NamedTuple):
    """What the user of a column may not expect.

    Attributes
    ----------
    kind : {"reading", "words", "dropped", "spellings"}
        Values that could be read otherwise; a column of words though most are numbers; a column that is left out;
        categories that may be one.
    column, text, remedy : str
    role : str or None
        The role that would change it.

    """

    kind: Literal["reading", "words", "dropped", "spellings"]
    column: str
    text: str
    remedy: str
    role: Role | None = None

    def __str__(self) -> str:
        return "; ".join(filter(None, (self.text, self.remedy)))


def find_remarks(
    table: Table, column: ColumnSchema, roles: Mapping[str, str], row_numbers: NDArray[np.int64] | None = None
) -> Iterator[ColumnRemark]:
    """Find how a column was read, that it was left out, and categories in it that may be one."""
    name, values = column.name, table.columns[column.name]
    note = find_note(table, name, row_numbers)
    if note and column.role in INPUT_ROLES:
        yield ColumnRemark("reading", name, f"column {name!r} {note}", "")
    repeats = column.distinct < column.rows - column.missing
    sentinel = find_sentinel(values) if column.role in ("numeric", "datetime") and repeats else None
    if sentinel is not None:
        yield ColumnRemark("reading", name, *describe_sentinel(name, *sentinel))
    exception = find_non_number(values) if column.kind == "words" and name not in roles else None
    if exception is not None:
        index, numbers = exception
        row = ColumnContext(table.source, name, table.first_row, row_numbers).row_number(index)
        word = str(values.take(slice(index, index + 1)).to_objects()[0])[:EXAMPLE_LENGTH]
        text = (
            f"column {name!r} is read as words because row {row} is {word!r}, though {numbers:,} of {column.rows:,} "
            "rows hold numbers"
        )
        yield ColumnRemark("words", name, text, "leave a cell empty where its number is unknown")
    if column.reason:
        role = None if values.doubt or column.reason == EMPTY else suggest_role(values)
        remedy = "" if role is None else f"to keep it, set {advise('schema', {name: role})}"
        yield ColumnRemark("dropped", name, f"dropped column {name!r}: {column.reason}", remedy, role)
    if column.kind == "words" and column.role in INPUT_ROLES:
        spellings = find_spellings(values.words, count_words(values))
        if spellings:
            yield ColumnRemark("spellings", name, describe_spellings(f"column {name!r}", spellings), SPELLING_REMEDY)
