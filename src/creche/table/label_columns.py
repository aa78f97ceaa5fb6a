"""Label columns of a table, without what reading a table may do to them: words of mixed kinds, and rounded integers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.databases.address import find_database
from creche.errors import TableError
from creche.table.datasets import bundled_path
from creche.table.label_kinds import check_one_kind, integers_as_array
from creche.table.labels import LARGEST_EXACT
from creche.table.reading.dataframes import is_frame
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_batches
from creche.table.table import Column

__all__ = ["check_label_objects", "restore_integers"]

WHOLE = re.compile(r"[+-]?[0-9]+")


def check_label_objects(data: Any, names: Sequence[str]) -> None:
    """Refuse label columns of Python objects that mix words, booleans and numbers: reading would make words of all.

    Raises
    ------
    TableError
        With two rows and their values.

    """
    for name in names:
        values = _objects(data, name)
        if values is not None:
            check_one_kind(values, f"label {name!r}", first_row=1)


def restore_integers(
    name: str,
    column: Column,
    rows: NDArray[np.int64],
    row_numbers: NDArray[np.int64],
    data: Any,
    read_options: ReadOptions | None,
) -> NDArray[Any] | None:
    """Return the integers that a label column held before it was read as floats; None if float64 holds its values.

    Columns with missing values and integers beyond 64-bit signed ones are read as floats, which round integers beyond
    2**53.

    Parameters
    ----------
    name : str
    column : Column
        The column as it was read, without rows that have no label.
    rows : (n,) array of int
        The indices of its rows in the table.
    row_numbers : (n,) array of int
        Their numbers in messages.
    data, read_options
        The table, which is read again if that is possible.

    Raises
    ------
    TableError
        If they cannot be restored, with the row of one that may have been rounded.

    """
    values = column.values
    if column.kind not in ("number", "whole") or values.dtype.kind != "f":
        return None
    large = np.abs(values) >= LARGEST_EXACT
    if not large.any() or (values != np.trunc(values)).any():
        return None
    if not _can_be_read_again(data):
        row = int(np.argmax(large))
        raise TableError(
            f"label {name!r}: row {row_numbers[row]} is {values[row]:.0f} or near it, because numbers beyond 2**53 "
            "are rounded in a stream; save the table as a file, or divide the label"
        )
    batches = read_batches(data, read_options, expected={name: "words"})
    words = [word for batch in batches for word in batch.table.columns[name].to_objects().tolist()]
    written = [words[row] for row in rows.tolist()]
    if not all(word is not None and WHOLE.fullmatch(word) for word in written):
        return None  # they are floats, and float64 is what they are
    return integers_as_array([int(word) for word in written], f"label {name!r}", row_numbers.tolist())


def _objects(data: Any, name: str) -> Sequence[Any] | None:
    """Return the values of a column of Python objects; None for a column of another type."""
    column: Any = None
    if isinstance(data, Mapping):
        column = data.get(name)
    elif isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data):
        return [row.get(name) for row in data]
    elif hasattr(data, "iloc") and is_frame(data) and list(data.columns).count(name) == 1:
        column = data[name]
    if isinstance(column, list | tuple):
        return column
    return column.tolist() if getattr(getattr(column, "dtype", None), "hasobject", False) else None


def _can_be_read_again(data: Any) -> bool:
    if find_database(data) is not None:
        return True
    if isinstance(data, str | Path):
        return str(data) != "-" and (Path(data).expanduser().is_file() or bundled_path(str(data)) is not None)
    return is_frame(data) or isinstance(data, Mapping | list)
