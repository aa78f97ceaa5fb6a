"""Columns of dates that are written as words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche.table.cell_format import CellFormat
from creche.table.cell_types import ColumnContext, Rule, expand_values
from creche.table.datetimes import parse_datetimes
from creche.table.table import Column
from creche.table.text_rules import MARKERS, NotRead, TextRules, note_missing

__all__ = ["datetime_column", "read_datetimes"]


def read_datetimes(
    codes: NDArray[np.int32], words: list[str], text: TextRules, missing: tuple[str, ...]
) -> Column | NotRead | None:
    """Return the column of datetimes, or why there is none; None if the words are no dates."""
    dates = words
    others: tuple[str, ...] = ()
    if len(words) > 1 and not _is_date(words[0]) and words[0].lower() not in MARKERS:
        return None
    parsed = parse_datetimes(words, text.day_first)
    if parsed is None:
        others = tuple(word for word in words if word.lower() in MARKERS)
        dates = [word for word in words if word.lower() not in MARKERS]
        if not dates or not all(map(_is_date, dates)):
            return None
        parsed = parse_datetimes(dates, text.day_first)
        if parsed is None:
            by_day, by_month = parse_datetimes(dates, True) is not None, parse_datetimes(dates, False) is not None
            either = "each can be read with the day or the month first" if by_day and by_month else "some can be read "
            either += "" if by_day and by_month else "only with the day first and some only with the month first"
            remedy = "; say which comes first: ReadOptions(day_first=True), or --day-first (--no-day-first)"
            return NotRead(doubt=f"its dates, such as {dates[0]!r}, are not clear: {either}{remedy if by_day else ''}")
    format = CellFormat(day_first=parsed.day_first, missing=(*missing, *others))
    index = {word: i for i, word in enumerate(dates)}
    values = parsed.values[[index[word] for word in words if word in index]]
    spread = np.full(len(words), np.datetime64("NaT"), dtype="datetime64[us]")
    spread[[i for i, word in enumerate(words) if word in index]] = values
    notes = []
    if parsed.has_short_years:
        notes.append(f"has years of two digits ({dates[0]!r}); 69 to 99 are read as 1969 to 1999, others from 2000 on")
    notes += note_missing(codes, words, others)
    column = expand_values(spread, codes, np.datetime64("NaT"))
    return Column("datetime", column, (), format, "; ".join(notes))


def datetime_column(
    codes: NDArray[np.int32], words: list[str], rule: Rule, context: ColumnContext, text: TextRules,
    missing: tuple[str, ...],
) -> Column:  # fmt: skip
    learnt = text.day_first if rule.format is None or text.day_first is not None else rule.format.day_first
    parsed = parse_datetimes(words, learnt)
    if parsed is None:
        wrong = next((i for i, word in enumerate(words) if not _is_date(word)), None)
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


def _is_date(word: str) -> bool:
    return parse_datetimes([word], True) is not None or parse_datetimes([word], False) is not None
