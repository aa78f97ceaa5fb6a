"""Tables whose columns have fixed places in each line, so that cells may be empty."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from creche.table.number_marks import is_number

__all__ = ["Spans", "find_spans", "split_fixed"]

# The first and the last place, exclusive, of the text of each column.
Spans = tuple[tuple[int, int], ...]

MIN_LINES = 4

MAX_TITLE_LINES = 4

MERGED_SHARE = 0.1


def find_spans(lines: Sequence[str]) -> Spans:
    """Return the places of the columns: what is between places that are blank in all lines; empty if there are none.

    The first line fills all columns, and each has some text below it; at least one has numbers. Lines above the table
    may be anything.

    Examples
    --------
    >>> find_spans(["A long title", "name   size", "ada      12", "bob        ", "grace     4", "          7"])
    ((0, 5), (7, 11))
    >>> find_spans(["name   size", "ada      12", "bob", "of whom  4"])
    ()

    """
    lines = [line.rstrip() for line in lines]
    if any("\t" in line for line in lines):
        return ()
    found: Spans = ()
    most = 0
    for titles in range(MAX_TITLE_LINES + 1):
        below = [line for line in lines[titles:] if line]
        if len(below) < MIN_LINES:
            break
        spans = _spans_of(below)
        numbers = _count_number_columns(below, spans) if len(spans) > 1 else 0
        if numbers > most:
            found, most = spans, numbers
    return found


def split_fixed(line: str, spans: Spans) -> list[str] | None:
    """Return the cells of a line, or None if a text goes from one column into the next.

    A text may be longer than those by which the places were found, as long as a blank is left between columns.

    Examples
    --------
    >>> split_fixed("barbara   120", ((0, 5), (10, 12)))
    ['barbara', '120']
    >>> split_fixed("          12", ((0, 5), (10, 12))), split_fixed("a very long text", ((0, 3), (6, 12)))
    (['', '12'], None)

    """
    line = line.rstrip("\r\n")
    cells = []
    begin = 0
    for (_, end), (start, _) in pairwise(spans):
        gap = line[end:start].ljust(start - end)
        first, last = gap.find(" "), gap.rfind(" ")
        if first < 0 or gap[first : last + 1].strip():
            return None
        cells.append(line[begin : end + first].strip())
        begin = end + last + 1
    cells.append(line[begin:].strip())
    return cells


def _count_number_columns(lines: Sequence[str], spans: Spans) -> int:
    """Return how many columns hold only numbers below the first line; 0 if they are not columns of a table."""
    rows = [cells for cells in (split_fixed(line, spans) for line in lines) if cells is not None]
    names = rows[0]
    columns = [[cell for cell in cells if cell] for cells in zip(*rows[1:], strict=True)]
    # Cells with several blanks inside are those of two columns.
    n_merged = sum("  " in cell for cells in rows for cell in cells)
    if not all(names) or not all(columns) or n_merged > MERGED_SHARE * len(rows):
        return 0
    return sum(all(map(is_number, cells)) for cells in columns)


def _spans_of(lines: Sequence[str]) -> Spans:
    width = max(map(len, lines))
    is_text = [False] * width
    for line in lines:
        for place, character in enumerate(line):
            if character != " ":
                is_text[place] = True
    spans = []
    begin = -1
    for place, filled in enumerate([*is_text, False]):
        if filled and begin < 0:
            begin = place
        elif not filled and begin >= 0:
            spans.append((begin, place))
            begin = -1
    return tuple(spans)
