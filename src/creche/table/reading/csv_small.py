"""CSV by Python's own reader: small files, before Polars is even imported, and odd pieces of large ones."""

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

__all__ = ["LONGEST_ROW", "Cells", "read_small_table", "split_csv_rows"]

NO_QUOTES = "or to be told that there are none: ReadOptions(quote=''), or --quote none"


LONGEST_ROW = 32 << 20  # characters; a row that is longer has a quote that nothing closes


@dataclass(slots=True)
class Cells:
    """Rows of cells.

    Attributes
    ----------
    rows : list of list of str
    lines : list of int
        The line in which each row ends, counted from 1.
    consumed : int
        How many characters they took.
    open_line : int or None
        The line in which a row begins that does not end in the text.

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
    r"""The rows of a text: lines end in \n, \r\n or \r, blank ones are left out (of one column: a missing value).

    Parameters
    ----------
    text : str
    dialect : Dialect
    source : str
    width : int, optional
        How many cells each row has; as many as the first, if not given.
    first_line : int, default 1
        By which number to call the first line.
    limit : int, optional
        After how many rows to stop.
    final : bool, default True
        Whether the text ends here; if not, an unfinished row at the end is left for later.

    Raises
    ------
    TableError
        If a row has more or fewer cells, or quotes are not in pairs.

    """
    cells = Cells([], [], 0)
    fed = 0

    def lines() -> Iterator[str]:
        nonlocal fed
        for line in io.StringIO(text, newline=""):
            fed += len(line)
            if not final and fed == len(text) and not line.endswith("\n"):
                return
            yield line

    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if dialect.quote else csv.QUOTE_NONE
    with _long_cells():
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
                cells.consumed = fed
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
                f"{source}: line {first_line + reader.line_num - 1}: text stands right behind a closing "
                f"{dialect.quote}; needs quotes around whole cells, and doubled ones within, {NO_QUOTES}"
            ) from error
    return cells


def ragged_row_error(source: str, line: int, cells: int, width: int) -> TableError:
    return TableError(f"{source}: line {line} has {cells:,} cells and the line of names {width:,}; each needs as many")


def unclosed_quote_error(source: str, line: int, quote: str) -> TableError:
    return TableError(
        f"{source}: line {line}: a {quote} is opened and never closed; needs quotes in pairs, {NO_QUOTES}"
    )


@contextmanager
def _long_cells() -> Iterator[None]:
    """Python's reader takes cells of 131,072 characters at most, unless told otherwise."""
    before = csv.field_size_limit(max(csv.field_size_limit(), LONGEST_ROW))
    try:
        yield
    finally:
        csv.field_size_limit(before)


def read_small_table(
    text: str, dialect: Dialect, source: str, rules: Mapping[str, Rule], columns: Sequence[str] | None = None
) -> Table:
    """The table that a whole CSV text holds, by the same rules as larger ones.

    Raises
    ------
    TableError
        If it is no table, or a value is not of the kind its rule says.

    """
    rows = split_csv_rows(text, dialect, source).rows
    names = check_names([name.strip(" \t") for name in rows[0]] if rows else [], source)
    if len(rows) == 1:
        raise no_rows_error(source)
    wanted = set(select_names(columns, names, source))
    out: dict[str, Column] = {}
    for name, values in zip(names, zip(*rows[1:], strict=True), strict=True):
        if name in wanted:
            place: dict[str, int] = {}
            codes = np.array([place.setdefault(value, len(place)) for value in values], dtype=np.int32)
            rule = rules.get(name) or Rule()
            where = ColumnContext(source, name)
            out[name] = column_from_words(
                codes, list(place), rule, where, numbers=True, decimal_comma=dialect.decimal_comma
            )
    return Table(out if columns is None else {name: out[name] for name in columns}, source)


def no_rows_error(source: str) -> TableError:
    return TableError(f"{source}: has column names but no rows below them; needs at least one row")
