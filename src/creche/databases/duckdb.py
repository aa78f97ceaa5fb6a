"""Tables and queries of DuckDB, read from a file that is opened for reading only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from creche.databases.address import Database
from creche.databases.arrow_batches import check_polars_version, check_repeated_names, iterate_batches
from creche.databases.drivers import translate_errors
from creche.databases.files import check_file
from creche.databases.quoting import define_columns, quote_name, quote_table, split_table_name
from creche.databases.targets import check_columns, refuse_existing, select_values, target_name
from creche.errors import CrecheError, FileError, TableError, nearest
from creche.plan.words import TableExists

if TYPE_CHECKING:
    import polars as pl

__all__ = ["connect", "find_target", "read_frames", "write_frames"]

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

# The types of columns that are written, by those of Polars.
COLUMN_TYPES = {
    "Boolean": "BOOLEAN", "Int64": "BIGINT", "Float32": "FLOAT", "Float64": "DOUBLE", "String": "VARCHAR",
    "Binary": "BLOB", "Date": "DATE", "Datetime": "TIMESTAMP", "Time": "TIME", "Null": "VARCHAR",
}  # fmt: skip

STAGING = "creche_rows"

COLUMNS = """
SELECT column_name FROM duckdb_columns()
WHERE database_name = current_database() AND schema_name = ? AND table_name = ? ORDER BY column_index"""

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
    with connect(database) as connection:
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
    with translate_errors(duckdb.Error, partial(_describe_error, database)):
        connection = duckdb.connect(str(path), read_only=not writable, config=SETTINGS)
        with closing(connection):
            yield connection


def _describe_error(database: Database, error: Exception) -> CrecheError:
    """Return an error of DuckDB as one sentence."""
    import duckdb

    text = _first_line(error)
    if "Could not set lock" in text:
        return FileError(f"{database.place}: another process has opened it for writing; close it there")
    if "not a valid DuckDB" in text or "sqlite_scanner" in text:  # an extension for files of SQLite
        return FileError(f"{database.place}: is not a database of DuckDB; name the file of one")
    if "different configuration" in text:
        return FileError(f"{database.place}: this process has opened it already; close its connection")
    is_system = isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException | duckdb.FatalException)
    return (FileError if is_system else TableError)(f"{database.source}: {text}")


def write_frames(
    connection: Any,
    database: Database,
    schema: pl.Schema,
    frames: Iterable[pl.DataFrame],
    if_table_exists: TableExists,
) -> None:
    """Write rows to a table in one transaction: see `Driver.write_frames`."""
    connection.execute("BEGIN")
    table, columns = find_target(connection, database, if_table_exists)
    if columns and if_table_exists == "append":
        check_columns(schema.names(), columns, database)
    else:
        if columns:
            connection.execute(f"DROP TABLE {table}")
        kinds = (
            "TIMESTAMPTZ" if getattr(dtype, "time_zone", None) else COLUMN_TYPES[dtype.base_type().__name__]
            for dtype in schema.dtypes()
        )
        connection.execute(f"CREATE TABLE {table} ({define_columns(schema, kinds)})")
    names, values = ", ".join(map(quote_name, schema)), select_values(schema)
    for frame in frames:
        connection.register(STAGING, _ArrowRows(frame))
        connection.execute(f"INSERT INTO {table} ({names}) SELECT {values} FROM {STAGING}")
        connection.unregister(STAGING)
    connection.execute("COMMIT")


class _ArrowRows:
    """A frame that DuckDB reads by the Arrow interface; it would ask for PyArrow if it knew the library."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


def find_target(connection: Any, database: Database, if_table_exists: TableExists) -> tuple[str, list[str]]:
    """Return the quoted name of the table to write, and its columns; none if it is not there."""
    parts = target_name(database)
    schema = parts[0] if len(parts) == 2 else "main"
    schemas = {row[0] for row in connection.execute("SELECT schema_name FROM duckdb_schemas()").fetchall()}
    if schema not in schemas:
        raise TableError(f"{database.source}: there is no schema {schema!r}; create it first")
    rows = connection.execute(COLUMNS, [schema, parts[-1]]).fetchall()
    if rows:
        refuse_existing(database, if_table_exists)
    return quote_table(parts), [str(name) for (name,) in rows]


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
            raise TableError(f"{database.source}: is not a query; give one SELECT")
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
