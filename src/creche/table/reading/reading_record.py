"""How far a table has been read into a folder, so that the next process goes on there if this one is killed.

Columns grow by appending to files. The record says how long each file was, what was known of the column, and where in
which file of the table reading goes on; it is replaced in one step, and what was appended afterwards is cut off. Files
that one would need to go on there are not removed before the next record.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from creche._system import strict_json
from creche._system.disk_space import explain_write_error
from creche._system.owned_folders import OWNER
from creche.table.checks import warn
from creche.table.disk_columns import INDEX, ColumnFolder
from creche.table.reading.batches import Batch, Position
from creche.table.reading.growing_table import GrowingTable
from creche.table.reading.options import ReadOptions
from creche.table.reading.table_parts import TablePart

__all__ = ["FINISHING", "FIRST", "WORDS", "ReadingRecord"]

# The files, as they were, and how they are read.
SOURCE = "source.json"

RECORD = "reading.json"

VERSION = 1

CELLS_BETWEEN = 4 << 20  # of the table that are read between two records: some 30 MB of text

# What is done: reading all columns, reading the words of unclear ones, finishing columns.
FIRST, WORDS, FINISHING = "first", "words", "finishing"


class ReadingRecord:
    """The record of a folder into which files of a table are read.

    Parameters
    ----------
    folder : Path
        It exists.
    parts : sequence of TablePart
    options : ReadOptions
    left_out : sequence of str
        Columns that no network learns from.

    Attributes
    ----------
    stage : str
    again : list of str
        The columns whose words are read.
    position : Position
        Where in the files.

    """

    def __init__(self, folder: Path, parts: Sequence[TablePart], options: ReadOptions, left_out: Sequence[str]) -> None:
        self.folder = folder
        self._parts = [part.to_dict() for part in parts]
        how = {"version": VERSION, "read_options": options.to_dict(), "left_out": list(left_out)}
        self._source: dict[str, Any] = {"parts": self._parts, **how}
        self._table: Mapping[str, Any] | None = None
        self._cells = 0
        self._is_kept = True
        self.stage, self.again, self.position = FIRST, list[str](), Position()

    def is_complete(self) -> bool:
        """Whether the folder has all columns of these files, as they are now."""
        return (self.folder / INDEX).is_file() and _load(self.folder / SOURCE) == self._source

    def begin(self) -> None:
        """Go on from the record of the folder, if it is one of these files; otherwise empty the folder.

        It is told if files have changed since.
        """
        source, record = _load(self.folder / SOURCE), _load(self.folder / RECORD)
        if source is not None and (record is not None or (self.folder / INDEX).is_file()):
            difference = self._find_difference(source, record)
            if difference:
                warn(f"{self.folder}: is read again from the beginning: {difference}")
            elif record is not None and self._take_over(record):
                self._write(SOURCE, self._source)
                return
        self._empty()

    def table(self, folder: ColumnFolder, source: str, left_out: Collection[str]) -> GrowingTable:
        """Return the table as far as it has been read; files that are not part of it are removed."""
        if self._table is None:
            return GrowingTable(folder, source, left_out)
        try:
            table = GrowingTable.from_dict(self._table, folder, source, left_out)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            warn(f"{self.folder}: is read again from the beginning: it has lost files, or they are damaged")
            self.stage, self.again, self.position = FIRST, [], Position()
            self._empty()
            return GrowingTable(folder, source, left_out)
        kept = {path.name for path in table.files()} | {SOURCE, RECORD, OWNER}
        for path in self.folder.iterdir():
            if path.name not in kept:
                _remove(path)
        return table

    def note(self, table: GrowingTable, batch: Batch) -> None:
        """Note that a batch was added; now and then, that is written."""
        assert batch.end is not None
        self.position = batch.end
        self._count(table, len(batch.frame) * len(batch.frame.columns))

    def note_column(self, table: GrowingTable) -> None:
        """Note that a column was finished; now and then, that is written: of a wide table, not for each column."""
        self._count(table, table.rows)

    def _count(self, table: GrowingTable, cells: int) -> None:
        self._cells += cells
        if self._cells >= CELLS_BETWEEN:
            self.write(table)

    def enter(self, stage: str, table: GrowingTable, again: Sequence[str] = ()) -> None:
        """Note that another stage begins."""
        self.stage, self.again, self.position = stage, list(again), Position()
        self.write(table)

    def write(self, table: GrowingTable) -> None:
        """Write how far reading has come, and remove the files that are not needed any more."""
        self._cells = 0
        if self._is_kept:
            try:
                data = {"stage": self.stage, "again": self.again, "position": asdict(self.position)}
                self._write(RECORD, {**data, "table": table.to_dict()})
            except strict_json.MalformedJsonError:  # a table with more columns than such a file may describe
                self._is_kept = False
                _remove(self.folder / RECORD)
        table.remove_replaced()

    def remove(self) -> None:
        """Remove the record, once the table is complete."""
        _remove(self.folder / RECORD)

    def _find_difference(self, source: Mapping[str, Any], record: Mapping[str, Any] | None) -> str:
        """Return how the files that have been read, or the way of reading, differ from these; empty if they do not."""
        if {**source, "parts": None} != {**self._source, "parts": None}:
            return "the options of reading are others, or another version of Creche began it"
        before, now = source["parts"], self._parts
        if record is not None and record["stage"] == FIRST:
            # Files after that one have not been read, and may have come or changed since.
            read = record["position"]["part"] + 1
            before, now = before[:read], now[:read]
        for old, new in zip(before, now, strict=False):
            if old["path"] != new["path"]:
                return f"{new['path']} is in the place of {old['path']}"
            if old != new:
                return f"{new['path']} has changed since"
        if len(before) != len(now):
            return f"{(before if len(before) > len(now) else now)[min(len(before), len(now))]['path']} " + (
                "is missing" if len(before) > len(now) else "is new"
            )
        return ""

    def _take_over(self, record: Mapping[str, Any]) -> bool:
        try:
            self.stage, self.again = record["stage"], list(record["again"])
            self.position = Position.from_dict(record["position"])
            self._table = record["table"]
        except (KeyError, TypeError):
            return False
        return True

    def _empty(self) -> None:
        for path in self.folder.iterdir():
            if path.name != OWNER:
                _remove(path)
        self._write(SOURCE, self._source)

    def _write(self, name: str, data: dict[str, Any]) -> None:
        """Write a file in one step, so that a killed process leaves the old one or the new one."""
        path = self.folder / name
        content = strict_json.dump(data)
        with explain_write_error(path, len(content)):
            new = path.with_name(f"{name}.new")
            new.write_bytes(content)
            os.replace(new, path)


def _load(path: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        return strict_json.parse(path.read_bytes())
    return None


def _remove(path: Path) -> None:
    with suppress(OSError):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
