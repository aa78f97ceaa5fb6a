"""Writing tables, one after another, to one file of any format: completely or not at all."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import numpy as np

from creche._system.atomic_files import open_replacement
from creche._system.forks import check_polars
from creche.errors import FileError
from creche.plan.words import check_word
from creche.table.reading.file_formats import SUFFIXES, format_from_name, separates_by_tabs
from creche.table.reading.options import OUTPUT_FORMATS, OutputFormat
from creche.table.row_spool import RowSpool, raise_system_errors
from creche.table.table import Column, Table

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TableWriter", "frame_of_table", "resolve_format", "without_objects"]

WRITABLE_SUFFIXES = [suffix for suffix, format in SUFFIXES.items() if format in OUTPUT_FORMATS]

COMPRESSORS: dict[str, Callable[[Any], Any]] = {
    ".gz": lambda file: gzip.GzipFile(fileobj=file, mode="wb", mtime=0, filename=""),
    ".bz2": partial(bz2.BZ2File, mode="wb"),
    ".xz": partial(lzma.LZMAFile, mode="wb"),
}


def resolve_format(target: str | Path, format: OutputFormat | None = None) -> tuple[str, str]:
    """Return format and compression of a file to write: by `format`, else by its name, else CSV for standard output.

    Raises
    ------
    FileError
        If the format does not exist, or cannot be told from the name.

    """
    format_of_name, compression = format_from_name(target)
    if format is not None:
        format = check_word("format", format, OUTPUT_FORMATS, error=FileError)
    if format is None and format_of_name not in (None, *OUTPUT_FORMATS):
        what, instead = ("Excel", ".csv, which Excel opens") if format_of_name == "excel" else ("JSON arrays", ".jsonl")
        raise FileError(f"{target}: {what} cannot be written; name it {instead}, or .parquet")
    chosen = format or format_of_name or ("csv" if str(target) == "-" else None)
    if chosen is None:
        raise FileError(f"{target}: its name has no known suffix; needs one of {', '.join(WRITABLE_SUFFIXES)}")
    if compression and (compression not in COMPRESSORS or chosen in ("parquet", "arrow")):
        raise FileError(
            f"{target}: {chosen} cannot be written as {compression}; CSV and JSON lines can be compressed as "
            f"{', '.join(COMPRESSORS)}"
        )
    return chosen, compression


class TableWriter:
    """A writer of tables with the same columns to one file, one below the other.

    It is a context manager: the file appears when the context ends, and is left as it was if that is by an error.

    Parameters
    ----------
    target : path, or "-" for standard output
        The cells of a CSV file whose name ends in .tsv or .tab are separated by tabs.
    format : {"csv", "parquet", "arrow", "jsonl"}, optional
        By default, the format that the name implies.
    hold : bool, default False
        Whether a stream, such as standard output, gets nothing either if the context ends by an error: rows wait on
        disk until it ends.

    Raises
    ------
    FileError
        If the file cannot be written, with the reason.

    Examples
    --------
    >>> import tempfile
    >>> from creche.table.reading.read import read_table
    >>> table = read_table({"island": ["Biscoe", None], "mass": [3750, 4300]})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with TableWriter(f"{folder}/penguins.csv") as writer:
    ...         writer.write(table)
    ...         writer.write(table.take(slice(0, 1)))
    ...     print(Path(f"{folder}/penguins.csv").read_text())
    island,mass
    Biscoe,3750
    ,4300
    Biscoe,3750
    <BLANKLINE>

    """

    def __init__(self, target: str | Path, format: OutputFormat | None = None, *, hold: bool = False) -> None:
        self.target = target
        self._hold = hold
        self.format, self._compression = resolve_format(target, format)
        self._separator = "\t" if separates_by_tabs(target) else ","
        self._opened = ExitStack()
        self._parts = 0

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            is_stream = str(self.target) == "-"
            file: Any = sys.stdout.buffer if is_stream else opening.enter_context(open_replacement(self.target))
            if self._hold:
                file = opening.enter_context(_hold_back(file))
            if self._compression:
                file = opening.enter_context(COMPRESSORS[self._compression](file))
            self._file: BinaryIO = file
            self._spool: RowSpool | None = None
            if self.format in ("parquet", "arrow"):
                # Polars can only write such a file as a whole, so rows wait on disk until all are there.
                self._spool = self._create_spool(opening)
            self._opened = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._opened as opened:
            if error is None:
                self._finish()
            else:
                opened.__exit__(kind, error, traceback)

    def write(self, table: Table) -> None:
        """Write the rows of a table below those before."""
        self.write_frame(frame_of_table(table))

    def write_frame(self, frame: pl.DataFrame, cells: Collection[str] = ()) -> None:
        """Write the rows of a frame below those before.

        Parameters
        ----------
        frame : polars.DataFrame
        cells : collection of str
            The columns that hold the cells of a CSV file. To CSV they are written as they are; elsewhere a column of
            them becomes one of numbers if no cell loses a digit by it.

        """
        frame = without_objects(frame, self.format)
        if self.format != "csv" and cells and self._spool is None:
            self._spool = self._create_spool(self._opened)
        if self._spool is not None:
            self._spool.add(frame, cells)
        else:
            with raise_system_errors():
                if self.format == "csv":
                    text = _format_cells(frame)
                    text.write_csv(self._file, include_header=self._parts == 0, separator=self._separator)
                else:
                    frame.write_ndjson(self._file)
        self._parts += 1

    def _create_spool(self, opened: ExitStack) -> RowSpool:
        return RowSpool(Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="creche-"))), self.target)

    def _finish(self) -> None:
        rows = None if self._spool is None else self._spool.scan()
        if rows is not None:
            with raise_system_errors(self._file):
                if self.format == "jsonl":
                    rows.sink_ndjson(self._file)
                elif self.format == "parquet":
                    rows.sink_parquet(self._file)
                else:
                    rows.sink_ipc(self._file)
        self._file.flush()


@contextmanager
def _hold_back(file: BinaryIO) -> Iterator[BinaryIO]:
    """Open a temporary file whose content goes to `file` at the end, unless an error comes before."""
    with tempfile.TemporaryFile() as held:
        yield held
        held.seek(0)
        shutil.copyfileobj(held, file)


def frame_of_table(table: Table) -> pl.DataFrame:
    """Return the table as a Polars frame; missing values are null."""
    check_polars("writing a table", "predict arrays with model.predict")
    import polars as pl

    return pl.DataFrame([_to_series(name, column) for name, column in table.columns.items()])


def without_objects(frame: pl.DataFrame, format: str) -> pl.DataFrame:
    """Return the frame with values as text that the format cannot hold: objects, and for CSV lists and the like."""
    import polars as pl

    unwritable = [
        series.name for series in frame
        if series.dtype == pl.Object
        or (series.dtype == pl.Binary and format in ("csv", "jsonl"))
        or (series.dtype.is_nested() and format in ("csv", "database"))
    ]  # fmt: skip
    return frame.with_columns(
        pl.Series(
            name, [None if value is None else _as_text(value) for value in frame[name].to_list()], dtype=pl.String
        )
        for name in unwritable
    )


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, default=str)


def _to_series(name: str, column: Column) -> pl.Series:
    import polars as pl

    if column.words:
        indices = column.values if column.kind == "words" else np.where(column.missing, -1, column.values)
        codes = np.where(indices < 0, len(column.words), indices).astype(np.int64)
        return pl.Series(name, [*column.words, None], dtype=pl.String).gather(codes)
    if column.kind == "words":
        return pl.Series(name, [None] * len(column), dtype=pl.String)
    series = pl.Series(name, column.values)
    if series.dtype == pl.Float64:
        series = series.fill_nan(None)
    return series.cast({"whole": pl.Int64, "boolean": pl.Boolean}.get(column.kind, series.dtype))


def _format_cells(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with numbers and datetimes as short texts: 3750 rather than 3750.0, no seconds .000000."""
    import polars as pl
    import polars.selectors as cs

    datetimes = []
    for series in frame.select(cs.datetime()):
        zone = "%:z" if series.dtype.time_zone else ""  # type: ignore[attr-defined]
        has_times = bool(zone) or not (series == series.dt.truncate("1d")).all()
        datetimes.append(pl.col(series.name).dt.to_string(f"%Y-%m-%dT%H:%M:%S%.f{zone}" if has_times else "%Y-%m-%d"))
    return frame.with_columns(cs.float().cast(pl.String).str.strip_suffix(".0"), *datetimes)
