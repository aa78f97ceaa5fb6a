"""Lines and rows that belong to no table: remarks and totals at its end, and those that the user leaves out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from creche.errors import TableError
from creche.table.checks import warn
from creche.table.number_words import split_number
from creche.table.reading.csv_dialect import Dialect, split_blanks
from creche.table.reading.plain_frame import PlainFrame

if TYPE_CHECKING:
    from creche.table.reading.plain_frame import Frame

__all__ = ["drop_rows", "drop_totals", "drop_totals_of_frame", "resolve_rows", "strip_footer", "warn_of_footer"]

TOTALS = re.compile(
    r"(?:grand[ -])?totals?|sub-?totals?|sum|overall|average|mean|summe|gesamt(?:summe)?|insgesamt|mittelwert|somme",
    re.IGNORECASE,
)

MAX_FOOTER_LINES = 10

LISTED_LINES = 2


def strip_footer(text: str, dialect: Dialect, width: int) -> tuple[str, list[str]]:
    r"""Return the end of a text without lines below the table, and these lines.

    A line is no row if it has fewer cells than there are columns, only one of them filled, with a word.

    Examples
    --------
    >>> strip_footer("0.5,1,up\n0.7,2,down\n\n60 rows\n", Dialect(), 3)
    ('0.5,1,up\n0.7,2,down\n\n', ['60 rows'])

    """
    lines = text.splitlines(keepends=True)
    found: list[str] = []
    end = len(lines)
    for i in range(len(lines) - 1, max(-1, len(lines) - 1 - 2 * MAX_FOOTER_LINES), -1):
        line = lines[i].strip()
        if not line:
            continue
        cells = split_blanks(line, "") if dialect.separator == " " else line.split(dialect.separator)
        has_quote = bool(dialect.quote) and dialect.quote in line
        # A single word at the very end may be the beginning of a row that was cut short.
        is_whole = lines[i].endswith(("\n", "\r")) or " " in line
        if has_quote or len(cells) >= width or not is_whole or not _is_remark(line, cells):
            is_row = has_quote or len(cells) >= width
            return ("".join(lines[:end]), found) if is_row and len(found) <= MAX_FOOTER_LINES else (text, [])
        found.insert(0, line)
        end = i
    return text, []


def find_totals(last: Sequence[str | None], before: Sequence[Sequence[str | None]]) -> str | None:
    """Return the word by which the last row of cells is one of totals, or None if it is a row like those before.

    Such a row has one word, which no row before has in its column, and otherwise numbers or empty cells.

    Examples
    --------
    >>> find_totals(["Total", "", "8.1"], [["a", "x", "3.0"], ["b", "y", "5.1"]])
    'Total'

    """
    found = None
    for i, cell in enumerate(last):
        word = (cell or "").strip()
        if not word or split_number(word) is not None:
            continue
        if found is not None or not TOTALS.fullmatch(word.rstrip(":. ")):
            return None
        if any((row[i] or "").strip() == word for row in before):
            return None
        found = word
    return found


def drop_totals(rows: list[list[str]], source: str) -> list[list[str]]:
    """Return rows of cells without a last one of totals, and warn of it."""
    if len(rows) < 3:
        return rows
    word = find_totals(rows[-1], rows[:-1])
    if word is None:
        return rows
    _warn_of_totals(word, len(rows), source)
    return rows[:-1]


def drop_totals_of_frame(frame: Frame, source: str) -> Frame:
    """Return a frame of cells without a last row of totals, and warn of it."""
    if len(frame) < 3:
        return frame
    tail = frame.slice(len(frame) - 1, 1)
    row = [tail.values(name).to_objects()[0] for name in tail.columns] if isinstance(tail, PlainFrame) else tail.row(0)
    last = [None if value is None else str(value).strip() for value in row]
    word = find_totals(last, [])
    if word is None:
        return frame
    name = frame.columns[last.index(word)]
    before = frame.slice(0, len(frame) - 1)
    values = before.values(name).to_objects() if isinstance(before, PlainFrame) else before[name].to_list()
    if word in values:
        return frame
    _warn_of_totals(word, len(frame), source)
    return before


def _warn_of_totals(word: str, row: int, source: str) -> None:
    warn(
        f"left out row {row:,} of {source}, the last: it is called {word!r}, and holds no observation; to keep it, "
        "remove that word"
    )


def warn_of_footer(lines: Sequence[str], source: str) -> None:
    """Warn of lines below a table, which were left out."""
    if lines:
        what = "the last line" if len(lines) == 1 else f"the last {len(lines)} lines"
        shown = ", ".join(repr(line[:40]) for line in lines[:LISTED_LINES])
        warn(f"left out {what} of {source}, below its rows: {shown}")


def resolve_rows(dropped: Sequence[int], rows: int, source: str) -> list[int]:
    """Return the indices of the rows to keep.

    Raises
    ------
    TableError
        If a row to leave out does not exist.

    """
    gone = set()
    for number in dropped:
        if not 1 <= abs(number) <= rows:
            raise TableError(
                f"drop_rows: got {number}, but {source} has {rows:,} rows; number them from 1, or -1 for the last"
            )
        gone.add(number - 1 if number > 0 else rows + number)
    return [row for row in range(rows) if row not in gone]


def drop_rows(frame: Frame, dropped: Sequence[int], source: str) -> Frame:
    """Return a frame without the rows of these numbers (see `ReadOptions.drop_rows`)."""
    if not dropped:
        return frame
    kept = resolve_rows(dropped, len(frame), source)
    return (frame.to_polars() if isinstance(frame, PlainFrame) else frame)[kept]


def _is_remark(line: str, cells: Sequence[str]) -> bool:
    """Whether a line of too few cells is a remark: one of them is filled, with a word, or all are a sentence."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    return (len(filled) == 1 and split_number(filled[0].split()[0]) is None) or _is_sentence(line)


def _is_sentence(line: str) -> bool:
    """Whether a line is text such as "60 rows" or "Source: the office, 2020", not cells."""
    return re.match(r"[^\W\d_]{3,}.* ", line) is not None or re.fullmatch(r"\d+ [^\W\d_]{3,}[\w .]*", line) is not None
