"""Columns of dates that are written as words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.table.cell_format import CellFormat
from creche.table.cell_types import ColumnContext, Rule, expand_values
from creche.table.datetimes import COMPACT, is_date, is_period, is_time_of_day, parse_datetimes
from creche.table.number_words import PLAIN
from creche.table.table import Column
from creche.table.text_rules import MARKERS, NotRead, TextRules, are_missing, note_missing

__all__ = [
    "COMPACT_DATES",
    "COMPACT_NOTE",
    "compact_numbers",
    "count_as_dates",
    "datetime_column",
    "read_datetimes",
]

# A column holds dates only if one of its first words is one.
PROBED_WORDS = 5

# Numbers from 1 January 1900 to 31 December 2099 as YYYYMMDD.
COMPACT_DATES = (19000101, 20991231)

COMPACT_NOTE = "is read as dates"

# Fewer numbers such as 20200131 may be no dates.
MIN_COMPACT_DATES = 3  # distinct ones

# Fewer weeks, quarters or months may as well be classes.
MIN_PERIODS = 5


def read_datetimes(
    codes: NDArray[np.int32], words: list[str], text: TextRules, missing: tuple[str, ...]
) -> Column | NotRead | None:
    """Return the column of datetimes, or why there is none; None if the words are not dates."""
    if not any(_may_be_date(word) for word in words[:PROBED_WORDS]):
        return None
    dates, parsed = words, parse_datetimes(words, text.day_first)
    others: dict[str, int] = {}
    if parsed is None:
        rows = np.bincount(codes[codes >= 0], minlength=len(words)).tolist()
        others = {word: n for word, n in zip(words, rows, strict=True) if not is_date(word)}
        dates = [word for word in words if word not in others]
        if not dates or not (are_missing(others, len(dates), sum(rows)) or others.keys() <= MARKERS):
            return None
        parsed = parse_datetimes(dates, text.day_first)
        if parsed is None:
            return NotRead(doubt=_describe_doubt(dates))
    if len(dates) < MIN_COMPACT_DATES and all(map(COMPACT.fullmatch, dates)):
        return None
    if len(dates) < MIN_PERIODS and all(map(is_period, dates)):
        return None
    format = CellFormat(day_first=parsed.day_first, missing=(*missing, *others))
    index = {word: i for i, word in enumerate(dates)}
    spread = np.full(len(words), np.datetime64("NaT"), dtype="datetime64[us]")
    spread[[i for i, word in enumerate(words) if word in index]] = parsed.values
    zeros = [word for word, value in zip(words, np.isnat(spread).tolist(), strict=True) if value]
    notes = []
    if parsed.has_short_years:
        notes.append(f"has years of two digits ({dates[0]!r}); 69 to 99 are read as 1969 to 1999, others from 2000 on")
    if COMPACT.fullmatch(dates[0]):
        notes.append(
            f"{COMPACT_NOTE}: {dates[0]!r} is {np.datetime_as_string(parsed.values[0], 'D')} (the role numeric keeps "
            "the numbers)"
        )
    notes += note_missing(codes, words, tuple(zeros))
    column = expand_values(spread, codes, np.datetime64("NaT"))
    return Column("datetime", column, (), format, "; ".join(notes))


def count_as_dates(column: Column) -> Column | None:
    """Return a column of numbers as the dates that it counts, such as seconds since 1970; None if it counts none."""
    from creche.table.number_dates import dates_from_numbers

    found = dates_from_numbers(column.values)
    if found is None:
        return None
    values, what = found
    first = int(np.argmax(~column.missing))
    example = f"{column.values[first].item():.17g} is {np.datetime_as_string(values[first], 's')}"
    return Column("datetime", values, (), column.format, f"is read as {what}: {example}")


def compact_numbers(values: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Return dates as numbers such as 20200131, NaN where missing."""
    days = values.astype("datetime64[D]")
    years, months = days.astype("datetime64[Y]"), days.astype("datetime64[M]")
    numbers = 10_000 * (years.astype(np.int64) + 1970) + 100 * ((months - years).astype(np.int64) + 1)
    return np.where(np.isnat(values), np.nan, numbers + (days - months).astype(np.int64) + 1)


def _may_be_date(word: str) -> bool:
    """Whether to look closer at a word: at little cost, since most columns hold no dates."""
    if not any(map(str.isdigit, word)) or (PLAIN.fullmatch(word) and not COMPACT.fullmatch(word)):
        return False
    return is_date(word)


def _describe_doubt(dates: list[str]) -> str:
    """Return why words cannot be read together although each is a date or a time of day."""
    times = [word for word in dates if is_time_of_day(word)]
    if times:
        other = next(word for word in dates if word not in times)
        return f"it holds dates, such as {other!r}, and times without a date, such as {times[0]!r}"
    by_day, by_month = parse_datetimes(dates, True) is not None, parse_datetimes(dates, False) is not None
    day_first = advise("ReadOptions.day_first", True)
    if by_day and by_month:
        month_first = advise("ReadOptions.day_first", False)
        why = f"each can be read with the day or the month first; set {day_first} or {month_first}"
    elif by_day or by_month:
        why = (
            f"each may begin with the year or the day; if with the day, set {day_first}; otherwise write years in full"
        )
    else:
        why = "some can be read only with the day first and some only with the month first"
    return f"its dates, such as {dates[0]!r}, are not clear: {why}"


def datetime_column(
    codes: NDArray[np.int32], words: list[str], rule: Rule, context: ColumnContext, text: TextRules,
    missing: tuple[str, ...],
) -> Column:  # fmt: skip
    if words and all(map(PLAIN.fullmatch, words)) and not all(map(COMPACT.fullmatch, words)):
        counted = count_as_dates(Column("number", expand_values(np.array(list(map(float, words))), codes, np.nan)))
        if counted is not None:
            return replace(counted, format=CellFormat(missing=missing))
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
                    ", and the rows disagree on whether the day or the month comes first: set "
                    f"{advise('ReadOptions.day_first', True)} or {advise('ReadOptions.day_first', False)}"
                )
        raise context.cell_error(int(np.flatnonzero(codes == wrong)[0]), words[wrong], rule, why)
    values = expand_values(parsed.values, codes, np.datetime64("NaT"))
    return Column("datetime", values, (), CellFormat(day_first=parsed.day_first, missing=missing))
