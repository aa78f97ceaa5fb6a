"""Roles: what a column is to a network, told by its values."""

from __future__ import annotations

import re

import numpy as np

from rookery.errors import TableError, nearest
from rookery.table.columns import Column, Table

__all__ = ["ENCODED", "LONGEST_CATEGORY", "ROLES", "check_given", "inferred_role", "longest_word"]

ROLES = ("number", "category", "yes_no", "date", "text", "identifier", "ignore")
# Those that become inputs of the network.
ENCODED = ("number", "category", "yes_no", "date", "text")
# In fewer rows, that each has a value of its own says nothing.
ROWS_TO_TELL = 20
OWN_VALUE_SHARE = 0.5
NAMES_OF_IDENTIFIERS = re.compile(
    r"(?:.*[ _.-])?(?:id|uid|uuid|guid|index|rowid|row|key)|.*[a-z](?:Id|ID)", re.IGNORECASE
)
LONG_TEXT = 30  # characters; or more words than these:
WORDS_OF_TEXT = 4
LONGEST_CATEGORY = 1000


def inferred_role(name: str, column: Column, missing: int, distinct: int) -> tuple[str, str]:
    """The role of a column, and why it is left out, if it is.

    Examples
    --------
    >>> inferred_role("island", Column.of_words(["Biscoe", "Dream"] * 10), 0, 2)
    ('category', '')
    >>> inferred_role("id", Column("whole", np.arange(30)), 0, 30)
    ('identifier', 'an identifier, for each row has its own number')

    """
    if column.kind == "yes_no":
        return "yes_no", ""
    if column.kind == "moment":
        return "date", ""
    present = len(column) - missing
    own = distinct == present and present >= ROWS_TO_TELL
    if column.kind == "whole" and own and missing == 0 and _counts_rows(name, column):
        return "identifier", "an identifier, for each row has its own number"
    if column.kind != "words":
        return "number", ""
    is_text = _is_text(column)
    if present >= ROWS_TO_TELL and distinct > OWN_VALUE_SHARE * present:
        each = f"{distinct:,} of {present:,} rows have words of their own"
        return ("ignore", f"free text, for {each}") if is_text else ("identifier", f"an identifier, for {each}")
    return ("text" if is_text else "category"), ""


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


def check_given(table: Table, name: str, role: str) -> None:
    """Refuses a role that a column cannot have.

    Raises
    ------
    TableError
        With what the column holds.

    """
    if role not in ROLES:
        raise TableError(f"schema: column {name!r} got {role!r}; {nearest(role, ROLES)}")
    column = table.columns[name]
    if role == "number" and column.kind in ("words", "moment"):
        raise TableError(f"schema: column {name!r} cannot be a number: {_such_as(table, column)}")
    if role == "date" and column.kind != "moment":
        raise TableError(f"schema: column {name!r} cannot be a date: {_such_as(table, column)}; needs 2020-01-31, say")
    if role == "yes_no" and column.kind != "yes_no":
        values = column.values[~column.missing]
        if column.kind in ("words", "moment") or not bool(((values == 0) | (values == 1)).all()):
            raise TableError(f"schema: column {name!r} cannot be yes or no: {_such_as(table, column)}")


def _such_as(table: Table, column: Column) -> str:
    row = int(np.argmax(~column.missing))
    return f"row {row + table.first_row} is {str(column.take(slice(row, row + 1)).objects()[0])[:60]!r}"


def longest_word(table: Table, name: str) -> None:
    """Refuses categories as long as a book.

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
    rows = np.flatnonzero(column.values == place)
    if len(rows):
        row = int(rows[0]) + table.first_row
        raise TableError(
            f"{table.source}: row {row}, column {name!r} holds {lengths[place]:,} characters; a category has at most "
            f"{LONGEST_CATEGORY:,}: shorten it, or leave the column out with role 'ignore'"
        )
