"""Where the arrays of a safetensors file lie, checked before a byte of them is read.

The format: 8 bytes with the length of a JSON header; the header, with a type, a shape and a range of bytes for each
array; then the arrays' bytes, one after another without gaps (https://github.com/huggingface/safetensors).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from creche.files.strict_json import Malformed

__all__ = ["DTYPES", "Extent", "extents"]

DTYPES = {
    "BOOL": np.dtype(np.bool_),
    "U8": np.dtype(np.uint8), "U16": np.dtype("<u2"), "U32": np.dtype("<u4"), "U64": np.dtype("<u8"),
    "I8": np.dtype(np.int8), "I16": np.dtype("<i2"), "I32": np.dtype("<i4"), "I64": np.dtype("<i8"),
    "F16": np.dtype("<f2"), "F32": np.dtype("<f4"), "F64": np.dtype("<f8"),
}  # fmt: skip
MAX_DIMENSIONS = 8
# Of an empty array, whose shape its bytes do not bound, NumPy still multiplies the other lengths.
MAX_EMPTY = 2**40


@dataclass(frozen=True, slots=True)
class Extent:
    """One array: what it is and how many bytes it takes."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    size: int


def extents(table: dict[str, Any], data_size: int) -> list[Extent]:
    """The arrays in the order in which they lie, which together take exactly `data_size` bytes.

    Raises
    ------
    Malformed
        If an entry is none, or the arrays overlap, leave gaps or reach beyond the data.

    """
    found = sorted((_entry(name, entry, data_size) for name, entry in table.items()), key=lambda item: item[:2])
    at = 0
    for begin, end, extent in found:
        if begin != at:
            raise Malformed(f"array {extent.name[:100]!r} begins at byte {begin} of the data; {at} is next")
        at = end
    if at != data_size:
        raise Malformed(f"its arrays take {at:,} bytes, and {data_size:,} are there")
    return [extent for *_, extent in found]


def _entry(name: str, entry: Any, data_size: int) -> tuple[int, int, Extent]:
    where = f"array {name[:100]!r}"
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise Malformed(f"{where} has no dtype, shape and data_offsets")
    dtype = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise Malformed(f"{where} is of a type unknown here, {str(entry['dtype'])[:40]!r}")
    shape, offsets = _lengths(where, entry["shape"]), _lengths(where, entry["data_offsets"])
    if len(shape) > MAX_DIMENSIONS:
        raise Malformed(f"{where} has {len(shape)} dimensions")
    if len(offsets) != 2 or not offsets[0] <= offsets[1] <= data_size:
        raise Malformed(f"{where} lies at bytes {str(list(offsets))[:100]} of {data_size:,}")
    size = math.prod(shape) * dtype.itemsize
    if size == 0 and math.prod(length or 1 for length in shape) > MAX_EMPTY:
        raise Malformed(f"{where} is empty, of shape {str(shape)[:100]}")
    if size != offsets[1] - offsets[0]:
        raise Malformed(f"{where} of shape {str(shape)[:100]} needs {size} bytes, and has {offsets[1] - offsets[0]}")
    return offsets[0], offsets[1], Extent(name, dtype, shape, size)


def _lengths(where: str, values: Any) -> tuple[int, ...]:
    if not isinstance(values, list) or any(isinstance(v, bool) or not isinstance(v, int) or v < 0 for v in values):
        raise Malformed(f"{where} has lengths that are no whole numbers of 0 or more: {str(values)[:100]}")
    return tuple(values)
