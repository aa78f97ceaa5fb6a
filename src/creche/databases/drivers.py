"""The modules of databases that have tables: what each of them has, and how their errors are told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from creche.databases.address import Database, DatabaseKind
from creche.errors import CrecheError
from creche.plan.words import TableExists

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Driver", "find_driver", "translate_errors"]

E = TypeVar("E", bound=Exception)


class Driver(Protocol):
    """The module of a database that has tables."""

    def connect(self, database: Database, *, writable: bool = False) -> AbstractContextManager[Any]:
        """Open a connection, within which errors of the driver are told in a sentence.

        Raises
        ------
        CrecheError
            If the driver is not installed.
        FileError
            If the database cannot be reached or opened.

        """

    def find_target(self, connection: Any, database: Database, if_table_exists: TableExists) -> object:
        """Find the table to write.

        Raises
        ------
        TableError
            If it exists and may not, or its schema does not exist.

        """

    def write_frames(
        self,
        connection: Any,
        database: Database,
        schema: pl.Schema,
        frames: Iterable[pl.DataFrame],
        if_table_exists: TableExists,
    ) -> None:
        """Write rows to a table in one transaction.

        Parameters
        ----------
        connection
            One that `connect` has opened to write.
        database : Database
        schema : polars.Schema
            The columns, as `creche.databases.writing.write_rows` prepares them.
        frames : iterable of polars.DataFrame
        if_table_exists : {"fail", "append", "replace"}

        Raises
        ------
        FileError
            If rows cannot be written; nothing is written then.
        TableError
            If the table exists, or its columns are others.

        """


def find_driver(kind: DatabaseKind) -> Driver:
    """Return the module of a kind of database that has tables."""
    if kind == "postgresql":
        from creche.databases import postgres

        return postgres
    if kind == "duckdb":
        from creche.databases import duckdb

        return duckdb
    from creche.databases import sqlite

    return sqlite


@contextmanager
def translate_errors(kind: type[E], describe: Callable[[E], CrecheError]) -> Iterator[None]:
    """Raise, in place of an error of a driver, the one that tells it in a sentence.

    Parameters
    ----------
    kind : type
        That of the driver's errors.
    describe : callable
        Returns the error to raise.

    """
    try:
        yield
    except kind as error:
        raise describe(error) from error
