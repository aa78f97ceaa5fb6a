"""Writing tables, one after another, to a table of a database: completely or not at all."""

from __future__ import annotations

from creche.databases.address import Database
from creche.plan.words import TableExists
from creche.table.row_spool import RowSpool
from creche.table.spooled_writer import SpooledWriter

__all__ = ["DatabaseWriter"]


class DatabaseWriter(SpooledWriter):
    """A writer of tables with the same columns to one table of a database, one below the other.

    A lock is held only while rows are written, and the database may be the one that is read.

    Parameters
    ----------
    database : Database
    if_table_exists : {"fail", "append", "replace"}

    Raises
    ------
    CrecheError, FileError, TableError
        As `creche.databases.writing.check_writable` and `creche.databases.writing.write_rows` do.

    """

    holds = "database"

    def __init__(self, database: Database, if_table_exists: TableExists) -> None:
        super().__init__(database)
        self._if_table_exists = if_table_exists

    def _check(self) -> None:
        from creche.databases.writing import check_writable

        check_writable(self._database, self._if_table_exists)

    def _send(self, spool: RowSpool) -> None:
        import polars as pl

        from creche.databases.writing import write_rows

        parts = spool.scan_parts(empty=pl.Null)
        if parts:
            write_rows(self._database, parts, self._if_table_exists)
