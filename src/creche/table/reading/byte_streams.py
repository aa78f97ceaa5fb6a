"""Bytes of a file or of standard input, decompressed: what a compressed file is, its first bytes tell."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import shutil
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any

from creche.errors import FileError, TableError

__all__ = ["Stream", "decode_pieces", "open_bytes", "spool_to_disk"]

PIECE = 1 << 20


GZIP, ZSTD, BZ2, XZ, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04"


class Stream(io.RawIOBase):
    """Bytes that can be looked at before they are read.

    Attributes
    ----------
    source : str
        What to call them in messages.
    path : Path or None
        The file, if it holds these very bytes.

    """

    def __init__(self, file: Any, source: str, path: Path | None = None) -> None:
        super().__init__()
        self.source = source
        self.path = path
        self._file = file
        self._head = b""

    def readable(self) -> bool:
        return True

    def peek(self, size: int) -> bytes:
        """The next `size` bytes, fewer only if there are no more."""
        pieces = [self._head]
        have = len(self._head)
        while have < size:
            piece = self._more(size - have)
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        self._head = b"".join(pieces)
        return self._head[:size]

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            return b"".join(iter(lambda: self.read(PIECE), b""))
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        return self._more(size)

    def readinto(self, buffer: Any) -> int:
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _more(self, size: int) -> bytes:
        try:
            piece = self._file.read(size) or b""
            return piece.encode() if isinstance(piece, str) else bytes(piece)
        except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise FileError(f"{self.source}: {DAMAGED}") from error
        except OSError as error:
            if error.errno is None and not isinstance(error, FileError):  # bz2 says so of its own bytes
                raise FileError(f"{self.source}: {DAMAGED}") from error
            raise _unreadable(self.source, error) from error


DAMAGED = "its compressed bytes are cut short or damaged; fetch it or make it again"


@contextmanager
def open_bytes(path: Path | IO[Any] | None, source: str) -> Iterator[Stream]:
    """The bytes of a file, of an open one, or of standard input for None, decompressed as often as they are compressed.

    Raises
    ------
    FileError
        If it cannot be opened, or (also later, when it is read) is damaged.
    TableError
        If it is an archive of several files.

    """
    with ExitStack() as opened:
        if not isinstance(path, Path):
            stream = Stream(sys.stdin.buffer if path is None else path, source)
        else:
            try:
                # A pipe has a name too, as in <(zcat …), but can be read only once and only forward.
                stream = Stream(opened.enter_context(path.open("rb")), source, path if path.is_file() else None)
            except OSError as error:
                raise _unreadable(source, error) from error
        while True:
            inside = _decompressed(stream, opened)
            if inside is None:
                break
            stream = inside
        yield stream


def _unreadable(source: str, error: OSError) -> FileError:
    if isinstance(error, FileError):
        return error
    if isinstance(error, PermissionError):
        return FileError(f"{source}: may not be read; give yourself the permission (chmod u+r)")
    return FileError(f"{source}: cannot be read: {error.strerror or error}")


def _decompressed(stream: Stream, opened: ExitStack) -> Stream | None:
    head = stream.peek(6)
    if head.startswith(ZIP):
        return Stream(opened.enter_context(_only_member(stream, opened)), stream.source)
    if head.startswith(ZSTD):
        return Stream(_Lines(stream), stream.source)
    openers: dict[bytes, Callable[[Any], IO[bytes]]] = {
        GZIP: lambda file: gzip.GzipFile(fileobj=file),  # type: ignore[dict-item,return-value]
        BZ2: bz2.BZ2File,
        XZ: lzma.LZMAFile,
    }
    for magic, opener in openers.items():
        if head.startswith(magic):
            return Stream(opened.enter_context(opener(stream)), stream.source)
    return None


def _only_member(stream: Stream, opened: ExitStack) -> IO[bytes]:
    path = opened.enter_context(spool_to_disk(stream))
    try:
        archive = opened.enter_context(zipfile.ZipFile(path))
        members = [
            info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX")
        ]
        if any(info.filename == "[Content_Types].xml" for info in members):
            raise TableError(f"{stream.source}: is an Excel or Office file; save its sheet as CSV (UTF-8)")
        if len(members) != 1:
            raise TableError(f"{stream.source}: holds {len(members)} files; needs one: unpack it and name the table")
        return archive.open(members[0])
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        raise FileError(f"{stream.source}: {DAMAGED}") from error
    except RuntimeError as error:  # what zipfile raises for want of a password
        raise FileError(f"{stream.source}: is locked by a password; unpack it first") from error


class _Lines:
    """Text in UTF-8 out of Zstandard, which Python has no module for before 3.14 but Polars reads line by line."""

    def __init__(self, stream: Stream) -> None:
        import polars as pl

        lines = pl.scan_lines(stream.path if stream.path is not None else io.BufferedReader(stream), glob=False)
        self._batches = iter(lines.collect_batches(chunk_size=65_536, lazy=True))
        self._source = stream.source
        self._rest = b""

    def read(self, size: int) -> bytes:
        if not self._rest:
            self._rest = self._next()
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def _next(self) -> bytes:
        import polars as pl

        try:
            for batch in self._batches:
                if len(batch):
                    return ("\n".join(batch.to_series().to_list()) + "\n").encode()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            if "utf" in str(error).lower():
                raise TableError(
                    f"{self._source}: is compressed by zstd and holds no text in UTF-8; decompress it first (zstd -d)"
                ) from error
            raise FileError(f"{self._source}: {DAMAGED}") from error
        except OSError as error:
            raise FileError(f"{self._source}: {DAMAGED}") from error
        return b""


@contextmanager
def spool_to_disk(stream: Stream) -> Iterator[Path]:
    """A file of these bytes: the one they come from, or else a temporary copy."""
    if stream.path is not None:
        yield stream.path
        return
    with tempfile.NamedTemporaryFile(prefix="creche-") as copy:
        try:
            shutil.copyfileobj(stream, copy, PIECE)
            copy.flush()
        except OSError as error:
            if isinstance(error, FileError):
                raise
            raise FileError(
                f"{stream.source}: no room for a copy of it in {tempfile.gettempdir()} ({error.strerror or error}); "
                "set TMPDIR to a larger folder"
            ) from error
        yield Path(copy.name)


TEXT_PIECE = 4 << 20  # bytes


def decode_pieces(stream: Stream, encoding: str, size: int = TEXT_PIECE) -> Iterator[bytes]:
    """The text in UTF-8, without a byte order mark, in pieces that end between two characters.

    Raises
    ------
    TableError
        If bytes are not in that encoding, or NUL, with the line.

    """
    decoder = codecs.getincrementaldecoder(encoding)()
    is_utf8 = codecs.lookup(encoding).name == "utf-8"
    line = 1
    while True:
        read = stream.read(size)
        pending = decoder.getstate()[0]
        if is_utf8 and not pending and read.isascii():
            out = read
        else:
            try:
                out = decoder.decode(read, final=not read).encode()
            except UnicodeError as error:
                start = getattr(error, "start", 0)
                byte = (pending + read)[start : start + 1]
                line += (pending + read)[:start].count(b"\n")
                raise TableError(
                    f"{stream.source}: line {line} holds {'byte 0x' + byte.hex() if byte else 'bytes'}, which is not "
                    f"{encoding.upper()}; save the file as UTF-8, or name its encoding: "
                    "ReadOptions(text_encoding='cp1252'), or --text-encoding cp1252"
                ) from error
        if b"\0" in out:
            line += out[: out.index(b"\0")].count(b"\n")
            raise TableError(f"{stream.source}: line {line} holds a NUL byte, as no text does; take it out")
        line += out.count(b"\n")
        if out:
            yield out
        if not read:
            return
