"""Frames that wait on disk until all are there, so that each column gets the type that holds all of its values."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from creche.errors import FileError
from creche.table.cell_format import DEFAULT_MISSING

if TYPE_CHECKING:
    import polars as pl

__all__ = ["RowSpool", "raise_system_errors"]

# A number that stays the same when it is written again, but for zeros at the end of decimals; 007 does not.
EXACT_NUMBER = r"^-?(?:0|[1-9][0-9]*)$|^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$"


class RowSpool:
    """Frames with the same columns in a folder, one below the other.

    Parameters
    ----------
    folder : Path
        An empty folder.
    target : str or path
        What the rows are for, in messages.

    """

    def __init__(self, folder: Path, target: object) -> None:
        self._folder, self._target = folder, target
        self._parts = 0
        self._types: dict[str, set[pl.DataType]] = {}
        self._numbers: dict[str, pl.DataType] = {}
        self._longest: dict[str, int] = {}
        self._texts: set[str] = set()

    def add(self, frame: pl.DataFrame, cells: Collection[str] = ()) -> None:
        """Add the rows of a frame.

        Parameters
        ----------
        frame : polars.DataFrame
        cells : collection of str
            The columns that hold the cells of a CSV file: such a column becomes one of numbers if no cell loses a digit
            by it.

        Raises
        ------
        FileError
            If there is no room for it.

        """
        self._note_numbers(frame, cells)
        for series in frame:
            # A column without values has no type yet.
            is_known = series.null_count() < len(series)
            self._types.setdefault(series.name, set()).update([series.dtype] if is_known else [])
        try:
            with raise_system_errors():
                frame.write_ipc(self._folder / f"{self._parts:09d}.arrow")
        except OSError as error:
            raise FileError(
                f"{self._target}: there is no room for its rows in {tempfile.gettempdir()} "
                f"({error.strerror or error}); set TMPDIR to a folder with more room"
            ) from error
        self._parts += 1

    def scan(self) -> pl.LazyFrame | None:
        """Return all rows, with one type for each column; None if there was no frame."""
        import polars as pl

        return pl.concat(self.scan_parts()) if self._parts else None

    def scan_parts(self, empty: type[pl.DataType] | None = None) -> list[pl.LazyFrame]:
        """Return the rows of each frame, with the types of `scan`.

        Parameters
        ----------
        empty : type, optional
            The type of a column without any value; by default `polars.Float64`.

        """
        import polars as pl

        chosen = pl.Float64 if empty is None else empty
        schema = pl.Schema({name: _common_type(types) if types else chosen() for name, types in self._types.items()})
        numbers = {name: dtype for name, dtype in self._numbers.items() if name not in self._texts}
        converted = [_cell(name).cast(dtype) for name, dtype in numbers.items()]
        return [
            pl.scan_ipc(path).cast(schema).with_columns(converted) for path in sorted(self._folder.iterdir())
        ]  # fmt: skip

    def _note_numbers(self, frame: pl.DataFrame, cells: Collection[str]) -> None:
        """Note which columns of cells hold only numbers so far, of what type and how long, and which hold others."""
        import polars as pl

        for name in cells:
            words = frame.select(_cell(name)).to_series().drop_nulls()
            if len(words) == 0 or name in self._texts:
                continue
            is_whole = self._numbers.get(name) != pl.Float64() and not words.str.contains("[.eE]").any()
            self._numbers[name] = pl.Int64() if is_whole else pl.Float64()
            self._longest[name] = max(self._longest.get(name, 0), max(words.str.len_chars().to_list()))
            if not words.str.contains(EXACT_NUMBER).all() or self._longest[name] > (18 if is_whole else 16):
                self._texts.add(name)


@contextmanager
def raise_system_errors(file: BinaryIO | None = None) -> Iterator[None]:
    """Raise an OSError for a full disk or a closed pipe, which Polars reports by the text of several errors.

    Where the text does not tell, writing on to the file does.
    """
    import polars as pl

    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        number = re.search(r"\(os error (\d+)\)", str(error))
        if number is None:
            if file is not None and not isinstance(error, OSError):
                file.write(bytes(65_536))
                file.flush()
            raise
        raise OSError(int(number[1]), os.strerror(int(number[1]))) from error


def _cell(name: str) -> pl.Expr:
    """The cells of a column, null where they stand for a missing value."""
    import polars as pl

    words = pl.col(name).str.strip_chars()
    return pl.when(words.is_in(DEFAULT_MISSING)).then(None).otherwise(words).alias(name)


def _common_type(types: Collection[pl.DataType]) -> pl.DataType:
    """Return the type that can hold the values of all of these."""
    import polars as pl

    if len(types) == 1:
        return next(iter(types))
    return pl.Float64() if all(type.is_numeric() for type in types) else pl.String()
