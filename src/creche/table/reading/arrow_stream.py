"""Arrow IPC as a stream, one record batch at a time.

The format: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc.
A message is 0xFFFFFFFF, a length, that many bytes of description (a flatbuffer), and a body. The first message
describes the columns, the others hold dictionaries and rows. Polars can only read whole streams, so each batch is
passed to it as a stream of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from creche.errors import FileError, TableError
from creche.table.reading.byte_streams import Stream
from creche.table.table import clean_names, select_names

if TYPE_CHECKING:
    import polars as pl

__all__ = ["read_arrow_frames"]

CONTINUES = b"\xff\xff\xff\xff"

END = CONTINUES + b"\0\0\0\0"

SCHEMA, DICTIONARY, RECORDS = 1, 2, 3

MAX_DESCRIPTION = 256 << 20  # bytes; a larger length is damage


def read_arrow_frames(stream: Stream, columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
    """Yield a frame for each record batch.

    Raises
    ------
    FileError
        If the bytes are cut short or damaged.
    TableError
        If a column has no name, or two have the same.

    """
    schema, dictionaries = b"", b""
    for kind, message in _read_messages(stream):
        if kind == SCHEMA:
            schema = message
            _read_frame(schema + END, stream, columns)
        elif not schema:
            raise _damage_error(stream)
        elif kind == DICTIONARY:
            dictionaries += message
        elif kind == RECORDS:
            yield _read_frame(schema + dictionaries + message + END, stream, columns)
    if not schema:
        raise _damage_error(stream)


def _damage_error(stream: Stream) -> FileError:
    return FileError(
        f"{stream.source}: is an Arrow IPC stream that is cut short or damaged; download or write it again"
    )


def _read_messages(stream: Stream) -> Iterator[tuple[int, bytes]]:
    while True:
        start = _read_exactly(stream, 8)
        if not start or start == END:
            return
        length = int.from_bytes(start[4:], "little")
        if start[:4] != CONTINUES or length > MAX_DESCRIPTION:
            raise _damage_error(stream)
        description = _read_exactly(stream, length)
        try:
            kind, body = _parse_description(description)
        except (struct.error, IndexError) as error:
            raise _damage_error(stream) from error
        if len(description) < length or body < 0:
            raise _damage_error(stream)
        content = _read_exactly(stream, body)
        if len(content) < body:
            raise _damage_error(stream)
        yield kind, start + description + content


def _parse_description(description: bytes) -> tuple[int, int]:
    """Return the kind of a message and the length of its body from a flatbuffer: a table with an index, its vtable."""
    (table,) = struct.unpack_from("<I", description, 0)
    (back,) = struct.unpack_from("<i", description, table)
    index = table - back
    if not 0 <= index < len(description):
        raise IndexError
    (size,) = struct.unpack_from("<H", description, index)
    kind_at, body_at = (
        struct.unpack_from("<H", description, index + field)[0] if field < size else 0 for field in (6, 10)
    )
    kind = description[table + kind_at] if kind_at else 0
    body = struct.unpack_from("<q", description, table + body_at)[0] if body_at else 0
    return kind, body


def _read_exactly(stream: Stream, size: int) -> bytes:
    """Read that many bytes, fewer at the end: in pieces, since the length of a damaged file can be anything."""
    pieces: list[bytes] = []
    while size > 0:
        piece = stream.read(min(size, 4 << 20))
        if not piece:
            break
        pieces.append(piece)
        size -= len(piece)
    return b"".join(pieces)


def _read_frame(message: bytes, stream: Stream, columns: Sequence[str] | None) -> pl.DataFrame:
    import polars as pl

    try:
        frame = pl.read_ipc_stream(message)
    except pl.exceptions.DuplicateError as error:
        raise TableError(
            f"{stream.source}: two columns have the same name; give each column a different name"
        ) from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise _damage_error(stream) from error
    frame.columns = clean_names(frame.columns, stream.source)[0]
    return frame.select(select_names(columns, frame.columns, stream.source))
