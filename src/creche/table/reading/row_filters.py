"""Lines and rows that belong to no table: remarks and totals at its end, and those that the user leaves out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from creche._phrases import format_count
from creche.errors import TableError
from creche.table.checks import warn
from creche.table.number_words import split_number
from creche.table.reading.csv_dialect import Dialect, split_blanks
from creche.table.reading.plain_frame import PlainFrame

if TYPE_CHECKING:
    import polars as pl

    from creche.table.reading.plain_frame import Frame

__all__ = [
    "drop_repeated_names",
    "drop_repeated_names_of_frame",
    "drop_rows",
    "drop_totals",
    "drop_totals_of_frame",
    "resolve_rows",
    "strip_footer",
    "warn_of_footer",
]

TOTALS = re.compile(
    r"(?:grand[ -])?totals?|sub-?totals?|sum|overall|average|mean|summe|gesamt(?:summe)?|insgesamt|mittelwert|somme|"
    r"std(?:\.? ?dev\.?)?|standard deviation|median|min(?:imum)?|max(?:imum)?",
    re.IGNORECASE,
)

MAX_FOOTER_LINES = 10

LISTED_LINES = 2

MAX_COLUMNS = 1000  # of a table in which totals are looked for, which takes as long as parsing a wide one

MIN_ROWS_ABOVE = 2  # a remark or totals


def strip_footer(text: str, dialect: Dialect, width: int) -> tuple[str, list[str]]:
    r"""Return the end of a text without lines below the table, and these lines.

    A line is not a row if it has fewer cells than there are columns, only one of them filled, with a word.

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


def find_remark(last: Sequence[str | None]) -> tuple[int, str] | None:
    """Return column and word by which a last row of cells is one of totals or a remark; None if it is neither.

    A row of totals has one word, such as "Total", and otherwise numbers or empty cells. A remark is in the first of at
    least three cells, and the others are empty.

    Examples
    --------
    >>> find_remark(["Total", "", "8.1"]), find_remark(["Source: the office", "", None]), find_remark(["b", "y", "5.1"])
    ((0, 'Total'), (0, 'Source: the office'), None)

    """
    cells = [(i, cell.strip()) for i, cell in enumerate(last) if cell is not None and cell.strip()]
    if len(cells) == 1 and cells[0][0] == 0 and len(last) > 2:
        word = cells[0][1]  # a single one may well be a row without other values
        return cells[0] if _is_sentence(word) or TOTALS.fullmatch(word.rstrip(":. ")) else None
    words = [(i, cell) for i, cell in cells if split_number(cell) is None]
    return words[0] if len(words) == 1 and TOTALS.fullmatch(words[0][1].rstrip(":. ")) else None


def drop_totals(rows: list[list[str]], source: str) -> list[list[str]]:
    """Return rows of cells without totals and remarks at their end, and warn of them."""

    def is_in(column: int, word: str, end: int) -> bool:
        return any(row[column].strip() == word for row in rows[:end])

    return rows[: _find_end(rows[-MAX_FOOTER_LINES - 1 :], len(rows), is_in, source)]


def drop_repeated_names(rows: list[list[str]], header: Sequence[str], source: str) -> list[list[str]]:
    """Return rows of cells without those that repeat the line of names, as files that were put together have them.

    Where most rows do, they are rows. `header` is empty if nothing is to be left out.
    """
    if not header:
        return rows
    first, names = header[0], list(header)
    repeated = [i for i, row in enumerate(rows) if row[0].strip() == first and [cell.strip() for cell in row] == names]
    if not repeated or 2 * len(repeated) > len(rows):
        return rows
    _warn_of_names(repeated[0] + 1, len(repeated), source)
    gone = set(repeated)
    return [row for i, row in enumerate(rows) if i not in gone]


def drop_repeated_names_of_frame(
    frame: pl.DataFrame, header: Sequence[str], first_row: int, source: str
) -> pl.DataFrame:
    """Return a frame of all columns without the rows that repeat the line of names."""
    if not header or len(header) != len(frame.columns):
        return frame
    repeated = frame.to_series(0).str.strip_chars() == header[0]
    if not repeated.any():
        return frame
    for i, name in enumerate(header):
        repeated &= frame.to_series(i).str.strip_chars() == name
    repeated = repeated.fill_null(False)
    if not repeated.any() or 2 * repeated.sum() > len(frame):
        return frame
    _warn_of_names(first_row + int(repeated.arg_true()[0]), int(repeated.sum()), source)
    return frame.filter(~repeated)


def _warn_of_names(row: int, count: int, source: str) -> None:
    others = "" if count == 1 else f" and {format_count(count - 1, 'more row')}"
    warn(f"dropped row {row:,}{others} of {source}, which repeat{'s' if count == 1 else ''} the column names")


def drop_totals_of_frame(frame: Frame, source: str) -> Frame:
    """Return a frame of cells without rows of totals and remarks at its end, and warn of them."""
    if len(frame.columns) > MAX_COLUMNS:
        return frame
    tail = frame.slice(max(0, len(frame) - MAX_FOOTER_LINES - 1), MAX_FOOTER_LINES + 1)
    columns = [
        tail.values(name).to_objects() if isinstance(tail, PlainFrame) else tail[name].to_list()
        for name in tail.columns
    ]  # fmt: skip
    rows = [[None if cell is None else str(cell) for cell in row] for row in zip(*columns, strict=True)]

    def is_in(column: int, word: str, end: int) -> bool:
        name, before = frame.columns[column], frame.slice(0, end)
        cells = before.values(name).to_objects() if isinstance(before, PlainFrame) else before[name].to_list()
        return any(cell is not None and str(cell).strip() == word for cell in cells)

    end = _find_end(rows, len(frame), is_in, source)
    return frame if end == len(frame) else frame.slice(0, end)


def _find_end(
    tail: Sequence[Sequence[str | None]], rows: int, is_in: Callable[[int, str, int], bool], source: str
) -> int:
    """Return how many of the rows come before totals and remarks, given the last of them, and warn of the others.

    A word that `is_in` its column of the rows before makes no totals and no remark.
    """
    end = rows
    found: list[tuple[int, str]] = []
    for row in reversed(tail):
        remark = find_remark(row)
        if remark is None or end <= MIN_ROWS_ABOVE:
            break
        end -= 1
        found.insert(0, remark)
    else:
        return rows  # as many rows as that are not remarks
    if any(is_in(column, word, end) for column, word in found):
        return rows
    for number, (_, word) in enumerate(found, end + 1):
        warn(
            f"dropped row {number:,} of {source}, at its end: it is labelled {word[:40]!r}, and is not an observation; "
            "to keep it, remove that word"
        )
    return end


def warn_of_footer(lines: Sequence[str], source: str) -> None:
    """Warn of lines below a table, which were left out."""
    if lines:
        what = "the last line" if len(lines) == 1 else f"the last {len(lines)} lines"
        shown = ", ".join(repr(line[:40]) for line in lines[:LISTED_LINES])
        warn(f"dropped {what} of {source}, below its rows: {shown}")


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
