"""Where a table lies: a file that is there, standard input, or one that comes with Creche."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from creche.errors import FileError
from creche.table.cell_types import ColumnContext, Rule, coerce_column, column_rules, missing_column
from creche.table.datasets import BUNDLED, bundled_path
from creche.table.reading.byte_streams import open_bytes
from creche.table.reading.dataframes import is_frame
from creche.table.reading.file_formats import Contents, inspect_contents
from creche.table.reading.options import ReadOptions
from creche.table.table import Table, select_names

if TYPE_CHECKING:
    import polars as pl

__all__ = ["IN_MEMORY", "is_table", "locate_source", "read_batches", "read_table"]

NAMES_LOOKED_AT = 10_000


def locate_source(data: str | Path | IO[Any]) -> tuple[Path | IO[Any] | None, str]:
    """The file (the open one itself) and what to call it in messages; no file for standard input.

    Raises
    ------
    FileError
        If it is not there, with the nearest name there is, or is a folder.

    """
    if not isinstance(data, str | Path):
        name = getattr(data, "name", None)
        return data, name if isinstance(name, str) else "the open file"
    if str(data) == "-":
        return None, "standard input"
    try:
        path = Path(data).expanduser()
        there, is_folder = path.exists(), path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, or with a NUL
        raise FileError(f"{str(data)[:200]}: is no name of a file ({error}); give a CSV file, say") from error
    if is_folder:
        raise FileError(f"{path}: is a folder; give a file in it{_inside(path)}")
    if there:
        return path, str(data)
    bundled = bundled_path(str(data))
    if bundled is not None:
        return bundled, str(data)
    raise FileError(f"{path}: there is no such file{_meant(path)}")


def _names(folder: Path) -> list[str]:
    try:
        return [entry.name for _, entry in zip(range(NAMES_LOOKED_AT), folder.iterdir(), strict=False)]
    except OSError:
        return []


def _meant(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; there is no folder {path.parent} either"
    close = get_close_matches(path.name, sorted([*_names(path.parent), *BUNDLED]), 1)
    if close:
        return f"; did you mean {close[0] if close[0] in BUNDLED else path.parent / close[0]}?"
    return f"; give the name of one, or of a bundled table ({', '.join(BUNDLED)})"


def _inside(folder: Path) -> str:
    tables = sorted(name for name in _names(folder) if name.endswith((".csv", ".parquet", ".arrow", ".jsonl")))
    return f", such as {folder / tables[0]}" if tables else ""


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


def read_table(data: Any, read_options: ReadOptions | None = None, expected: Mapping[str, str] | None = None) -> Table:
    """The whole table that a file, a DataFrame or plain data holds.

    Parameters
    ----------
    data : path, DataFrame, dict, list or generator
        A file of CSV, Parquet, Arrow IPC or JSON lines, compressed or not (its bytes tell which), by its name or
        opened, or ``"-"`` for standard input; ``"penguins"``, where no file of that name exists, is the bundled table.
        A DataFrame of any library that narwhals knows, lazy too. A dict from names to columns, a list of dicts (one for
        each row), or a list or generator of DataFrames or of dicts of columns: some rows each.
    read_options : ReadOptions, optional
        How a file is written, where that is not to be found out.
    expected : dict of str to kind of column, optional
        As what columns are read (see `creche.table.table.Column`); for the others, all rows are looked at.

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
    rules = column_rules(expected)
    if isinstance(data, Table):
        return _as_expected(data, rules)
    if not _is_of_bytes(data):
        return _whole(_frames_in_memory(data), IN_MEMORY, rules)
    path, source = locate_source(data)
    with open_bytes(path, source) as stream, inspect_contents(stream, read_options or ReadOptions()) as contents:
        small = contents.small_table(rules)
        if small is not None:
            return small
        return _whole(contents.frames(), source, rules, contents)


def read_batches(
    data: Any,
    read_options: ReadOptions | None = None,
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
    rules = column_rules(expected)
    if isinstance(data, Table):
        table = _as_expected(
            data if columns is None else data.select(select_names(columns, data.names, data.source)), rules
        )
        for start in range(0, len(table), rows):
            part = table.take(slice(start, start + rows))
            yield Table(part.columns, part.source, table.first_row + start)
        return
    if not _is_of_bytes(data):
        yield from _batches(_frames_in_memory(data, columns), IN_MEMORY, rules, rows, others=others)
        return
    path, source = locate_source(data)
    with open_bytes(path, source) as stream, inspect_contents(stream, read_options or ReadOptions()) as contents:
        yield from _batches(contents.frames(columns), source, rules, rows, contents, others)


def _whole(
    frames: Iterator[pl.DataFrame], source: str, rules: dict[str, Rule], contents: Contents | None = None
) -> Table:
    from creche.table.reading.dataframes import concatenate_frames, table_from_frame

    cells = contents is not None and contents.format == "csv"
    comma = contents is not None and contents.decimal_comma
    return table_from_frame(concatenate_frames(list(frames), source), source, rules, cells=cells, decimal_comma=comma)


def _batches(
    frames: Iterator[pl.DataFrame],
    source: str,
    rules: dict[str, Rule],
    rows: int,
    contents: Contents | None = None,
    others: str | None = None,
) -> Iterator[Table]:
    from creche.table.reading.dataframes import table_from_frame

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
            part = table_from_frame(
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
        name: coerce_column(column, rules[name], ColumnContext(table.source, name, table.first_row))
        if name in rules
        else column
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
    from creche.table.reading.dataframes import frame_from_plain_data, iterate_frames

    several = _is_stream(data) or (isinstance(data, list) and len(data) > 0 and is_frame(data[0]))
    for piece in data if several else [data]:
        plain = frame_from_plain_data(piece, IN_MEMORY)
        for frame in iterate_frames(piece, IN_MEMORY) if plain is None else [plain]:
            yield frame if columns is None else frame.select(select_names(columns, frame.columns, IN_MEMORY))
