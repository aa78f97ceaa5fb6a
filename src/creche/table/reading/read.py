"""Reading a table, whole or in batches, from a file, standard input, a bundled table, a DataFrame or plain data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np

from creche.errors import FileError
from creche.table.cell_types import ColumnContext, Rule, build_rules, coerce_column, missing_column
from creche.table.datasets import BUNDLED, bundled_path
from creche.table.reading.byte_streams import open_bytes
from creche.table.reading.dataframes import frame_from_plain_data, is_frame, is_row, iterate_frames
from creche.table.reading.file_formats import Contents, inspect_contents
from creche.table.reading.frame_columns import concatenate_frames, table_from_frame
from creche.table.reading.options import ReadOptions
from creche.table.table import Table, select_names

if TYPE_CHECKING:
    from creche.table.reading.plain_frame import Frame

__all__ = ["IN_MEMORY", "is_table", "locate_source", "read_batches", "read_table"]

IN_MEMORY = "the table"  # the name of a table without a file in messages

MAX_LISTED_NAMES = 10_000  # of a folder, among which a suggestion is looked up


def read_table(data: Any, read_options: ReadOptions | None = None, expected: Mapping[str, str] | None = None) -> Table:
    """Read a whole table from a file, a DataFrame or plain data.

    Parameters
    ----------
    data : path, file object, DataFrame, dict, list or generator
        The path of a CSV, Parquet, Arrow IPC, JSON or Excel file, compressed or not (its bytes tell), or the open file;
        ``"-"`` for standard input; ``"penguins"`` for the bundled table, unless a file has that name. A DataFrame of
        any library that narwhals supports, also a lazy one. A dict from names to columns, or a list of dicts with one
        for each row; a dict of cells, or a row of a pandas DataFrame, is one row. A list or generator of DataFrames, or
        of dicts of columns, with some rows each.
    read_options : ReadOptions, optional
        How a file is written, if that is not to be detected.
    expected : dict of str to str, optional
        The kinds as which columns are read (see `creche.table.table.Column`). Those of the others are inferred from all
        rows.

    Raises
    ------
    FileError
        If the file does not exist, cannot be read or is damaged.
    TableError
        If it holds no table, or a value is not of the expected kind; the message names its row and column.

    Examples
    --------
    >>> table = read_table({"island": ["Biscoe", "Dream", None], "mass": [3750, None, 4300]})
    >>> [(name, column.kind) for name, column in table.columns.items()]
    [('island', 'words'), ('mass', 'whole')]

    """
    rules = build_rules(expected)
    if isinstance(data, Table):
        return _coerce_table(data, rules)
    if not _is_file(data):
        return _read_whole(_iterate_in_memory(data), IN_MEMORY, rules)
    path, source = locate_source(data)
    with open_bytes(path, source) as stream, inspect_contents(stream, read_options or ReadOptions()) as contents:
        small = contents.small_table(rules)
        if small is not None:
            return small
        return _read_whole(contents.frames(), source, rules, contents)


def read_batches(
    data: Any,
    read_options: ReadOptions | None = None,
    rows: int = 65_536,
    columns: Sequence[str] | None = None,
    expected: Mapping[str, str] | None = None,
    other_columns: Literal["words", "lenient"] | None = None,
) -> Iterator[Table]:
    """Read a table in batches of rows, so that memory does not grow with the file.

    Parameters
    ----------
    data, read_options
        As for `read_table`.
    rows : int, default 65,536
        The number of rows of a batch, at most.
    columns : sequence of str, optional
        The names of the columns to read, in order; by default all.
    expected : dict of str to str, optional
        The kinds as which columns are read. Those of the others are learnt from the first rows.
    other_columns : {"words", "lenient"}, optional
        How to read columns that are not expected, so that no value in them is an error. "words": keep the cells of a
        CSV file as they are written; "lenient": turn a column into words once a value is of another kind.

    Raises
    ------
    FileError, TableError
        As `read_table` does; a value of another kind than its column's is found when its rows are read.

    """
    rules = build_rules(expected)
    if isinstance(data, Table):
        table = data if columns is None else data.select(select_names(columns, data.names, data.source))
        table = _coerce_table(table, rules)
        for start in range(0, len(table), rows):
            batch = table.take(slice(start, start + rows))
            yield Table(batch.columns, batch.source, table.first_row + start)
        return
    if not _is_file(data):
        frames = _iterate_in_memory(data, columns)
        yield from _split_batches(frames, IN_MEMORY, rules, rows, other_columns=other_columns)
        return
    path, source = locate_source(data)
    with open_bytes(path, source) as stream, inspect_contents(stream, read_options or ReadOptions()) as contents:
        yield from _split_batches(contents.frames(columns), source, rules, rows, contents, other_columns)


def is_table(data: Any) -> bool:
    """Whether data have named columns: a file, a DataFrame or plain data with names, but not an array.

    Examples
    --------
    >>> is_table("penguins.csv"), is_table({"a": [1, 2]}), is_table([{"a": 1}]), is_table([[1, 2], [3, 4]])
    (True, True, True, False)

    """
    if isinstance(data, np.ndarray):  # first, since one row is predicted in microseconds
        return False
    if isinstance(data, str | Path | Table | Mapping) or _is_generator(data) or is_frame(data) or _is_open_file(data):
        return True
    if is_row(data):
        return True
    return isinstance(data, list) and len(data) > 0 and (isinstance(data[0], Mapping) or is_frame(data[0]))


def locate_source(data: str | Path | IO[Any]) -> tuple[Path | IO[Any] | None, str]:
    """Return the file and its name in messages; the file is None for standard input, an open file is itself.

    Raises
    ------
    FileError
        If the file does not exist (the message suggests the nearest name) or is a folder.

    """
    if not isinstance(data, str | Path):
        name = getattr(data, "name", None)
        return data, name if isinstance(name, str) else "the open file"
    if str(data) == "-":
        return None, "standard input"
    try:
        path = Path(data).expanduser()
        exists, is_folder = path.exists(), path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, or with a NUL
        raise FileError(
            f"{str(data)[:200]}: is no valid file name ({error}); name a table, such as a CSV file"
        ) from error
    if is_folder:
        raise FileError(f"{path}: is a folder; name a file in it{_suggest_inside(path)}")
    if exists:
        return path, str(data)
    bundled = bundled_path(str(data))
    if bundled is not None:
        return bundled, str(data)
    raise FileError(f"{path}: there is no such file{_suggest_file(path)}")


def _list_names(folder: Path) -> list[str]:
    try:
        return [entry.name for _, entry in zip(range(MAX_LISTED_NAMES), folder.iterdir(), strict=False)]
    except OSError:
        return []


def _suggest_file(path: Path) -> str:
    if not path.parent.is_dir():
        return f"; there is no folder {path.parent} either"
    from difflib import get_close_matches  # only now: most files exist

    close = get_close_matches(path.name, sorted([*_list_names(path.parent), *BUNDLED]), 1)
    if close:
        return f"; did you mean {close[0] if close[0] in BUNDLED else path.parent / close[0]}?"
    return f"; name one, or a bundled table ({', '.join(BUNDLED)})"


def _suggest_inside(folder: Path) -> str:
    tables = sorted(name for name in _list_names(folder) if name.endswith((".csv", ".parquet", ".arrow", ".jsonl")))
    return f", such as {folder / tables[0]}" if tables else ""


def _read_whole(
    frames: Iterator[Frame], source: str, rules: dict[str, Rule], contents: Contents | None = None
) -> Table:
    cells = contents is not None and contents.format == "csv"
    comma = contents is not None and contents.decimal_comma
    return table_from_frame(concatenate_frames(list(frames), source), source, rules, cells=cells, decimal_comma=comma)


def _split_batches(
    frames: Iterator[Frame],
    source: str,
    rules: dict[str, Rule],
    rows: int,
    contents: Contents | None = None,
    other_columns: Literal["words", "lenient"] | None = None,
) -> Iterator[Table]:
    cells = contents is not None and contents.format == "csv"
    names: list[str] = []
    first_row = 1
    for frame in frames:
        if other_columns is not None:
            as_written = cells and other_columns == "words"
            for name in frame.columns:
                rules.setdefault(name, Rule("words", required=True) if as_written else Rule(lenient=True))
        names = names or frame.columns
        for start in range(0, len(frame), rows):
            batch = table_from_frame(
                frame.slice(start, rows), source, rules, first_row=first_row, cells=cells,
                decimal_comma=contents is not None and contents.decimal_comma,
            )  # fmt: skip
            first_row += len(batch)
            yield _add_missing_columns(batch, names, rules)


def _add_missing_columns(batch: Table, names: Sequence[str], rules: dict[str, Rule]) -> Table:
    """Return the batch with the columns of the first one; a column that its JSON objects lack has missing values."""
    if batch.names == list(names):
        return batch
    kinds = {name: (rules[name].kind if name in rules else None) or "number" for name in names}
    columns = {
        name: batch.columns[name] if name in batch.columns else missing_column(kinds[name], len(batch))
        for name in names
    }
    return Table(columns, batch.source, batch.first_row)


def _coerce_table(table: Table, rules: dict[str, Rule]) -> Table:
    columns = {
        name: coerce_column(column, rules[name], ColumnContext(table.source, name, table.first_row))
        if name in rules
        else column
        for name, column in table.columns.items()
    }
    return Table(columns, table.source, table.first_row)


def _iterate_in_memory(data: Any, columns: Sequence[str] | None = None) -> Iterator[Frame]:
    is_sequence = _is_generator(data) or (isinstance(data, list) and len(data) > 0 and is_frame(data[0]))
    for piece in data if is_sequence else [data]:
        plain = frame_from_plain_data(piece, IN_MEMORY)
        for frame in iterate_frames(piece, IN_MEMORY) if plain is None else [plain]:
            yield frame if columns is None else frame.select(select_names(columns, frame.columns, IN_MEMORY))


def _is_file(data: Any) -> bool:
    return isinstance(data, str | Path) or _is_open_file(data)


def _is_open_file(data: Any) -> bool:
    return not is_frame(data) and hasattr(type(data), "read") and hasattr(type(data), "readline")


def _is_generator(data: Any) -> bool:
    return hasattr(type(data), "__next__")
