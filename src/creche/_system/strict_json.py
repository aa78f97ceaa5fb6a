"""JSON from files that may lie: plain objects, without the freedoms that could hurt, and of bounded cost.

Bounds hold before anything is built: text of a few bytes a value (``[],[],…``) grows a hundredfold in memory, and deep
nesting would exhaust the stack.
"""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError

__all__ = ["MAX_BYTES", "MAX_DEPTH", "MAX_VALUES", "MalformedJsonError", "as_json_data", "dump", "parse"]

# With both of them reached, parsing takes some 150 MB.
MAX_BYTES = 16 * 2**20


MAX_VALUES = 500_000


MAX_DEPTH = 64


MAX_DIGITS = 20  # of 2**64


class MalformedJsonError(ValueError):
    """Content that breaks the rules of its format; says how, not where."""


def dump(value: dict[str, Any]) -> bytes:
    """As ASCII text that `parse` takes.

    Raises
    ------
    Malformed
        If it holds what JSON cannot, or more than `parse` takes.

    """
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":")).encode("ascii")
    except (TypeError, ValueError, RecursionError) as error:
        raise MalformedJsonError(str(error)) from error
    _check_cost(text)
    return text


def parse(text: bytes) -> dict[str, Any]:
    """The object that the text describes.

    Refused are duplicate keys, NaN and Infinity (1e999 too), integers beyond 64 bits, characters beyond ASCII that are
    not escaped, halves of characters, and text beyond the bounds of this module.

    Raises
    ------
    Malformed

    """
    _check_cost(text)
    try:
        value = json.loads(
            text.decode("ascii"),
            object_pairs_hook=_object,
            parse_int=_whole,
            parse_float=_finite,
            parse_constant=_finite,
        )
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise MalformedJsonError(f"its header is no JSON ({error})") from error
    if not isinstance(value, dict):
        raise MalformedJsonError("its header is no JSON object")
    if b"\\ud" in text or b"\\uD" in text:
        _check_characters(value)
    return value


def as_json_data(value: dict[str, Any]) -> dict[str, Any]:
    """As it comes back from a file, so that the two can be compared.

    Raises
    ------
    FileError
        If it cannot be written.

    """
    try:
        return parse(dump(value))
    except MalformedJsonError as error:
        raise FileError(f"checkpoint: cannot be written: {error}") from error


def _check_cost(text: bytes) -> None:
    if len(text) > MAX_BYTES:
        raise MalformedJsonError(f"its header has {len(text):,} bytes; at most {MAX_BYTES:,} are allowed")
    structure = _structure(text)
    opening = (structure == ord("[")) | (structure == ord("{"))
    values = int(np.count_nonzero(opening | (structure == ord(","))))
    closing = (structure == ord("]")) | (structure == ord("}"))
    if max(values, int(np.count_nonzero(closing))) > MAX_VALUES:
        raise MalformedJsonError(f"its header holds {values:,} values; at most {MAX_VALUES:,} are allowed")
    steps = np.where(opening[opening | closing], 1, -1)
    depth = int(np.cumsum(steps).max(initial=0))
    if depth > MAX_DEPTH:
        raise MalformedJsonError(f"its header is nested {depth:,} deep; at most {MAX_DEPTH} are allowed")


def _structure(text: bytes) -> NDArray[np.uint8]:
    """The text without what stands in strings: by array operations, so that its cost is a few bytes a byte."""
    unescaped = text.replace(b"\\\\", b"").replace(b'\\"', b"")  # the quotation marks left begin and end strings
    characters = np.frombuffer(unescaped, dtype=np.uint8)
    inside = np.logical_xor.accumulate(characters == ord('"'))
    return characters[~inside]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise MalformedJsonError(f"its header has the key {twice[:100]!r} twice")
    return out


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise MalformedJsonError(f"its header holds a whole number of {len(digits):,} digits")
    return int(digits)


def _finite(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise MalformedJsonError(f"its header holds the number {digits[:40]}, which is not finite")
    return value


def _check_characters(value: Any) -> None:
    """Refuses halves of UTF-16 pairs, which no terminal and no file could show."""
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
