"""Reading the rows of a table or a query, from a database of any kind."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from creche._advice import advise
from creche._system.forks import check_polars
from creche.databases.address import Database
from creche.errors import TableError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["describe_order", "read_frames"]


def read_frames(database: Database, missing: Collection[str] = ()) -> Iterator[pl.DataFrame]:
    """Yield the rows of a table or query as frames of some rows each; at least one, perhaps without rows.

    Nothing is changed in the database, whatever the query. Only one frame is in memory at a time.

    Parameters
    ----------
    database : Database
    missing : collection of str
        Words that stand for missing values in columns of numbers, which SQLite lets hold words, too.

    Raises
    ------
    CrecheError
        If the driver of the database is not installed.
    FileError
        If the database cannot be reached or read, or the connection is cut.
    TableError
        If there is no such table or column, or the query has an error.

    """
    check_polars(database.source)
    if database.table is None and database.query is None and database.order_by:
        raise TableError(f"{database.source}: has columns to order by, and no table; name it: {advise('table', ...)}")
    if database.kind == "postgresql":
        from creche.databases import postgres

        yield from postgres.read_frames(database)
    elif database.kind in ("objects", "delta"):
        from creche.databases import object_stores

        yield from object_stores.read_frames(database)
    elif database.kind == "duckdb":
        from creche.databases import duckdb

        yield from duckdb.read_frames(database)
    else:
        from creche.databases import sqlite

        yield from sqlite.read_frames(database, missing)


def describe_order(database: Database) -> str | None:
    """Return why rows may come in another order next time; None if they come in the same order.

    SQLite and DuckDB return the rows of a table as they were inserted; PostgreSQL does not, once rows have changed.
    """
    if database.kind != "postgresql":
        return None
    from creche.databases import postgres

    if postgres.has_order(database):
        return None
    how = (
        f"name the columns that order the table, such as {advise('Database.order_by', ['id'])}"
        if database.query is None
        else "add ORDER BY to the query"
    )
    return (
        f"{database.source}: the order of its rows is not defined, and may differ next time; the split of the rows "
        f"follows their order: {how}"
    )
