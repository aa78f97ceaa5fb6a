"""Tables on disk: read into a folder of columns once, then opened without reading them."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from creche._advice import advise
from creche._system import strict_json
from creche._system.disk_space import explain_write_error, format_size
from creche._system.owned_folders import create_owned_folder, remove_abandoned
from creche.databases.address import Database, find_database
from creche.errors import FileError, PlanError, TableError
from creche.plan.memory_size import parse_memory
from creche.table.checks import warn
from creche.table.disk_columns import INDEX, TEMPORARY, ColumnFolder, open_columns
from creche.table.reading.batches import OnRows
from creche.table.reading.database_rows import warn_of_order
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import IN_MEMORY, is_table
from creche.table.reading.reading_record import ReadingRecord
from creche.table.reading.stream import read_to_folder
from creche.table.reading.table_parts import TablePart, are_parts, find_parts
from creche.table.table import Table

__all__ = [
    "ABOUT",
    "is_on_disk",
    "least_memory",
    "open_on_disk",
    "read_about",
    "read_parts",
    "read_to_disk",
    "read_within",
    "write_about",
]

ABOUT = "about.json"

VERSION = 1

# What a process takes that reads tables, besides their rows.
BASE = 64 * 2**20

# The largest column of a table is held in memory, with what is computed from it: its order, and the split of the rows.
BYTES_PER_ROW = 96


def is_on_disk(data: Any) -> bool:
    """Whether data are the name of a folder that `read_to_disk` or `creche.encode` wrote."""
    if not isinstance(data, str | Path) or str(data) == "-":
        return False
    try:
        return (Path(data).expanduser() / INDEX).is_file()
    except (OSError, ValueError, RuntimeError):
        return False


def open_on_disk(data: str | Path) -> Table:
    """Open a table on disk, without reading its columns.

    Raises
    ------
    FileError
        If it is damaged.

    """
    path = Path(data).expanduser()
    about = read_about(path)
    return Table(open_columns(path), str(data), int(about.get("first_row", 1)), about.get("library", "polars"))


def read_to_disk(
    data: Any,
    *,
    options: ReadOptions,
    memory: int | None = None,
    left_out: Collection[str] = (),
    to: Path | None = None,
    on_rows: OnRows | None = None,
    batch_rows: int | None = None,
    record: ReadingRecord | None = None,
) -> Table:
    """Read a table into a folder of columns, and return it; nothing of it stays in memory.

    Parameters
    ----------
    data
        As `creche.train` takes it, or several files of one table: a folder, a pattern, a list of names.
    options : ReadOptions
    memory : int, optional
        Bytes that may be used.
    left_out : collection of str
        Columns that no network learns from.
    to : Path, optional
        The folder, which is written anew unless there is a record; by default a temporary one, removed once nothing
        uses the table.
    on_rows : callable, optional
        Called with how many rows, and bytes of finished files, have been read.
    batch_rows : int, optional
        How many rows to read at a time, at most.
    record : ReadingRecord, optional
        That of the folder, from which reading goes on.

    Raises
    ------
    FileError
        If a file cannot be read, or the columns cannot be written.
    TableError
        If there is no table.
    PlanError
        If the memory is too little.

    """
    database = find_database(data)
    data = data if database is None else database
    is_file = isinstance(data, str | Path) or are_parts(data)
    if is_file and str(data) == "-":
        raise TableError("data: a table from standard input cannot be read in pieces; save it as a file")
    parts = find_parts(data) if is_file else []
    source = _name_source(data, parts)
    folder = ColumnFolder(_create_folder(to, parts) if record is None else record.folder, is_temporary=to is None)
    try:
        if record is not None:
            record.begin()
        table = read_to_folder(
            data, parts, folder, options, source=source, left_out=left_out, on_rows=on_rows, batch_rows=batch_rows,
            record=record,
        )  # fmt: skip
        if memory is not None:
            _check_memory(memory, table)
        if database is not None:
            warn_of_order(database)
    except BaseException:
        folder.remove()
        raise
    return table


def read_within(
    data: Any, memory: str | int | None, options: ReadOptions | None = None, left_out: Collection[str] = ()
) -> Any:
    """Return data as they are, or, where memory is limited, as a table on disk.

    Parameters
    ----------
    data
        As `creche.train` takes it.
    memory : str or int, optional
        What the table may take.
    options : ReadOptions, optional
    left_out : collection of str
        Columns that no network learns from.

    Raises
    ------
    PlanError
        If the memory is none, or too little, or the data are arrays.
    FileError, TableError
        If the table cannot be read.

    """
    if memory is None or (isinstance(data, Table) and data.is_lazy):
        return data
    size = parse_memory(memory)
    if not is_table(data):
        raise PlanError(
            f"memory: the data are arrays, which are in memory already; leave {advise('memory')} out, or name a file",
            argument="memory",
        )
    if is_on_disk(data):
        return open_on_disk(data)
    return read_to_disk(data, options=options or ReadOptions(), memory=size, left_out=left_out)


def least_memory(rows: int) -> int:
    """Return how many bytes the reading and encoding of a table of that many rows take at least."""
    return BASE + rows * BYTES_PER_ROW


def read_parts(data: Any, options: ReadOptions) -> Table:
    """Read several files of one table into memory."""
    table = read_to_disk(data, options=options)
    return replace(table, columns={name: table.columns[name] for name in table.names})


def write_about(path: Path, data: Mapping[str, Any]) -> None:
    """Write what is known of a table on disk besides its columns."""
    with explain_write_error(path / ABOUT):
        (path / ABOUT).write_bytes(strict_json.dump({"version": VERSION, **data}))


def read_about(path: Path) -> dict[str, Any]:
    """Return what `write_about` wrote; empty if there is nothing.

    Raises
    ------
    FileError
        If it is damaged, or of a newer version.

    """
    try:
        data = strict_json.parse((path / ABOUT).read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise FileError(f"{path / ABOUT}: cannot be read: {error}; encode the table again") from error
    if data.get("version", 0) > VERSION:
        raise FileError(f"{path}: was written by a newer version of Creche; update this one, or encode the table again")
    return data


def _name_source(data: Any, parts: Sequence[TablePart]) -> str:
    if isinstance(data, Database):
        return data.source
    return (str(data) if isinstance(data, str | Path) else f"{parts[0].path}, …") if parts else IN_MEMORY


def _create_folder(to: Path | None, parts: Sequence[TablePart]) -> Path:
    if to is not None:
        with explain_write_error(to):
            shutil.rmtree(to, ignore_errors=True)
            to.mkdir(parents=True)
        return to
    # Not in TMPDIR unless it is set: the usual folder for temporary files may lie in memory.
    chosen = [os.environ.get("TMPDIR"), *(str(part.path.absolute().parent) for part in parts[:1])]
    for folder in [*filter(None, chosen), tempfile.gettempdir()]:
        for left, size in remove_abandoned(TEMPORARY, folder):
            warn(f"{left}: removed; a process that was killed had left {format_size(size)} of a table there")
        with suppress(OSError):
            return create_owned_folder(TEMPORARY, folder)
    raise FileError(
        f"{tempfile.gettempdir()}: no folder can be made in it; set TMPDIR to a folder with room for a table"
    )


def _check_memory(memory: int, table: Table) -> None:
    least = least_memory(len(table))
    if memory < least:
        raise PlanError(
            f"memory: got {format_size(memory)}, but a table of {len(table):,} rows takes at least "
            f"{format_size(least)}: its longest column, and the split of its rows, are held in memory",
            argument="memory",
        )
