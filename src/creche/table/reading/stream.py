"""Reading a table of any size into columns on disk, with the kinds and values that it would have in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from creche._advice import advise
from creche.databases.address import Database
from creche.errors import TableError
from creche.table.disk_columns import ColumnFolder, DiskColumns, write_column
from creche.table.reading.batches import STREAMED, Batch, OnRows, iterate_batches
from creche.table.reading.byte_streams import open_bytes
from creche.table.reading.contents import inspect_contents
from creche.table.reading.dataframes import library_of
from creche.table.reading.growing_table import GrowingTable
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_table
from creche.table.reading.reading_record import FINISHING, FIRST, WORDS, ReadingRecord
from creche.table.reading.table_parts import TablePart
from creche.table.table import Table

__all__ = ["read_to_folder"]

SMALL_FILE = 1_000_000  # bytes, of a file that is read as a whole


def read_to_folder(
    data: Any,
    parts: Sequence[TablePart],
    folder: ColumnFolder,
    options: ReadOptions,
    *,
    source: str,
    left_out: Collection[str] = (),
    on_rows: OnRows | None = None,
    batch_rows: int | None = None,
    record: ReadingRecord | None = None,
) -> Table:
    """Read a table into columns on disk.

    Parameters
    ----------
    data
        As `creche.table.reading.read.read_table` takes it; unused if there are parts.
    parts : sequence of TablePart
        The files, if data come from files.
    folder : ColumnFolder
    options : ReadOptions
    source : str
        The name of the table in messages.
    left_out : collection of str
        Columns that no network learns from, which may hold any number of words.
    on_rows : callable, optional
    batch_rows : int, optional
        How many rows to read at a time, at most; then small files are read in batches, too.
    record : ReadingRecord, optional
        Where it is written how far reading has come, and where reading goes on.

    Raises
    ------
    FileError
        If a file cannot be read, or changes meanwhile.
    TableError
        If there is no table, or its files have different columns.

    """
    if options.drop_rows:
        raise TableError(
            "drop_rows: rows of a table that is read in pieces cannot be left out by number; give "
            f"{advise('sample_weight')}, with 0 for these rows, or leave {advise('memory')} out"
        )
    whole = _read_whole(data, parts, options, batch_rows)
    if whole is not None:
        stored = {name: write_column(folder.new_path("column"), column) for name, column in whole.columns.items()}
        columns = DiskColumns(stored, len(whole), folder)
        return Table(columns, source, whole.first_row, whole.library)
    growing = GrowingTable(folder, source, left_out) if record is None else record.table(folder, source, left_out)
    _read_batches(growing, data, parts, options, on_rows, batch_rows, record)
    for part in parts:
        part.check_unchanged()
    columns = growing.finish(lambda: _note(growing, record))
    growing.remove_replaced()
    return Table(columns, source, library="polars" if parts else library_of(data))


def _read_batches(
    growing: GrowingTable,
    data: Any,
    parts: Sequence[TablePart],
    options: ReadOptions,
    on_rows: OnRows | None,
    batch_rows: int | None,
    record: ReadingRecord | None,
) -> None:
    """Read all rows, and once more those of columns that turn out to hold words, from where the record is."""
    stage = FIRST if record is None else record.stage
    start = None if record is None else record.position
    again = [] if record is None else record.again
    if stage == FIRST:
        for batch in iterate_batches(data, parts, options, batch_rows, on_rows, start):
            growing.add(batch)
            _note(growing, record, batch)
        again, start = growing.find_unclear(), None
        if again and not parts:
            raise TableError(
                f"{growing.source}: column {again[0]!r} holds more than plain numbers, which a stream cannot be read "
                "twice to find out; save the table as a file"
            )
        growing.begin_words(again)
        if record is not None:
            record.enter(WORDS, growing, again)
    if stage != FINISHING and again:
        for batch in iterate_batches(data, parts, options, batch_rows, on_rows, start):
            growing.add_words(batch, again)
            _note(growing, record, batch)
    if record is not None and stage != FINISHING:
        record.enter(FINISHING, growing)


def _note(growing: GrowingTable, record: ReadingRecord | None, batch: Batch | None = None) -> None:
    """Note what has been done, from where on reading can go on."""
    if record is None:
        growing.remove_replaced()
    elif batch is None:
        record.note_column(growing)
    else:
        record.note(growing, batch)


def _read_whole(data: Any, parts: Sequence[TablePart], options: ReadOptions, batch_rows: int | None) -> Table | None:
    """Return a table that is in memory anyway, or is small, or in a format without pieces; otherwise None."""
    if isinstance(data, Database):
        return None
    if not parts:
        is_stream = hasattr(type(data), "__next__") or hasattr(type(data), "collect")
        return None if is_stream or (batch_rows is not None and hasattr(data, "slice")) else read_table(data, options)
    if len(parts) > 1:
        return None
    with open_bytes(parts[0].path, str(parts[0].path)) as stream, inspect_contents(stream, options) as contents:
        is_streamed, is_small = contents.format in STREAMED, len(stream.peek(SMALL_FILE + 1)) <= SMALL_FILE
    if is_streamed and (batch_rows is not None or not is_small):
        return None
    return read_table(parts[0].path, options)
