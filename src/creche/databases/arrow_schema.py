"""The names and types of the columns of an Arrow stream, with the types that the database calls them by.

The structure is that of the Arrow C data interface: https://arrow.apache.org/docs/format/CDataInterface.html. Polars
reads it without the metadata of fields, in which drivers say what a column is in the database.
"""

from __future__ import annotations

import ctypes
import struct

__all__ = ["read_fields"]


class _Schema(ctypes.Structure):
    pass


_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)),
    ("release", ctypes.c_void_p),
    ("private_data", ctypes.c_void_p),
]


def read_fields(address: int, key: str) -> list[tuple[str, str]]:
    """Return the name of each column, and what its metadata hold under a key; empty where they hold nothing.

    Parameters
    ----------
    address : int
        Where the structure lies in memory; its owner keeps it alive.
    key : str
        Such as "POSTGRESQL:type".

    """
    schema = _Schema.from_address(address)
    children = (schema.children[i].contents for i in range(schema.n_children))
    return [((child.name or b"").decode(), _read_metadata(child.metadata).get(key, "")) for child in children]


def _read_metadata(address: int | None) -> dict[str, str]:
    """Return pairs that lie as counts and lengths of 32 bits, each followed by its bytes."""
    if not address:
        return {}
    position = address

    def read_number() -> int:
        nonlocal position
        (number,) = struct.unpack("i", ctypes.string_at(position, 4))
        position += 4
        return int(number)

    def read_text() -> str:
        nonlocal position
        length = read_number()
        position += length
        return ctypes.string_at(position - length, length).decode(errors="replace")

    return {read_text(): read_text() for _ in range(read_number())}
