"""Arrow IPC as a stream, one record batch at a time.

The format: https://arrow.apache.org/docs/format/Columnar.html#serialization-and-interprocess-communication-ipc.
A message is 0xFFFFFFFF, a length, that many bytes of description (a flatbuffer), and a body. The first message
describes the columns, the others hold dictionaries and rows. Polars can only read whole streams, so each batch is
passed to it as a stream of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from creche.errors import FileError, TableError
from creche.table.reading.byte_streams import Stream
from creche.table.table import clean_names, select_names

if TYPE_CHECKING:
    import polars as pl

__all__ = ["check_arrow_stream", "read_arrow_frames"]

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


def check_arrow_stream(data: bytes, source: str, *, most_rows: int) -> int:
    """Check, before anything is unpacked, that a stream takes no more memory than its size suggests.

    Parameters
    ----------
    data : bytes
    source : str
        The name of the stream in messages.
    most_rows : int

    Returns
    -------
    int
        The number of its rows; if they are more than `most_rows`, not all are counted.

    Raises
    ------
    TableError
        If it is compressed, and so may be thousands of times as large.
    FileError
        If it is damaged.

    """
    stream, rows = Stream(BytesIO(data), source), 0
    for kind, message in _read_messages(stream):
        if kind not in (DICTIONARY, RECORDS):
            continue
        description = message[8:]
        try:
            (table,) = struct.unpack_from("<I", description, 0)
            header = _find_table(description, table, 2)
            batch = header if kind == RECORDS else _find_table(description, header, 1)
            length_at, is_compressed = _find_field(description, batch, 0), bool(_find_field(description, batch, 3))
            length = struct.unpack_from("<q", description, length_at)[0] if length_at else 0
        except (struct.error, IndexError) as error:
            raise _damage_error(stream) from error
        if is_compressed:
            raise TableError(f"{source}: is an Arrow IPC stream with compressed columns; write it without compression")
        rows += length if kind == RECORDS else 0
        if length < 0:
            raise _damage_error(stream)
        if rows > most_rows:
            break
    return rows


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
    kind_at, body_at = _find_field(description, table, 1), _find_field(description, table, 3)
    kind = description[kind_at] if kind_at else 0
    body = struct.unpack_from("<q", description, body_at)[0] if body_at else 0
    return kind, body


def _find_field(description: bytes, table: int, number: int) -> int:
    """Return where a field of a table of a flatbuffer lies; 0 if it has its default."""
    (back,) = struct.unpack_from("<i", description, table)
    index = table - back
    if not 0 <= index < len(description):
        raise IndexError
    (size,) = struct.unpack_from("<H", description, index)
    entry = 4 + 2 * number
    (at,) = struct.unpack_from("<H", description, index + entry) if entry < size else (0,)
    return table + at if at else 0


def _find_table(description: bytes, table: int, number: int) -> int:
    """Return where the table in a field begins."""
    at = _find_field(description, table, number)
    if not at:
        raise IndexError
    return int(at + struct.unpack_from("<I", description, at)[0])


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
