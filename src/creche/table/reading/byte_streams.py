"""The bytes of a file, an open file or standard input: decompressed, and decoded to UTF-8 if they are text."""

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

from creche._advice import advise
from creche._system.forks import check_polars
from creche.errors import FileError, TableError

__all__ = ["TEXT_PIECE", "ZIP", "Stream", "decode_pieces", "open_bytes", "spool_to_disk"]

PIECE = 1 << 20  # bytes

TEXT_PIECE = 4 << 20  # bytes

GZIP, ZSTD, BZ2, XZ, ZIP = b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"PK\x03\x04"

WORKBOOKS = {"xl/workbook.xml", "xl/workbook.bin"}  # in .xlsx and .xlsb

# Names of files with which the archives of Office programs begin.
OFFICE_NAMES = (b"[Content_Types].xml", b"docProps/", b"_rels/.rels", b"xl/", b"mimetypeapplication/vnd.oasis")

DAMAGED = "its compressed bytes are cut short or damaged; download or compress it again"


@contextmanager
def open_bytes(path: Path | IO[Any] | None, source: str) -> Iterator[Stream]:
    """Open a file, an open file, or standard input (None), and decompress it as often as it is compressed.

    Parameters
    ----------
    path : Path, file object or None
    source : str
        The name of the file in messages.

    Raises
    ------
    FileError
        If it cannot be opened; also later, while it is read, if it is damaged.
    TableError
        If it is an archive of several files.

    """
    with ExitStack() as opened:
        if not isinstance(path, Path):
            stream = Stream(sys.stdin.buffer if path is None else path, source)
        else:
            try:
                # A named pipe, as in <(zcat …), has a path but can be read only once.
                stream = Stream(opened.enter_context(path.open("rb")), source, path if path.is_file() else None)
            except OSError as error:
                raise _read_error(source, error) from error
        while True:
            decompressed = _decompress(stream, opened)
            if decompressed is None:
                break
            stream = decompressed
        yield stream


class Stream(io.RawIOBase):
    """A stream of bytes that can be inspected before they are read.

    Attributes
    ----------
    source : str
        The name of the stream in messages.
    path : Path or None
        The file, if it holds exactly these bytes.

    """

    def __init__(self, file: Any, source: str, path: Path | None = None) -> None:
        super().__init__()
        self.source = source
        self.path = path
        self._file = file
        self._head = b""

    def readable(self) -> bool:
        """Return True."""
        return True

    def peek(self, size: int) -> bytes:
        """Return the next `size` bytes without reading them; fewer only at the end."""
        pieces = [self._head]
        have = len(self._head)
        while have < size:
            piece = self._read_more(size - have)
            if not piece:
                break
            pieces.append(piece)
            have += len(piece)
        self._head = b"".join(pieces)
        return self._head[:size]

    def read(self, size: int = -1) -> bytes:
        """Read at most `size` bytes, or all that are left."""
        if size < 0:
            return b"".join(iter(lambda: self.read(PIECE), b""))
        head, self._head = self._head[:size], self._head[size:]
        return head + self._read_more(size - len(head)) if len(head) < size else head

    def readinto(self, buffer: Any) -> int:
        """Read bytes into a buffer, and return how many."""
        piece = self.read(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _read_more(self, size: int) -> bytes:
        try:
            piece = self._file.read(size) or b""
            return piece.encode() if isinstance(piece, str) else bytes(piece)
        except (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError, zipfile.BadZipFile) as error:
            raise FileError(f"{self.source}: {DAMAGED}") from error
        except OSError as error:
            if error.errno is None and not isinstance(error, FileError):  # bz2 reports damaged bytes like this
                raise FileError(f"{self.source}: {DAMAGED}") from error
            raise _read_error(self.source, error) from error


def decode_pieces(stream: Stream, encoding: str, size: int = TEXT_PIECE) -> Iterator[bytes]:
    """Yield a text as UTF-8, without a byte order mark, in pieces that end between characters.

    Parameters
    ----------
    stream : Stream
    encoding : str
        The encoding of the stream.
    size : int, default 4 MiB
        How many bytes of the stream to read at a time.

    Raises
    ------
    TableError
        If a byte is not in that encoding, or is NUL, with its line.

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
                    f"{advise('ReadOptions.text_encoding', 'cp1252')}"
                ) from error
        if b"\0" in out:
            line += out[: out.index(b"\0")].count(b"\n")
            raise TableError(f"{stream.source}: line {line} holds a NUL byte, which text never does; remove it")
        line += out.count(b"\n")
        if out:
            yield out
        if not read:
            return


@contextmanager
def spool_to_disk(stream: Stream) -> Iterator[Path]:
    """Yield the path of a file with these bytes: the one they come from, or a temporary copy."""
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
                f"{stream.source}: there is no room for a copy in {tempfile.gettempdir()} ({error.strerror or error}); "
                "set TMPDIR to a folder with more room"
            ) from error
        yield Path(copy.name)


def _decompress(stream: Stream, opened: ExitStack) -> Stream | None:
    """Return the decompressed stream, or None if it is not compressed."""
    head = stream.peek(6)
    if head.startswith(ZIP):
        path = opened.enter_context(spool_to_disk(stream))
        member = _open_single_member(path, stream.source, opened)
        if member is not None:
            return Stream(member, stream.source)
        # A workbook is a zip archive that is read as it is, by way of a path.
        return None if path == stream.path else Stream(opened.enter_context(path.open("rb")), stream.source, path)
    if head.startswith(ZSTD):
        return Stream(_ZstandardText(stream), stream.source)
    openers: dict[bytes, Callable[[Any], IO[bytes]]] = {
        GZIP: lambda file: gzip.GzipFile(fileobj=file),  # type: ignore[dict-item,return-value]
        BZ2: bz2.BZ2File,
        XZ: lzma.LZMAFile,
    }
    for magic, opener in openers.items():
        if head.startswith(magic):
            return Stream(opened.enter_context(opener(stream)), stream.source)
    return None


def _open_single_member(path: Path, source: str, opened: ExitStack) -> IO[bytes] | None:
    """Open the only file in a zip archive; None if the archive is an Excel or OpenDocument workbook."""
    try:
        archive = opened.enter_context(zipfile.ZipFile(path))
        members = [
            info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX")
        ]
        names = {info.filename for info in members}
        if not WORKBOOKS.isdisjoint(names) or _opendocument_type(archive, names) == "spreadsheet":
            return None
        if "[Content_Types].xml" in names or _opendocument_type(archive, names):
            raise TableError(f"{source}: is a document of an Office program without sheets; needs a table")
        if len(members) != 1:
            raise TableError(
                f"{source}: holds {len(members)} files; needs one: unpack it and pass the file with the table"
            )
        return archive.open(members[0])
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        with path.open("rb") as file:
            head = file.read(100)
        is_office = any(name in head for name in OFFICE_NAMES)
        damage = "is an Office file that is cut short or damaged; download or save it again" if is_office else DAMAGED
        raise FileError(f"{source}: {damage}") from error
    except RuntimeError as error:  # zipfile has no password
        raise FileError(f"{source}: is protected by a password; unpack it first") from error


def _opendocument_type(archive: zipfile.ZipFile, names: set[str]) -> str:
    """Return the type of an OpenDocument file, such as "spreadsheet"; empty for other archives."""
    if "mimetype" not in names:
        return ""
    with archive.open("mimetype") as file:
        text = file.read(100).decode("ascii", "replace").strip()
    prefix = "application/vnd.oasis.opendocument."
    return text.removeprefix(prefix).removesuffix("-template") if text.startswith(prefix) else ""


class _ZstandardText:
    """Text compressed by Zstandard, by way of Polars: Python has no module for it before 3.14."""

    def __init__(self, stream: Stream) -> None:
        check_polars(stream.source, "decompress it first (zstd -d)")
        import polars as pl

        lines = pl.scan_lines(stream.path if stream.path is not None else io.BufferedReader(stream), glob=False)
        self._batches = iter(lines.collect_batches(chunk_size=65_536, lazy=True))
        self._source = stream.source
        self._rest = b""

    def read(self, size: int) -> bytes:
        if not self._rest:
            self._rest = self._next_batch()
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def _next_batch(self) -> bytes:
        import polars as pl

        try:
            for batch in self._batches:
                if len(batch):
                    return ("\n".join(batch.to_series().to_list()) + "\n").encode()
        except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            if "utf" in str(error).lower():
                raise TableError(
                    f"{self._source}: is compressed by zstd and is not UTF-8 text; decompress it first (zstd -d)"
                ) from error
            raise FileError(f"{self._source}: {DAMAGED}") from error
        except OSError as error:
            raise FileError(f"{self._source}: {DAMAGED}") from error
        return b""


def _read_error(source: str, error: OSError) -> FileError:
    if isinstance(error, FileError):
        return error
    if isinstance(error, PermissionError):
        return FileError(f"{source}: you have no permission to read it; permit it (chmod u+r)")
    return FileError(f"{source}: cannot be read ({error.strerror or error}); check the file and its disk")
