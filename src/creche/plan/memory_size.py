"""Amounts of memory, as people write them: "8GB", "500 MB", or a number of bytes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from creche.errors import PlanError

__all__ = ["parse_memory"]

UNITS = {
    "": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "kib": 2**10, "mib": 2**20, "gib": 2**30,
    "tib": 2**40, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12,
}  # fmt: skip

SIZE = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*([a-zA-Z]*)")


def parse_memory(value: Any, argument: str = "memory") -> int:
    """Return a number of bytes.

    Parameters
    ----------
    value : str or int
        A number and a unit, such as "8GB" (8,000,000,000 bytes) or "4 GiB" (4 * 2**30), or a number of bytes.
    argument : str
        The argument, for the error.

    Raises
    ------
    PlanError
        If it is none, or not above 0.

    Examples
    --------
    >>> parse_memory("8GB"), parse_memory("1.5 GiB"), parse_memory(500_000_000)
    (8000000000, 1610612736, 500000000)

    """
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        size = int(value)
    elif isinstance(value, str):
        match = SIZE.fullmatch(value.strip())
        unit = None if match is None else UNITS.get(match[2].lower())
        if match is None or unit is None:
            raise PlanError(
                f"{argument}: got {value!r}; needs a number and a unit, such as '8GB' or '500MB'", argument=argument
            )
        size = round(float(match[1]) * unit)
    else:
        raise PlanError(f"{argument}: got {value!r}; needs an amount such as '8GB', or bytes", argument=argument)
    if size <= 0:
        raise PlanError(f"{argument}: got {value!r}; needs more than 0", argument=argument)
    return size
