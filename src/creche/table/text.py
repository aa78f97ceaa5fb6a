"""Text out of bytes of any encoding, as UTF-8, piece by piece."""

from __future__ import annotations

import codecs
from collections.abc import Iterator

from creche.errors import TableError
from creche.table.streams import Stream

__all__ = ["utf8_pieces"]

TEXT_PIECE = 4 << 20  # bytes


def utf8_pieces(stream: Stream, encoding: str, size: int = TEXT_PIECE) -> Iterator[bytes]:
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
                    f"{encoding.upper()}; save it in UTF-8, or say the encoding: Reading(encoding='cp1252'), or "
                    "--text-encoding cp1252"
                ) from error
        if b"\0" in out:
            line += out[: out.index(b"\0")].count(b"\n")
            raise TableError(f"{stream.source}: line {line} holds a NUL byte, as no text does; take it out")
        line += out.count(b"\n")
        if out:
            yield out
        if not read:
            return
