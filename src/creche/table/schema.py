"""Roles: what a column is to a network, told by its values."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError, TableError, nearest
from creche.table.cell_types import ColumnContext, Rule, coerce_column, parse_number
from creche.table.checks import warn
from creche.table.table import KINDS, Column, Table

__all__ = [
    "ENCODED",
    "LONGEST_CATEGORY",
    "ROLES",
    "ColumnSchema",
    "Schema",
    "apply_roles",
    "check_category_length",
    "find_word_among_numbers",
    "infer_role",
]

ROLES = ("numeric", "categorical", "boolean", "datetime", "text", "identifier", "ignore")


# Those that become inputs of the network.
ENCODED = ("numeric", "categorical", "boolean", "datetime", "text")


# In fewer rows, that each has a value of its own says nothing.
ROWS_TO_TELL = 20


OWN_VALUE_SHARE = 0.5


NAMES_OF_IDENTIFIERS = re.compile(
    r"(?:.*[ _.-])?(?:id|uid|uuid|guid|index|rowid|row|key)|.*[a-z](?:Id|ID)", re.IGNORECASE
)


LONG_TEXT = 30  # characters; or more words than these:


WORDS_OF_TEXT = 4


LONGEST_CATEGORY = 1000


# What a column's values must be; any can be categories.
KINDS_OF_ROLES = {"numeric": "number", "boolean": "boolean", "datetime": "datetime"}


WORDS_LOOKED_AT = 1000


def infer_role(name: str, column: Column, missing: int, distinct: int) -> tuple[str, str]:
    """The role of a column, and why it is left out, if it is.

    Examples
    --------
    >>> infer_role("island", Column.of_words(["Biscoe", "Dream"] * 10), 0, 2)
    ('categorical', '')
    >>> infer_role("id", Column("whole", np.arange(30)), 0, 30)
    ('identifier', 'an identifier, for each row has its own number')

    """
    if column.kind == "boolean":
        return "boolean", ""
    if column.kind == "datetime":
        return "datetime", ""
    present = len(column) - missing
    own = distinct == present and present >= ROWS_TO_TELL
    if column.kind == "whole" and own and missing == 0 and _counts_rows(name, column):
        return "identifier", "an identifier, for each row has its own number"
    if column.kind != "words":
        return "numeric", ""
    is_text = _is_text(column)
    if present >= ROWS_TO_TELL and distinct > OWN_VALUE_SHARE * present:
        each = f"{distinct:,} of {present:,} rows have words of their own"
        return ("ignore", f"free text, for {each}") if is_text else ("identifier", f"an identifier, for {each}")
    return ("text" if is_text else "categorical"), ""


def _counts_rows(name: str, column: Column) -> bool:
    """Whether numbers that are all different count the rows from 0 or 1, or are called an identifier."""
    low, high = int(column.values.min()), int(column.values.max())
    return (low in (0, 1) and high - low == len(column) - 1) or NAMES_OF_IDENTIFIERS.fullmatch(name) is not None


def _is_text(column: Column) -> bool:
    words = column.words[:1000]
    if not words:
        return False
    length = sum(map(len, words)) / len(words)
    return length > LONG_TEXT and sum(word.count(" ") for word in words) / len(words) >= WORDS_OF_TEXT - 1


def apply_roles(table: Table, given: Mapping[str, str], rows: NDArray[np.int64] | None = None) -> Table:
    """The table with each column as what its given role needs; `rows`: what the user calls each row.

    Raises
    ------
    TableError
        If there is no such role, or a column cannot have it: in which row, and what stands there.

    """
    columns = {}
    for name, role in given.items():
        if role not in ROLES:
            raise TableError(f"schema: column {name!r} got {role!r}; {nearest(role, ROLES)}")
        column, kind = table.columns.get(name), KINDS_OF_ROLES.get(role)
        if column is not None and kind is not None and not _fits(column, kind):
            place = ColumnContext(table.source, name, table.first_row, rows)
            columns[name] = coerce_column(column, Rule(kind, given=True), place)
    return Table({**table.columns, **columns}, table.source, table.first_row) if columns else table


def _fits(column: Column, kind: str) -> bool:
    if column.kind == kind or bool(column.missing.all()):
        return True
    if column.kind in ("words", "datetime") or kind == "datetime":
        return False
    values = column.values[~column.missing]
    return kind == "number" or bool(((values == 0) | (values == 1)).all())


def find_word_among_numbers(column: Column) -> tuple[int, int] | None:
    """Of words that mostly are numbers: the first row whose word is none, and how many rows hold numbers.

    Examples
    --------
    >>> find_word_among_numbers(Column.of_words(["1.5", "2", "-", "4", None]))
    (2, 3)
    >>> find_word_among_numbers(Column.of_words(["1", "2"])), find_word_among_numbers(Column.of_words(["1", "b", "c"]))
    (None, None)

    """
    looks = [parse_number(word, decimal_comma=False) is not None for word in column.words[:WORDS_LOOKED_AT]]
    if not any(looks):
        return None
    looks += [parse_number(word, decimal_comma=False) is not None for word in column.words[WORDS_LOOKED_AT:]]
    codes = column.values
    is_number = np.array([*looks, False])[codes]
    count, others = int(is_number.sum()), ~is_number & (codes >= 0)
    return (int(np.argmax(others)), count) if others.any() and count > others.sum() else None


def check_category_length(table: Table, name: str, rows: NDArray[np.int64] | None = None) -> None:
    """Refuses categories as long as a book; `rows`: what the user calls each row.

    Raises
    ------
    TableError
        With the row.

    """
    column = table.columns[name]
    lengths = [len(word) for word in column.words]
    if not lengths or max(lengths) <= LONGEST_CATEGORY:
        return
    place = int(np.argmax(lengths))
    found = np.flatnonzero(column.values == place)
    if len(found):
        row = ColumnContext(table.source, name, table.first_row, rows).row_number(int(found[0]))
        raise TableError(
            f"{table.source}: row {row}, column {name!r} holds {lengths[place]:,} characters; a category has at most "
            f"{LONGEST_CATEGORY:,}: shorten it, or leave the column out with role 'ignore'"
        )


EMPTY_SHOWN = 5


EXAMPLES = 3


EXAMPLE_LENGTH = 40


ROWS_FOR_EXAMPLES = 1000


# Beyond it, different numbers are counted by Polars, which need not sort them.
ROWS_TO_SORT = 50_000


@dataclass(frozen=True, slots=True)
class ColumnSchema:
    """One column.

    Attributes
    ----------
    name : str
    role : str
        One of `ROLES`.
    kind : str
        What its values are: number, whole, boolean, words or datetime.
    rows, missing, distinct : int
        How many rows there are, in how many the value is missing, and how many different values there are.
    examples : tuple of str
        Some of its values.
    reason : str
        Why it is left out, if it is.

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
    """The columns of a table without its label.

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
        given: Mapping[str, str],
        rows: NDArray[np.int64] | None = None,
    ) -> Self:
        """What the columns are.

        Parameters
        ----------
        table : Table
        labels : sequence of str
            Columns that are labels; a role that is given for one of them changes nothing.
        given : dict of column to role
            What is known already.
        rows : (n,) array of int, optional
            What the user calls each row; by default, they are counted from the table's first.

        Raises
        ------
        TableError
            If a role is given for a column that is not there or cannot be that, if a column holds no value at all,
            or a number that is infinite, or if no column is left to learn from.

        """
        for name in given:
            if name not in table.columns and name not in labels:
                raise TableError(f"schema: {table.source} has no column {name!r}; {nearest(name, table.names)}")
        table = apply_roles(table, given, rows)
        _check_not_empty(table, given)
        columns = tuple(_described(table, name, given.get(name), rows) for name in table.names)
        schema = cls(columns)
        for name in schema.features:
            _check_finite(table, name, rows)
        if not schema.features:
            name = columns[0].name if columns else "name"
            left_out = "; ".join(f"{c.name} {c.reason or 'is to be ignored'}" for c in columns[:5])
            raise TableError(
                f"{table.source}: no column is left to learn from ({left_out or 'it has none beside the label'}); "
                f"say what a column is: schema={{{name!r}: 'category'}}, or --column {name}=category"
            )
        for column in columns:
            if column.name not in given:
                _tell(table, column, rows)
        return schema

    @property
    def features(self) -> list[str]:
        """The columns to learn from."""
        return [column.name for column in self.columns if column.role in ENCODED]

    @property
    def roles(self) -> dict[str, str]:
        """The role of each column."""
        return {column.name: column.role for column in self.columns}

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        names = [f.name for f in fields(ColumnSchema)]
        plain = [{name: getattr(column, name) for name in names} for column in self.columns]
        return {"columns": [{**column, "examples": list(column["examples"])} for column in plain]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` described.

        Raises
        ------
        FileError
            If it cannot be.

        """
        try:
            columns = tuple(ColumnSchema(**{**c, "examples": tuple(c["examples"])}) for c in data["columns"])
        except (KeyError, TypeError) as error:
            raise FileError(f"schema: cannot be read ({error}); the file was damaged or made by hand") from error
        for column in columns:
            words = (column.name, column.reason, *column.examples)
            counts = (column.rows, column.missing, column.distinct)
            fits = column.role in ROLES and column.kind in KINDS and all(isinstance(word, str) for word in words)
            if not fits or not all(type(count) is int and count >= 0 for count in counts):
                raise FileError(
                    f"schema: column {column.name!r} contradicts itself; the file was damaged or made by hand"
                )
        if len({column.name for column in columns}) < len(columns):
            raise FileError("schema: a column stands there twice; the file was damaged or made by hand")
        return cls(columns)


def _tell(table: Table, column: ColumnSchema, rows: NDArray[np.int64] | None) -> None:
    """What became of a column that its user may not expect."""
    name, values = column.name, table.columns[column.name]
    odd = find_word_among_numbers(values) if column.kind == "words" else None
    if odd is not None:
        row = ColumnContext(table.source, name, table.first_row, rows).row_number(odd[0])
        word = str(values.take(slice(odd[0], odd[0] + 1)).objects()[0])[:EXAMPLE_LENGTH]
        warn(
            f"column {name!r} is taken for words, for row {row} is {word!r}, though {odd[1]:,} of {column.rows:,} rows "
            "hold numbers; where no number is known, leave the cell empty"
        )
    if column.reason:
        role = "numeric" if column.kind == "whole" else "categorical"
        warn(
            f"left out column {name!r}: {column.reason}; schema={{{name!r}: {role!r}}}, or --column {name}={role}, "
            "keeps it"
        )


def _check_not_empty(table: Table, given: Mapping[str, str]) -> None:
    """Refuses columns without any value, all of them at once."""
    left_out = ("ignore", "identifier")
    empty = [n for n, column in table.columns.items() if column.missing.all() and given.get(n) not in left_out]
    if not empty:
        return
    some = empty[:EMPTY_SHOWN]
    shown = ", ".join(map(repr, some)) + (f", … ({len(empty):,} columns)" if len(empty) > EMPTY_SHOWN else "")
    roles = ", ".join(f"{name!r}: 'ignore'" for name in some)
    typed = " ".join(f"--column {name}=ignore" for name in some)
    what, them = (f"column {shown} is", "it") if len(empty) == 1 else (f"columns {shown} are", "them")
    raise TableError(
        f"{table.source}: {what} empty in each of the {len(table):,} rows; leave {them} out: schema={{{roles}}}, or "
        f"{typed}"
    )


def _check_finite(table: Table, name: str, rows: NDArray[np.int64] | None) -> None:
    values = table.columns[name].values
    if values.dtype.kind != "f" or not np.isinf(values).any():
        return
    row = int(np.argmax(np.isinf(values)))
    called = ColumnContext(table.source, name, table.first_row, rows).row_number(row)
    raise TableError(
        f"{table.source}: row {called}, column {name!r} is {values[row]}; needs a finite number, or nothing"
    )


def _described(table: Table, name: str, given: str | None, rows: NDArray[np.int64] | None) -> ColumnSchema:
    column = table.columns[name]
    missing = int(column.missing.sum())
    distinct = _distinct(column, missing)
    role, reason = infer_role(name, column, missing, distinct) if given is None else (given, "")
    if role in ("categorical", "text"):
        check_category_length(table, name, rows)
    return ColumnSchema(name, role, column.kind, len(column), missing, distinct, _examples(column), reason)


def _distinct(column: Column, missing: int) -> int:
    """How many different values there are, missing ones not counted."""
    values = column.values
    if column.kind == "words":
        return int((np.bincount(values[values >= 0], minlength=1) > 0).sum())
    if len(values) <= ROWS_TO_SORT:
        present = values[~column.missing] if missing else values
        return len(np.unique(present))
    import polars as pl

    different = pl.Series(values.view(np.int64) if column.kind == "datetime" else values).n_unique()
    return different - (missing > 0)


def _examples(column: Column) -> tuple[str, ...]:
    head = column.take(slice(0, ROWS_FOR_EXAMPLES))
    found: dict[str, None] = {}
    for value in head.objects().tolist():
        if value is not None:
            found.setdefault(_shown(value))
        if len(found) == EXAMPLES:
            break
    return tuple(found)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if hasattr(value, "isoformat"):
        return str(value.isoformat(sep=" ").removesuffix(" 00:00:00"))
    text = f"{value:g}" if isinstance(value, float) else " ".join(str(value).split())
    return text if len(text) <= EXAMPLE_LENGTH else text[: EXAMPLE_LENGTH - 1] + "…"
