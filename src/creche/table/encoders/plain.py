"""Plain data out of a file, believed only when it is checked."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any, TypeGuard

from creche.errors import FileError

__all__ = ["finite_number", "name_of", "number_list", "word_list", "yes_or_no"]

LARGEST = sys.float_info.max


def _refuse(name: str, value: object) -> FileError:
    shown = repr(value)
    return FileError(
        f"features: {name} is {shown if len(shown) <= 80 else shown[:80] + '…'}; the file was damaged or made by hand"
    )


def finite_number(data: Mapping[str, Any], name: str, above: float = -math.inf) -> float:
    """The number of that name."""
    value = data.get(name)
    if not _is_finite(value) or value <= above:
        raise _refuse(name, value)
    return float(value)


def _is_finite(value: Any) -> TypeGuard[int | float]:
    """Also that it is not a whole number beyond the largest float."""
    return type(value) in (int, float) and -LARGEST <= value <= LARGEST


def name_of(data: Mapping[str, Any]) -> str:
    """The column's name."""
    value = data.get("name")
    if not isinstance(value, str):
        raise _refuse("name", value)
    return value


def number_list(data: Mapping[str, Any], name: str) -> tuple[float, ...]:
    """The list of finite numbers of that name."""
    values = data.get(name)
    if not isinstance(values, list) or not all(map(_is_finite, values)):
        raise _refuse(name, values)
    return tuple(map(float, values))


def word_list(data: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The list of different words of that name."""
    values = data.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise _refuse(name, values)
    if len(set(values)) < len(values):
        raise _refuse(name, values)
    return tuple(values)


def yes_or_no(data: Mapping[str, Any], name: str) -> bool:
    """The yes or no of that name."""
    value = data.get(name)
    if not isinstance(value, bool):
        raise _refuse(name, value)
    return value
