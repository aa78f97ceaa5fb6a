"""Reading CSV by Python's own reader: small files, without importing Polars, and irregular pieces of large ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np

from creche._advice import advise
from creche.errors import TableError
from creche.table.cell_types import Rule
from creche.table.reading.csv_dialect import Dialect
from creche.table.reading.csv_layout import Layout, dialect_of_rows
from creche.table.reading.row_filters import (
    drop_repeated_names,
    drop_totals,
    resolve_rows,
    strip_footer,
    warn_of_footer,
)
from creche.table.table import Table
from creche.table.text_rules import TextRules
from creche.table.word_columns import columns_from_words

__all__ = [
    "MAX_ROW",
    "Cells",
    "no_rows_error",
    "ragged_row_error",
    "read_small_table",
    "split_csv_rows",
    "unclosed_quote_error",
]

MAX_ROW = 32 << 20  # characters; a longer row has a quote that is never closed


@dataclass(slots=True)
class Cells:
    """Rows of cells.

    Attributes
    ----------
    rows : list of list of str
    lines : list of int
        The line in which each row ends, counted from 1.
    consumed : int
        The number of characters of these rows.
    open_line : int or None
        The line in which an unfinished row begins.

    """

    rows: list[list[str]]
    lines: list[int]
    consumed: int
    open_line: int | None = None


def split_csv_rows(
    text: str,
    dialect: Dialect,
    source: str,
    *,
    width: int | None = None,
    first_line: int = 1,
    limit: int | None = None,
    final: bool = True,
) -> Cells:
    r"""Split a text into rows of cells.

    Lines end with \n, \r\n or \r. Blank lines are left out, unless there is one column: then they are missing values.

    Parameters
    ----------
    text : str
    dialect : Dialect
    source : str
    width : int, optional
        The number of cells of each row; by default that of the first row.
    first_line : int, default 1
        The number of the first line.
    limit : int, optional
        The number of rows to stop after.
    final : bool, default True
        Whether the text is complete; if not, an unfinished row at its end is left out.

    Raises
    ------
    TableError
        If a row has more or fewer cells, or a quote is never closed.

    """
    cells = Cells([], [], 0)
    n_read = 0

    def lines() -> Iterator[str]:
        nonlocal n_read
        for line in io.StringIO(text, newline=""):
            n_read += len(line)
            if not final and n_read == len(text) and not line.endswith("\n"):
                return
            yield line

    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
    with _allow_long_cells():
        reader = csv.reader(
            lines(),
            delimiter=dialect.separator,
            quotechar=dialect.quote or None,
            quoting=quoting,
            skipinitialspace=True,
            strict=True,
        )
        try:
            for row in reader:
                cells.consumed = n_read
                if not row and width != 1:
                    continue
                if width is not None and len(row or [""]) != width:
                    raise ragged_row_error(source, first_line + reader.line_num - 1, len(row), width)
                width = len(row) if width is None else width
                cells.rows.append(row or [""])
                cells.lines.append(first_line + reader.line_num - 1)
                if limit is not None and len(cells.rows) >= limit:
                    return cells
        except csv.Error as error:
            start = first_line + io.StringIO(text[: cells.consumed], newline=None).read().count("\n")
            if "unexpected end" in str(error):
                if final:
                    raise unclosed_quote_error(source, start, dialect.quote) from error
                cells.open_line = start
                return cells
            raise TableError(
                f"{source}: line {first_line + reader.line_num - 1}: there is text right after a closing "
                f"{dialect.quote}; needs quotes around whole cells and doubled quotes inside, {_suggest_no_quotes()}"
            ) from error
    return cells


def ragged_row_error(source: str, line: int, cells: int, width: int) -> TableError:
    """Return the error about a line with more or fewer cells than there are columns."""
    count = "1 cell" if cells == 1 else f"{cells:,} cells"
    return TableError(
        f"{source}: line {line} has {count}, but there are {width:,} column names; needs one cell per column"
    )


def unclosed_quote_error(source: str, line: int, quote: str) -> TableError:
    """Return the error about a quote that is never closed."""
    return TableError(
        f"{source}: line {line}: a {quote} is opened and never closed; needs quotes in pairs, {_suggest_no_quotes()}"
    )


def _suggest_no_quotes() -> str:
    return f"or {advise('ReadOptions.quote', '')} if there are no quotes"


def read_small_table(
    text: str, layout: Layout, source: str, rules: dict[str, Rule], cells: TextRules, dropped: Sequence[int] = ()
) -> Table:
    """Return the table of a text of rows, by the same rules as larger ones.

    Raises
    ------
    TableError
        If it holds no rows, or a value is not of its rule's kind.

    """
    names = layout.names
    text, footer = strip_footer(text, dialect_of_rows(layout), len(names))
    warn_of_footer(footer, source)
    rows = split_csv_rows(text, dialect_of_rows(layout), source, width=len(names), first_line=layout.first_line).rows
    if not rows:
        raise no_rows_error(source)
    rows = drop_totals(drop_repeated_names(rows, layout.header, source), source)
    if dropped:
        rows = [rows[i] for i in resolve_rows(dropped, len(rows), source)]
    words = {}
    for name, values in zip(names, zip(*rows, strict=True), strict=True):
        index: dict[str, int] = {}
        codes = np.array([index.setdefault(value, len(index)) for value in values], dtype=np.int32)
        words[name] = codes, list(index)
    columns, _ = columns_from_words(words, rules, source, 1, cells)
    return Table(columns, source)


def no_rows_error(source: str) -> TableError:
    """Return the error about a file with column names only."""
    return TableError(f"{source}: has column names but no rows below them; needs at least one row")


@contextmanager
def _allow_long_cells() -> Iterator[None]:
    """Raise the limit of Python's reader, 131,072 characters for a cell."""
    before = csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW))
    try:
        yield
    finally:
        csv.field_size_limit(before)
