"""Columns in a folder: one file of values for each, read when it is asked for, so that a table need not fit in memory.

What works on one column at a time then works on tables of any width. The values are those of
`creche.table.table.Column` as they lie in memory; words are in a file of their own, the rest in ``columns.json``.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from creche._system import strict_json
from creche._system.disk_space import explain_write_error
from creche._system.owned_folders import create_owned_folder, remove_owned_folder
from creche.errors import FileError
from creche.table.cell_format import CellFormat
from creche.table.table import KINDS, Column, LazyColumns, Table

__all__ = [
    "INDEX",
    "TEMPORARY",
    "ColumnFolder",
    "DiskColumns",
    "StoredColumn",
    "open_columns",
    "pack_words",
    "read_blocks",
    "unpack_all_words",
    "write_column",
    "write_values",
]

INDEX = "columns.json"

TEMPORARY = ".creche-rows-"  # what the names of temporary folders begin with

VERSION = 1

TYPES = {"f": "<f8", "i": "<i8", "M": "<M8[us]"}  # by the kind of a NumPy type; the codes of words are <i4


@dataclass(frozen=True, slots=True)
class StoredColumn:
    """A column in a file.

    Attributes
    ----------
    kind, format, note, doubt
        As in `creche.table.table.Column`.
    dtype : str
        The type of the values, such as ``"<f8"``.
    rows : int
    path : Path
        The file of the values; words are in a file next to it.
    has_words : bool

    """

    kind: str
    dtype: str
    rows: int
    path: Path
    has_words: bool = False
    format: CellFormat | None = None
    note: str = ""
    doubt: str = ""

    def read(self, first: int = 0, end: int | None = None) -> Column:
        """Read the values of these rows, which follow each other.

        Raises
        ------
        FileError
            If they cannot be read.

        """
        dtype = np.dtype(self.dtype)
        stop = self.rows if end is None else min(end, self.rows)
        wanted = max(0, stop - first)
        try:
            values = np.fromfile(self.path, dtype, wanted, offset=first * dtype.itemsize)
        except OSError as error:
            raise FileError(f"{self.path}: cannot be read: {error.strerror}") from error
        if len(values) < wanted:
            raise FileError(f"{self.path}: ends before row {stop:,}; it has been cut off")
        return Column(self.kind, values, self.read_words(), self.format, self.note, self.doubt)

    def read_words(self) -> tuple[str, ...]:
        """Read the words of the column, empty if it has none."""
        if not self.has_words:
            return ()
        try:
            data = _words_path(self.path).read_bytes()
        except OSError as error:
            raise FileError(f"{_words_path(self.path)}: cannot be read: {error.strerror}") from error
        return unpack_words(data)

    @property
    def files(self) -> list[Path]:
        """Its files."""
        return [self.path, _words_path(self.path)] if self.has_words else [self.path]

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "kind": self.kind, "dtype": self.dtype, "rows": self.rows, "file": self.path.name,
            "has_words": self.has_words, "format": None if self.format is None else self.format.to_dict(),
            "note": self.note, "doubt": self.doubt,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], folder: Path) -> StoredColumn:
        """Make the column of a folder that `to_dict` described."""
        format = None if data["format"] is None else CellFormat.from_dict(data["format"])
        if data["kind"] not in KINDS or Path(data["file"]).name != data["file"]:
            raise FileError(f"{folder / INDEX}: describes no columns; it was damaged or made by hand")
        return cls(
            data["kind"], data["dtype"], data["rows"], folder / data["file"], data["has_words"], format, data["note"],
            data["doubt"],
        )  # fmt: skip


class ColumnFolder:
    """A folder of columns, removed when nothing refers to it any more if it is temporary.

    Parameters
    ----------
    path : Path
    is_temporary : bool

    """

    def __init__(self, path: Path, *, is_temporary: bool) -> None:
        self.path = path
        self._numbers = count(1)
        self._cached: tuple[str, object, Column] | None = None
        self._finalizer = weakref.finalize(self, remove_owned_folder, path) if is_temporary else None
        self._scratch: Path | None = None

    def __reduce__(self) -> Any:
        # Another process that works on the table does not own its folder.
        return _open_folder, (self.path,)

    def derived_path(self, name: str) -> Path:
        """Return the path of a file that is derived from the columns: in the folder, if it can be written."""
        if (self.path / name).exists() or os.access(self.path, os.W_OK):
            return self.path / name
        return self.scratch_path().with_name(name)

    def new_path(self, what: str) -> Path:
        """Return the path of a file of the folder that does not exist yet."""
        while True:
            path = self.path / f"{what}-{next(self._numbers):06}"
            if not path.exists():
                return path

    def scratch_path(self) -> Path:
        """Return the path of a file that does not outlast the use of the folder."""
        if self._finalizer is not None:
            return self.new_path("scratch")
        if self._scratch is None:
            parent = self.path.parent if os.access(self.path.parent, os.W_OK) else None
            self._scratch = create_owned_folder(TEMPORARY, parent)
            weakref.finalize(self, remove_owned_folder, self._scratch)
        return self._scratch / f"{next(self._numbers):06}"

    def remove(self) -> None:
        """Remove the folder now, if it is temporary."""
        if self._finalizer is not None:
            self._finalizer()

    def recall(self, name: str, selection: object, read: Callable[[], Column]) -> Column:
        """Return a column, which is kept in memory until another one is asked for."""
        cached = self._cached
        if cached is not None and cached[0] == name and (cached[1] is selection or _are_equal(cached[1], selection)):
            return cached[2]
        self._cached = cached = None  # before the next one takes its room
        column = read()
        self._cached = name, selection, column
        return column

    def forget(self) -> None:
        """Free the column that is kept in memory."""
        self._cached = None


def _open_folder(path: Path) -> ColumnFolder:
    return ColumnFolder(path, is_temporary=False)


class DiskColumns(LazyColumns):
    """Columns in a folder, or some rows of them.

    Parameters
    ----------
    stored : dict of str to StoredColumn
    rows : int
        The number of rows in the files.
    folder : ColumnFolder
    selection : slice or (n,) int64 array, optional
        The rows that it has; by default all.

    """

    def __init__(
        self,
        stored: Mapping[str, StoredColumn],
        rows: int,
        folder: ColumnFolder,
        selection: slice | NDArray[np.int64] | None = None,
    ) -> None:
        self.folder = folder
        self._stored, self._all_rows = stored, rows
        self._selection: slice | NDArray[np.int64] = slice(0, rows) if selection is None else selection

    def __getitem__(self, name: str) -> Column:
        stored = self._stored[name]
        return self.folder.recall(name, self._key, lambda: self._read(stored))

    def __iter__(self) -> Iterator[str]:
        return iter(self._stored)

    def __len__(self) -> int:
        return len(self._stored)

    def __contains__(self, name: object) -> bool:
        return name in self._stored

    @property
    def rows(self) -> int:
        """The number of rows."""
        return self._selection.stop - self._selection.start if isinstance(self._selection, slice) else len(
            self._selection
        )  # fmt: skip

    @property
    def _key(self) -> object:
        chosen = self._selection
        return (chosen.start, chosen.stop) if isinstance(chosen, slice) else chosen

    @property
    def order(self) -> NDArray[np.int64] | None:
        """The order of the rows in which they lie on disk; None if they are in it."""
        chosen = self._selection
        if isinstance(chosen, slice) or len(chosen) < 2 or bool((chosen[1:] >= chosen[:-1]).all()):
            return None
        return np.argsort(chosen, kind="stable")

    def read(self, name: str) -> Column:
        """Read a column, without keeping it in memory for the next time."""
        return self._read(self._stored[name])

    def kind_of(self, name: str) -> str:
        """Return the kind of a column without reading it."""
        return self._stored[name].kind

    def take(self, rows: NDArray[Any] | slice) -> DiskColumns:
        """Return the columns of these rows, without reading them."""
        before = self._selection
        if isinstance(rows, slice):
            first, end, step = rows.indices(self.rows)
            if step == 1:
                chosen = (
                    slice(before.start + first, before.start + max(first, end))
                    if isinstance(before, slice)
                    else before[rows]
                )
                return DiskColumns(self._stored, self._all_rows, self.folder, chosen)
            rows = np.arange(first, end, step)
        indices = np.flatnonzero(rows) if rows.dtype == np.bool_ else rows.astype(np.int64, copy=False)
        chosen = indices + before.start if isinstance(before, slice) else before[indices]
        return DiskColumns(self._stored, self._all_rows, self.folder, chosen)

    def select(self, names: Sequence[str]) -> DiskColumns:
        """Return these columns, in this order, without reading them."""
        stored = {name: self._stored[name] for name in names}
        return DiskColumns(stored, self._all_rows, self.folder, self._selection)

    def changed(self, columns: Mapping[str, Column]) -> DiskColumns:
        """Return the columns with these in place of those of the same names, or after the others.

        They are written to the folder; where this has only some of the rows, the other rows are missing values.
        """
        written = {}
        for name, column in columns.items():
            full = column
            if self.rows != self._all_rows or not isinstance(self._selection, slice):
                full = _spread(column, self._selection, self._all_rows)
            written[name] = write_column(self.folder.scratch_path(), full)
        return DiskColumns({**self._stored, **written}, self._all_rows, self.folder, self._selection)

    def save(self) -> None:
        """Write the index of the folder, by which `open_columns` finds the columns again."""
        index = {name: stored.to_dict() for name, stored in self._stored.items()}
        data = {"version": VERSION, "rows": self._all_rows, "columns": index}
        path = self.folder.path / INDEX
        with explain_write_error(path, 0):
            path.write_bytes(strict_json.dump(data))

    def _read(self, stored: StoredColumn) -> Column:
        selection = self._selection
        if isinstance(selection, slice):
            return stored.read(selection.start, selection.stop)
        if not len(selection):
            return stored.read(0, 0)
        first, last = int(selection.min()), int(selection.max())
        return stored.read(first, last + 1).take(selection - first)


def read_blocks(table: Table, rows: int) -> Iterator[tuple[NDArray[np.int64] | slice, Table]]:
    """Yield the rows of a table on disk, some at a time and in memory, in the order in which they lie on disk.

    Parameters
    ----------
    table : Table
        Its columns are `DiskColumns`.
    rows : int
        How many at a time, at most.

    Yields
    ------
    places : slice or array of int64
        Where these rows are in the table.
    block : Table

    """
    assert isinstance(table.columns, DiskColumns)
    order = table.columns.order
    for begin in range(0, len(table), rows):
        places: NDArray[np.int64] | slice = slice(begin, min(begin + rows, len(table)))
        if order is not None:
            places = order[places]
        block = table.columns.take(places)
        first_row = table.first_row + (begin if order is None else 0)
        yield places, replace(table, columns={name: block.read(name) for name in block}, first_row=first_row)


def open_columns(path: Path) -> DiskColumns:
    """Return the columns of a folder that `DiskColumns.save` wrote.

    Raises
    ------
    FileError
        If there are none, or they are damaged.

    """
    index = path / INDEX
    try:
        data = strict_json.parse(index.read_bytes())
    except OSError as error:
        raise FileError(f"{index}: cannot be read: {error.strerror}") from error
    try:
        stored = {name: StoredColumn.from_dict(column, path) for name, column in data["columns"].items()}
        rows = data["rows"]
    except (KeyError, TypeError, AttributeError) as error:
        raise FileError(f"{index}: describes no columns; it was damaged or made by hand") from error
    return DiskColumns(stored, rows, ColumnFolder(path, is_temporary=False))


def write_column(path: Path, column: Column) -> StoredColumn:
    """Write a column to a file of its own.

    Raises
    ------
    FileError
        If it cannot be written, because the disk is full, for example.

    """
    values = column.values
    dtype = "<i4" if column.kind == "words" else TYPES[values.dtype.kind]
    with explain_write_error(path, values.nbytes):
        with path.open("wb") as file:
            write_values(file, values.astype(dtype, copy=False))
        if column.words:
            _words_path(path).write_bytes(pack_words(column.words))
    return StoredColumn(
        column.kind, dtype, len(values), path, bool(column.words), column.format, column.note, column.doubt
    )


def write_values(file: BinaryIO, values: NDArray[Any]) -> None:
    """Write values to an open file, as they lie in memory."""
    file.write(np.ascontiguousarray(values).view(np.uint8).data)


def pack_words(words: Sequence[str]) -> bytes:
    """Return words as bytes: their number, the length of each, and the words one after another."""
    encoded = [word.encode("utf-8", "surrogatepass") for word in words]
    return np.array([len(encoded), *map(len, encoded)], dtype="<i8").tobytes() + b"".join(encoded)


def unpack_words(data: bytes) -> tuple[str, ...]:
    """Return the words that `pack_words` packed.

    Examples
    --------
    >>> unpack_words(pack_words(["Adelie", "", "Gentoo"]))
    ('Adelie', '', 'Gentoo')

    """
    return _unpack_at(data, 0)[0]


def unpack_all_words(data: bytes) -> list[str]:
    """Return the words that were packed several times, one after another.

    Examples
    --------
    >>> unpack_all_words(pack_words(["Adelie", ""]) + pack_words(["Gentoo"]))
    ['Adelie', '', 'Gentoo']

    """
    found: list[str] = []
    at = 0
    while at < len(data):
        words, at = _unpack_at(data, at)
        found.extend(words)
    return found


def _unpack_at(data: bytes, at: int) -> tuple[tuple[str, ...], int]:
    """Return the words that were packed from there on, and where they end."""
    count = int(np.frombuffer(data, "<i8", 1, at)[0])
    begin = at + 8 * (count + 1)
    ends = (np.cumsum(np.frombuffer(data, "<i8", count, at + 8)) + begin).tolist()
    words = tuple(
        data[first:end].decode("utf-8", "surrogatepass") for first, end in zip([begin, *ends], ends, strict=False)
    )
    return words, ends[-1] if ends else begin


def _words_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.words")


def _are_equal(one: object, other: object) -> bool:
    return isinstance(one, tuple) and isinstance(other, tuple) and one == other


def _spread(column: Column, selection: slice | NDArray[np.int64], rows: int) -> Column:
    """Return a column of all rows that has these values in the selected rows, and missing values elsewhere."""
    if column.kind == "words":
        values = np.full(rows, -1, dtype=np.int32)
    elif column.kind == "datetime":
        values = np.full(rows, "NaT", dtype="datetime64[us]")
    elif column.values.dtype.kind == "i":  # no value is missing in the rows that are selected
        values = np.zeros(rows, dtype=np.int64)
    else:
        values = np.full(rows, np.nan)
    values[selection] = column.values
    return replace(column, values=values)
