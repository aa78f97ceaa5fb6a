"""Encoded rows in a file: one record of fixed size for each row, read in pieces rather than held in memory.

Files of such rows are written and opened by `creche.table.row_store`.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows
from creche.errors import FileError, PlanError

__all__ = ["FileState", "RowLayout", "StoredRows", "as_rows", "read_exactly", "require_memory"]

COLUMNS = ("x", "classes", "targets", "weights")

BYTES_AT_ONCE = 64 * 2**20  # of a chunk, unless the caller asks for a number of rows


@dataclass(frozen=True, slots=True)
class RowLayout:
    """What a record holds: inputs, then the class or the targets, then the weight, each of four bytes.

    Attributes
    ----------
    inputs : int
        Columns of the network's table, float32.
    targets : int, default 0
        Numbers that the network is to predict, float32; with 0 there is a class instead, int32.
    weighted : bool, default False
        Whether there is a weight, float32.

    Examples
    --------
    >>> RowLayout(4, weighted=True).stride
    24

    """

    inputs: int
    targets: int = 0
    weighted: bool = False

    @property
    def stride(self) -> int:
        """The size of a record in bytes."""
        return 4 * (self.inputs + max(self.targets, 1) + self.weighted)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of a record, with the fields x, classes or targets, and weights."""
        fields: list[tuple[str, str, tuple[int, ...]]] = [("x", "<f4", (self.inputs,))]
        fields.append(("targets", "<f4", (self.targets,)) if self.targets else ("classes", "<i4", ()))
        if self.weighted:
            fields.append(("weights", "<f4", ()))
        return np.dtype(fields)

    def pack(self, rows: Rows) -> NDArray[Any]:
        """Return the records of some rows.

        Parameters
        ----------
        rows : Rows

        Raises
        ------
        ValueError
            If they have other arrays than the layout, or arrays of other shapes.

        """
        records = np.empty(len(rows), self.dtype)
        given = {"x": rows.x, "classes": rows.classes, "targets": rows.targets, "weights": rows.weights}
        for name, array in given.items():
            if (array is not None) != (name in records.dtype.names):
                raise ValueError(f"{name}: {'is' if array is not None else 'is not'} given; the layout is {self}")
            if array is not None and array.shape != records[name].shape:
                raise ValueError(f"{name}: has the shape {array.shape}; needs {records[name].shape}")
            if array is not None:
                records[name] = array
        return records

    def unpack(self, records: NDArray[Any]) -> Rows:
        """Return rows as contiguous arrays.

        Parameters
        ----------
        records : array of the layout's type

        """
        arrays = {name: np.ascontiguousarray(records[name]) for name in records.dtype.names or ()}
        return Rows(arrays["x"], arrays.get("classes"), arrays.get("targets"), arrays.get("weights"))


@dataclass(frozen=True, slots=True)
class FileState:
    """The size of a file and when it was last changed, by which a change is noticed."""

    size: int
    changed_at: int  # in nanoseconds

    @classmethod
    def of(cls, descriptor: int) -> FileState:
        """Return the state of an open file."""
        status = os.fstat(descriptor)
        return cls(status.st_size, status.st_mtime_ns)


@dataclass(frozen=True, slots=True)
class StoredRows:
    """Rows of a file, which stand where `Rows` do; nothing of them is in memory.

    Attributes
    ----------
    path : str
    layout : RowLayout
    offset : int
        Where the first record begins, in bytes.
    count : int
        How many rows there are.
    state : FileState
        That of the file when it was opened. A file that changes meanwhile is an error.

    """

    path: str
    layout: RowLayout
    offset: int
    count: int
    state: FileState

    def __len__(self) -> int:
        return self.count

    @property
    def nbytes(self) -> int:
        """The size of all records in bytes."""
        return self.count * self.layout.stride

    def read(self, first: int, count: int) -> Rows:
        """Return some rows that follow each other, as arrays in memory.

        Parameters
        ----------
        first : int
            From 0.
        count : int

        Raises
        ------
        FileError
            If the file cannot be read, or has changed since it was opened.

        """
        if not 0 <= first <= first + count <= self.count:
            raise ValueError(f"rows {first:,} to {first + count:,}: there are {self.count:,}")
        records = np.empty(count, self.layout.dtype)
        if count:
            descriptor = self._open()
            try:
                read_exactly(descriptor, self.path, self.offset + first * self.layout.stride, records)
                self._check_unchanged(descriptor)
            finally:
                os.close(descriptor)
        return self.layout.unpack(records)

    def take(self, rows: slice) -> Rows:
        """Return some rows that follow each other, as `Rows.take` does."""
        first, end, step = rows.indices(self.count)
        if step != 1:
            raise ValueError(f"step: got {step}; stored rows are read one after another")
        return self.read(first, max(end - first, 0))

    def chunks(self, rows: int | None = None) -> Iterator[Rows]:
        """Yield all rows, in order and a bounded number at a time.

        Parameters
        ----------
        rows : int, optional
            How many at a time; by default 64 MiB of them.

        """
        at_once = rows or max(BYTES_AT_ONCE // self.layout.stride, 1)
        for first in range(0, self.count, at_once):
            yield self.read(first, min(at_once, self.count - first))

    def map_records(self) -> NDArray[Any]:
        """Return all records as a read-only array over the file: for small files, and few rows of large ones."""
        descriptor = self._open()
        try:
            if not self.count:
                return np.empty(0, self.layout.dtype)
            with open(descriptor, "rb", closefd=False) as file:
                return np.memmap(file, self.layout.dtype, "r", self.offset, (self.count,))
        finally:
            os.close(descriptor)

    def as_mapped(self) -> Rows:
        """Return all rows, with the inputs and targets as views over the file: to look at some of them, or once at all.

        Classes and weights are in memory.
        """
        records = self.map_records()
        columns = [None if name not in (self.layout.dtype.names or ()) else records[name] for name in COLUMNS]
        x, classes, targets, weights = columns
        assert x is not None
        return Rows(
            x,
            None if classes is None else np.ascontiguousarray(classes),
            targets,
            None if weights is None else np.ascontiguousarray(weights),
        )

    def _open(self) -> int:
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError as error:
            raise FileError(f"{self.path}: cannot be read: {error.strerror}") from error
        try:
            self._check_unchanged(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _check_unchanged(self, descriptor: int) -> None:
        if FileState.of(descriptor) != self.state:
            raise FileError(
                f"{self.path}: has changed since it was opened; leave it alone while it is used, and begin again"
            )


def as_rows(rows: Rows | StoredRows) -> Rows:
    """Return rows as they are, or those of a file as views over it (`StoredRows.as_mapped`)."""
    return rows.as_mapped() if isinstance(rows, StoredRows) else rows


def require_memory(rows: Rows | StoredRows, what: str) -> Rows:
    """Return rows that are in memory.

    Parameters
    ----------
    rows : Rows or StoredRows
    what : str
        What needs them there, for the error.

    Raises
    ------
    PlanError
        If they are in a file.

    """
    if isinstance(rows, StoredRows):
        raise PlanError(f"data: {rows.path} holds rows in a file, and {what} needs rows in memory; give fewer rows")
    return rows


def read_exactly(descriptor: int, path: str, offset: int, into: NDArray[Any]) -> None:
    """Fill an array with bytes of a file.

    Parameters
    ----------
    descriptor : int
    path : str
        For the error.
    offset : int
    into : array

    Raises
    ------
    FileError
        If they cannot be read, or the file ends before.

    """
    view = into.view(np.uint8).reshape(-1).data
    done = 0
    while done < len(view):
        try:
            got = os.preadv(descriptor, [view[done:]], offset + done)
        except OSError as error:
            raise FileError(f"{path}: cannot be read at byte {offset + done:,}: {error.strerror}") from error
        if not got:
            raise FileError(f"{path}: ends at byte {offset + done:,}, before its last row; it has been cut off")
        done += got
