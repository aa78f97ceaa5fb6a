"""What a table must be before it is trained on; each failure says where and what to do."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import CrecheWarning, TableError
from creche.table.reading.dataframes import fill_masked

__all__ = ["check_finite", "check_matrix", "warn"]


def warn(message: str) -> None:
    """Warns at the line of the user's that called Creche."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("creche."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, CrecheWarning, stacklevel=level)


def check_matrix(x: Any, what: str = "X") -> NDArray[np.floating[Any]]:
    """An array of numbers (n, d), from whatever NumPy takes for one; float32 and float64 are not copied.

    Raises
    ------
    TableError
        If it is empty, no table of numbers, or not of two dimensions.

    """
    try:
        array = fill_masked(x)
        if array.dtype not in (np.float32, np.float64) and array.dtype.kind != "c":
            array = array.astype(np.float64)
    except (TypeError, ValueError) as error:
        raise TableError(f"{what}: is no table of numbers ({error}); needs rows of equally many numbers") from error
    if array.dtype.kind == "c":
        raise TableError(f"{what}: holds complex numbers; needs real ones, such as {what}.real")
    if array.ndim != 2:
        raise TableError(
            f"{what}: has shape {array.shape}; needs (rows, columns). For one column: {what}.reshape(-1, 1)"
        )
    if array.shape[0] == 0 or array.shape[1] == 0:
        raise TableError(f"{what}: is empty, with shape {array.shape}; needs at least one row and one column")
    return array


def check_finite(
    x: NDArray[np.floating[Any]], names: Sequence[str] | None = None, what: str = "X", first_row: int = 0
) -> None:
    """Refuses NaN and infinity, naming the first: columns counted from 0, rows from `first_row`.

    Raises
    ------
    TableError

    """
    finite = np.isfinite(x)
    if finite.all():
        return
    wrong = np.argwhere(~finite)
    row, column = wrong[0]
    where = f"column {names[column]!r}" if names else f"column {column}"
    more = f" (and {len(wrong) - 1:,} more)" if len(wrong) > 1 else ""
    raise TableError(
        f"{what}: row {row + first_row}, {where} is {x[row, column]}{more}; needs finite numbers: leave such rows out"
    )
