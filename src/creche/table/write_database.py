"""Writing tables, one after another, to a table of a database: completely or not at all."""

from __future__ import annotations

import tempfile
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from creche.databases.address import Database
from creche.plan.words import TableExists
from creche.table.row_spool import RowSpool
from creche.table.table import Table
from creche.table.write import frame_of_table, without_objects

if TYPE_CHECKING:
    import polars as pl

__all__ = ["DatabaseWriter"]


class DatabaseWriter:
    """A writer of tables with the same columns to one table of a database, one below the other.

    It is a context manager: the rows appear when the context ends, and none if that is by an error. Until then they
    wait on disk. So the types of columns are those of all rows, a lock is held only while rows are written, and the
    database may be the one that is read.

    Parameters
    ----------
    database : Database
    if_table_exists : {"fail", "append", "replace"}

    Raises
    ------
    CrecheError, FileError, TableError
        As `creche.databases.writing.check_writable` and `creche.databases.writing.write_rows` do.

    """

    def __init__(self, database: Database, if_table_exists: TableExists) -> None:
        self._database, self._if_table_exists = database, if_table_exists
        self._opened = ExitStack()

    def __enter__(self) -> Self:
        from creche.databases.writing import check_writable

        check_writable(self._database, self._if_table_exists)
        folder = Path(self._opened.enter_context(tempfile.TemporaryDirectory(prefix="creche-")))
        self._spool = RowSpool(folder, self._database.source)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        import polars as pl

        from creche.databases.writing import write_rows

        with self._opened:
            parts = [] if error is not None else self._spool.scan_parts(empty=pl.Null)
            if parts:
                write_rows(self._database, parts, self._if_table_exists)

    def write(self, table: Table) -> None:
        """Write the rows of a table below those before."""
        self.write_frame(frame_of_table(table))

    def write_frame(self, frame: pl.DataFrame, cells: Collection[str] = ()) -> None:
        """Write the rows of a frame below those before.

        Parameters
        ----------
        frame : polars.DataFrame
        cells : collection of str
            The columns that hold the cells of a CSV file: such a column becomes one of numbers if no cell loses a digit
            by it.

        """
        self._spool.add(without_objects(frame, "database"), cells)
