"""Roles: what a column is to a network, told by its values."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError, nearest
from creche.table.columns import Column, Table
from creche.table.kinds import Place, Rule, coerced, plain_number

__all__ = [
    "ENCODED", "LONGEST_CATEGORY", "ROLES", "inferred_role", "longest_word", "with_given_roles", "word_among_numbers",
]  # fmt: skip

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
# What a column's values must be; any can be categories.
KINDS_OF_ROLES = {"number": "number", "yes_no": "yes_no", "date": "moment"}
WORDS_LOOKED_AT = 1000


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


def with_given_roles(table: Table, given: Mapping[str, str], rows: NDArray[np.int64] | None = None) -> Table:
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
            place = Place(table.source, name, table.first_row, rows)
            columns[name] = coerced(column, Rule(kind, given=True), place)
    return Table({**table.columns, **columns}, table.source, table.first_row) if columns else table


def _fits(column: Column, kind: str) -> bool:
    if column.kind == kind or bool(column.missing.all()):
        return True
    if column.kind in ("words", "moment") or kind == "moment":
        return False
    values = column.values[~column.missing]
    return kind == "number" or bool(((values == 0) | (values == 1)).all())


def word_among_numbers(column: Column) -> tuple[int, int] | None:
    """Of words that mostly are numbers: the first row whose word is none, and how many rows hold numbers.

    Examples
    --------
    >>> word_among_numbers(Column.of_words(["1.5", "2", "-", "4", None]))
    (2, 3)
    >>> word_among_numbers(Column.of_words(["1", "2"])), word_among_numbers(Column.of_words(["1", "b", "c"]))
    (None, None)

    """
    looks = [plain_number(word, decimal_comma=False) is not None for word in column.words[:WORDS_LOOKED_AT]]
    if not any(looks):
        return None
    looks += [plain_number(word, decimal_comma=False) is not None for word in column.words[WORDS_LOOKED_AT:]]
    codes = column.values
    is_number = np.array([*looks, False])[codes]
    count, others = int(is_number.sum()), ~is_number & (codes >= 0)
    return (int(np.argmax(others)), count) if others.any() and count > others.sum() else None


def longest_word(table: Table, name: str, rows: NDArray[np.int64] | None = None) -> None:
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
        row = Place(table.source, name, table.first_row, rows).called(int(found[0]))
        raise TableError(
            f"{table.source}: row {row}, column {name!r} holds {lengths[place]:,} characters; a category has at most "
            f"{LONGEST_CATEGORY:,}: shorten it, or leave the column out with role 'ignore'"
        )
