"""Reading a table, whole or in batches, from a file, a database, a bundled table, a DataFrame or plain data."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from creche.databases.address import Database, find_database
from creche.errors import FileError
from creche.table.cell_format import ExpectedColumn
from creche.table.cell_types import ColumnContext, Rule, build_rules
from creche.table.datasets import BUNDLED, bundled_path
from creche.table.reading.byte_streams import open_bytes
from creche.table.reading.contents import Contents, inspect_contents, text_rules
from creche.table.reading.dataframes import (
    frame_from_plain_data,
    is_frame,
    is_pandas_frame,
    is_row,
    iterate_frames,
    library_of,
)
from creche.table.reading.frame_columns import concatenate_frames, table_from_frame
from creche.table.reading.memory_estimate import check_fits
from creche.table.reading.number_frames import take_numbers
from creche.table.reading.options import ReadOptions
from creche.table.reading.plain_frame import PlainFrame
from creche.table.reading.row_filters import drop_rows, drop_totals_of_frame
from creche.table.table import Column, Table, select_names
from creche.table.word_columns import coerce_column

if TYPE_CHECKING:
    import polars as pl

    from creche.table.reading.plain_frame import Frame

__all__ = ["IN_MEMORY", "ReadBatch", "is_table", "locate_source", "read_batches", "read_table", "without_totals"]

IN_MEMORY = "the table"  # the name of a table without a file in messages

# This many rows at the end of a table tell whether its last ones are totals.
ROWS_THAT_TELL = 1000

MAX_LISTED_NAMES = 10_000  # of a folder, among which a suggestion is looked up


def read_table(
    data: Any, read_options: ReadOptions | None = None, expected: Mapping[str, str | ExpectedColumn] | None = None
) -> Table:
    """Read a whole table from a file, a DataFrame or plain data.

    Parameters
    ----------
    data : path, file object, DataFrame, dict, list or generator
        The path of a CSV, Parquet, Arrow IPC, JSON or Excel file, compressed or not (its bytes tell), or the open file;
        ``"-"`` for standard input; ``"penguins"``, or another bundled table, unless a file has that
        name. A table or query in a database, as a `creche.Database` or its address. A DataFrame of any library that
        narwhals supports, also a lazy one. A dict from names to columns, or a list of dicts with one for each row; a
        dict of cells, or a row of a pandas DataFrame, is one row. A list or generator of DataFrames, or of dicts of
        columns, with some rows each.
    read_options : ReadOptions, optional
        How a file is written, if that is not to be detected.
    expected : dict of str to str or ExpectedColumn, optional
        The kinds as which columns are read (see `creche.table.table.Column`), and how their cells are written. What is
        not expected is inferred from all rows.

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
    options = read_options or ReadOptions()
    rules = _build_rules(expected, options)
    if isinstance(data, Table):
        return _coerce_table(data, rules)
    database = find_database(data)
    if database is not None:
        from creche.table.reading.database_rows import iterate_database, warn_of_order  # only now: most are files

        table = _read_whole(iterate_database(database, options), database.source, rules, options)
        warn_of_order(database)
        return table
    if _has_parts(data):
        from creche.table.on_disk import is_on_disk, open_on_disk, read_parts  # only now: most tables are one file

        return _coerce_table(open_on_disk(data) if is_on_disk(data) else read_parts(data, options), rules)
    if not _is_file(data):
        # A generator gives its first piece only once.
        first = list(islice(data, 1)) if _is_generator(data) else data
        table = _read_in_memory(chain(first, data) if _is_generator(data) else data, rules, options)
        labels: Any = getattr(first, "index", None) if is_pandas_frame(first) else None
        has_all = labels is not None and len(labels) == len(table)
        return replace(table, library=library_of(first), row_labels=labels if has_all else None)
    path, source = locate_source(data)
    if isinstance(path, Path):
        check_fits(path, source)
    with open_bytes(path, source) as stream, inspect_contents(stream, options) as contents:
        small = contents.small_table(rules)
        if small is not None:
            return _drop_unnamed(small, contents)
        return _drop_unnamed(_read_whole(contents.frames(), source, rules, options, contents), contents)


def _read_in_memory(data: Any, rules: dict[str, Rule], options: ReadOptions) -> Table:
    if is_pandas_frame(data) and not options.drop_rows:
        return _read_pandas(data, rules, options)
    return _read_whole(_iterate_in_memory(data), IN_MEMORY, rules, options)


@dataclass(frozen=True, slots=True, eq=False)
class ReadBatch:
    """Some rows of a table that is read in batches.

    Attributes
    ----------
    table : Table
        The expected columns.
    frame : polars.DataFrame
        All columns, with their values as they came.
    has_cells : bool
        Whether words are the cells of a CSV file, as they are written.

    """

    table: Table
    frame: pl.DataFrame
    has_cells: bool = False


def read_batches(
    data: Any,
    read_options: ReadOptions | None = None,
    rows: int = 65_536,
    expected: Mapping[str, str | ExpectedColumn] | None = None,
) -> Iterator[ReadBatch]:
    """Read a table in batches of rows, so that memory does not grow with the file.

    Each batch has the expected columns as a table, and all columns with their values as they came.

    Parameters
    ----------
    data, read_options
        As for `read_table`.
    rows : int, default 65,536
        The number of rows of a batch, at most.
    expected : dict of str to str or ExpectedColumn, optional
        The kinds as which columns are read, and how their cells are written; all columns by default.

    Raises
    ------
    FileError, TableError
        As `read_table` does; a value of another kind than its column's is found when its rows are read.

    """
    from creche.table.write import frame_of_table

    options = read_options or ReadOptions()
    rules = _build_rules(expected, options)
    database = find_database(data)
    if database is not None:
        from creche.table.reading.database_rows import iterate_database  # only now: most tables are files

        frames = iterate_database(database, options)
        yield from _split_batches(frames, database.source, rules, rows, options, list(expected) if expected else None)
        return
    if _has_parts(data):
        yield from _read_parts_in_batches(data, options, rows, expected)
        return
    if isinstance(data, Table):
        table = _coerce_table(data, rules)
        for start in range(0, len(table), rows):
            batch = table.take(slice(start, start + rows))
            yield ReadBatch(Table(batch.columns, batch.source, table.first_row + start), frame_of_table(batch))
        return
    names = list(expected) if expected else None  # a model of arrays knows no names
    if not _is_file(data):
        yield from _split_batches(_iterate_in_memory(data), IN_MEMORY, rules, rows, options, names)
        return
    path, source = locate_source(data)
    with open_bytes(path, source) as stream, inspect_contents(stream, options) as contents:
        yield from _split_batches(contents.frames(), source, rules, rows, options, names, contents)


def _has_parts(data: Any) -> bool:
    """Whether data name a table on disk, or several files of one table."""
    if isinstance(data, str):
        may_be = any(mark in data for mark in "*?[") or os.path.isdir(os.path.expanduser(data))
        return data != "-" and may_be and _are_parts(data)
    if isinstance(data, list | tuple):
        return bool(data) and isinstance(data[0], str | Path) and _are_parts(data)
    return isinstance(data, Path) and _are_parts(data)


def _are_parts(data: Any) -> bool:
    from creche.table.reading.table_parts import are_parts

    return are_parts(data)


def _read_parts_in_batches(
    data: Any, options: ReadOptions, rows: int, expected: Mapping[str, str | ExpectedColumn] | None
) -> Iterator[ReadBatch]:
    from creche.table.disk_columns import read_blocks
    from creche.table.on_disk import is_on_disk, open_on_disk
    from creche.table.reading.table_parts import find_parts
    from creche.table.write import frame_of_table

    if not is_on_disk(data):
        for part in find_parts(data):
            yield from read_batches(part.path, options, rows, expected)
            part.check_unchanged()
        return
    for _, block in read_blocks(open_on_disk(data), rows):
        table = _coerce_table(block, _build_rules(expected, options))
        yield ReadBatch(table.select(list(expected)) if expected else table, frame_of_table(block))


def is_table(data: Any) -> bool:
    """Whether data have named columns: a file, a DataFrame or plain data with names, or a structured array.

    Examples
    --------
    >>> is_table("penguins.csv"), is_table({"a": [1, 2]}), is_table([{"a": 1}]), is_table([[1, 2], [3, 4]])
    (True, True, True, False)

    """
    if isinstance(data, np.ndarray):  # first, since one row is predicted in microseconds
        return data.dtype.names is not None
    if hasattr(type(data), "toarray"):  # a sparse matrix; one kind of them is a mapping
        return False
    if (
        isinstance(data, str | Path | Table | Database | Mapping)
        or _is_generator(data)
        or is_frame(data)
        or _is_open_file(data)
    ):
        return True
    if is_row(data):
        return True
    if not isinstance(data, list | tuple) or not data:
        return False
    is_named = isinstance(data[0], str | Path) and all(isinstance(name, str | Path) for name in data)
    return is_named or (isinstance(data, list) and (isinstance(data[0], Mapping) or is_frame(data[0])))


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
    database = find_database(data)
    if database is not None:
        raise FileError(f"{database.source}: is a table in a database, and a file is needed here; export it first")
    try:
        path = Path(data).expanduser()
        exists, is_folder = path.exists(), path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:  # a name too long, or with a NUL
        raise FileError(
            f"{str(data)[:200]}: is not a valid file name ({error}); name a table, such as a CSV file"
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


def _build_rules(expected: Mapping[str, str | ExpectedColumn] | None, options: ReadOptions) -> dict[str, Rule]:
    """Return a rule for each expected column; what the options set goes before what was learnt."""
    rules = build_rules(expected)
    marks = text_rules(options).marks
    if marks is not None:
        for rule in rules.values():
            if rule.format is not None:
                rule.format = replace(rule.format, decimal=marks.decimal, thousands=marks.thousands)
    return rules


def _read_pandas(data: Any, rules: dict[str, Rule], options: ReadOptions) -> Table:
    """Read a pandas DataFrame: its columns of numbers together, the others one by one."""
    names, numbers, rest = take_numbers(data, rules, IN_MEMORY, text_rules(options))
    others: Mapping[str, Column] = {}
    if rest is not None:
        others = _read_whole(_iterate_in_memory(rest), IN_MEMORY, rules, options).columns
    return Table({name: numbers[name] if name in numbers else others[name] for name in names}, IN_MEMORY)


def _read_whole(
    frames: Iterator[Frame],
    source: str,
    rules: dict[str, Rule],
    options: ReadOptions,
    contents: Contents | None = None,
) -> Table:
    text = text_rules(options) if contents is None else contents.text
    frame = concatenate_frames(list(frames), source)
    if text.are_cells or (contents is not None and contents.format == "excel"):
        frame = drop_totals_of_frame(frame, source)
    return table_from_frame(drop_rows(frame, options.drop_rows, source), source, rules, text=text)


def _drop_unnamed(table: Table, contents: Contents) -> Table:
    """Return the table without columns that have neither a name nor a value, as a comma at the end of lines makes."""
    unnamed = () if contents.layout is None else contents.layout.unnamed
    empty = {name for name in unnamed if name in table.columns and bool(table.columns[name].missing.all())}
    return table if not empty else table.select([name for name in table.names if name not in empty])


def _split_batches(
    frames: Iterator[Frame],
    source: str,
    rules: dict[str, Rule],
    rows: int,
    options: ReadOptions,
    expected: list[str] | None,
    contents: Contents | None = None,
) -> Iterator[ReadBatch]:
    text = text_rules(options) if contents is None else contents.text
    if text.are_cells or (contents is not None and contents.format == "excel"):
        frames = without_totals(frames, source)
    if options.drop_rows:
        frames = iter([drop_rows(concatenate_frames(list(frames), source), options.drop_rows, source)])
    names: list[str] = []
    first_row = 1
    for frame in frames:
        names = names or frame.columns
        for start in range(0, len(frame), rows):
            part = frame.slice(start, rows)
            batch = _with_columns(part if not isinstance(part, PlainFrame) else part.to_polars(), names)
            read = part if part.columns == names else batch
            needed = read if expected is None else read.select(select_names(expected, names, source))
            table = table_from_frame(needed, source, rules, first_row=first_row, text=text)
            first_row += len(batch)
            yield ReadBatch(table, batch, text.are_cells)


def without_totals(frames: Iterator[Frame], source: str) -> Iterator[Frame]:
    """Yield frames without the totals at the end of the table; if the last has few rows, the one before tells, too."""
    held: list[Frame] = []
    for frame in frames:
        while held and (len(frame) >= ROWS_THAT_TELL or len(held) == 2):
            yield held.pop(0)
        held.append(frame)
    if held:
        yield drop_totals_of_frame(concatenate_frames(held, source), source)


def _with_columns(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return a frame with the columns of the first one; a column that its JSON objects lack has missing values."""
    import polars as pl

    if frame.columns == list(names):
        return frame
    return frame.select(pl.col(name) if name in frame.columns else pl.lit(None).alias(name) for name in names)


def _coerce_table(table: Table, rules: dict[str, Rule]) -> Table:
    coerced = {}
    for name in [name for name in table.names if name in rules]:
        column = table.columns[name]
        found = coerce_column(column, rules[name], ColumnContext(table.source, name, table.first_row))
        if found is not column:
            coerced[name] = found
    return table.changed(coerced)


def _iterate_in_memory(data: Any) -> Iterator[Frame]:
    is_sequence = _is_generator(data) or (isinstance(data, list) and len(data) > 0 and is_frame(data[0]))
    for piece in data if is_sequence else [data]:
        plain = frame_from_plain_data(piece, IN_MEMORY)
        yield from iterate_frames(piece, IN_MEMORY) if plain is None else [plain]


def _is_file(data: Any) -> bool:
    return isinstance(data, str | Path) or _is_open_file(data)


def _is_open_file(data: Any) -> bool:
    return not is_frame(data) and hasattr(type(data), "read") and hasattr(type(data), "readline")


def _is_generator(data: Any) -> bool:
    return hasattr(type(data), "__next__")
