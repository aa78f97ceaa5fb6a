"""Reading: any file, DataFrame or plain data becomes a table, at once or some rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from creche.table.columns import Table
from creche.table.contents import Contents, contents_of_file
from creche.table.frames import is_frame
from creche.table.kinds import Place, Rule, coerced, missing_column, rules_of
from creche.table.names import chosen_names
from creche.table.reading import Reading
from creche.table.streams import opened_bytes
from creche.table.whereabouts import located

if TYPE_CHECKING:
    import polars as pl

__all__ = ["IN_MEMORY", "is_table", "read_batches", "read_table"]

IN_MEMORY = "the table"


def is_table(data: Any) -> bool:
    """Whether columns have names here: a file, a DataFrame or plain data with names, and not an array.

    Examples
    --------
    >>> is_table("penguins.csv"), is_table({"a": [1, 2]}), is_table([{"a": 1}]), is_table([[1, 2], [3, 4]])
    (True, True, True, False)

    """
    if isinstance(data, np.ndarray):  # at once: one row is predicted in microseconds
        return False
    if isinstance(data, str | Path | Table | Mapping) or _is_stream(data) or is_frame(data) or _is_open_file(data):
        return True
    return isinstance(data, list) and len(data) > 0 and (isinstance(data[0], Mapping) or is_frame(data[0]))


def read_table(data: Any, reading: Reading | None = None, expected: Mapping[str, str] | None = None) -> Table:
    """The whole table that a file, a DataFrame or plain data holds.

    Parameters
    ----------
    data : path, DataFrame, dict, list or generator
        A file of CSV, Parquet, Arrow IPC or JSON lines, compressed or not (its bytes tell which), by its name or
        opened, or ``"-"`` for standard input; ``"penguins"``, where no file of that name exists, is the bundled table.
        A DataFrame of any library that narwhals knows, lazy too. A dict from names to columns, a list of dicts (one for
        each row), or a list or generator of DataFrames or of dicts of columns: some rows each.
    reading : Reading, optional
        How a file is written, where that is not to be found out.
    expected : dict of str to kind of column, optional
        As what columns are read (see `creche.table.columns.Column`); for the others, all rows are looked at.

    Raises
    ------
    FileError
        If the file is not there, cannot be read or is damaged.
    TableError
        If it holds no table, or a value is not of the kind that is expected: in which row and column.

    Examples
    --------
    >>> table = read_table({"island": ["Biscoe", "Dream", None], "mass": [3750, None, 4300]})
    >>> [(name, column.kind) for name, column in table.columns.items()]
    [('island', 'words'), ('mass', 'whole')]

    """
    rules = rules_of(expected)
    if isinstance(data, Table):
        return _as_expected(data, rules)
    if not _is_of_bytes(data):
        return _whole(_frames_in_memory(data), IN_MEMORY, rules)
    path, source = located(data)
    with opened_bytes(path, source) as stream, contents_of_file(stream, reading or Reading()) as contents:
        small = contents.small_table(rules)
        if small is not None:
            return small
        return _whole(contents.frames(), source, rules, contents)


def read_batches(
    data: Any,
    reading: Reading | None = None,
    rows: int = 65_536,
    columns: Sequence[str] | None = None,
    expected: Mapping[str, str] | None = None,
    others: str | None = None,
) -> Iterator[Table]:
    """The table as tables of some rows each: memory does not grow with the file.

    Parameters
    ----------
    data, reading
        As for `read_table`.
    rows : int, default 65,536
        How many rows a table has at most.
    columns : sequence of str, optional
        Only these, in this order.
    expected : dict of str to kind of column, optional
        As what columns are read. What other columns hold, the first rows decide.
    others : {"words", "loose"}, optional
        What becomes of the other columns instead: the cells of a CSV file are kept as they are written; or columns
        become words once a value is not of their kind. Nothing in them is refused then.

    Raises
    ------
    FileError, TableError
        As `read_table`; a value that is not of its column's kind is found when its rows are read.

    """
    rules = rules_of(expected)
    if isinstance(data, Table):
        table = _as_expected(
            data if columns is None else data.select(chosen_names(columns, data.names, data.source)), rules
        )
        for start in range(0, len(table), rows):
            part = table.take(slice(start, start + rows))
            yield Table(part.columns, part.source, table.first_row + start)
        return
    if not _is_of_bytes(data):
        yield from _batches(_frames_in_memory(data, columns), IN_MEMORY, rules, rows, others=others)
        return
    path, source = located(data)
    with opened_bytes(path, source) as stream, contents_of_file(stream, reading or Reading()) as contents:
        yield from _batches(contents.frames(columns), source, rules, rows, contents, others)


def _whole(
    frames: Iterator[pl.DataFrame], source: str, rules: dict[str, Rule], contents: Contents | None = None
) -> Table:
    from creche.table.convert import joined, table_of_frame

    cells = contents is not None and contents.format == "csv"
    comma = contents is not None and contents.decimal_comma
    return table_of_frame(joined(list(frames), source), source, rules, cells=cells, decimal_comma=comma)


def _batches(
    frames: Iterator[pl.DataFrame],
    source: str,
    rules: dict[str, Rule],
    rows: int,
    contents: Contents | None = None,
    others: str | None = None,
) -> Iterator[Table]:
    from creche.table.convert import table_of_frame

    cells = contents is not None and contents.format == "csv"
    names: list[str] = []
    first_row = 1
    for frame in frames:
        if others is not None:
            as_written = cells and others == "words"
            for name in frame.columns:
                rules.setdefault(name, Rule("words", given=True) if as_written else Rule(loose=True))
        names = names or frame.columns
        for start in range(0, len(frame), rows):
            part = table_of_frame(
                frame.slice(start, rows), source, rules, first_row=first_row, cells=cells,
                decimal_comma=contents is not None and contents.decimal_comma,
            )  # fmt: skip
            first_row += len(part)
            yield _with_all(part, names, rules)


def _with_all(part: Table, names: Sequence[str], rules: dict[str, Rule]) -> Table:
    """With the columns of the first rows: where a JSON object lacks one, its value is missing."""
    if part.names == list(names):
        return part
    kinds = {name: (rules[name].kind if name in rules else None) or "number" for name in names}
    columns = {
        name: part.columns[name] if name in part.columns else missing_column(kinds[name], len(part)) for name in names
    }
    return Table(columns, part.source, part.first_row)


def _as_expected(table: Table, rules: dict[str, Rule]) -> Table:
    columns = {
        name: coerced(column, rules[name], Place(table.source, name, table.first_row)) if name in rules else column
        for name, column in table.columns.items()
    }
    return Table(columns, table.source, table.first_row)


def _is_of_bytes(data: Any) -> bool:
    return isinstance(data, str | Path) or _is_open_file(data)


def _is_open_file(data: Any) -> bool:
    return not is_frame(data) and hasattr(type(data), "read") and hasattr(type(data), "readline")


def _is_stream(data: Any) -> bool:
    return hasattr(type(data), "__next__")


def _frames_in_memory(data: Any, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    from creche.table.frames import frames_of
    from creche.table.objects import frame_of_plain_data

    several = _is_stream(data) or (isinstance(data, list) and len(data) > 0 and is_frame(data[0]))
    for piece in data if several else [data]:
        plain = frame_of_plain_data(piece, IN_MEMORY)
        for frame in frames_of(piece, IN_MEMORY) if plain is None else [plain]:
            yield frame if columns is None else frame.select(chosen_names(columns, frame.columns, IN_MEMORY))
