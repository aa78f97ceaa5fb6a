"""The arguments that plans and training take."""

from __future__ import annotations

import numpy as np

from creche.errors import PlanError

__all__ = ["check_whole_number"]


def check_whole_number(name: str, value: object, at_least: int, at_most: int | None = None) -> int:
    """A whole number.

    Raises
    ------
    PlanError
        If it is none, too small or too large.

    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < at_least:
        raise PlanError(f"{name}: got {value!r}; needs a whole number of at least {at_least}")
    if at_most is not None and value > at_most:
        raise PlanError(f"{name}: got {value:,}; needs a whole number of at most {at_most:,}")
    return int(value)
