"""Small CSV files, read without any other library: gives the same columns as Polars does for large ones."""

from __future__ import annotations

import csv
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rookery.errors import FileError, TableError

__all__ = ["read_small_csv"]

YES_NO = {"true": 1.0, "false": 0.0}
# What Polars takes for a number; Python's float() takes more, such as " 1" and 1_000.
WHOLE_NUMBER = re.compile(r"-?[0-9]+")
NUMBER = re.compile(r"-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?|-?inf|NaN")


def read_small_csv(path: Path, missing: Collection[str]) -> tuple[dict[str, NDArray[Any]], frozenset[str]]:
    """The columns of a CSV file, and the names of those that hold whole numbers or yes/no.

    Columns are int64, float64 with NaN for missing, or object with None for missing.

    Raises
    ------
    FileError
        If it cannot be read.
    TableError
        If it is empty, not text in UTF-8, or a line has more or fewer cells than the first.

    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file, strict=True)
            rows = [(lines.line_num, cells) for cells in lines]
    except UnicodeDecodeError as error:
        raise TableError(f"{path}: byte {error.start} is not UTF-8 text; save the file as CSV in UTF-8") from error
    except csv.Error as error:
        raise TableError(f"{path}: line {lines.line_num}: {error}; needs quotes in pairs, or none") from error
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error
    if not rows or not rows[0][1]:
        raise TableError(f"{path}: is empty; needs a line of column names and rows below it")
    names = rows[0][1]
    blank = [""] * len(names)
    rows = [(line, cells or blank) for line, cells in rows]
    repeated = [name for i, name in enumerate(names) if name in names[:i]]
    if repeated:
        raise TableError(f"{path}: column {repeated[0]!r} stands there twice; give each column a name of its own")
    for line, cells in rows[1:]:
        if len(cells) != len(names):
            raise TableError(
                f"{path}: line {line} has {len(cells)} cells and the line of names {len(names)}; each needs as many"
            )
    by_column = zip(*(cells for _, cells in rows[1:]), strict=True) if len(rows) > 1 else ([] for _ in names)
    columns = {name: _column(list(cells), missing) for name, cells in zip(names, by_column, strict=True)}
    return {name: column for name, (column, _) in columns.items()}, frozenset(
        n for n, (_, whole) in columns.items() if whole
    )


def _column(cells: list[str], missing: Collection[str]) -> tuple[NDArray[Any], bool]:
    """The column, and whether its values are whole numbers or yes/no."""
    present = [cell for cell in cells if cell not in missing]
    if present and all(cell.lower() in YES_NO for cell in present):
        return np.array([np.nan if cell in missing else YES_NO[cell.lower()] for cell in cells]), True
    if not all(NUMBER.fullmatch(cell) for cell in present):
        return np.array([None if cell in missing else cell for cell in cells], dtype=object), False
    whole = bool(present) and all(WHOLE_NUMBER.fullmatch(cell) for cell in present)
    if whole and len(present) == len(cells):
        try:
            return np.array([int(cell) for cell in cells], dtype=np.int64), True
        except OverflowError:
            pass  # as float64, which is what there is for numbers that large
    return np.array([np.nan if cell in missing else float(cell) for cell in cells], dtype=np.float64), whole
