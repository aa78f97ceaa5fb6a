"""The table in a sheet of cells: the row of column names, the rows below it, and what lies around them."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from creche._advice import advise
from creche._phrases import format_count
from creche.errors import TableError
from creche.table.checks import warn
from creche.table.reading.csv_header import find_doubtful_name, looks_like_row
from creche.table.reading.csv_small import no_rows_error
from creche.table.reading.options import ReadOptions
from creche.table.reading.plain_frame import PlainFrame
from creche.table.reading.series import Values
from creche.table.reading.units_row import describe_units_row, is_units_row
from creche.table.table import clean_names

__all__ = ["Sheet", "frame_from_sheet"]

EXACT = 2**53  # Excel's numbers are float64, which holds all whole numbers up to it

ONE_ROW = "needs one row with a name for each column"

LONGEST_TITLE = 10  # rows

INSPECTED_ROWS = 50

SHOWN_LENGTH = 40  # characters of a cell in a message

Row: TypeAlias = "list[Any]"


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of a sheet.

    Attributes
    ----------
    name : str
    rows : list of list
        The cells of each row, as Python objects; an empty string where a cell is empty.
    top, left : int
        The row and column of the first cell, from 0.
    merged : sequence of ((int, int), (int, int))
        The first and last cell, row and column from 0, of each rectangle of merged cells.

    """

    name: str
    rows: list[Row]
    top: int = 0
    left: int = 0
    merged: Sequence[tuple[tuple[int, int], tuple[int, int]]] = ()

    def row_name(self, row: int) -> int:
        """Return the number of a row as Excel shows it."""
        return self.top + row + 1

    def column_name(self, column: int) -> str:
        """Return the letters of a column as Excel shows them."""
        return _letters(self.left + column)

    def merged_cells(self) -> list[tuple[int, int, int, int]]:
        """Return first row, first column, last row and last column of each rectangle, as indices of `rows`."""
        return [
            (first[0] - self.top, first[1] - self.left, last[0] - self.top, last[1] - self.left)
            for first, last in self.merged
        ]

    def describe(self, rectangle: tuple[int, int, int, int]) -> str:
        """Return the name of a rectangle: B1:C1."""
        top, left, bottom, right = rectangle
        return f"{self.column_name(left)}{self.row_name(top)}:{self.column_name(right)}{self.row_name(bottom)}"


def frame_from_sheet(sheet: Sheet, source: str, options: ReadOptions = ReadOptions()) -> PlainFrame:  # noqa: B008 - frozen
    """Return the columns of the table in a sheet.

    The column names are in the first row that fills more than half of the columns with data below it: rows above it are
    titles. Empty rows and columns are left out, and so are notes below the table, in rows that an empty row separates
    from it and that fill at most half of its columns. Cells merged downwards all have their value.

    Parameters
    ----------
    sheet : Sheet
    source : str
        The name of the file in messages.
    options : ReadOptions
        Its `skip_rows`, `header` and `names` are used.

    Raises
    ------
    TableError
        If there is no row of names, or a column with data has none.

    """
    place = f"{source}: sheet {sheet.name!r}"
    sheet = _set_header(_skip_rows(sheet, options.skip_rows or 0), options)
    rows = [[None if isinstance(cell, str) and not cell.strip() else cell for cell in row] for row in sheet.rows]
    header = _find_header(rows)
    if header is None:
        raise TableError(f"{place} is empty; needs a row of column names and rows below it")
    _check_header(sheet, rows, header, place)
    if options.header is None and options.names is None:
        texts = _first_texts(rows, header)
        row = f"{place}: row {sheet.row_name(header)}"
        if looks_like_row(texts):
            warn(
                f"{row} looks like a row, not like column names, and is read as one; name the columns by "
                f"{advise('ReadOptions.names', ...)}; if it does hold their names, set "
                f"{advise('ReadOptions.header', True)}"
            )
            return frame_from_sheet(sheet, source, replace(options, header=False))
        doubtful = find_doubtful_name(texts)
        if doubtful is not None:
            warn(
                f"{row} is read as column names, though {doubtful!r} could be a value; if it is a row, set "
                f"{advise('ReadOptions.header', False)}"
            )
    _fill_merged(sheet, rows, header)
    below = [row for row in range(header + 1, len(rows)) if _is_filled(rows[row])]
    body = [rows[row] for row in _leave_out_notes(sheet, rows, below, header, place)]
    if not body:
        raise no_rows_error(place)
    repeated = [row for row in body if row == rows[header]] if len(_filled_cells(rows[header])) > 1 else []
    if repeated:
        warn(f"{place}: dropped {format_count(len(repeated), 'row')} below the column names that repeat them")
        body = [row for row in body if row != rows[header]]
    if not body:
        raise no_rows_error(place)
    texts = [_texts_of(row) for row in body[: INSPECTED_ROWS + 1]]
    if is_units_row(texts[0], texts[1:]):
        warn(f"{place}: {describe_units_row(texts[0])}")
        body = body[1:]
    _warn_of_titles(sheet, rows, header, place)
    columns = [
        column
        for column in range(len(rows[header]))
        if rows[header][column] is not None or any(row[column] is not None for row in body)
    ]
    if _is_index(rows[header], body, columns):
        warn(f"{place}: dropped column {sheet.column_name(columns[0])}, which has no name and only numbers the rows")
        columns = columns[1:]
    names = [_name_column(sheet, rows, header, column, place) for column in columns]
    if options.names is not None:
        if len(options.names) != len(names):
            raise TableError(f"{place}: got {len(options.names)} names for {len(names)} columns; name each column")
        names = list(options.names)
    names = clean_names(names, place)[0]
    values = [_values_of_cells([row[column] for row in body]) for column in columns]
    return PlainFrame(dict(zip(names, values, strict=True)), source)


def _skip_rows(sheet: Sheet, skipped: int) -> Sheet:
    """Return the sheet without its first rows."""
    gone = max(0, skipped - sheet.top)
    return replace(sheet, rows=sheet.rows[gone:], top=sheet.top + gone) if gone else sheet


def _set_header(sheet: Sheet, options: ReadOptions) -> Sheet:
    """Return the sheet with a row of names above its rows, if the options say that it has none."""
    has_header = options.header if options.header is not None else options.names is None
    if has_header or not sheet.rows:
        return sheet
    width = max(map(len, sheet.rows))
    return replace(sheet, rows=[[f"column {i + 1}" for i in range(width)], *sheet.rows], top=sheet.top - 1)


def _find_header(rows: list[Row]) -> int | None:
    """Return the row of column names: the first that fills more than half of the columns with data in it or below it.

    If it does not fill all of them, it may be part of a title: then a row of names that does, and that an empty row
    separates from it, is the one.
    """
    last = {column: i for i, row in enumerate(rows) for column, cell in enumerate(row) if cell is not None}
    found = None
    for i, row in enumerate(rows):
        filled = len(_filled_cells(row))
        columns = sum(end >= i for end in last.values())
        if found is None and filled > columns / 2:
            found = i
            if filled == columns:
                break
        elif found is not None and i > found + LONGEST_TITLE:
            break
        elif found is not None and filled == columns and all(map(_may_be_name, _filled_cells(row))):
            return i if not all(map(_is_filled, rows[found:i])) else found
    return found


def _check_header(sheet: Sheet, rows: list[Row], header: int, place: str) -> None:
    """Refuse names in several rows, and numbers in place of names."""
    for rectangle in sheet.merged_cells():
        top, _, bottom, _ = rectangle
        if top <= header < bottom:
            raise TableError(
                f"{place}: the column names are in several rows ({sheet.describe(rectangle)} are merged); {ONE_ROW}: "
                "unmerge the cells, and put the names in one row"
            )
    cells = _filled_cells(rows[header])
    if all(isinstance(cell, int | float | datetime.date) for cell in cells):
        raise TableError(
            f"{place}: row {sheet.row_name(header)} holds {_show(cells[0])}, …, not column names; insert a row of "
            f"names above the data, or set {advise('ReadOptions.header', False)}"
        )
    if any(map(_is_filled, rows[:header])) and not all(map(_may_be_name, cells)):
        strange = next(cell for cell in cells if not _may_be_name(cell))
        raise TableError(
            f"{place}: it is not clear which row holds the column names: row {sheet.row_name(header)}, the first "
            "that is "
            f"more than half full, holds {_show(strange)}; {ONE_ROW}, and no rows above it"
        )


def _first_texts(rows: list[Row], header: int) -> list[list[str]]:
    """Return the texts of the row of names and of those below it, in all columns with data."""
    some = [row for row in rows[header:] if _is_filled(row)][: INSPECTED_ROWS + 1]
    filled = [column for column in range(len(some[0])) if any(row[column] is not None for row in some)]
    return [[texts[column] for column in filled] for texts in map(_texts_of, some)]


def _texts_of(row: Row) -> list[str]:
    return ["" if cell is None else _cell_text(cell) for cell in row]


def _filled_cells(row: Row) -> Row:
    return [cell for cell in row if cell is not None]


def _may_be_name(cell: Any) -> bool:
    """Whether a cell may be the name of a column: a text or a year."""
    return isinstance(cell, str) or (_kind(cell) == "number" and cell in range(1000, 3000))


def _fill_merged(sheet: Sheet, rows: list[Row], header: int) -> None:
    """Give each of the cells that are merged downwards, below the header, the value that is shown for all of them."""
    for top, left, bottom, right in sheet.merged_cells():
        if header < top < bottom and left == right:
            for row in rows[top + 1 : bottom + 1]:
                row[left] = rows[top][left]


def _leave_out_notes(sheet: Sheet, rows: list[Row], below: list[int], header: int, place: str) -> list[int]:
    """Return the rows of the table: without those at the end that an empty row separates and that are half empty."""
    width = len(_filled_cells(rows[header]))
    end = len(below)
    while True:
        start = end - 1
        while start > 0 and below[start - 1] == below[start] - 1:
            start -= 1
        is_note = all(len(_filled_cells(rows[row])) <= width / 2 for row in below[start:end])
        if start <= 0 or not is_note:
            break
        end = start
    if end < len(below):
        first = below[end]
        text = _show(_filled_cells(rows[first])[0])
        warn(f"{place}: dropped what is below the table, from row {sheet.row_name(first)} ({text}) on")
    return below[:end]


def _warn_of_titles(sheet: Sheet, rows: list[Row], header: int, place: str) -> None:
    titles = [row for row in range(header) if _is_filled(rows[row])]
    if titles:
        text = _show(_filled_cells(rows[titles[0]])[0])
        warn(
            f"{place}: the column names are in row {sheet.row_name(header)}; dropped what is above, from row "
            f"{sheet.row_name(titles[0])} ({text}) on"
        )


def _is_index(header: Row, body: list[Row], columns: list[int]) -> bool:
    """Whether the first column has no name and counts the rows from 0 or 1, as pandas writes its index."""
    if len(columns) < 2 or header[columns[0]] is not None:
        return False
    numbers = [row[columns[0]] for row in body]
    return numbers[0] in (0, 1) and numbers == list(range(int(numbers[0]), int(numbers[0]) + len(body)))


def _name_column(sheet: Sheet, rows: list[Row], header: int, column: int, place: str) -> str:
    name = rows[header][column]
    if name is not None:
        return _cell_text(name).strip()
    merged = [each for each in sheet.merged_cells() if each[0] <= header <= each[2] and each[1] <= column <= each[3]]
    why = f", where {sheet.describe(merged[0])} are merged" if merged else ""
    raise TableError(
        f"{place}: column {sheet.column_name(column)} has no name in row {sheet.row_name(header)}{why}; {ONE_ROW} "
        "(pandas: to_excel(..., index=False))"
    )


def _values_of_cells(cells: list[Any]) -> Values:
    """Return the values of a column. Cells of several types are read as those of a CSV file are: by their text."""
    kinds = {_kind(cell) for cell in cells if cell is not None}
    if kinds == {"number"}:
        return Values(_to_whole(cells))
    if len(kinds) > 1:
        return Values([None if cell is None else _cell_text(cell) for cell in cells], None, are_cells=True)
    return Values(cells)


def _kind(cell: Any) -> str:
    if isinstance(cell, bool):
        return "boolean"
    if isinstance(cell, int | float):
        return "number"
    return "date" if isinstance(cell, datetime.date) else type(cell).__name__


def _to_whole(cells: list[Any]) -> list[Any]:
    """Return numbers as ints if all of them are whole, since Excel stores every number as float64."""
    if all(cell is None or (cell == cell // 1 and abs(cell) <= EXACT) for cell in cells):
        return [None if cell is None else int(cell) for cell in cells]
    return cells


def _cell_text(cell: Any) -> str:
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) <= EXACT:
        return str(int(cell))
    return str(cell)


def _show(cell: Any) -> str:
    text = _cell_text(cell)
    return repr(text if len(text) <= SHOWN_LENGTH else text[: SHOWN_LENGTH - 1] + "…")


def _is_filled(row: Row) -> bool:
    return any(cell is not None for cell in row)


def _letters(column: int) -> str:
    """Return the letters of a column, from 0: A to Z, AA, …"""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
