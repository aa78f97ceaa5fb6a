"""Files of encoded rows: written once, then read by training in pieces, so that a table need not fit into memory.

A file has a header of 4,096 bytes, sections of records, and metadata at the end:

- the header: 8 bytes that mark such a file, the version and the length of the description as 32-bit numbers, the
  SHA-256 of the description, and the description, JSON: layout, sections, metadata, and the size of the file;
- each section, from a multiple of 4,096 bytes on: a record for each row, as `RowLayout` says, little-endian;
- the metadata: any bytes, for the caller.

The description has a SHA-256 of each section and of the metadata, so its own stands for the whole file.
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from creche._system import strict_json
from creche._system.atomic_files import file_name, open_replacement
from creche._system.file_signatures import describe_signature
from creche.engine.native import Rows, format_gigabytes
from creche.engine.stored_rows import FileState, RowLayout, StoredRows, read_exactly
from creche.errors import FileError

__all__ = ["RowStore", "RowStoreWriter", "SectionWriter", "is_row_store", "open_row_store", "write_row_store"]

MAGIC = b"\x89CRROWS\n"

VERSION = 1

HEADER = 4096  # bytes; sections begin at multiples of it

FIXED = struct.Struct("<8sII32s")

MAX_SECTIONS = 16

MAX_NAME = 32

FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, slots=True)
class RowStore:
    """An open file of encoded rows.

    Attributes
    ----------
    path : str
    layout : RowLayout
    sections : dict of str to StoredRows
    metadata : bytes
    digest : str
        64 hexadecimal digits that stand for all of the file.

    """

    path: str
    layout: RowLayout
    sections: Mapping[str, StoredRows]
    metadata: bytes = field(repr=False)
    digest: str
    _digests: Mapping[str, str] = field(repr=False)

    def __getitem__(self, name: str) -> StoredRows:
        return self.sections[name]

    def verify(self) -> None:
        """Read all sections and compare their digests with those of the header.

        Raises
        ------
        FileError
            If one differs: the file is damaged.

        """
        for name, rows in self.sections.items():
            digest = hashlib.sha256()
            for chunk in rows.chunks():
                digest.update(self.layout.pack(chunk).tobytes())
            if digest.hexdigest() != self._digests[name]:
                raise FileError(f"{self.path}: is damaged: the rows of its section {name!r} have changed")


@dataclass(slots=True)
class SectionWriter:
    """A section that is being written; `RowStoreWriter.section` makes it."""

    _store: RowStoreWriter
    name: str
    offset: int
    expected: int | None
    rows: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)

    def append(self, rows: Rows) -> None:
        """Write the next rows.

        Parameters
        ----------
        rows : Rows

        Raises
        ------
        FileError
            If they cannot be written, or are more than the section was opened for.

        """
        self.append_records(self._store.layout.pack(rows))

    def append_records(self, records: NDArray[Any]) -> None:
        """Write the next rows, as `RowLayout.pack` returns them; errors are those of `append`."""
        if self.expected is not None and self.rows + len(records) > self.expected:
            raise FileError(
                f"{self._store.path}: section {self.name!r} was opened for {self.expected:,} rows, but gets "
                f"{self.rows + len(records):,}; the table has changed while it was read"
            )
        if self.expected is None and self is not self._store.last_section:
            raise ValueError(f"section {self.name!r}: another section follows it; only the last one can grow")
        data = np.ascontiguousarray(records).view(np.uint8).data
        self._store.write(data, self.offset + self.rows * self._store.layout.stride)
        self._digest.update(data)
        self.rows += len(records)

    @property
    def digest(self) -> str:
        """The SHA-256 of the records."""
        return str(self._digest.hexdigest())


class RowStoreWriter:
    """A file of encoded rows that is being written; `write_row_store` makes it.

    Attributes
    ----------
    path : str
    layout : RowLayout
    metadata : bytes
        What the file is to hold at its end, empty at first.

    """

    def __init__(self, path: str, layout: RowLayout, file: BinaryIO) -> None:
        self.path, self.layout, self.metadata = path, layout, b""
        self._descriptor = file.fileno()
        self._sections: dict[str, SectionWriter] = {}

    def section(self, name: str, rows: int | None = None) -> SectionWriter:
        """Begin a section.

        Parameters
        ----------
        name : str
            Letters and underscores, such as ``"training"``.
        rows : int, optional
            How many rows it will have. Sections of known size can be written side by side; without a number, a section
            grows until the next one begins.

        Raises
        ------
        FileError
            If the disk has too little room for the rows.

        """
        if not (name.isidentifier() and name.isascii() and len(name) <= MAX_NAME) or name in self._sections:
            raise ValueError(f"name: got {name!r}; needs a new name of at most {MAX_NAME} letters")
        if len(self._sections) == MAX_SECTIONS:
            raise ValueError(f"name: {name!r} would be section {MAX_SECTIONS + 1}; a file has at most {MAX_SECTIONS}")
        begin = _round_up(self._end())
        self._sections[name] = writer = SectionWriter(self, name, begin, rows)
        if rows is not None:
            self._check_room(begin + rows * self.layout.stride)
        return writer

    @property
    def last_section(self) -> SectionWriter:
        """The section that was begun last."""
        return next(reversed(self._sections.values()))

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Write bytes at a place of the file.

        Raises
        ------
        FileError
            If the disk is full.

        """
        view = memoryview(data)
        while view:
            try:
                done = os.pwrite(self._descriptor, view, offset)
            except OSError as error:
                if error.errno not in FULL:
                    raise
                raise self._explain_full(offset) from error
            view, offset = view[done:], offset + done

    def finish(self) -> None:
        """Write metadata and header; `write_row_store` calls it.

        Raises
        ------
        FileError
            If a section has fewer rows than it was opened for, or the disk is full.

        """
        for section in self._sections.values():
            if section.expected is not None and section.rows != section.expected:
                raise FileError(
                    f"{self.path}: section {section.name!r} was opened for {section.expected:,} rows, but got "
                    f"{section.rows:,}; the table has changed while it was read"
                )
        offset = _round_up(self._end())
        self.write(self.metadata, offset)
        size = offset + len(self.metadata)
        os.ftruncate(self._descriptor, size)
        layout = {"inputs": self.layout.inputs, "targets": self.layout.targets, "weighted": self.layout.weighted}
        sections = [
            {"name": section.name, "offset": section.offset, "rows": section.rows, "digest": section.digest}
            for section in self._sections.values()
        ]
        metadata = {"offset": offset, "digest": hashlib.sha256(self.metadata).hexdigest()}
        text = strict_json.dump({"layout": layout, "sections": sections, "metadata": metadata, "size": size})
        header = FIXED.pack(MAGIC, VERSION, len(text), hashlib.sha256(text).digest()) + text
        self.write(header.ljust(HEADER, b"\0"), 0)

    def _end(self) -> int:
        """Return where the last section ends."""
        if not self._sections:
            return HEADER
        last = self.last_section
        return last.offset + (last.rows if last.expected is None else last.expected) * self.layout.stride

    def _check_room(self, size: int) -> None:
        status, written = os.fstatvfs(self._descriptor), os.fstat(self._descriptor).st_blocks * 512
        free = status.f_bavail * status.f_frsize
        if size - written > free:
            raise FileError(
                f"{self.path}: cannot be written: the disk has {format_gigabytes(free)} left, and the rows take "
                f"{format_gigabytes(size)}; free some space, or write elsewhere{self._kept()}"
            )

    def _explain_full(self, written: int) -> FileError:
        needed = max(written, self._end())
        return FileError(
            f"{self.path}: cannot be written: the disk is full after {format_gigabytes(written)} of at least "
            f"{format_gigabytes(needed)}; free some space, or write elsewhere{self._kept()}"
        )

    def _kept(self) -> str:
        return "; the existing file is unchanged" if os.path.isfile(self.path) else ""


@contextmanager
def write_row_store(path: str | os.PathLike[str], layout: RowLayout) -> Iterator[RowStoreWriter]:
    """Open a file of encoded rows for writing, which replaces `path` at the end, once it is safely on disk.

    If an error is raised before, `path` is left as it was, and nothing else is left.

    Parameters
    ----------
    path : str or path
    layout : RowLayout

    Yields
    ------
    RowStoreWriter

    Raises
    ------
    FileError
        If it cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> x, classes = np.ones((5, 3), np.float32), np.arange(5, dtype=np.int32)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with write_row_store(f"{folder}/five.rows", RowLayout(inputs=3)) as store:
    ...         training, test = store.section("training", rows=3), store.section("test")
    ...         test.append(Rows(x[3:], classes[3:], None))
    ...         training.append(Rows(x[:3], classes[:3], None))
    ...         store.metadata = b"from five.csv"
    ...     opened = open_row_store(f"{folder}/five.rows")
    ...     len(opened["training"]), opened["test"].read(0, 2).classes.tolist(), opened.metadata
    (3, [3, 4], b'from five.csv')

    """
    name = file_name(path)
    with open_replacement(name) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise FileError(f"{name}: is a stream; rows are written to a file")
        writer = RowStoreWriter(name, layout, file)
        yield writer
        writer.finish()


def is_row_store(path: str | os.PathLike[str]) -> bool:
    """Return whether a file begins as a file of encoded rows does; False if it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def open_row_store(path: str | os.PathLike[str]) -> RowStore:
    """Read the header and the metadata of a file of encoded rows.

    Parameters
    ----------
    path : str or path

    Raises
    ------
    FileError
        If it cannot be read, is another kind of file, of a newer version, damaged or cut off.

    """
    name = file_name(path)
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise FileError(f"{name}: cannot be read: {error.strerror}") from error
    try:
        return _read_store(name, descriptor)
    finally:
        os.close(descriptor)


def _read_store(name: str, descriptor: int) -> RowStore:
    state = FileState.of(descriptor)
    first = np.zeros(min(HEADER, state.size), np.uint8)
    read_exactly(descriptor, name, 0, first)
    header = first.tobytes()
    if not header.startswith(MAGIC):
        raise FileError(f"{name}: is not a file of encoded rows; it is {describe_signature(header)}")
    if len(header) < HEADER:
        raise FileError(f"{name}: has {state.size:,} bytes, fewer than its header; it has been cut off")
    _, version, length, digest = FIXED.unpack_from(header)
    if version > VERSION:
        raise FileError(f"{name}: was written by a newer version of Creche; update this one, or encode the table again")
    text = header[FIXED.size : FIXED.size + length]
    if hashlib.sha256(text).digest() != digest:
        raise FileError(f"{name}: is damaged: its header has changed; encode the table again")
    try:
        data = strict_json.parse(text)
        layout, size, offset = RowLayout(**data["layout"]), data["size"], data["metadata"]["offset"]
        sections = {
            section["name"]: StoredRows(name, layout, section["offset"], section["rows"], state)
            for section in data["sections"]
        }
        digests = {section["name"]: str(section["digest"]) for section in data["sections"]}
        is_sound = layout.inputs > 0 and layout.targets >= 0 and HEADER <= offset <= size
        for rows in sections.values():
            is_sound &= HEADER <= rows.offset <= rows.offset + rows.nbytes <= offset and rows.offset % HEADER == 0
    except (KeyError, TypeError, ValueError):
        is_sound = False
    if not is_sound:
        raise FileError(f"{name}: is damaged: its header describes no such file; encode the table again")
    if state.size != size:
        raise FileError(
            f"{name}: has {state.size:,} bytes, but its header tells of {size:,}; it has been cut off or changed; "
            "encode the table again"
        )
    metadata = np.empty(size - offset, np.uint8)
    read_exactly(descriptor, name, offset, metadata)
    if hashlib.sha256(metadata.tobytes()).hexdigest() != data["metadata"]["digest"]:
        raise FileError(f"{name}: is damaged: its metadata have changed; encode the table again")
    return RowStore(name, layout, sections, metadata.tobytes(), digest.hex(), digests)


def _round_up(size: int) -> int:
    return -(-size // HEADER) * HEADER
