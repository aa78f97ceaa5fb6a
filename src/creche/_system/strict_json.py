"""JSON from files that cannot be trusted: a strict subset, at a bounded cost.

The bounds are checked before any value is built: text with a few bytes per value (``[],[],…``) takes a hundred times
its size in memory, and deep nesting would exhaust the stack.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError

__all__ = [
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_VALUES",
    "MalformedJsonError",
    "TooLargeError",
    "as_json_data",
    "dump",
    "parse",
]

# At both limits, parsing takes about 150 MB.
MAX_BYTES = 16 * 2**20

MAX_VALUES = 500_000

MAX_DEPTH = 64

MAX_DIGITS = 20  # 2**64 has as many


class MalformedJsonError(ValueError):
    """Content that breaks the rules of its format; the message has no file name."""


class TooLargeError(MalformedJsonError):
    """JSON text of more bytes or values than this module reads."""


def dump(value: dict[str, Any]) -> bytes:
    """Return the value as ASCII text that `parse` accepts.

    Raises
    ------
    MalformedJsonError
        If it holds something that JSON cannot, or more than `parse` accepts.

    """
    text = _encode(value)
    _check_cost(text)
    return text


def parse(text: bytes) -> dict[str, Any]:
    """Parse a JSON object.

    Raises
    ------
    MalformedJsonError
        If the text is not a JSON object, exceeds the limits of this module, or has duplicate keys, NaN or infinity
        (also as 1e999), integers of more than 64 bits, unescaped characters beyond ASCII, or half of a surrogate pair.

    """
    _check_cost(text)
    return _decode(text)


def as_json_data(value: dict[str, Any]) -> dict[str, Any]:
    """Return the value, of any size, as it would be read from a file, for a comparison with one that was.

    Raises
    ------
    FileError
        If it cannot be written.

    """
    try:
        return _decode(_encode(value))
    except MalformedJsonError as error:
        raise FileError(f"checkpoint: cannot be written, because {error}") from error


def _encode(value: dict[str, Any]) -> bytes:
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedJsonError(str(error)) from error


def _decode(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(
            text.decode("ascii"),
            object_pairs_hook=_make_object,
            parse_int=_parse_integer,
            parse_float=_parse_finite,
            parse_constant=_parse_finite,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise MalformedJsonError(f"its header is not valid JSON ({error})") from error
    if not isinstance(value, dict):
        raise MalformedJsonError("its header is not a JSON object")
    if b"\\ud" in text or b"\\uD" in text:
        _check_characters(value)
    return value


def _check_cost(text: bytes) -> None:
    if len(text) > MAX_BYTES:
        raise TooLargeError(f"its header has {len(text):,} bytes; at most {MAX_BYTES:,} are allowed")
    structure = _remove_strings(text)
    opening = (structure == ord("[")) | (structure == ord("{"))
    values = int(np.count_nonzero(opening | (structure == ord(","))))
    closing = (structure == ord("]")) | (structure == ord("}"))
    if max(values, int(np.count_nonzero(closing))) > MAX_VALUES:
        raise TooLargeError(f"its header holds {values:,} values; at most {MAX_VALUES:,} are allowed")
    steps = np.where(opening[opening | closing], 1, -1)
    depth = int(np.cumsum(steps).max(initial=0))
    if depth > MAX_DEPTH:
        raise MalformedJsonError(f"its header is nested {depth:,} deep; at most {MAX_DEPTH} are allowed")


def _remove_strings(text: bytes) -> NDArray[np.uint8]:
    """Return the text without its strings, by array operations, which need little memory."""
    unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")  # the remaining quotation marks begin and end strings
    characters = np.frombuffer(unescaped, dtype=np.uint8)
    inside = np.logical_xor.accumulate(characters == ord('"'))
    return characters[~inside]


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise MalformedJsonError(f"its header has the key {twice[:100]!r} twice")
    return out


def _parse_integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise MalformedJsonError(f"its header holds a whole number of {len(digits):,} digits")
    return int(digits)


def _parse_finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise MalformedJsonError(f"its header holds the number {digits[:40]}, which is not finite")
    return value


def _check_characters(value: Any) -> None:
    """Refuse halves of surrogate pairs, which cannot be written to a terminal or a file."""
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise MalformedJsonError(f"its header holds half a character in {value[:100]!r}") from error
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_characters(key)
            _check_characters(item)
    elif isinstance(value, list):
        for item in value:
            _check_characters(item)
