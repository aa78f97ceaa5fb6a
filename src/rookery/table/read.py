"""Reading: any file or DataFrame becomes columns of numbers or of words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rookery.errors import FileError, TableError, nearest
from rookery.table.datasets import BUNDLED, bundled_path
from rookery.table.small_csv import read_small_csv

__all__ = ["Table", "is_table", "read_table"]

# Polars takes longer to import than Python takes to read a file of this size (bytes).
LARGE_FILE = 1_000_000
MISSING_WORDS = ["", "NA", "N/A", "NaN", "nan", "null", "NULL", "None", "?"]


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns of one length.

    Attributes
    ----------
    columns : dict of str to (n,) array
        float64 with NaN for missing (numbers and yes/no), int64 (whole numbers, none missing), or object with None for
        missing (words).
    source : str
        What to call it in messages.
    whole : frozenset of str
        The columns of whole numbers or of yes/no, also those that are float64 because values are missing.

    """

    columns: dict[str, NDArray[Any]]
    source: str
    whole: frozenset[str] = frozenset()

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    @property
    def names(self) -> list[str]:
        return list(self.columns)

    def column(self, name: str, what: str) -> NDArray[Any]:
        """The column of that name.

        Raises
        ------
        TableError
            If there is none, with the nearest name there is.

        """
        if name not in self.columns:
            raise TableError(f"{what}: {self.source} has no column {name!r}; {nearest(name, self.names)}")
        return self.columns[name]

    def features(self, names: Sequence[str]) -> NDArray[np.float64]:
        """These columns side by side, (n, d), NaN for missing.

        Raises
        ------
        TableError
            If there is none of that name, or it holds words.

        """
        columns = [self.column(name, "features") for name in names]
        for name, column in zip(names, columns, strict=True):
            if column.dtype == object:
                raise TableError(
                    f"{self.source}: column {name!r} holds words; the network was trained on numbers there"
                )
        return np.column_stack(columns).astype(np.float64, copy=False)


def is_table(data: Any) -> bool:
    """Whether columns have names here: a file or a DataFrame, not an array."""
    return isinstance(data, str | Path | Table) or hasattr(type(data), "columns")


def read_table(data: Any) -> Table:
    """A table from a CSV file or from a DataFrame of any library that narwhals knows (Polars, pandas, PyArrow, …).

    ``"penguins"``, where no file of that name exists, is the bundled table.

    Raises
    ------
    FileError
        If the file is not there or cannot be read.
    TableError
        If it holds no table, or `data` is of no known kind.

    """
    if isinstance(data, Table):
        return data
    if isinstance(data, str | Path):
        path = _locate(Path(data))
        if path.stat().st_size <= LARGE_FILE:
            columns, whole = read_small_csv(path, MISSING_WORDS)
            table = Table(columns, str(data), whole)
        else:
            table = _from_frame(_read_large_csv(path), str(data))
        _check_separator(table)
        return table
    return _from_frame(data, "the table")


def _check_separator(table: Table) -> None:
    for separator in (";", "\t"):
        if len(table.names) == 1 and separator in table.names[0]:
            raise TableError(
                f"{table.source}: its values seem to be separated by {separator!r}; needs commas: save it with those"
            )


def _locate(path: Path) -> Path:
    if path.is_file():
        return path
    bundled = bundled_path(str(path))
    if bundled is not None and not path.exists():
        return bundled
    if path.is_dir():
        raise FileError(f"{path}: is a folder; give a CSV file")
    raise FileError(f"{path}: there is no such file (bundled tables, usable by name: {', '.join(BUNDLED)})")


def _read_large_csv(path: Path) -> Any:
    import polars as pl

    try:
        return pl.read_csv(path, infer_schema_length=None, null_values=MISSING_WORDS)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        first = str(error).strip().splitlines()[0]
        raise TableError(
            f"{path}: cannot be read as CSV ({first}); needs a line of column names and rows below"
        ) from error
    except OSError as error:
        raise FileError(f"{path}: {error.strerror or error}") from error


def _from_frame(data: Any, source: str) -> Table:
    import narwhals as nw

    try:
        frame = nw.from_native(data, eager_only=True)
    except TypeError as error:
        raise TableError(
            f"got {type(data).__name__}; needs a CSV file, a DataFrame (Polars, pandas, PyArrow, …) with `label`, "
            "or arrays X and y"
        ) from error
    series = [frame.get_column(name) for name in frame.columns]
    names = [str(name) for name in frame.columns]
    repeated = [name for i, name in enumerate(names) if name in names[:i]]
    if repeated:
        raise TableError(f"{source}: column {repeated[0]!r} stands there twice; give each column a name of its own")
    whole = frozenset(n for n, s in zip(names, series, strict=True) if s.dtype.is_integer() or s.dtype == nw.Boolean)
    return Table({n: _column(s, nw) for n, s in zip(names, series, strict=True)}, source, whole)


def _column(series: Any, nw: Any) -> NDArray[Any]:
    dtype = series.dtype
    complete = series.null_count() == 0
    wide = dtype.is_integer() and dtype in (nw.Int128, nw.UInt128, nw.UInt64)
    if dtype.is_integer() and complete and not wide:
        return np.asarray(series.to_numpy()).astype(np.int64)
    if dtype.is_numeric() and complete and not wide:
        return np.asarray(series.to_numpy()).astype(np.float64)
    values = series.to_list()
    missing = series.is_null().to_list()
    if dtype.is_numeric() or dtype == nw.Boolean or all(missing):
        return np.array([np.nan if none else float(v) for v, none in zip(values, missing, strict=True)])
    words = [None if none or v != v else str(v) for v, none in zip(values, missing, strict=True)]  # NaN != NaN
    return np.array(words, dtype=object)
