"""Roles: what a column is to a network. The registry of roles, and how the role of a column is inferred and applied.

A new role is one entry of `ROLE_DEFINITIONS`, and an encoder if none of those that exist makes its inputs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError, nearest
from creche.plan.words import Role
from creche.table.cell_format import CellFormat
from creche.table.cell_types import ColumnContext, Rule
from creche.table.datetimes import is_date
from creche.table.encoders.categorical import CategoricalEncoder
from creche.table.encoders.datetime import DatetimeEncoder
from creche.table.encoders.numeric import NumericEncoder
from creche.table.identifiers import find_identifier, find_unique_words
from creche.table.number_columns import parse_number
from creche.table.number_marks import is_number
from creche.table.table import Column, Kind, Table
from creche.table.word_columns import coerce_column

__all__ = [
    "ENCODERS",
    "INPUT_ROLES",
    "LONGEST_CATEGORY",
    "ROLES",
    "ROLE_DEFINITIONS",
    "Encoder",
    "RoleDefinition",
    "apply_roles",
    "check_category_length",
    "find_non_number",
    "infer_role",
    "suggest_role",
]


Encoder = NumericEncoder | CategoricalEncoder | DatetimeEncoder


@dataclass(frozen=True, slots=True)
class RoleDefinition:
    """A role that a column can have.

    Attributes
    ----------
    name : str
    description : str
        What becomes of the column, in one line for help texts.
    encoder : type of encoder, or None
        The encoder that makes inputs of the network from the column; None if it makes none.
    kind : str or None
        The kind its values must have (see `creche.table.table.Column`); None for any.

    """

    name: Role
    description: str
    encoder: type[Encoder] | None = None
    kind: Kind | None = None

    @property
    def is_input(self) -> bool:
        """Whether the network learns from the column."""
        return self.encoder is not None


ROLE_DEFINITIONS: dict[str, RoleDefinition] = {
    role.name: role
    for role in (
        RoleDefinition("numeric", "one input: the number, scaled", NumericEncoder, "number"),
        RoleDefinition("categorical", "one input for each frequent category", CategoricalEncoder),
        RoleDefinition("boolean", "one input: 1 for yes and 0 for no, scaled", NumericEncoder, "boolean"),
        RoleDefinition("datetime", "year, month, day, weekday and hour as inputs", DatetimeEncoder, "datetime"),
        RoleDefinition("text", "encoded like a categorical column", CategoricalEncoder),
        RoleDefinition("identifier", "no input: it only tells rows apart"),
        RoleDefinition("ignore", "no input"),
    )
}

ROLES: tuple[Role, ...] = tuple(role.name for role in ROLE_DEFINITIONS.values())

INPUT_ROLES: tuple[Role, ...] = tuple(role.name for role in ROLE_DEFINITIONS.values() if role.is_input)

# By the name that each has in a model file; several roles may share an encoder.
ENCODERS: dict[str, type[Encoder]] = {
    role.encoder.role: role.encoder for role in ROLE_DEFINITIONS.values() if role.encoder is not None
}

# Words are text if they are longer on average, and consist of at least this many words.
TEXT_LENGTH = 30  # characters

TEXT_WORDS = 4

LONGEST_CATEGORY = 1000  # characters

# A column is inspected word by word only if one of its first `PROBED_WORDS` words looks like a number.
PROBED_WORDS = 1000

# Digits that begin with a zero, which a number would lose.
CODE = re.compile(r"[+-]?0[0-9]")


def infer_role(
    name: str, column: Column, missing: int, distinct: int, row_numbers: NDArray[np.int64] | None = None
) -> tuple[Role, str]:
    """Return the role of a column, and the reason why it is left out (empty if it is an input).

    Parameters
    ----------
    name : str
    column : Column
    missing, distinct : int
        The number of missing values and of distinct other values.
    row_numbers : (n,) array of int, optional
        The row number of each row; by default, rows are numbered in their order.

    Examples
    --------
    >>> infer_role("island", Column.from_words(["Biscoe", "Dream"] * 10), 0, 2)
    ('categorical', '')
    >>> infer_role("n", Column("whole", np.arange(30)), 0, 30)
    ('identifier', 'an identifier: a row number (0, 1, 2, …)')

    """
    if column.doubt:
        return "ignore", column.doubt
    if column.kind == "boolean":
        return "boolean", ""
    if column.kind == "datetime":
        return "datetime", ""
    if column.kind != "words":
        why = find_identifier(name, column, missing, distinct, row_numbers)
        return ("identifier", f"an identifier: {why}") if why else ("numeric", "")
    is_text = _is_text(column)
    if not find_unique_words(column, missing, distinct):
        return ("text" if is_text else "categorical"), ""
    present = len(column) - missing
    if is_text:
        return "ignore", f"free text: {distinct:,} distinct texts in {present:,} rows"
    suggested = suggest_role(column)
    if suggested == "datetime":
        return "ignore", "words that look like dates"
    if suggested == "numeric":
        numbers = _parse_words(column)
        n_numbers = 0 if numbers is None else len(numbers) - int(numbers.missing.sum())
        why = find_identifier(name, numbers, missing, distinct, row_numbers) if numbers and n_numbers == present else ""
        if why:
            return "identifier", f"an identifier: {why}"
        found = f"{n_numbers:,} of {present:,} rows hold numbers" if n_numbers else "with signs or units"
        return "ignore", f"numbers written as words ({found})"
    return "identifier", f"an identifier: {distinct:,} distinct values in {present:,} rows"


def suggest_role(column: Column) -> Role:
    """Return the role in which the network could learn from a column that is left out.

    Examples
    --------
    >>> suggest_role(Column("whole", np.arange(5))), suggest_role(Column.from_words(["1.5", "7", "-"]))
    ('numeric', 'numeric')
    >>> [suggest_role(Column.from_words(words)) for words in (["$9,520", "$815"], ["3/4/2020"], ["007", "012"])]
    ['numeric', 'datetime', 'categorical']

    """
    if column.kind != "words":
        return "datetime" if column.kind == "datetime" else "boolean" if column.kind == "boolean" else "numeric"
    numbers = _parse_words(column)
    if numbers is not None and 2 * numbers.missing.sum() < len(numbers) + column.missing.sum():
        return "numeric"
    probed = column.words[:PROBED_WORDS]
    if 2 * sum(map(is_date, probed)) > len(probed):
        return "datetime"
    are_numbers = [is_number(word) and not CODE.match(word) for word in probed]
    return "numeric" if 2 * sum(are_numbers) > len(probed) else "categorical"


def apply_roles(table: Table, roles: Mapping[str, str], row_numbers: NDArray[np.int64] | None = None) -> Table:
    """Return the table with each column converted to the kind that its role needs.

    Parameters
    ----------
    table : Table
    roles : dict of str to str
        The roles of some columns by name.
    row_numbers : (n,) array of int, optional
        The row number of each row; by default, rows are numbered from the table's first.

    Raises
    ------
    TableError
        If a role does not exist, or a column cannot have it: the message names the row and its value.

    """
    columns = {}
    for name, role in roles.items():
        if role not in ROLE_DEFINITIONS:
            raise TableError(f"schema: column {name!r} got {role!r}; {nearest(role, ROLES)}")
        column, kind = table.columns.get(name), ROLE_DEFINITIONS[role].kind
        if column is not None and kind is not None and not _fits(column, kind):
            context = ColumnContext(table.source, name, table.first_row, row_numbers)
            columns[name] = coerce_column(column, Rule(kind, required=True), context)
    return table.changed(columns)


def find_non_number(column: Column) -> tuple[int, int] | None:
    """Return the first row with a word that is not a number, and how many rows hold numbers.

    None unless most of the words are numbers.

    Examples
    --------
    >>> find_non_number(Column.from_words(["1.5", "2", "-", "4", None]))
    (2, 3)
    >>> find_non_number(Column.from_words(["1", "2"])), find_non_number(Column.from_words(["1", "b", "c"]))
    (None, None)

    """
    numbers = _parse_words(column)
    if numbers is None:
        return None
    others = numbers.missing & ~column.missing
    count = len(numbers) - int(numbers.missing.sum())
    return (int(np.argmax(others)), count) if others.any() and count > others.sum() else None


def check_category_length(table: Table, name: str, row_numbers: NDArray[np.int64] | None = None) -> None:
    """Refuse a column with a category of more than 1,000 characters.

    Parameters
    ----------
    table : Table
    name : str
    row_numbers : (n,) array of int, optional
        The row number of each row; by default, rows are numbered from the table's first.

    Raises
    ------
    TableError
        With the number of the row.

    """
    column = table.columns[name]
    lengths = [len(word) for word in column.words]
    if not lengths or max(lengths) <= LONGEST_CATEGORY:
        return
    longest = int(np.argmax(lengths))
    rows = np.flatnonzero(column.values == longest)
    if len(rows):
        row = ColumnContext(table.source, name, table.first_row, row_numbers).row_number(int(rows[0]))
        raise TableError(
            f"{table.source}: row {row}, column {name!r} holds {lengths[longest]:,} characters; a category has at most "
            f"{LONGEST_CATEGORY:,}: shorten it, or leave the column out with role 'ignore'"
        )


def _parse_words(column: Column) -> Column | None:
    """Return the numbers that words stand for, missing where a word is none; None if none is, or they are codes."""
    parsed = [parse_number(word, CellFormat()) for word in column.words[:PROBED_WORDS]]
    if not any(parsed) or any(CODE.match(word) for word in column.words[:PROBED_WORDS]):
        return None
    parsed += [parse_number(word, CellFormat()) for word in column.words[PROBED_WORDS:]]
    numbers = np.array([*(np.nan if number is None else float(number) for number in parsed), np.nan])
    present = numbers[~np.isnan(numbers)]
    return Column("whole" if (present == np.trunc(present)).all() else "number", numbers[column.values])


def _is_text(column: Column) -> bool:
    words = column.words[:PROBED_WORDS]
    if not words:
        return False
    length = sum(map(len, words)) / len(words)
    return length > TEXT_LENGTH and sum(word.count(" ") for word in words) / len(words) >= TEXT_WORDS - 1


def _fits(column: Column, kind: Kind) -> bool:
    if column.kind == kind or bool(column.missing.all()):
        return True
    if column.kind in ("words", "datetime") or kind == "datetime":
        return False
    values = column.values[~column.missing]
    return kind == "number" or bool(((values == 0) | (values == 1)).all())
