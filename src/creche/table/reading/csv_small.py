"""Reading CSV by Python's own reader: small files, without importing Polars, and irregular pieces of large ones."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import numpy as np

from creche.errors import TableError
from creche.table.cell_types import ColumnContext, Rule, column_from_words
from creche.table.reading.csv_dialect import Dialect
from creche.table.table import Column, Table, check_names, select_names

__all__ = [
    "MAX_ROW",
    "Cells",
    "no_rows_error",
    "ragged_row_error",
    "read_small_table",
    "split_csv_rows",
    "unclosed_quote_error",
]

NO_QUOTES = "or set that there are no quotes: ReadOptions(quote=''), or --quote none"

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
                f"{dialect.quote}; needs quotes around whole cells and doubled quotes inside, {NO_QUOTES}"
            ) from error
    return cells


def ragged_row_error(source: str, line: int, cells: int, width: int) -> TableError:
    """Return the error about a line with more or fewer cells than there are columns."""
    return TableError(
        f"{source}: line {line} has {cells:,} cells, but there are {width:,} column names; needs one cell per column"
    )


def unclosed_quote_error(source: str, line: int, quote: str) -> TableError:
    """Return the error about a quote that is never closed."""
    return TableError(
        f"{source}: line {line}: a {quote} is opened and never closed; needs quotes in pairs, {NO_QUOTES}"
    )


def read_small_table(
    text: str, dialect: Dialect, source: str, rules: Mapping[str, Rule], columns: Sequence[str] | None = None
) -> Table:
    """Read a whole CSV text, by the same rules as larger ones.

    Raises
    ------
    TableError
        If it is no table, or a value is not of its rule's kind.

    """
    rows = split_csv_rows(text, dialect, source).rows
    names = check_names([name.strip(" \t") for name in rows[0]] if rows else [], source)
    if len(rows) == 1:
        raise no_rows_error(source)
    selected = set(select_names(columns, names, source))
    out: dict[str, Column] = {}
    for name, values in zip(names, zip(*rows[1:], strict=True), strict=True):
        if name in selected:
            index: dict[str, int] = {}
            codes = np.array([index.setdefault(value, len(index)) for value in values], dtype=np.int32)
            rule = rules.get(name) or Rule()
            context = ColumnContext(source, name)
            out[name] = column_from_words(
                codes, list(index), rule, context, numbers=True, decimal_comma=dialect.decimal_comma
            )
    return Table(out if columns is None else {name: out[name] for name in columns}, source)


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
