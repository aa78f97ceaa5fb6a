"""The type of a column's cells: the rules by which words become numbers, booleans or datetimes, or stay words.

They work on the distinct words of a column, not on its rows: so they are fast enough in Python, and the same for every
source.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError, nearest
from creche.table.datetimes import parse_datetimes
from creche.table.table import KINDS, Column

__all__ = [
    "DECIMAL_COMMA",
    "DECIMAL_COMMA_NUMBER",
    "MISSING_WORDS",
    "ColumnContext",
    "Rule",
    "build_rules",
    "coerce_column",
    "column_from_words",
    "missing_column",
    "parse_number",
]

MISSING_WORDS = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "None", "?")

MISSING = frozenset(MISSING_WORDS)

BOOLEAN_WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}

# What Polars parses as a number; Python's float() accepts more, such as 1_000.
WHOLE = re.compile(r"[+-]?[0-9]+")

NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE)

# 1.234.567,8 and 1234567,8; points only between groups of three digits.
DECIMAL_COMMA = r"[+-]?(?:(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]*)?|,[0-9]+)(?:[eE][+-]?[0-9]+)?"

DECIMAL_COMMA_NUMBER = re.compile(DECIMAL_COMMA)

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
    day_first : bool or None
        Whether 3/4/2020 is 3 April; None until a day above 12 has decided it.
    lenient : bool
        Whether a value of another kind turns the column into words from there on; otherwise it is an error.

    """

    kind: str | None = None
    required: bool = False
    day_first: bool | None = None
    lenient: bool = False


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

    def cell_error(self, row: int, value: object, rule: Rule, why: str = "") -> TableError:
        """Return the error about a value that is not of the rule's kind; `why` follows the value in its message."""
        text = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:50]}… ({len(str(value)):,} characters)"
        hint = "" if rule.required else ", as in the rows before; set the kind or role of the column if it is another"
        return TableError(
            f"{self.source}: row {self.row_number(row)}, column {self.name!r} is {text}{why}; "
            f"needs {REQUIREMENTS[rule.kind or 'words']}, or an empty cell{hint}"
        )


def build_rules(expected: Mapping[str, str] | None) -> dict[str, Rule]:
    """Return a rule for each column whose kind the caller requires.

    Raises
    ------
    TableError
        If there is no such kind.

    """
    for name, kind in (expected or {}).items():
        if kind not in KINDS:
            raise TableError(f"expected: column {name!r}: got {kind!r}; {nearest(kind, KINDS)}")
    return {name: Rule(kind, required=True) for name, kind in (expected or {}).items()}


def missing_column(kind: str, rows: int) -> Column:
    """Return a column of that kind in which every value is missing."""
    if kind == "words":
        return Column(kind, np.full(rows, -1, dtype=np.int32))
    if kind == "datetime":
        return Column(kind, np.full(rows, "NaT", dtype="datetime64[us]"))
    return Column(kind, np.full(rows, np.nan))


def parse_number(word: str, decimal_comma: bool) -> str | None:
    """Return the number in the notation that `float` reads, or None if the word is no number."""
    if decimal_comma and ("," in word or "." in word):
        if not DECIMAL_COMMA_NUMBER.fullmatch(word):
            return None
        word = word.replace(".", "").replace(",", ".")
    return word if NUMBER.fullmatch(word) else None


def column_from_words(
    codes: NDArray[np.int32],
    words: list[str],
    rule: Rule,
    context: ColumnContext,
    numbers: bool,
    decimal_comma: bool = False,
) -> Column:
    """Return the column whose row i holds ``words[codes[i]]``, of the rule's kind or the kind that fits all words.

    Parameters
    ----------
    codes : (n,) int32 array
        -1 where missing.
    words : list of str
        The distinct words.
    rule : Rule
        If it has no kind yet, it gets the one that fits.
    context : ColumnContext
    numbers : bool
        Whether words that look like numbers are numbers, as in a CSV file; those of a DataFrame are words.
    decimal_comma : bool, default False
        Whether numbers are written 1.234,5.

    Raises
    ------
    TableError
        If a word is not of the rule's kind.

    """
    codes, words = _strip_words(codes, words)
    if rule.kind == "words":
        return Column("words", codes, tuple(words))
    if not words:
        return missing_column(rule.kind or "number", len(codes))
    if rule.kind is None:
        return _infer_column(codes, words, rule, numbers, decimal_comma)
    if rule.kind == "boolean":
        values: list[Any] = [_parse_boolean(word) for word in words]
    elif rule.kind == "datetime":
        return _datetime_column(codes, words, rule, context)
    else:
        values = [_parse_value(word, decimal_comma) for word in words]
    wrong = next((i for i, value in enumerate(values) if value is None), None)
    if wrong is not None:
        raise context.cell_error(int(np.flatnonzero(codes == wrong)[0]), words[wrong], rule)
    if rule.kind == "boolean":
        return _boolean_column(codes, words, values)
    return coerce_column(_number_column(codes, values), rule, context)


def coerce_column(column: Column, rule: Rule, context: ColumnContext) -> Column:
    """Return the column converted to the rule's kind.

    Whole numbers are numbers too, 1 and 0 are booleans, and any value can be written as a word. A rule that learnt
    whole numbers from the first rows of a stream changes to numbers when a fraction comes.

    Raises
    ------
    TableError
        If a value cannot be of that kind.

    """
    missing = column.missing
    if rule.kind is None:
        if not missing.all():
            rule.kind = column.kind
        return column
    if column.kind == rule.kind:
        return column
    if missing.all():
        return missing_column(rule.kind, len(column))
    if rule.kind == "words":
        return _words_column(column, missing)
    if column.kind == "words":
        return column_from_words(column.values, list(column.words), rule, context, numbers=True)
    values = column.values
    wrong = ~missing
    if column.kind != "datetime" and rule.kind == "number":
        return Column("number", values.astype(np.float64))
    if column.kind != "datetime" and rule.kind == "whole":
        wrong &= (values != np.trunc(values)) | (np.abs(values) >= 2.0**63)
        if wrong.any() and not rule.required:
            rule.kind = "number"
            return column
    elif column.kind != "datetime" and rule.kind == "boolean":
        wrong &= (values != 0) & (values != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise context.cell_error(row, values[row].item() if column.kind != "datetime" else str(values[row]), rule)
    if rule.kind == "whole" and not missing.any():
        return Column("whole", values.astype(np.int64))
    return Column(rule.kind, values.astype(np.float64))


def _strip_words(codes: NDArray[np.int32], words: list[str]) -> tuple[NDArray[np.int32], list[str]]:
    """Strip the spaces around words, and give words that mean a missing value the code -1."""
    trimmed = [word.strip(" \t") for word in words]
    if trimmed == words and MISSING.isdisjoint(words):
        return codes, words
    index: dict[str, int] = {}
    new_codes = [-1 if word in MISSING else index.setdefault(word, len(index)) for word in trimmed]
    return np.array([*new_codes, -1], dtype=np.int32)[codes], list(index)


def _infer_column(codes: NDArray[np.int32], words: list[str], rule: Rule, numbers: bool, decimal_comma: bool) -> Column:
    if numbers and parse_number(words[0], decimal_comma) is not None:
        values = [_parse_value(word, decimal_comma) for word in words]
        if all(value is not None for value in values):
            column = _number_column(codes, values)
            rule.kind = column.kind
            return column
    if all(word.lower() in BOOLEAN_WORDS for word in words):
        rule.kind = "boolean"
        return _boolean_column(codes, words, [BOOLEAN_WORDS[word.lower()] for word in words])
    parsed = parse_datetimes(words, rule.day_first)
    if parsed is not None:
        rule.kind, rule.day_first = "datetime", parsed[1]
        return Column("datetime", _expand(parsed[0], codes, np.datetime64("NaT")))
    rule.kind = "words"
    return Column("words", codes, tuple(words))


def _parse_value(word: str, decimal_comma: bool) -> float | int | None:
    """Return an int if an int64 can hold it, otherwise a float; None if the word is no number."""
    plain = parse_number(word, decimal_comma)
    if plain is None:
        return None
    if WHOLE.fullmatch(plain) and len(plain.lstrip("+-0")) <= 19:
        value = int(plain.lstrip("+-0") or 0) * (-1 if plain[0] == "-" else 1)
        if -(2**63) <= value < 2**63:
            return value
    return float(plain)


def _number_column(codes: NDArray[np.int32], values: list[Any]) -> Column:
    if not all(isinstance(value, int) for value in values):
        return Column("number", _expand(np.array(values, dtype=np.float64), codes, np.nan))
    if (codes < 0).any():
        return Column("whole", _expand(np.array(values, dtype=np.float64), codes, np.nan))
    return Column("whole", np.array(values, dtype=np.int64)[codes])


def _expand(values: NDArray[Any], codes: NDArray[np.int32], missing: Any) -> NDArray[Any]:
    """Return the value of each row; code -1 takes the last, which is `missing`."""
    return np.append(values, np.array([missing], dtype=values.dtype))[codes]


def _boolean_column(codes: NDArray[np.int32], words: list[str], values: list[float]) -> Column:
    """Make a column that keeps the words yes and no as they are written, since they name the classes of a label."""
    in_order = tuple(word for _, word in sorted(zip(values, words, strict=True)))
    kept_words = in_order if len(words) == 2 and len(set(values)) == 2 and words[0].lower() in ("yes", "no") else ()
    return Column("boolean", _expand(np.array(values, dtype=np.float64), codes, np.nan), kept_words)


def _parse_boolean(word: str) -> float | None:
    return BOOLEAN_WORDS.get(word.lower(), {"1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}.get(word))


def _datetime_column(codes: NDArray[np.int32], words: list[str], rule: Rule, context: ColumnContext) -> Column:
    parsed = parse_datetimes(words, rule.day_first)
    if parsed is None:
        no_dates = (
            i for i, w in enumerate(words) if parse_datetimes([w], True) is None and parse_datetimes([w], False) is None
        )
        wrong = next(no_dates, None)
        why = ""
        if wrong is None:
            wrong = next((i for i, word in enumerate(words) if parse_datetimes([word], rule.day_first) is None), 0)
            why = ", and the rows do not agree whether the day or the month comes first"
        raise context.cell_error(int(np.flatnonzero(codes == wrong)[0]), words[wrong], rule, why)
    rule.day_first = parsed[1]
    return Column("datetime", _expand(parsed[0], codes, np.datetime64("NaT")))


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
        words = [value.isoformat() for value in distinct.tolist()]
    else:
        words = [repr(value) for value in distinct.tolist()]
    return Column("words", codes, tuple(words))
