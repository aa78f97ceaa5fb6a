"""The values of an encoder in a model file, each checked before it is used."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any, TypeGuard

from creche.errors import FileError

__all__ = ["read_flag", "read_name", "read_number", "read_numbers", "read_words"]

LARGEST = sys.float_info.max


def read_name(data: Mapping[str, Any]) -> str:
    """Return the name of the column."""
    value = data.get("name")
    if not isinstance(value, str):
        raise _value_error("name", value)
    return value


def read_number(data: Mapping[str, Any], name: str, above: float = -math.inf) -> float:
    """Return the number under that key, which has to be greater than `above`."""
    value = data.get(name)
    if not _is_finite(value) or value <= above:
        raise _value_error(name, value)
    return float(value)


def read_numbers(data: Mapping[str, Any], name: str) -> tuple[float, ...]:
    """Return the list of finite numbers under that key."""
    values = data.get(name)
    if not isinstance(values, list) or not all(map(_is_finite, values)):
        raise _value_error(name, values)
    return tuple(map(float, values))


def read_words(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Return the list of distinct words under that key."""
    values = data.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _value_error(name, values)
    if len(set(values)) < len(values):
        raise _value_error(name, values)
    return tuple(values)


def read_flag(data: Mapping[str, Any], name: str) -> bool:
    """Return the boolean under that key."""
    value = data.get(name)
    if not isinstance(value, bool):
        raise _value_error(name, value)
    return value


def _is_finite(value: Any) -> TypeGuard[int | float]:
    """Whether it is a number that a float can hold; Python's whole numbers may be larger."""
    return type(value) in (int, float) and -LARGEST <= value <= LARGEST


def _value_error(name: str, value: object) -> FileError:
    text = repr(value)
    return FileError(
        f"features: {name} is {text if len(text) <= 80 else text[:80] + '…'}; the file was damaged or made by hand"
    )
