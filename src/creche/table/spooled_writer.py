"""Writing tables, one after another, to where all rows go at once: they wait on disk until all are there."""

from __future__ import annotations

import tempfile
from abc import ABC, abstractmethod
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, ClassVar, Self

from creche.databases.address import Database
from creche.table.row_spool import RowSpool
from creche.table.table import Table
from creche.table.write import frame_of_table, without_objects

if TYPE_CHECKING:
    import polars as pl

__all__ = ["SpooledWriter"]


class SpooledWriter(ABC):
    """A writer of tables with the same columns, one below the other.

    It is a context manager: the rows appear when the context ends, and none if that is by an error. Until then they
    wait on disk, so that the types of columns are those of all rows.

    Parameters
    ----------
    database : Database
        Where the rows go.

    """

    #: What decides which values are written as text.
    holds: ClassVar[str]

    def __init__(self, database: Database) -> None:
        self._database = database
        self._opened = ExitStack()

    @abstractmethod
    def _check(self) -> None:
        """Check that rows can be written, before they are computed."""

    @abstractmethod
    def _send(self, spool: RowSpool) -> None:
        """Write all rows."""

    def __enter__(self) -> Self:
        self._check()
        folder = Path(self._opened.enter_context(tempfile.TemporaryDirectory(prefix="creche-")))
        self._spool = RowSpool(folder, self._database.source)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with self._opened:
            if error is None:
                self._send(self._spool)

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
        self._spool.add(without_objects(frame, self.holds), cells)
