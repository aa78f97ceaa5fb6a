"""Writing tables, one after another, to one file of an object store: completely or not at all."""

from __future__ import annotations

from creche.databases.address import Database
from creche.table.reading.options import OutputFormat
from creche.table.row_spool import RowSpool
from creche.table.spooled_writer import SpooledWriter

__all__ = ["ObjectWriter"]


class ObjectWriter(SpooledWriter):
    """A writer of tables with the same columns to one file of an object store, one below the other.

    A file that is there is replaced once the new one has arrived whole.

    Parameters
    ----------
    database : Database
    format : {"csv", "parquet", "arrow", "jsonl"}, optional
        By default, the format that the name implies. An object store takes Parquet and Arrow.

    Raises
    ------
    FileError, TableError
        As `creche.databases.object_stores.check_target` and `creche.databases.object_stores.write_rows` do.

    """

    holds = "parquet"

    def __init__(self, database: Database, format: OutputFormat | None = None) -> None:
        super().__init__(database)
        self._format = format

    def _check(self) -> None:
        from creche.databases.object_stores import check_target

        check_target(self._database, self._format)

    def _send(self, spool: RowSpool) -> None:
        from creche.databases.object_stores import write_rows

        rows = spool.scan()
        if rows is not None:
            write_rows(self._database, rows, self._format)
