"""Plain data out of a file, believed only when it is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from rookery.errors import FileError

__all__ = ["finite_number", "name_of", "number_list", "word_list", "yes_or_no"]


def _refuse(name: str, value: object) -> FileError:
    shown = repr(value)
    return FileError(
        f"features: {name} is {shown if len(shown) <= 80 else shown[:80] + '…'}; the file was damaged or made by hand"
    )


def finite_number(data: Mapping[str, Any], name: str, above: float = -math.inf) -> float:
    """The number of that name."""
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not above < value < math.inf:
        raise _refuse(name, value)
    return float(value)


def name_of(data: Mapping[str, Any]) -> str:
    """The column's name."""
    value = data.get("name")
    if not isinstance(value, str):
        raise _refuse("name", value)
    return value


def number_list(data: Mapping[str, Any], name: str) -> tuple[float, ...]:
    """The list of finite numbers of that name."""
    values = data.get(name)
    fits = isinstance(values, list) and all(type(value) in (int, float) and math.isfinite(value) for value in values)
    if not fits:
        raise _refuse(name, values)
    return tuple(map(float, values))  # type: ignore[arg-type]


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
