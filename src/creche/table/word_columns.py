"""Columns of words: what they hold (numbers, booleans, datetimes or words), and how it is written.

The rules work on the distinct words of a column, not on its rows: so they are fast enough in Python, and the same for
every source.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
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
    expand_values,
    missing_column,
    number_column,
    parse_boolean,
)
from creche.table.datetimes import is_date, parse_datetimes
from creche.table.number_words import (
    AMBIGUOUS,
    PLAIN,
    SIGNS,
    Marks,
    WrittenNumber,
    collect_evidence,
    join_digits,
    resolve_marks,
)
from creche.table.number_words import split_number as split_word
from creche.table.table import Column

__all__ = [
    "TextRules",
    "coerce_column",
    "column_from_words",
    "columns_from_words",
    "convert_typed_column",
    "parse_number",
    "unusable_column",
]

WHOLE = re.compile(r"[+-]?[0-9]+")

BOOLEAN_WORDS = {"true": 1.0, "false": 0.0, "yes": 1.0, "no": 0.0}

# What people and programs write for a missing value, in any case.
MARKERS = frozenset(
    {
        "-", "--", "---", "–", "—", ".", "..", "...", "*", "n.a.", "n.a", "na", "n/a", "none", "nil", "nan", "nd",
        "n.d.", "unknown", "unk", "unk.", "missing", "not available", "not applicable", "not known", "not recorded",
        "no data", "no value", "nodata", "undefined", "tbd", "tba", "#n/a", "#n/a n/a", "#value!", "#div/0!", "#ref!",
        "#name?", "#num!", "#null!", "(null)", "(none)", "(blank)", "(missing)", "blank", "empty", "k.a.", "k. a.",
        "keine angabe", "unbekannt", "s/d", "s.d.", "n.r.", "nr", "\\n", "-nan", "1.#ind", "1.#qnan", "??", "???",
    }
)  # fmt: skip

# A word that is no marker is a missing value of a column of numbers if it and its like are this rare.
RARE_SHARE = 0.05

MAX_RARE_WORDS = 5

MIN_NUMBERS_FOR_RARE_WORDS = 10  # distinct ones

MAX_MARKER_SHARE = 0.5

MIN_NUMBERS_FOR_UNITS = 3  # distinct ones

MIN_NUMBERS_FOR_MARKERS = 3  # distinct ones

# More units than these in one column are no units.
MAX_MIXED_UNITS = 4

# A column is inspected word by word only if at least half of its first words are numbers.
PROBED_WORDS = 1000

LISTED_WORDS = 3


@dataclass(frozen=True, slots=True)
class TextRules:
    """How the words of a table are to be understood, where no column has learnt it.

    Attributes
    ----------
    are_cells : bool, default False
        Whether words are the cells of a text file, in which what looks like a number is one. Words of a DataFrame stay
        words unless they carry a sign or unit.
    marks : Marks, optional
        The marks of numbers, if the user has set them or other columns of the table show them.
    missing : tuple of str, optional
        The words for missing values that the user has set, in addition to the usual ones.
    has_default_missing : bool, default True
        Whether the usual words stand for missing values.
    day_first : bool, optional
        Whether 3/4/2020 is 3 April, if the user has set it.
    is_separated_by_comma : bool, default False
        Whether commas separate the cells.

    """

    are_cells: bool = False
    marks: Marks | None = None
    missing: tuple[str, ...] = ()
    has_default_missing: bool = True
    day_first: bool | None = None
    is_separated_by_comma: bool = False

    def missing_words(self, learnt: CellFormat | None) -> tuple[str, ...]:
        """Return the words for missing values in a column of words."""
        if learnt is not None:
            return tuple(dict.fromkeys((*learnt.missing, *self.missing)))
        usual = DEFAULT_MISSING if self.are_cells and self.has_default_missing else ("",)
        return tuple(dict.fromkeys((*usual, *self.missing)))


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
    if text.are_cells and text.marks is None:
        open_columns = [
            words for name, (_, words) in columns.items()
            if name not in rules or (rules[name].format is None and rules[name].kind in (None, "number", "whole"))
        ]  # fmt: skip
        text = replace(text, marks=_find_marks([*open_columns, list(plain)]))
    out = {}
    for name, (codes, words) in columns.items():
        rule = rules.setdefault(name, Rule())
        out[name] = column_from_words(codes, words, rule, ColumnContext(source, name, first_row), text)
        if text.are_cells and rule.format is None and not out[name].missing.all():
            rule.format = out[name].format
    return out, text


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
        return _datetime_column(codes, words, rule, context, text, missing)
    if rule.format is None:
        # The kind is required, so a word that is neither a number nor a usual marker is an error.
        known = np.array([*(not _is_stray(word) for word in words), True])
        found = _read_numbers(codes, words, replace(text, are_cells=True), missing) if known[codes].all() else None
        if isinstance(found, Column):
            return convert_column(found, rule, context)
    format = rule.format or CellFormat(decimal=text.marks.decimal if text.marks else ".", missing=missing)
    values = [parse_number(word, format) for word in words]
    _check_values(codes, words, values, rule, context)
    return convert_column(replace(number_column(codes, values), format=format), rule, context)


def _clean_words(
    codes: NDArray[np.int32], words: list[str], missing: tuple[str, ...]
) -> tuple[NDArray[np.int32], list[str]]:
    """Return words in Unicode NFC without spaces around them; those that stand for a missing value get the code -1."""
    trimmed = [word.strip() if word.isascii() else unicodedata.normalize("NFC", word).strip() for word in words]
    if trimmed == words and set(missing).isdisjoint(words):
        return codes, words
    index: dict[str, int] = {}
    new_codes = [-1 if word in missing else index.setdefault(word, len(index)) for word in trimmed]
    return np.array([*new_codes, -1], dtype=np.int32)[codes], list(index)


def convert_typed_column(column: Column, rule: Rule, context: ColumnContext, text: TextRules) -> Column:
    """Return a column of a source with types converted to the rule's kind; numbers that mean no value are missing.

    Raises
    ------
    TableError
        If a value cannot be of that kind.

    """
    found = [parse_number(word, CellFormat()) for word in text.missing]
    numbers = [value for value in found if value is not None]
    if numbers and column.kind in ("number", "whole"):
        values = column.values.astype(np.float64)
        values[np.isin(values, numbers)] = np.nan
        column = replace(column, values=values, format=CellFormat(missing=text.missing_words(None)))
    return convert_column(column, rule, context)


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
    if column.kind != "words" or rule.kind in (None, "words"):
        return convert_column(column, rule, context)
    return column_from_words(column.values, list(column.words), rule, context, TextRules(are_cells=True))


def parse_number(word: str, format: CellFormat) -> float | int | None:
    """Return the number that a word stands for: an int if an int64 can hold it, otherwise a float; None if it is none.

    Examples
    --------
    >>> parse_number("1.234,5 €", CellFormat(decimal=",", thousands=".", unit="€"))
    1234.5
    >>> parse_number("8.5", CellFormat(decimal=",", thousands=".")) is None
    True

    """
    if format.decimal == "." and PLAIN.fullmatch(word):
        return _to_number(word)
    written = split_word(word)
    if written is None:
        return float(word) if PLAIN.fullmatch(word) and not any(c.isdigit() for c in word) else None
    if written.unit != format.unit and (written.unit or format.unit == "%"):
        return None
    if written.is_accounting and not format.is_accounting:
        return None
    plain = join_digits(written.digits, format.decimal, format.thousands)
    return None if plain is None else _to_number(f"-{plain}" if written.is_negative else plain)


def _find_marks(columns: list[list[str]]) -> Marks | None:
    """Return the marks on which the columns of a table agree, each given by its distinct words; None if on none."""
    decimals: set[str] = set()
    thousands: set[str] = set()
    for words in columns:
        written = [split_word(word) for word in words[:PROBED_WORDS]]
        numbers = [part.digits for part in written if part is not None]
        if 2 * len(numbers) < len(written):
            continue
        numbers += [part.digits for part in map(split_word, words[PROBED_WORDS:]) if part is not None]
        found = collect_evidence(numbers)
        if resolve_marks(found, None, False) is not None:
            decimals |= found.decimal or {"," if mark == "." else "." for mark in found.thousands & {".", ","}}
            thousands |= found.thousands
    if len(decimals) != 1 or len(thousands) > 1 or decimals & thousands:
        return None
    return Marks(decimals.pop(), next(iter(thousands), ""))


def _to_number(plain: str) -> float | int:
    if WHOLE.fullmatch(plain) and len(plain.lstrip("+-0")) <= 19:
        value = int(plain.lstrip("+-0") or 0) * (-1 if plain[0] == "-" else 1)
        if -(2**63) <= value < 2**63:
            return value
    return float(plain)


def _check_values(
    codes: NDArray[np.int32], words: list[str], values: list[Any], rule: Rule, context: ColumnContext
) -> None:
    wrong = next((i for i, value in enumerate(values) if value is None), None)
    if wrong is not None:
        raise context.cell_error(int(np.flatnonzero(codes == wrong)[0]), words[wrong], rule)


def _infer_column(
    codes: NDArray[np.int32], words: list[str], rule: Rule, text: TextRules, missing: tuple[str, ...]
) -> Column:
    if all(word.lower() in BOOLEAN_WORDS for word in words):
        rule.kind = "boolean"
        return boolean_column(codes, words, [BOOLEAN_WORDS[word.lower()] for word in words])
    found = _read_datetimes(codes, words, text, missing) or _read_numbers(codes, words, text, missing)
    note = doubt = ""
    if isinstance(found, Column):
        rule.kind = found.kind
        return found
    if isinstance(found, _NotRead):
        note, doubt = found.note, found.doubt
    rule.kind = "words"
    if not text.are_cells:
        missing = tuple(dict.fromkeys((*(w for w in DEFAULT_MISSING if w not in words), *text.missing)))
    return Column("words", codes, tuple(words), CellFormat(missing=missing), note, doubt)


@dataclass(frozen=True, slots=True)
class _NotRead:
    """Why words that look like numbers or dates are not read as such: a note, or a reason to leave the column out."""

    note: str = ""
    doubt: str = ""


def _read_datetimes(
    codes: NDArray[np.int32], words: list[str], text: TextRules, missing: tuple[str, ...]
) -> Column | _NotRead | None:
    """Return the column of datetimes, or why there is none; None if the words are no dates."""
    dates = words
    others: tuple[str, ...] = ()
    if len(words) > 1 and not is_date(words[0]) and words[0].lower() not in MARKERS:
        return None
    parsed = parse_datetimes(words, text.day_first)
    if parsed is None:
        others = tuple(word for word in words if word.lower() in MARKERS)
        dates = [word for word in words if word.lower() not in MARKERS]
        if not dates or not all(map(is_date, dates)):
            return None
        parsed = parse_datetimes(dates, text.day_first)
        if parsed is None:
            by_day, by_month = parse_datetimes(dates, True) is not None, parse_datetimes(dates, False) is not None
            either = "each can be read with the day or the month first" if by_day and by_month else "some can be read "
            either += "" if by_day and by_month else "only with the day first and some only with the month first"
            remedy = "; say which comes first: ReadOptions(day_first=True), or --day-first (--no-day-first)"
            return _NotRead(doubt=f"its dates, such as {dates[0]!r}, are not clear: {either}{remedy if by_day else ''}")
    format = CellFormat(day_first=parsed.day_first, missing=(*missing, *others))
    index = {word: i for i, word in enumerate(dates)}
    values = parsed.values[[index[word] for word in words if word in index]]
    spread = np.full(len(words), np.datetime64("NaT"), dtype="datetime64[us]")
    spread[[i for i, word in enumerate(words) if word in index]] = values
    notes = []
    if parsed.has_short_years:
        notes.append(f"has years of two digits ({dates[0]!r}); 69 to 99 are read as 1969 to 1999, others from 2000 on")
    notes += _note_missing(codes, words, others)
    column = expand_values(spread, codes, np.datetime64("NaT"))
    return Column("datetime", column, (), format, "; ".join(notes))


def _read_numbers(
    codes: NDArray[np.int32], words: list[str], text: TextRules, missing: tuple[str, ...]
) -> Column | _NotRead | None:
    """Return the column of numbers, or why there is none; None if too few of the words are numbers."""
    if all(map(PLAIN.fullmatch, words)):
        column = _read_plain_numbers(codes, words, text, missing)
        if column is not None or not text.are_cells:
            return column
    parts: list[WrittenNumber | None] = [_split(word) for word in words[:PROBED_WORDS]]
    if 2 * sum(part is not None for part in parts) < len(parts):
        return None
    parts += [_split(word) for word in words[PROBED_WORDS:]]
    rows = np.bincount(codes[codes >= 0], minlength=len(words))
    numbers = [(part, int(n)) for part, n in zip(parts, rows.tolist(), strict=True) if part is not None]
    total = int(rows.sum())
    signed = sum(n for part, n in numbers if part.unit or part.is_accounting)
    grouped = sum(n for part, n in numbers if "," in part.digits or " " in part.digits or "\u00a0" in part.digits)
    if not text.are_cells and 2 * max(signed, grouped) <= total:
        return None
    others = {word: int(n) for word, part, n in zip(words, parts, rows.tolist(), strict=True) if part is None}
    if not _are_missing(others, len(numbers), total):
        return None
    units = Counter[str]()
    for part, n in numbers:
        units[part.unit] += n
    named = [unit for unit in units if unit]
    if len(named) > MAX_MIXED_UNITS:  # such as addresses
        return None
    if len(named) > 1 or (named == ["%"] and units[""]):
        mixture = " and ".join(repr(unit) if unit else "none" for unit, _ in units.most_common(2))
        return _NotRead(f"is read as words, since its numbers have different signs or units: {mixture}")
    if named and len(numbers) < MIN_NUMBERS_FOR_UNITS and not SIGNS.fullmatch(named[0]):
        return None  # 2WD and 4WD, 5" pipe
    evidence = collect_evidence(part.digits for part, _ in numbers)
    marks = resolve_marks(evidence, text.marks, text.is_separated_by_comma)
    if marks is None:
        if not evidence.open and not (evidence.decimal and evidence.thousands):
            return None
        return _NotRead("is read as words, since its numbers have contradictory decimal and thousands marks")
    format = CellFormat(
        marks.decimal, marks.thousands, named[0] if named else "", any(part.is_accounting for part, _ in numbers), None,
        (*missing, *others),
    )  # fmt: skip
    values = [None if word in others else parse_number(word, format) for word in words]
    if any(value is None and word not in others for word, value in zip(words, values, strict=True)):
        return None
    known = [i for i, value in enumerate(values) if value is not None]
    recoded = np.full(len(words) + 1, -1, dtype=np.int32)
    recoded[known] = np.arange(len(known))
    column = number_column(recoded[codes], [values[i] for i in known])
    return replace(column, format=format, note="; ".join(_describe(codes, words, others, format, marks)))


def _read_plain_numbers(
    codes: NDArray[np.int32], words: list[str], text: TextRules, missing: tuple[str, ...]
) -> Column | None:
    """Return the column of words that `float` reads, or None if their points might stand between thousands."""
    pointed = [word.lstrip("+-") for word in words if "." in word]
    thousands = text.marks.thousands if text.marks is not None else ""
    decimal = text.marks.decimal if text.marks is not None else "."
    if not text.are_cells or (pointed and (decimal != "." or all(map(AMBIGUOUS["."].fullmatch, pointed)))):
        return None
    format = CellFormat(decimal, thousands, missing=missing)
    return replace(number_column(codes, [_to_number(word) for word in words]), format=format)


def _split(word: str) -> WrittenNumber | None:
    written = split_word(word)
    if written is None and PLAIN.fullmatch(word):  # inf and nan
        return WrittenNumber(False, "")
    return written


def _is_stray(word: str) -> bool:
    """Whether a word is neither a number nor a usual marker of missing values."""
    return _split(word) is None and word.lower() not in MARKERS


def _are_missing(others: dict[str, int], numbers: int, total: int) -> bool:
    """Whether words in a column of so many distinct numbers and rows stand for missing values."""
    if not others:
        return True
    rare = {word: n for word, n in others.items() if word.lower() not in MARKERS}
    if sum(others.values()) > MAX_MARKER_SHARE * total or numbers < MIN_NUMBERS_FOR_MARKERS:
        return False
    if not rare:
        return True
    few = sum(rare.values()) <= max(1, RARE_SHARE * total) and len(rare) <= MAX_RARE_WORDS
    return few and numbers >= MIN_NUMBERS_FOR_RARE_WORDS


def _describe(
    codes: NDArray[np.int32], words: list[str], others: dict[str, int], format: CellFormat, marks: Marks
) -> list[str]:
    """Return remarks on a column of numbers that are not plain."""
    notes = []
    if marks.doubtful:
        value = parse_number(marks.doubtful, format)
        option = f"decimal_comma={marks.decimal == '.'}"
        flag = "--decimal-comma" if marks.decimal == "." else "--no-decimal-comma"
        notes.append(
            f"can be read in two ways: {marks.doubtful!r} is taken as {value:g}; if that is wrong, set "
            f"ReadOptions({option}), or {flag}"
        )
    if format.unit:
        notes.append(f"is read as numbers, without {format.unit!r}")
    if format.is_accounting:
        notes.append("is read as numbers; those in parentheses are negative")
    return notes + _note_missing(codes, words, tuple(others))


def _note_missing(codes: NDArray[np.int32], words: list[str], others: tuple[str, ...]) -> list[str]:
    notes = []
    index = {word: i for i, word in enumerate(words)}
    for word in others[:LISTED_WORDS]:
        rows = np.flatnonzero(codes == index[word])
        count = "row" if len(rows) == 1 else "rows"
        notes.append(f"has {word!r} in {len(rows):,} {count} (the first is row {{{int(rows[0])}}}), taken as missing")
    if len(others) > LISTED_WORDS:
        notes.append(f"and {len(others) - LISTED_WORDS} more words taken as missing")
    return notes


def _datetime_column(
    codes: NDArray[np.int32], words: list[str], rule: Rule, context: ColumnContext, text: TextRules,
    missing: tuple[str, ...],
) -> Column:  # fmt: skip
    learnt = text.day_first if rule.format is None or text.day_first is not None else rule.format.day_first
    parsed = parse_datetimes(words, learnt)
    if parsed is None:
        wrong = next((i for i, word in enumerate(words) if not is_date(word)), None)
        why = ""
        if wrong is None:
            wrong = next((i for i, word in enumerate(words) if parse_datetimes([word], learnt) is None), 0)
            if learnt is not None:
                why = f", but the {'day' if learnt else 'month'} comes first in this column"
            else:
                why = (
                    ", and the rows do not agree whether the day or the month comes first: set "
                    "ReadOptions(day_first=True), or --day-first (--no-day-first)"
                )
        raise context.cell_error(int(np.flatnonzero(codes == wrong)[0]), words[wrong], rule, why)
    values = expand_values(parsed.values, codes, np.datetime64("NaT"))
    return Column("datetime", values, (), CellFormat(day_first=parsed.day_first, missing=missing))
