"""Checks of arrays before they are trained on, and warnings that point at the user's line."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import CrecheWarning, TableError
from creche.table.reading.series import fill_masked

__all__ = ["check_finite", "check_matrix", "warn"]


def warn(message: str) -> None:
    """Issue a CrecheWarning at the line of the user's code that called Creche."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith("creche."):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, CrecheWarning, stacklevel=level)


def check_matrix(x: Any, what: str = "X") -> NDArray[np.floating[Any]]:
    """Return an array of numbers, (n, d), made from anything that NumPy accepts; float32 and float64 are not copied.

    Parameters
    ----------
    x : array-like
    what : str, default "X"
        The name of the array in messages.

    Raises
    ------
    TableError
        If it is empty, holds anything but numbers, or does not have two dimensions.

    """
    try:
        array = fill_masked(x)
        if array.dtype not in (np.float32, np.float64) and array.dtype.kind != "c":
            array = array.astype(np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise TableError(f"{what}: is no array of numbers ({error}); needs rows of equally many numbers") from error
    if array.dtype.kind == "c":
        raise TableError(f"{what}: holds complex numbers; needs real numbers, such as {what}.real")
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
    """Refuse NaN and infinity.

    Parameters
    ----------
    x : (n, d) array
    names : sequence of str, optional
        The names of the columns; by default, columns are numbered from 0.
    what : str, default "X"
        The name of the array in messages.
    first_row : int, default 0
        The row number of the first row.

    Raises
    ------
    TableError
        With the row and column of the first such number.

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
