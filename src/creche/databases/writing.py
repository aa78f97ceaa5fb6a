"""Writing rows to a table of a database of any kind: all of them or none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from creche.databases.address import Database
from creche.databases.drivers import find_driver
from creche.databases.files import check_folder, keep_unless_new
from creche.databases.targets import target_name
from creche.errors import TableError
from creche.plan.words import TableExists

if TYPE_CHECKING:
    import polars as pl

__all__ = ["check_writable", "write_frames", "write_rows"]


def check_writable(database: Database, if_table_exists: TableExists) -> None:
    """Check that rows can be written to a table, before they are computed.

    Raises
    ------
    CrecheError
        If the driver is not installed.
    FileError
        If the database cannot be reached or opened.
    TableError
        If the table exists and is neither to be appended to nor replaced.

    """
    target_name(database)
    path = database.path
    if path is not None:
        check_folder(path, database.place)
        if not path.exists():
            return
    driver = find_driver(database.kind)
    with driver.connect(database) as connection:
        driver.find_target(connection, database, if_table_exists)


def write_rows(database: Database, parts: Sequence[pl.LazyFrame], if_table_exists: TableExists) -> None:
    """Write rows to a table in one transaction, some at a time.

    Parameters
    ----------
    database : Database
    parts : sequence of polars.LazyFrame
        Some rows each, with the same columns and types; only one is in memory at a time. Columns without any value have
        the type `polars.Null`.
    if_table_exists : {"fail", "append", "replace"}

    Raises
    ------
    CrecheError
        If the driver is not installed.
    FileError
        If the database cannot be reached or written, or the connection is cut; nothing is written then.
    TableError
        If the table exists, or its columns are others, or a number is too large for it.

    """
    prepared = [_prepare(part) for part in parts]
    schema = prepared[0].collect_schema()
    write_frames(database, schema, _iterate(prepared, database), if_table_exists)


def write_frames(
    database: Database, schema: pl.Schema, frames: Iterable[pl.DataFrame], if_table_exists: TableExists
) -> None:
    """Write rows to a table in one transaction, so that others see all of them or none.

    Parameters
    ----------
    database : Database
        A file that is not there is made.
    schema, frames, if_table_exists
        As for `creche.databases.drivers.Driver.write_frames`.

    Raises
    ------
    CrecheError, FileError, TableError
        As for `write_rows`.

    """
    driver = find_driver(database.kind)
    with keep_unless_new(database.path), driver.connect(database, writable=True) as connection:
        driver.write_frames(connection, database, schema, frames, if_table_exists)


def _prepare(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Return the rows with types that every database has: eight-byte integers, plain words, seconds for durations."""
    import polars as pl

    converted = []
    for name, dtype in rows.collect_schema().items():
        column = pl.col(name)
        if dtype.is_integer():
            converted.append(column.cast(pl.Int64))
        elif isinstance(dtype, pl.Decimal):
            converted.append(column.cast(pl.Float64))
        elif isinstance(dtype, pl.Categorical | pl.Enum):
            converted.append(column.cast(pl.String))
        elif isinstance(dtype, pl.Duration):
            converted.append(column.dt.total_microseconds().cast(pl.Float64) / 1_000_000)
        elif isinstance(dtype, pl.Datetime):
            converted.append(column.dt.cast_time_unit("us"))
    return rows.with_columns(converted)


def _iterate(parts: Sequence[pl.LazyFrame], database: Database) -> Iterator[pl.DataFrame]:
    import polars as pl

    try:
        for part in parts:
            yield part.with_columns(pl.col(pl.Null).cast(pl.String)).collect()
    except pl.exceptions.InvalidOperationError as error:
        reason = str(error).partition("\n")[0]
        raise TableError(f"{database.source}: a number needs more than eight bytes ({reason})") from error
