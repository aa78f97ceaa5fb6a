"""Long lists and objects of a header as arrays, so that a header stays small however much it describes.

JSON is a costly form for what a model knows of each of 100,000 columns. A list of objects with the same keys is kept
key by key instead: numbers as an array, texts as an array of bytes and one of lengths. In place of such a list, or of
an object with many keys, a header has an object with the key `MARK`, which describes how the arrays hold the values:

- ``{"same": value}``: all are equal.
- ``{"array": name}``: numbers or booleans.
- ``{"text": name, "lengths": name}``: texts in UTF-8, and how many bytes each has.
- ``{"lists": name, "items": …}``: lists of these lengths, one after another.
- ``{"keys": […], "items": […]}``: objects with these keys; the values of each key.
- ``{"kinds": name, "items": […]}``: values that differ in their kind; the number of each kind, and the values of each.
- ``{"values": […]}``: anything else, as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._system.strict_json import MAX_VALUES, MalformedJsonError

__all__ = ["MARK", "PREFIX", "pack_header", "packed_values_limit", "unpack_header"]

MARK = "$packed"

PREFIX = "$"  # of the names of the arrays that a header consists of

MAX_KINDS = 255

Arrays = dict[str, NDArray[Any]]


def packed_values_limit(file_size: int) -> int:
    """Return how many values the packed parts of a header may hold: a few bytes can stand for any number of them.

    A value takes up to about 100 bytes of memory; what is known of a column takes fewer than 40 values and more than
    160 bytes of a file.
    """
    return MAX_VALUES + file_size // 4


def pack_header(header: dict[str, Any], minimum: int) -> tuple[dict[str, Any], Arrays, int]:
    """Pack each list and object of a header that has at least `minimum` items.

    Returns
    -------
    header : dict
    arrays : dict of str to array
        The arrays that hold what was packed.
    values : int
        How many values were packed.

    Raises
    ------
    MalformedJsonError
        If it holds numbers that are not finite, or half of a surrogate pair.

    Examples
    --------
    >>> packed, arrays, _ = pack_header({"columns": [{"name": "a", "mean": 0.5}, {"name": "b", "mean": 2.0}]}, 2)
    >>> {name: array.tolist() for name, array in arrays.items()}
    {'$0': [97, 98], '$1': [1, 1], '$2': [0.5, 2.0]}
    >>> unpack_header(packed, arrays, 100)
    {'columns': [{'name': 'a', 'mean': 0.5}, {'name': 'b', 'mean': 2.0}]}

    """
    packer = _Packer(minimum)
    try:
        packed: dict[str, Any] = packer.pack(header)
    except RecursionError as error:
        raise MalformedJsonError("its header is nested too deep") from error
    return packed, packer.arrays, packer.values


def unpack_header(header: dict[str, Any], arrays: Arrays, limit: int) -> dict[str, Any]:
    """Return the header that `pack_header` packed; its arrays are taken out of `arrays`.

    Parameters
    ----------
    header : dict
    arrays : dict of str to array
    limit : int
        How many packed values it may consist of.

    Raises
    ------
    MalformedJsonError
        If it does not fit the arrays, or consists of more values.

    """
    unpacker = _Unpacker({name: arrays.pop(name) for name in list(arrays) if name.startswith(PREFIX)}, limit)
    out = unpacker.unpack(header)
    if not isinstance(out, dict):
        raise MalformedJsonError("its packed header is not an object")
    if unpacker.arrays:
        raise MalformedJsonError(f"its header does not use the array {next(iter(unpacker.arrays))[:100]!r}")
    return out


class _Packer:
    def __init__(self, minimum: int) -> None:
        self.minimum = minimum
        self.arrays: Arrays = {}
        self.values = 0

    def pack(self, value: Any) -> Any:
        """Return the value with long lists and objects packed."""
        if isinstance(value, dict):
            if (len(value) >= self.minimum or MARK in value) and all(isinstance(key, str) for key in value):
                keys, items = self._describe(list(value)), self._describe(list(value.values()))
                return {MARK: {"count": len(value), "keys": keys, "items": items}}
            return {key: self.pack(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            if len(value) >= self.minimum:
                return {MARK: {"count": len(value), "items": self._describe(value)}}
            return [self.pack(item) for item in value]
        return value

    def _describe(self, values: Sequence[Any]) -> dict[str, Any]:
        """Return the description of some values, whose arrays are kept."""
        self.values += len(values)
        kinds: dict[Any, int] = {}
        codes = [kinds.setdefault(_kind_of(value), len(kinds)) for value in values]
        if len(kinds) > MAX_KINDS:
            return {"values": [self.pack(value) for value in values]}
        if len(kinds) <= 1:
            return self._describe_alike(values)
        self.values += len(values)  # each is in a description of its kind as well
        parts: list[list[Any]] = [[] for _ in kinds]
        for code, value in zip(codes, values, strict=True):
            parts[code].append(value)
        return {"kinds": self._keep(np.array(codes, np.uint8)), "items": [self._describe_alike(part) for part in parts]}

    def _describe_alike(self, values: Sequence[Any]) -> dict[str, Any]:
        """Describe values of one kind; objects have the same keys."""
        first = values[0] if values else None
        if isinstance(first, dict) and all(isinstance(key, str) for key in first):
            return {"keys": list(first), "items": [self._describe([value[key] for value in values]) for key in first]}
        if isinstance(first, list | tuple):
            items = [item for value in values for item in value]
            return {"lists": self._keep_lengths(values), "items": self._describe(items)}
        if isinstance(first, float):
            array = np.array(values, np.float64)
            if not np.isfinite(array).all():
                raise MalformedJsonError("Out of range float values are not JSON compliant")
            return {"array": self._keep(array)}
        if first is None or (isinstance(first, str | int) and all(value == first for value in values)):
            return {"same": first}
        if isinstance(first, bool):
            return {"array": self._keep(np.array(values, np.bool_))}
        if isinstance(first, int) and min(values) >= -(2**63) and max(values) < 2**63:
            return {"array": self._keep(np.array(values, np.int64))}
        if isinstance(first, str):
            return self._describe_text(values)
        return {"values": [self.pack(value) for value in values]}

    def _describe_text(self, values: Sequence[str]) -> dict[str, Any]:
        try:
            texts = [value.encode() for value in values]
        except UnicodeEncodeError as error:
            raise MalformedJsonError(f"its header holds half a character in {error.object[:100]!r}") from error
        return {"text": self._keep(np.frombuffer(b"".join(texts), np.uint8)), "lengths": self._keep_lengths(texts)}

    def _keep_lengths(self, values: Sequence[Any]) -> str:
        lengths = np.array([len(value) for value in values], np.uint32)
        return self._keep(lengths.astype(np.uint8) if lengths.max(initial=0) < 2**8 else lengths)

    def _keep(self, array: NDArray[Any]) -> str:
        name = f"{PREFIX}{len(self.arrays)}"
        self.arrays[name] = array
        return name


def _kind_of(value: Any) -> Any:
    if isinstance(value, dict):
        return tuple(value)
    return list if isinstance(value, tuple) else type(value)


class _Unpacker:
    def __init__(self, arrays: Arrays, limit: int) -> None:
        self.arrays = arrays
        self.left = limit

    def unpack(self, value: Any) -> Any:
        """Return the value with all that is packed in it unpacked."""
        if isinstance(value, list):
            return [self.unpack(item) for item in value]
        if not isinstance(value, dict):
            return value
        if MARK not in value:
            return {key: self.unpack(item) for key, item in value.items()}
        packed = value[MARK]
        fits = len(value) == 1 and isinstance(packed, dict) and set(packed) | {"keys"} == {"count", "keys", "items"}
        if not fits or type(packed["count"]) is not int or packed["count"] < 0:
            raise MalformedJsonError(f"its header holds packed values without a count: {str(value)[:100]}")
        keys = self._read(packed["keys"], packed["count"]) if "keys" in packed else None
        items = self._read(packed["items"], packed["count"])
        return items if keys is None else _make_object(keys, items)

    def _read(self, description: Any, count: int) -> list[Any]:
        """Return the values that a description stands for."""
        self.left -= count
        if self.left < 0:
            raise MalformedJsonError("its packed header stands for more values than its size allows")
        match description:
            case {"same": value, **rest} if not rest and not isinstance(value, dict | list):
                return [value] * count
            case {"array": name, **rest} if not rest:
                return self._take(name, ("f8", "i8", "b1"), count).tolist()  # type: ignore[no-any-return]
            case {"text": text, "lengths": lengths, **rest} if not rest:
                return self._read_texts(self._take(text, ("u1",)).tobytes(), self._take_ends(lengths, count))
            case {"lists": name, "items": items, **rest} if not rest:
                ends = self._take_ends(name, count)
                values = self._read(items, ends[-1])
                return [values[begin:end] for begin, end in pairwise(ends)]
            case {"keys": [*keys], "items": [*items], **rest} if not rest and len(keys) == len(items):
                _make_object(keys, keys)
                columns = [self._read(item, count) for item in items]
                rows = zip(*columns, strict=True) if keys else repeat((), count)
                return [dict(zip(keys, row, strict=True)) for row in rows]
            case {"kinds": name, "items": [*items], **rest} if not rest:
                return self._read_kinds(self._take(name, ("u1",), count), items)
            case {"values": [*values], **rest} if not rest and len(values) == count:
                return [self.unpack(value) for value in values]
        raise MalformedJsonError(f"its header holds a false description of packed values: {str(description)[:100]}")

    def _take(self, name: Any, types: tuple[str, ...], count: int | None = None) -> NDArray[Any]:
        """Return an array of the header, which each description has for itself."""
        array = self.arrays.pop(name, None) if isinstance(name, str) else None
        if array is None or array.ndim != 1 or array.dtype.str[1:] not in types or count not in (None, len(array)):
            raise MalformedJsonError(f"its header does not fit the array {str(name)[:100]!r}")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise MalformedJsonError(f"array {str(name)[:100]!r} of its header holds numbers that are not finite")
        return array

    def _take_ends(self, name: Any, count: int) -> list[int]:
        """Return where values of the lengths in an array end, after a 0."""
        return [0, *np.cumsum(self._take(name, ("u1", "u4"), count), dtype=np.int64).tolist()]

    def _read_texts(self, data: bytes, ends: list[int]) -> list[str]:
        if ends[-1] != len(data):
            raise MalformedJsonError("its header holds texts of other lengths than it tells")
        try:
            return [data[begin:end].decode() for begin, end in pairwise(ends)]
        except UnicodeDecodeError as error:
            raise MalformedJsonError(f"its header holds text that is not UTF-8 ({error.reason})") from error

    def _read_kinds(self, codes: NDArray[np.uint8], items: Sequence[Any]) -> list[Any]:
        counts = np.bincount(codes, minlength=len(items)).tolist()
        if len(counts) != len(items):
            raise MalformedJsonError("its header holds values of a kind that it does not describe")
        parts = [iter(self._read(item, count)) for item, count in zip(items, counts, strict=True)]
        return [next(parts[code]) for code in codes.tolist()]


def _make_object(keys: Sequence[Any], items: Sequence[Any]) -> dict[str, Any]:
    if not all(isinstance(key, str) for key in keys) or len(set(keys)) != len(keys):
        raise MalformedJsonError("its header holds an object with a key that is not text, or twice")
    return dict(zip(keys, items, strict=True))
