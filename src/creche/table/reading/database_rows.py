"""Rows of databases as frames of a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from creche.databases.address import Database
from creche.table.cell_format import DEFAULT_MISSING
from creche.table.reading.options import ReadOptions
from creche.table.table import clean_names

if TYPE_CHECKING:
    import polars as pl

__all__ = ["iterate_database", "warn_of_order"]


def iterate_database(database: Database, options: ReadOptions) -> Iterator[pl.DataFrame]:
    """Yield the rows of a table or query, with the names of columns that a table can have.

    Raises
    ------
    FileError, TableError
        As `creche.databases.reading.read_frames` does.

    """
    from creche.databases.reading import read_frames
    from creche.table.reading.contents import warn_of_unused

    warn_of_unused(options, "database", database.source)
    missing = (*(DEFAULT_MISSING if options.default_missing else ("",)), *options.missing_values)
    for frame in read_frames(database, missing):
        frame.columns = clean_names(frame.columns, database.source)[0]
        yield frame


def warn_of_order(database: Database) -> None:
    """Warn where the database may return the rows in another order next time."""
    from creche.databases.reading import describe_order
    from creche.table.checks import warn

    message = describe_order(database)
    if message is not None:
        warn(message)
