"""The kind of a column's values: how it is required or learnt, and how a column of one kind becomes one of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError, nearest
from creche.table.cell_format import CellFormat, ExpectedColumn
from creche.table.table import KINDS, Column

__all__ = [
    "ColumnContext",
    "Rule",
    "boolean_column",
    "build_rules",
    "convert_column",
    "expand_values",
    "missing_column",
    "number_column",
    "parse_boolean",
]

BOOLEAN_VALUES = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0, "1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}

REQUIREMENTS = {
    "number": "a number",
    "whole": "a whole number",
    "boolean": "yes or no (also true, false, 1, 0)",
    "datetime": "a date such as 2020-01-31",
    "words": "words",
}


@dataclass(slots=True)
class Rule:
    """The kind as which a column is read: required by the caller, or learnt from the first rows of a stream.

    Attributes
    ----------
    kind : str or None
        None until a value has decided it.
    required : bool
        Whether the caller requires that kind.
    format : CellFormat or None
        How the cells are written; None if that is to be detected.

    """

    kind: str | None = None
    required: bool = False
    format: CellFormat | None = None


@dataclass(frozen=True, slots=True)
class ColumnContext:
    """What error messages say about a column: its table, its name and how its rows are numbered.

    Attributes
    ----------
    source : str
        The name of the table.
    name : str
        The name of the column.
    first_row : int, default 1
        The row number of the first row, unless `row_numbers` has all of them.
    row_numbers : (n,) array of int, optional
        The row number of each row.

    """

    source: str
    name: str
    first_row: int = 1
    row_numbers: NDArray[np.int64] | None = None

    def row_number(self, row: int) -> int:
        """Return the number of the row at index `row`, as the user counts rows."""
        return row + self.first_row if self.row_numbers is None else int(self.row_numbers[row])

    def cell_error(self, row: int, value: object, rule: Rule, why: str = "", hint: str = "") -> TableError:
        """Return the error about a value that is not of the rule's kind; `why` follows the value in its message."""
        text = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:50]}… ({len(str(value)):,} characters)"
        other = "" if rule.required else ", as in the rows before; set the kind or role of the column if it is another"
        return TableError(
            f"{self.source}: row {self.row_number(row)}, column {self.name!r} is {text}{why}; "
            f"needs {REQUIREMENTS[rule.kind or 'words']}, or an empty cell{other}{'; ' if hint else ''}{hint}"
        )


def build_rules(expected: Mapping[str, str | ExpectedColumn] | None) -> dict[str, Rule]:
    """Return a rule for each column whose kind the caller requires.

    Raises
    ------
    TableError
        If there is no such kind.

    """
    rules = {}
    for name, column in (expected or {}).items():
        kind, format = (column, None) if isinstance(column, str) else (column.kind, column.format)
        if kind not in KINDS:
            raise TableError(f"expected: column {name!r}: got {kind!r}; {nearest(kind, KINDS)}")
        rules[name] = Rule(kind, required=True, format=format)
    return rules


def missing_column(kind: str, rows: int) -> Column:
    """Return a column of that kind in which every value is missing."""
    if kind == "words":
        return Column(kind, np.full(rows, -1, dtype=np.int32))
    if kind == "datetime":
        return Column(kind, np.full(rows, "NaT", dtype="datetime64[us]"))
    return Column(kind, np.full(rows, np.nan))


def convert_column(column: Column, rule: Rule, context: ColumnContext) -> Column:
    """Return a column that holds no words converted to the rule's kind.

    Whole numbers are numbers too, 1 and 0 are booleans, and any value can be written as a word. A rule that learnt
    whole numbers from the first rows of a stream changes to numbers when a fraction comes.

    Raises
    ------
    TableError
        If a value cannot be of that kind.

    """
    if column.kind == rule.kind:
        return column
    missing = column.missing
    if rule.kind is None:
        if not missing.all():
            rule.kind = column.kind
        return column
    if missing.all():
        return replace(missing_column(rule.kind, len(column)), format=column.format)
    if rule.kind == "words":
        return _words_column(column, missing)
    values = column.values
    wrong = ~missing
    if column.kind != "datetime" and rule.kind == "number":
        return replace(column, kind="number", values=values.astype(np.float64), words=())
    if column.kind != "datetime" and rule.kind == "whole":
        wrong &= (values != np.trunc(values)) | (np.abs(values) >= 2.0**63)
        if wrong.any() and not rule.required:
            rule.kind = "number"
            return column
    elif column.kind != "datetime" and rule.kind == "boolean":
        wrong &= (values != 0) & (values != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        value = str(values[row]).removesuffix("T00:00:00.000000") if column.kind == "datetime" else values[row].item()
        raise context.cell_error(row, value, rule)
    whole = rule.kind == "whole" and not missing.any()
    return replace(column, kind=rule.kind, values=values.astype(np.int64 if whole else np.float64), words=())


def number_column(codes: NDArray[np.int32], values: list[Any]) -> Column:
    """Return the column of numbers, or of whole numbers if all are, whose row i holds ``values[codes[i]]``."""
    if not all(isinstance(value, int) for value in values):
        return Column("number", expand_values(np.array(values, dtype=np.float64), codes, np.nan))
    if (codes < 0).any():
        return Column("whole", expand_values(np.array(values, dtype=np.float64), codes, np.nan))
    return Column("whole", np.array(values, dtype=np.int64)[codes])


def expand_values(values: NDArray[Any], codes: NDArray[np.int32], missing: Any) -> NDArray[Any]:
    """Return the value of each row; code -1 takes the last, which is `missing`."""
    return np.append(values, np.array([missing], dtype=values.dtype))[codes]


def boolean_column(codes: NDArray[np.int32], words: list[str], values: list[float]) -> Column:
    """Make a column that keeps the words yes and no as they are written, since they name the classes of a label."""
    in_order = tuple(word for _, word in sorted(zip(values, words, strict=True)))
    kept_words = in_order if len(words) == 2 and len(set(values)) == 2 and words[0].lower() in ("yes", "no") else ()
    return Column("boolean", expand_values(np.array(values, dtype=np.float64), codes, np.nan), kept_words)


def parse_boolean(word: str) -> float | None:
    """Return 1 for a word that means yes, 0 for one that means no, None for others."""
    return BOOLEAN_VALUES.get(word.lower())


def _words_column(column: Column, missing: NDArray[np.bool_]) -> Column:
    present = column.values[~missing]
    distinct, inverse = np.unique(present, return_inverse=True)
    codes = np.full(len(column), -1, dtype=np.int32)
    codes[~missing] = inverse
    if column.kind == "boolean":
        words = ["true" if value else "false" for value in distinct.tolist()]
    elif column.kind == "whole":
        words = [str(int(value)) for value in distinct.tolist()]
    elif column.kind == "datetime":
        # NumPy gives dates outside the years 1 to 9999 as numbers.
        words = [str(distinct[i]) if isinstance(v, int) else v.isoformat() for i, v in enumerate(distinct.tolist())]
    else:  # 10115 and 10115.0 are the same category
        words = [str(int(v)) if v.is_integer() and abs(v) < 2**53 else repr(v) for v in distinct.tolist()]
    return Column("words", codes, tuple(words), column.format, column.note)
