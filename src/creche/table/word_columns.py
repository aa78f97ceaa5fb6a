"""Columns of words: what they hold (numbers, booleans, datetimes or words), and how it is written.

The rules work on the distinct words of a column, not on its rows: so they are fast enough in Python, and the same for
every source.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import TableError
from creche.table.cell_format import DEFAULT_MISSING, CellFormat
from creche.table.cell_types import (
    ColumnContext,
    Rule,
    boolean_column,
    convert_column,
    missing_column,
    number_column,
    parse_boolean,
)
from creche.table.datetime_columns import (
    COMPACT_DATES,
    COMPACT_NOTE,
    compact_numbers,
    count_as_dates,
    datetime_column,
    read_datetimes,
)
from creche.table.number_columns import explain_refusal, find_marks, is_stray, parse_number, read_numbers
from creche.table.number_words import are_codes
from creche.table.table import Column
from creche.table.text_rules import NotRead, TextRules

__all__ = [
    "agree_on_marks",
    "coerce_column",
    "column_from_words",
    "columns_from_words",
    "convert_typed_column",
    "numbers_for_missing",
    "unusable_column",
]

TRUTH_WORDS = {"true": 1, "false": 0}

BOOLEAN_WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}


def columns_from_words(
    columns: Mapping[str, tuple[NDArray[np.int32], list[str]]],
    rules: dict[str, Rule],
    source: str,
    first_row: int,
    text: TextRules,
    plain: Iterable[str] = (),
) -> tuple[dict[str, Column], TextRules]:
    """Return the columns of a table that consist of words, and the text rules with the marks on which they agree.

    Parameters
    ----------
    columns : dict of str to (codes, words)
        As `column_from_words` takes them.
    rules : dict of str to Rule
        Columns without a rule get one, which learns the kind and the format.
    source, first_row
        As in `creche.table.table.Table`.
    text : TextRules
    plain : iterable of str
        Numbers of other columns of the table that show its decimal mark.

    """
    open_columns = [
        words for name, (_, words) in columns.items()
        if name not in rules or (rules[name].format is None and rules[name].kind in (None, "number", "whole"))
    ]  # fmt: skip
    text = agree_on_marks(open_columns, text, plain)
    out = {}
    for name, (codes, words) in columns.items():
        rule = rules.setdefault(name, Rule())
        out[name] = column_from_words(codes, words, rule, ColumnContext(source, name, first_row), text)
        if text.are_cells and rule.format is None and not out[name].missing.all():
            rule.format = out[name].format
    return out, text


def agree_on_marks(columns: Iterable[Sequence[str]], text: TextRules, plain: Iterable[str] = ()) -> TextRules:
    """Return the text rules with the marks of numbers on which the cells of columns agree, if none are set.

    Parameters
    ----------
    columns : iterable of sequence of str
        The distinct words of each column that may hold numbers.
    text, plain
        As for `columns_from_words`.

    """
    if not text.are_cells or text.marks is not None:
        return text
    missing = set(text.missing_words(None))
    present = [[word for word in words if word not in missing] for words in columns]
    return replace(text, marks=find_marks([*present, list(plain)]))


def column_from_words(
    codes: NDArray[np.int32], words: list[str], rule: Rule, context: ColumnContext, text: TextRules
) -> Column:
    """Return the column whose row i holds ``words[codes[i]]``, of the rule's kind or the kind that fits the words.

    Parameters
    ----------
    codes : (n,) int32 array
        -1 where missing.
    words : list of str
        The distinct words.
    rule : Rule
        If it has no kind yet, it gets the one that fits.
    context : ColumnContext
    text : TextRules

    Raises
    ------
    TableError
        If a word is not of the rule's kind, or is written otherwise than the rule's format has it.

    """
    missing = text.missing_words(rule.format)
    codes, words = _clean_words(codes, words, missing)
    if rule.kind == "words" or not words:
        kept = missing if text.are_cells else tuple(word for word in DEFAULT_MISSING if word not in words)
        format = CellFormat(missing=tuple(dict.fromkeys((*kept, *text.missing))))
        return replace(missing_column(rule.kind or "number", len(codes)), format=format) if not words else Column(
            "words", codes, tuple(words), format
        )  # fmt: skip
    if rule.kind is None:
        return _infer_column(codes, words, rule, text, missing)
    if rule.kind == "boolean":
        values: list[Any] = [parse_boolean(word) for word in words]
        _check_values(codes, words, values, rule, context)
        return boolean_column(codes, words, values)
    if rule.kind == "datetime":
        return datetime_column(codes, words, rule, context, text, missing)
    if rule.format is None:
        # The kind is required, so a word that is neither a number nor a usual marker is an error.
        known = np.array([*(not is_stray(word) for word in words), True])
        found = read_numbers(codes, words, replace(text, are_cells=True), missing) if known[codes].all() else None
        if isinstance(found, Column):
            return convert_column(found, rule, context)
    format = rule.format or CellFormat(decimal=text.marks.decimal if text.marks else ".", missing=missing)
    values = [parse_number(word, format) for word in words]
    if not any(value is not None for value in values):  # True is 1 in a column of booleans, too
        values = [TRUTH_WORDS.get(word.lower()) for word in words]
    _check_values(codes, words, values, rule, context, format)
    return convert_column(replace(number_column(codes, values), format=format), rule, context)


def convert_typed_column(column: Column, rule: Rule, context: ColumnContext, text: TextRules) -> Column:
    """Return a column of a source with types converted to the rule's kind; numbers that mean no value are missing.

    Raises
    ------
    TableError
        If a value cannot be of that kind.

    """
    numbers = numbers_for_missing((*text.missing, *(() if rule.format is None else rule.format.missing)))
    if numbers and column.kind in ("number", "whole"):
        values = column.values.astype(np.float64)
        values[np.isin(values, numbers)] = np.nan
        column = replace(column, values=values, format=CellFormat(missing=text.missing_words(None)))
    return coerce_column(column, rule, context)


def numbers_for_missing(words: Iterable[str]) -> list[float | int]:
    """Return the numbers among the words for missing values, which mean the same in a column of numbers.

    Examples
    --------
    >>> numbers_for_missing(["", "NA", "-999"])
    [-999]

    """
    found = [parse_number(word, CellFormat()) for word in dict.fromkeys(words) if word not in DEFAULT_MISSING]
    return [value for value in found if value is not None]


def unusable_column(rows: int, error: TableError) -> Column:
    """Return a column from whose values nothing can be learnt: the error says what they are."""
    found = str(error).partition(" holds ")[2].partition(";")[0]
    return Column("words", np.full(rows, -1, dtype=np.int32), doubt=f"it holds {found}")


def coerce_column(column: Column, rule: Rule, context: ColumnContext) -> Column:
    """Return the column converted to the rule's kind: as `convert_column` does, or by what its words hold.

    Raises
    ------
    TableError
        If a value cannot be of that kind.

    """
    if rule.kind == "datetime" and column.kind in ("number", "whole"):
        if _may_be_dates(column):
            column = convert_column(column, Rule("words", required=True), context)
        else:
            column = count_as_dates(column) or column
    if column.kind == "datetime" and rule.kind in ("number", "whole") and COMPACT_NOTE in column.note:
        column = replace(column, kind="whole", values=compact_numbers(column.values), note="")
    if column.kind != "words" or rule.kind in (None, "words"):
        return convert_column(column, rule, context)
    return column_from_words(column.values, list(column.words), rule, context, TextRules(are_cells=True))


def _may_be_dates(column: Column) -> bool:
    """Whether numbers are such as 20200131."""
    values = column.values[~column.missing]
    return bool(((values == np.trunc(values)) & (values >= COMPACT_DATES[0]) & (values <= COMPACT_DATES[1])).all())


def _clean_words(
    codes: NDArray[np.int32], words: list[str], missing: tuple[str, ...]
) -> tuple[NDArray[np.int32], list[str]]:
    """Return words in Unicode NFC without spaces around them; those that stand for a missing value get the code -1."""
    is_ascii = "".join(words).isascii()
    trimmed = [(word if is_ascii else unicodedata.normalize("NFC", word)).strip() for word in words]
    if trimmed == words and set(missing).isdisjoint(words):
        return codes, words
    index: dict[str, int] = {}
    new_codes = [-1 if word in missing else index.setdefault(word, len(index)) for word in trimmed]
    return np.array([*new_codes, -1], dtype=np.int32)[codes], list(index)


def _check_values(
    codes: NDArray[np.int32], words: list[str], values: list[Any], rule: Rule, context: ColumnContext,
    format: CellFormat | None = None,
) -> None:  # fmt: skip
    wrong = next((i for i, value in enumerate(values) if value is None), None)
    if wrong is not None:
        hint = "" if format is None else explain_refusal(words[wrong], format)
        raise context.cell_error(int(np.flatnonzero(codes == wrong)[0]), words[wrong], rule, hint=hint)


def _infer_column(
    codes: NDArray[np.int32], words: list[str], rule: Rule, text: TextRules, missing: tuple[str, ...]
) -> Column:
    if all(word.lower() in BOOLEAN_WORDS for word in words):
        rule.kind = "boolean"
        return boolean_column(codes, words, [BOOLEAN_WORDS[word.lower()] for word in words])
    found: Column | NotRead | None
    if text.are_cells and are_codes(words):
        example = next(word for word in words if word.startswith("0"))
        why = f"since its numbers begin with zeros, like codes ({example!r})"
        found = NotRead(f"is read as words, {why}; the role numeric keeps numbers")
    else:
        found = read_datetimes(codes, words, text, missing) or read_numbers(codes, words, text, missing)
    note = doubt = ""
    if isinstance(found, Column):
        rule.kind = found.kind
        return found
    if isinstance(found, NotRead):
        note, doubt = found.note, found.doubt
    rule.kind = "words"
    if not text.are_cells:
        missing = tuple(dict.fromkeys((*(w for w in DEFAULT_MISSING if w not in words), *text.missing)))
    return Column("words", codes, tuple(words), CellFormat(missing=missing), note, doubt)
