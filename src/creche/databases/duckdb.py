"""Tables and queries of DuckDB, read from a file that is opened for reading only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

from creche.databases.address import Database
from creche.databases.arrow_batches import check_polars_version, check_repeated_names, iterate_batches
from creche.databases.files import check_file
from creche.databases.quoting import quote_name, quote_table, split_table_name
from creche.errors import CrecheError, FileError, TableError, nearest

if TYPE_CHECKING:
    import polars as pl

__all__ = ["connect", "explain", "read_frames", "table_names"]

# How the types are read that Polars lacks, or reads as more than a number; by the beginnings of their names.
CONVERTED = {
    "DECIMAL": "{0}::DOUBLE",
    "HUGEINT": "{0}::DOUBLE",
    "UHUGEINT": "{0}::DOUBLE",
    "BIGNUM": "{0}::DOUBLE",
    "INTERVAL": "epoch({0})",
    "ENUM": "{0}::VARCHAR",
    "TIME WITH TIME ZONE": "{0}::VARCHAR",
    "BIT": "{0}::VARCHAR",
    "UNION": "{0}::VARCHAR",
    "VARIANT": "{0}::VARCHAR",
}

# Extensions that a query needs would be downloaded.
SETTINGS = {"autoinstall_known_extensions": "false"}

TABLES = """
SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal AND database_name = current_database()
UNION ALL
SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal AND database_name = current_database()
ORDER BY ALL"""


def read_frames(database: Database) -> Iterator[pl.DataFrame]:
    """Yield the rows of a table or query, some at a time.

    Raises
    ------
    CrecheError
        If DuckDB is not installed.
    FileError
        If the file cannot be read, or another process keeps it locked.
    TableError
        If there is no such table or column, or the query has an error.

    """
    with connect(database) as connection, explain(database):
        statement = _select(connection, database)

        def fail(error: Exception, rows: int) -> NoReturn:
            raise TableError(f"{database.source}: {_first_line(error)}, after {rows:,} rows") from error

        yield from iterate_batches(connection.sql(statement), database.source, fail)


@contextmanager
def connect(database: Database, *, writable: bool = False) -> Iterator[Any]:
    """Open the file of a database.

    Raises
    ------
    CrecheError
        If DuckDB is not installed.
    FileError
        If there is no such file, it is not a database, or another process keeps it locked.

    """
    check_polars_version(database.place)
    try:
        import duckdb
    except ImportError as error:
        raise CrecheError(f"{database.place}: needs the package duckdb: pip install 'creche[duckdb]'") from error
    path = database.path
    assert path is not None
    if not writable:
        check_file(path, database.place)
    with explain(database):
        connection = duckdb.connect(str(path), read_only=not writable, config=SETTINGS)
    with closing(connection):
        yield connection


@contextmanager
def explain(database: Database) -> Iterator[None]:
    """Turn errors of DuckDB into one sentence each.

    Raises
    ------
    FileError, TableError

    """
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        text = _first_line(error)
        if "Could not set lock" in text:
            raise FileError(f"{database.place}: another process has opened it for writing; close it there") from error
        if "not a valid DuckDB" in text:
            raise FileError(f"{database.place}: is not a database of DuckDB; name the file of one") from error
        if "different configuration" in text:
            raise FileError(f"{database.place}: this process has opened it already; close its connection") from error
        is_system = isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException | duckdb.FatalException)
        raise (FileError if is_system else TableError)(f"{database.source}: {text}") from error


def table_names(connection: Any) -> list[str]:
    """Return the names of tables and views, with the schemas of those that are in another than main."""
    rows = connection.execute(TABLES).fetchall()
    return [name if schema == "main" else f"{schema}.{name}" for schema, name in rows]


def _select(connection: Any, database: Database) -> str:
    """Return the statement that reads the rows."""
    import duckdb

    if database.query is not None:
        statements = connection.extract_statements(database.query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise TableError(f"{database.source}: is no query; needs one SELECT")
        inner = f"(\n{database.query.strip().rstrip(';')}\n)"
    else:
        names = table_names(connection)
        if database.table is None:
            raise TableError(f"{database.place}: the table is not named; {nearest('', names)}")
        parts = split_table_name(database.table)
        if ".".join(parts).removeprefix("main.") not in names:
            hint = nearest(database.table, names) if names else "the database has no tables"
            raise TableError(f"{database.place}: there is no table {database.table!r}; {hint}")
        inner = quote_table(parts)
    described = connection.execute(f"DESCRIBE SELECT * FROM {inner}").fetchall()
    fields = [(str(name), str(kind)) for name, kind, *_ in described]
    names = [name for name, _ in fields]
    check_repeated_names(names, database.source)
    for name in database.order_by:
        if name not in names:
            raise TableError(f"{database.place}: order_by: there is no column {name!r}; {nearest(name, names)}")
    chosen = ", ".join(_convert(name, kind) for name, kind in fields)
    by = ", ".join(f"source.{quote_name(name)}" for name in database.order_by)
    return f"SELECT {chosen} FROM {inner} AS source{f' ORDER BY {by}' if by else ''}"


def _convert(name: str, kind: str) -> str:
    column = f"source.{quote_name(name)}"
    how = None if kind.endswith("]") else next((how for k, how in CONVERTED.items() if kind.startswith(k)), None)
    return column if how is None else f"{how.format(column)} AS {quote_name(name)}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
