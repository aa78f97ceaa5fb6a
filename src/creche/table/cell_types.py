"""What the cells of a column are: the rules by which words become numbers, yes and no, moments, or stay words.

They work on the different words of a column and not on its rows, so that they cost the same in Python as in a
library, and are the same for every source.
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
    "MISSING_WORDS",
    "ColumnContext",
    "Rule",
    "coerce_column",
    "column_from_words",
    "column_rules",
    "missing_column",
    "parse_number",
]

MISSING_WORDS = ("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "null", "NULL", "None", "?")


MISSING = frozenset(MISSING_WORDS)


YES_NO = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}


# What Polars takes for a number; Python's float() takes more, such as 1_000.
WHOLE = re.compile(r"[+-]?[0-9]+")


NUMBER = re.compile(r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)", re.IGNORECASE)


# 1.234.567,8 and 1234567,8; points only between groups of three.
DECIMAL_COMMA = r"[+-]?(?:(?:[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]+)(?:,[0-9]*)?|,[0-9]+)(?:[eE][+-]?[0-9]+)?"


DECIMAL_COMMA_NUMBER = re.compile(DECIMAL_COMMA)


NEEDS = {
    "number": "a number",
    "whole": "a whole number",
    "boolean": "yes or no (also true, false, 1, 0)",
    "datetime": "a date such as 2020-01-31",
    "words": "words",
}


@dataclass(slots=True)
class Rule:
    """What a column is read as: settled by the caller, or by the first rows of a stream.

    Attributes
    ----------
    kind : str or None
        None as long as no value has settled it.
    given : bool
        Whether the caller settled it.
    day_first : bool or None
        Whether 3/4/2020 is in April, once a day above 12 has told.
    loose : bool
        Whether a value of another kind makes words of the column from there on; else it is refused.

    """

    kind: str | None = None
    given: bool = False
    day_first: bool | None = None
    loose: bool = False


@dataclass(frozen=True, slots=True)
class ColumnContext:
    """Where a column stands, for messages."""

    source: str
    name: str
    first_row: int = 1
    rows: NDArray[np.int64] | None = None

    def row_number(self, row: int) -> int:
        """What the user calls a row: as `rows` says, or counted from `first_row`."""
        return row + self.first_row if self.rows is None else int(self.rows[row])

    def refuse(self, row: int, value: object, rule: Rule, why: str = "") -> TableError:
        shown = repr(value) if len(repr(value)) <= 60 else f"{repr(value)[:50]}… ({len(str(value)):,} characters)"
        hint = "" if rule.given else ", as in the rows before; say what the column holds if it is something else"
        return TableError(
            f"{self.source}: row {self.row_number(row)}, column {self.name!r} is {shown}{why}; "
            f"needs {NEEDS[rule.kind or 'words']}, or nothing{hint}"
        )


def column_rules(expected: Mapping[str, str] | None) -> dict[str, Rule]:
    """The rules for columns of these kinds.

    Raises
    ------
    TableError
        If there is no such kind.

    """
    for name, kind in (expected or {}).items():
        if kind not in KINDS:
            raise TableError(f"expected: column {name!r}: got {kind!r}; {nearest(kind, KINDS)}")
    return {name: Rule(kind, given=True) for name, kind in (expected or {}).items()}


def missing_column(kind: str, rows: int) -> Column:
    """A column in which every value is missing."""
    if kind == "words":
        return Column(kind, np.full(rows, -1, dtype=np.int32))
    if kind == "datetime":
        return Column(kind, np.full(rows, "NaT", dtype="datetime64[us]"))
    return Column(kind, np.full(rows, np.nan))


def parse_number(word: str, decimal_comma: bool) -> str | None:
    """The number in the way that `float` reads it, or None if it is none."""
    if decimal_comma and ("," in word or "." in word):
        if not DECIMAL_COMMA_NUMBER.fullmatch(word):
            return None
        word = word.replace(".", "").replace(",", ".")
    return word if NUMBER.fullmatch(word) else None


def column_from_words(
    codes: NDArray[np.int32],
    words: list[str],
    rule: Rule,
    place: ColumnContext,
    numbers: bool,
    decimal_comma: bool = False,
) -> Column:
    """The column whose row i holds ``words[codes[i]]``, of the kind that the rule says or that all of the words show.

    Parameters
    ----------
    codes : (n,) int32 array
        -1 for missing.
    words : list of str
    rule : Rule
        Learns the kind, if it is settled here.
    place : Place
    numbers : bool
        Whether words that look like numbers are meant as such, as those in a CSV file are.
    decimal_comma : bool, default False

    Raises
    ------
    TableError
        If a word is not of the kind the rule says.

    """
    codes, words = _present(codes, words)
    if rule.kind == "words":
        return Column("words", codes, tuple(words))
    if not words:
        return missing_column(rule.kind or "number", len(codes))
    if rule.kind is None:
        return _inferred(codes, words, rule, numbers, decimal_comma)
    if rule.kind == "boolean":
        values: list[Any] = [_yes_no(word) for word in words]
    elif rule.kind == "datetime":
        return _moments(codes, words, rule, place)
    else:
        values = [_number(word, decimal_comma) for word in words]
    wrong = next((i for i, value in enumerate(values) if value is None), None)
    if wrong is not None:
        raise place.refuse(int(np.flatnonzero(codes == wrong)[0]), words[wrong], rule)
    if rule.kind == "boolean":
        return _yes_no_column(codes, words, values)
    return coerce_column(_numbers(codes, values), rule, place)


def _present(codes: NDArray[np.int32], words: list[str]) -> tuple[NDArray[np.int32], list[str]]:
    """Without the spaces around words, and with the words for missing taken as such."""
    trimmed = [word.strip(" \t") for word in words]
    if trimmed == words and MISSING.isdisjoint(words):
        return codes, words
    place: dict[str, int] = {}
    moved = [-1 if word in MISSING else place.setdefault(word, len(place)) for word in trimmed]
    return np.array([*moved, -1], dtype=np.int32)[codes], list(place)


def _inferred(codes: NDArray[np.int32], words: list[str], rule: Rule, numbers: bool, decimal_comma: bool) -> Column:
    if numbers and parse_number(words[0], decimal_comma) is not None:
        values = [_number(word, decimal_comma) for word in words]
        if all(value is not None for value in values):
            column = _numbers(codes, values)
            rule.kind = column.kind
            return column
    if all(word.lower() in YES_NO for word in words):
        rule.kind = "boolean"
        return _yes_no_column(codes, words, [YES_NO[word.lower()] for word in words])
    found = parse_datetimes(words, rule.day_first)
    if found is not None:
        rule.kind, rule.day_first = "datetime", found[1]
        return Column("datetime", _spread(found[0], codes, np.datetime64("NaT")))
    rule.kind = "words"
    return Column("words", codes, tuple(words))


def _number(word: str, decimal_comma: bool) -> float | int | None:
    """An int where an int64 holds it."""
    plain = parse_number(word, decimal_comma)
    if plain is None:
        return None
    if WHOLE.fullmatch(plain) and len(plain.lstrip("+-0")) <= 19:
        value = int(plain.lstrip("+-0") or 0) * (-1 if plain[0] == "-" else 1)
        if -(2**63) <= value < 2**63:
            return value
    return float(plain)


def _numbers(codes: NDArray[np.int32], values: list[Any]) -> Column:
    if not all(isinstance(value, int) for value in values):
        return Column("number", _spread(np.array(values, dtype=np.float64), codes, np.nan))
    if (codes < 0).any():
        return Column("whole", _spread(np.array(values, dtype=np.float64), codes, np.nan))
    return Column("whole", np.array(values, dtype=np.int64)[codes])


def _spread(values: NDArray[Any], codes: NDArray[np.int32], missing: Any) -> NDArray[Any]:
    """The values in their rows; -1 is the last, which is missing."""
    return np.append(values, np.array([missing], dtype=values.dtype))[codes]


def _yes_no_column(codes: NDArray[np.int32], words: list[str], values: list[float]) -> Column:
    """Keeps the two words, where there are two and they are other than true and false: a label is told by them."""
    written = tuple(word for _, word in sorted(zip(values, words, strict=True)))
    kept = written if len(words) == 2 and len(set(values)) == 2 and words[0].lower() in ("yes", "no") else ()
    return Column("boolean", _spread(np.array(values, dtype=np.float64), codes, np.nan), kept)


def _yes_no(word: str) -> float | None:
    return YES_NO.get(word.lower(), {"1": 1.0, "0": 0.0, "1.0": 1.0, "0.0": 0.0}.get(word))


def _moments(codes: NDArray[np.int32], words: list[str], rule: Rule, place: ColumnContext) -> Column:
    found = parse_datetimes(words, rule.day_first)
    if found is None:
        wrong = next(
            (
                i
                for i, w in enumerate(words)
                if parse_datetimes([w], True) is None and parse_datetimes([w], False) is None
            ),
            None,
        )
        why = ""
        if wrong is None:
            wrong = next((i for i, word in enumerate(words) if parse_datetimes([word], rule.day_first) is None), 0)
            why = ", and whether its day or its month comes first, the rows do not tell alike"
        raise place.refuse(int(np.flatnonzero(codes == wrong)[0]), words[wrong], rule, why)
    rule.day_first = found[1]
    return Column("datetime", _spread(found[0], codes, np.datetime64("NaT")))


def coerce_column(column: Column, rule: Rule, place: ColumnContext) -> Column:
    """The column as the kind that the rule says.

    Whole numbers are numbers too, 1 and 0 are yes and no, and whatever there is can be written as words. Whole numbers
    that were only found in the first rows of a stream become numbers when a fraction comes.

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
        return _as_words(column, missing)
    if column.kind == "words":
        return column_from_words(column.values, list(column.words), rule, place, numbers=True)
    values = column.values
    wrong = ~missing
    if column.kind != "datetime" and rule.kind == "number":
        return Column("number", values.astype(np.float64))
    if column.kind != "datetime" and rule.kind == "whole":
        wrong &= (values != np.trunc(values)) | (np.abs(values) >= 2.0**63)
        if wrong.any() and not rule.given:
            rule.kind = "number"
            return column
    elif column.kind != "datetime" and rule.kind == "boolean":
        wrong &= (values != 0) & (values != 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise place.refuse(row, values[row].item() if column.kind != "datetime" else str(values[row]), rule)
    if rule.kind == "whole" and not missing.any():
        return Column("whole", values.astype(np.int64))
    return Column(rule.kind, values.astype(np.float64))


def _as_words(column: Column, missing: NDArray[np.bool_]) -> Column:
    present = column.values[~missing]
    different, places = np.unique(present, return_inverse=True)
    codes = np.full(len(column), -1, dtype=np.int32)
    codes[~missing] = places
    if column.kind == "boolean":
        words = ["true" if value else "false" for value in different.tolist()]
    elif column.kind == "whole":
        words = [str(int(value)) for value in different.tolist()]
    elif column.kind == "datetime":
        words = [value.isoformat() for value in different.tolist()]
    else:
        words = [repr(value) for value in different.tolist()]
    return Column("words", codes, tuple(words))
