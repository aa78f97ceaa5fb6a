"""Encoding the rows of a table larger than memory: in blocks, into memory or into a file, in any order of the rows.

A block is some rows that follow each other in the table, since its columns are read in their order. Rows that are
wanted in another order, such as the hashed one of `creche.table.split.shuffle_rows`, go through buckets on disk: each
holds the rows of one stretch of the result, and is put in order when all blocks are encoded.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from creche._system.disk_space import check_room, explain_write_error
from creche._system.resources import available_memory
from creche.engine.native import Rows, format_gigabytes
from creche.engine.stored_rows import RowLayout, StoredRows
from creche.errors import FileError, TableError
from creche.plan.losses import Loss
from creche.table.disk_columns import ColumnFolder, DiskColumns, read_blocks
from creche.table.encoders.features import FeatureEncoder
from creche.table.labels import LabelEncoder
from creche.table.partition import Partition
from creche.table.row_store import open_row_store, write_row_store
from creche.table.table import Table

__all__ = ["BlockEncoder", "EncodeRows", "EncodingProgress", "OnEncoded"]

BLOCK_ROWS, LEAST_BLOCK_ROWS = 65_536, 1_024

BLOCK_BYTES = 64 * 2**20  # of the values and the inputs of a block, unless it has the fewest rows

BUCKET_BYTES = 256 * 2**20  # of the rows that are put in order in memory at a time, at most; they are held twice

MAX_BUCKETS = 500  # which are open together

SECTION = "rows"


@dataclass(frozen=True, slots=True)
class EncodingProgress:
    """How far the reading of a table, or the encoding of its rows, has come.

    Attributes
    ----------
    stage : {"reading", "encoding"}
    rows, total : int
        Rows that are done, and all; 0 while their number is not known.
    seconds : float
        Since the stage began.
    size : int
        Bytes of the files that have been read, or of the rows that have been encoded.
    waited : float
        Seconds in which the disk was waited for.

    """

    stage: Literal["reading", "encoding"]
    rows: int
    total: int
    seconds: float
    size: int
    waited: float

    @property
    def rows_per_second(self) -> float:
        """The rate so far."""
        return self.rows / self.seconds if self.seconds else 0.0

    @property
    def limit(self) -> str:
        """What takes the most of the time: "disk" or "processor"."""
        return "disk" if self.waited > self.seconds / 2 else "processor"


OnEncoded = Callable[[EncodingProgress], object]

# Encodes some rows, with weights, that are in memory.
EncodeRows = Callable[[Partition], Rows]


class BlockEncoder:
    """Encodes the rows of a part of a table whose columns are on disk.

    Parameters
    ----------
    part : Partition
        Its features are a table with lazy columns.
    features : FeatureEncoder
    labels : LabelEncoder
    loss : Loss
    precision : str
    encode : callable
        Encodes a block.
    memory : int, optional
        Bytes that may be used; by default as many as the blocks and buckets take at most.

    """

    def __init__(
        self,
        part: Partition,
        features: FeatureEncoder,
        labels: LabelEncoder,
        loss: Loss,
        precision: str,
        encode: EncodeRows,
        memory: int | None = None,
    ) -> None:
        self._part, self._features, self._labels, self._loss = part, features, labels, loss
        self._precision, self._encode = precision, encode
        x = part.observations.x
        assert isinstance(x, Table)
        assert isinstance(x.columns, DiskColumns)
        self._table = x.select(features.names)
        self._is_in_order = x.columns.order is None
        size = len(features.names) * 8 + features.width * 12
        block_bytes = BLOCK_BYTES if memory is None else min(BLOCK_BYTES, memory // 8)
        self._block_rows = max(LEAST_BLOCK_ROWS, min(BLOCK_ROWS, block_bytes // size))
        self._bucket_bytes = BUCKET_BYTES if memory is None else max(2**20, min(BUCKET_BYTES, memory // 8))

    def to_memory(self) -> Rows:
        """Return all rows as arrays.

        Raises
        ------
        TableError
            If they do not fit into memory.

        """
        count, width = len(self._part), self._features.width
        size = count * width * np.dtype(self._precision).itemsize
        free = available_memory()
        if free is not None and size > free:
            raise TableError(
                f"{count:,} encoded rows with {width:,} inputs need {format_gigabytes(size)}, more than "
                f"{format_gigabytes(free)} available; only the training of one network reads them from disk"
            )
        whole: dict[str, NDArray[np.generic]] = {}
        for places, rows in self._blocks():
            for name in ("x", "classes", "targets", "weights"):
                array = getattr(rows, name)
                if array is not None:
                    whole.setdefault(name, np.empty((count, *array.shape[1:]), array.dtype))[places] = array
        return Rows(whole["x"], whole.get("classes"), whole.get("targets"), whole.get("weights"))  # type: ignore[arg-type]

    def to_file(self, folder: ColumnFolder, on_encoded: OnEncoded | None = None) -> StoredRows:
        """Write the rows to a file of the folder, unless it has them already, and return them.

        Raises
        ------
        FileError
            If they cannot be written.
        TableError
            If a row cannot be encoded.

        """
        if self._precision != "float32":
            raise TableError(
                f"precision: got {self._precision!r}, but rows on disk are float32; leave precision out, or train in "
                "memory"
            )
        path = folder.derived_path(f"{SECTION}-{self._digest()}")
        with suppress(FileError):
            return open_row_store(path)[SECTION]
        _, first = next(self._blocks(1))
        targets = 0 if first.targets is None else first.targets.shape[1]
        layout = RowLayout(self._features.width, targets, first.weights is not None)
        count = len(self._part)
        size = count * layout.stride
        with write_row_store(path, layout) as store:
            check_room(path.parent, size if self._is_in_order else 2 * size, f"{count:,} encoded rows of the table")
            section = store.section(SECTION, rows=count)
            clock = _Clock(count, layout.stride, on_encoded)
            if self._is_in_order:
                for _, rows in self._blocks():
                    with clock.writing(len(rows)):
                        section.append(rows)
            else:
                for records in self._in_order(layout, path.parent, clock):
                    with clock.writing(0):
                        section.append_records(records)
        return open_row_store(path)[SECTION]

    def _blocks(self, rows: int | None = None) -> Iterator[tuple[NDArray[np.int64] | slice, Rows]]:
        """Yield the encoded rows in the order of the table, and their places in the result."""
        whole, weights = self._part.observations, self._part.weights
        for places, x in read_blocks(self._table, rows or self._block_rows):
            some = replace(whole, x=x, y=whole.y[places], row_indices=whole.row_indices[places])
            yield places, self._encode(Partition(some, None if weights is None else weights[places]))

    def _in_order(self, layout: RowLayout, folder: Path, clock: _Clock) -> Iterator[NDArray[Any]]:
        """Yield the records in the order of the result: encoded into buckets, then read from these."""
        count = len(self._part)
        per_bucket = max(1, self._bucket_bytes // (layout.stride + 8), -(-count // MAX_BUCKETS))
        if count <= per_bucket:
            whole = np.empty(count, layout.dtype)
            for places, rows in self._blocks():
                whole[places] = layout.pack(rows)
                clock.count(len(rows))
            yield whole
            return
        record = np.dtype([("place", "<i8"), ("row", layout.dtype)])
        with tempfile.TemporaryDirectory(prefix="buckets-", dir=folder) as buckets:
            paths = [Path(buckets) / f"{number:05}" for number in range(-(-count // per_bucket))]
            with explain_write_error(paths[0], count * record.itemsize):
                self._fill(paths, per_bucket, record, layout, clock)
            for number, path in enumerate(paths):
                records = np.fromfile(path, record)
                path.unlink()
                ordered = np.empty(len(records), layout.dtype)
                ordered[records["place"] - number * per_bucket] = records["row"]
                del records
                yield ordered

    def _fill(
        self, paths: list[Path], per_bucket: int, record: np.dtype[np.void], layout: RowLayout, clock: _Clock
    ) -> None:
        files: list[BinaryIO] = [path.open("wb") for path in paths]
        try:
            for places, rows in self._blocks():
                assert isinstance(places, np.ndarray)
                records = np.empty(len(rows), record)
                records["place"], records["row"] = places, layout.pack(rows)
                bucket = places // per_bucket
                by_bucket = np.argsort(bucket, kind="stable")
                ends = np.searchsorted(bucket[by_bucket], np.arange(len(files)), side="right")
                with clock.writing(len(rows)):
                    for file, some in zip(files, np.split(records[by_bucket], ends[:-1]), strict=True):
                        file.write(np.ascontiguousarray(some).view(np.uint8).data)
        finally:
            for file in files:
                file.close()

    def _digest(self) -> str:
        """Return what identifies the encoded rows among those of one table."""
        rows, digest = self._part.observations, hashlib.sha256()
        described = [self._features.to_dict(), self._labels.to_dict(), self._loss.to_dict(), type(self._loss).__name__]
        digest.update(json.dumps(described, sort_keys=True, default=str).encode())
        digest.update(np.ascontiguousarray(rows.row_indices).view(np.uint8).data)
        if self._part.weights is not None:
            digest.update(np.ascontiguousarray(self._part.weights).view(np.uint8).data)
        return digest.hexdigest()[:20]


class _Clock:
    """Counts encoded rows, and the time that writing takes."""

    def __init__(self, total: int, stride: int, on_encoded: OnEncoded | None) -> None:
        self._total, self._stride, self._on_encoded = total, stride, on_encoded
        self._begin, self._rows, self._waited = time.monotonic(), 0, 0.0
        self._writing_since, self._writing_rows = 0.0, 0

    def count(self, rows: int) -> None:
        """Count encoded rows."""
        self._rows += rows
        if self._on_encoded is not None:
            seconds = time.monotonic() - self._begin
            written = self._rows * self._stride
            self._on_encoded(EncodingProgress("encoding", self._rows, self._total, seconds, written, self._waited))

    def writing(self, rows: int) -> _Clock:
        """Return itself, as a context in which this many encoded rows are written."""
        self._writing_rows = rows
        return self

    def __enter__(self) -> None:
        self._writing_since = time.monotonic()

    def __exit__(self, *error: object) -> None:
        self._waited += time.monotonic() - self._writing_since
        self.count(self._writing_rows)
