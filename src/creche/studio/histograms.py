"""Tiny histograms of columns: intervals of numbers and dates, the most frequent of other values."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from creche._phrases import shorten_text
from creche.table.column_summary import count_values
from creche.table.schema import format_value
from creche.table.table import Column

__all__ = ["Histogram", "count_bars"]

BARS = 20
LONGEST_LABEL = 40


class Histogram(NamedTuple):
    """The heights of bars, and what each counts."""

    counts: tuple[int, ...]
    labels: tuple[str, ...]


def count_bars(column: Column) -> Histogram:
    """Count the values of a column; missing ones and infinite numbers are left out.

    Numbers and dates fall into intervals of equal width, unless they are few whole numbers, which have a bar each. Of
    other values, the most frequent have a bar each, and the rest one together.

    Examples
    --------
    >>> count_bars(Column("whole", np.array([1, 2, 2])))
    Histogram(counts=(1, 2), labels=('1', '2'))
    >>> count_bars(Column.from_words(["b", "a", "b", None]))
    Histogram(counts=(2, 1), labels=('b', 'a'))

    """
    if column.kind not in ("number", "whole", "datetime"):
        return _count_categories(column)
    values = column.values[~column.missing]
    if column.kind == "datetime":
        numbers = values.astype(np.int64).astype(np.float64)
    else:
        numbers = values[np.isfinite(values)].astype(np.float64)
    if not len(numbers):
        return Histogram((), ())
    low, high = float(numbers.min()), float(numbers.max())
    if column.kind == "whole" and high - low < BARS:
        counts = np.bincount((numbers - low).astype(np.int64), minlength=int(high - low) + 1)
        return Histogram(tuple(counts.tolist()), tuple(f"{int(low) + place:,}" for place in range(len(counts))))
    if low == high or not np.isfinite(high - low):  # one value, or a range beyond all floats
        return Histogram((len(numbers),), (_write_interval(low, high, column.kind),))
    counts, edges = np.histogram(numbers, BARS, (low, high))
    pairs = zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)
    return Histogram(tuple(counts.tolist()), tuple(_write_interval(*pair, column.kind) for pair in pairs))


def _count_categories(column: Column) -> Histogram:
    pairs = count_values(column)
    shown = pairs if len(pairs) <= BARS else pairs[: BARS - 1]
    counts = [count for _, count in shown]
    labels = [shorten_text(format_value(value), LONGEST_LABEL) for value, _ in shown]
    if len(shown) < len(pairs):
        counts.append(sum(count for _, count in pairs[len(shown) :]))
        labels.append(f"{len(pairs) - len(shown):,} others")
    return Histogram(tuple(counts), tuple(labels))


def _write_interval(low: float, high: float, kind: str) -> str:
    if kind == "datetime":
        first, last = (str(np.datetime64(int(value), "us").astype("datetime64[D]")) for value in (low, high))
    else:
        first, last = f"{low:.5g}", f"{high:.5g}"
    return first if first == last else f"{first} to {last}"
