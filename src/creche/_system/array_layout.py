"""The positions of the arrays in a safetensors file, checked before a byte of them is read.

The format: 8 bytes with the length of a JSON header; the header, with a type, a shape and a range of bytes for each
array; then the arrays' bytes, one after another without gaps (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from creche._system.strict_json import MalformedJsonError

__all__ = ["DTYPES", "Extent", "parse_extents"]

DTYPES = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype(np.uint8), "U16": np.dtype("<u2"), "U32": np.dtype("<u4"), "U64": np.dtype("<u8"),
    "I8": np.dtype(np.int8), "I16": np.dtype("<i2"), "I32": np.dtype("<i4"), "I64": np.dtype("<i8"),
    "F16": np.dtype("<f2"), "F32": np.dtype("<f4"), "F64": np.dtype("<f8"),
}  # fmt: skip

MAX_DIMENSIONS = 8

# NumPy multiplies the other lengths of an empty array, which its number of bytes does not limit.
MAX_EMPTY = 2**40


@dataclass(frozen=True, slots=True)
class Extent:
    """The name, type, shape and size in bytes of one array."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    size: int


def parse_extents(table: dict[str, Any], data_size: int) -> list[Extent]:
    """Return the arrays of a header in the order of their bytes, which together are exactly `data_size`.

    Raises
    ------
    MalformedJsonError
        If an entry is invalid, or the arrays overlap, leave gaps or reach beyond the data.

    """
    extents = sorted((_parse_entry(name, entry, data_size) for name, entry in table.items()), key=lambda item: item[:2])
    position = 0
    for begin, end, extent in extents:
        if begin != position:
            raise MalformedJsonError(
                f"array {extent.name[:100]!r} begins at byte {begin} of the data, not at {position}"
            )
        position = end
    if position != data_size:
        raise MalformedJsonError(f"its arrays have {position:,} bytes, but the file has {data_size:,} for them")
    return [extent for *_, extent in extents]


def _parse_entry(name: str, entry: Any, data_size: int) -> tuple[int, int, Extent]:
    where = f"array {name[:100]!r}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise MalformedJsonError(f"{where} has no dtype, shape and data_offsets")
    dtype = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise MalformedJsonError(f"{where} has the unknown type {str(entry['dtype'])[:40]!r}")
    shape, offsets = _parse_lengths(where, entry["shape"]), _parse_lengths(where, entry["data_offsets"])
    if len(shape) > MAX_DIMENSIONS:
        raise MalformedJsonError(f"{where} has {len(shape)} dimensions")
    if len(offsets) != 2 or not offsets[0] <= offsets[1] <= data_size:
        raise MalformedJsonError(
            f"{where} has the offsets {str(list(offsets))[:100]}, but there are {data_size:,} bytes"
        )
    size = math.prod(shape) * dtype.itemsize
    if size == 0 and math.prod(length or 1 for length in shape) > MAX_EMPTY:
        raise MalformedJsonError(f"{where} is empty, of shape {str(shape)[:100]}")
    if size != offsets[1] - offsets[0]:
        raise MalformedJsonError(
            f"{where} of shape {str(shape)[:100]} needs {size} bytes, but has {offsets[1] - offsets[0]}"
        )
    return offsets[0], offsets[1], Extent(name, dtype, shape, size)


def _parse_lengths(where: str, values: Any) -> tuple[int, ...]:
    if not isinstance(values, list) or any(isinstance(v, bool) or not isinstance(v, int) or v < 0 for v in values):
        raise MalformedJsonError(f"{where} has lengths that are not whole numbers of 0 or more: {str(values)[:100]}")
    return tuple(values)
