"""What is checked of a table that rows are written to, whatever the database."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from creche._advice import advise
from creche.databases.address import FILES, Database
from creche.databases.quoting import quote_name, split_table_name
from creche.errors import TableError, nearest
from creche.plan.words import TableExists

if TYPE_CHECKING:
    import polars as pl

__all__ = ["check_columns", "refuse_existing", "select_values", "target_name"]


def target_name(database: Database) -> tuple[str, ...]:
    """Return the parts of the name of the table to write.

    Raises
    ------
    TableError
        If the address names none.

    """
    if database.kind in FILES:
        raise TableError(f"{database.source}: cannot be written to; write a file, and upload it")
    if database.query is not None:
        raise TableError(f"{database.source}: is a query, which cannot be written to; name a table")
    if database.table is None:
        raise TableError(f"{database.place}: the table to write is not named; add ?table=NAME")
    return split_table_name(database.table)


def refuse_existing(database: Database, if_table_exists: TableExists) -> None:
    """Refuse to write to a table that exists, unless rows are to be appended or it is to be replaced.

    Raises
    ------
    TableError

    """
    if if_table_exists == "fail":
        append, replace = advise("if_table_exists", "append"), advise("if_table_exists", "replace")
        raise TableError(
            f"{database.source}: the table exists already; name another, or set {append} or {replace}",
            argument="if_table_exists",
        )


def check_columns(names: Sequence[str], columns: Collection[str], database: Database) -> None:
    """Check that a table has all columns that are written to it.

    Raises
    ------
    TableError
        If it lacks one.

    """
    for name in names:
        if name not in columns:
            raise TableError(
                f"{database.source}: has no column {name!r} to append to; {nearest(name, columns)}; or choose the "
                f"columns to write: {advise('keep', ...)}",
                argument="keep",
            )


def select_values(schema: pl.Schema) -> str:
    """Return the columns as those of a SELECT: NULL for one without any value, whose type is then that of the table."""
    import polars as pl

    return ", ".join("NULL" if dtype == pl.Null else quote_name(name) for name, dtype in schema.items())
