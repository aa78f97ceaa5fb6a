"""Tables and queries of PostgreSQL, read by its ADBC driver in one read-only transaction."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from creche.databases.address import Database
from creche.databases.arrow_batches import check_polars_version, check_repeated_names, iterate_batches
from creche.databases.arrow_schema import read_fields
from creche.databases.drivers import translate_errors
from creche.databases.quoting import define_columns, quote_name, quote_table, split_table_name
from creche.databases.targets import check_columns, refuse_existing, select_values, target_name
from creche.errors import CrecheError, FileError, TableError, nearest
from creche.plan.words import TableExists

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "check_exists",
    "connect",
    "execute",
    "find_table",
    "find_target",
    "has_order",
    "quote_text",
    "read_frames",
    "select_rows",
    "write_frames",
]

BYTES_AT_A_TIME = 4 << 20

SECONDS_FOR_LOCK, SECONDS_TO_CONNECT = 30, 15

# The types whose values Polars gets as they are; all others are read as text, but for those below.
AS_THEY_ARE = frozenset(
    {
        "bool", "int2", "int4", "int8", "oid", "float4", "float8", "text", "varchar", "name", "timestamp",
        "timestamptz", "date", "time", "bytea",
    }
)  # fmt: skip

# As numbers: the server rounds decimal digits correctly, which the driver leaves as text; money comes as cents.
AS_NUMBERS = {
    "numeric": "{0}::float8",
    "money": "{0}::numeric::float8",
    "interval": "extract(epoch from {0})::float8",
}

# The types of columns that are written, by those of Polars.
COLUMN_TYPES = {
    "Boolean": "boolean", "Int64": "bigint", "Float32": "real", "Float64": "double precision", "String": "text",
    "Binary": "bytea", "Date": "date", "Datetime": "timestamp", "Time": "time", "Null": "text",
}  # fmt: skip

LONGEST_NAME = 63  # bytes; the server would cut a longer one

STAGING = "creche_rows"

# Without these, rows of a table without an order come in another one each time.
IN_STABLE_ORDER = ("SET LOCAL synchronize_seqscans = off", "SET LOCAL max_parallel_workers_per_gather = 0")

# Where the user has set none.
LOCK_TIMEOUT = (
    f"SELECT set_config('lock_timeout', '{SECONDS_FOR_LOCK}s', true) WHERE current_setting('lock_timeout') = '0'"
)

RELATIONS = """
SELECT n.nspname AS schema, c.relname AS name, pg_table_is_visible(c.oid) AS is_visible
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm', 'p', 'f') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\\_%'
ORDER BY 1, 2"""

PRIMARY_KEY = """
SELECT a.attname AS name FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
WHERE i.indisprimary AND i.indrelid = to_regclass({0}) ORDER BY array_position(i.indkey::int2[], a.attnum)"""

LOST = "the connection to the server was lost"

ORDER_BY = re.compile(r"\border\s+by\b", re.IGNORECASE)

# Beginnings of the states of errors that no other query avoids: of resources, locks, the operator and the system.
OF_THE_SERVER = ("53", "55", "57", "58", "XX")

REASONS = {
    "42P01": "there is no such table",
    "42703": "there is no such column",
    "42P07": "the table exists already",
    "42804": "a column has another type than the table that it is written to",
    "2BP01": "other objects depend on the table, which therefore cannot be replaced",
    "42501": "the user may not do this",
    "25006": "the query would change the database; only reading is allowed",
    "55P03": f"another session holds a lock on the table, and kept it for {SECONDS_FOR_LOCK} seconds; try again later",
    "53100": "the disk of the server is full",
    "57014": "the server cancelled the query",
}


def read_frames(database: Database) -> Iterator[pl.DataFrame]:
    """Yield the rows of a table or query, some at a time.

    Raises
    ------
    CrecheError
        If the driver is not installed.
    FileError
        If the server cannot be reached, refuses, or the connection is cut.
    TableError
        If there is no such table or column, or the query has an error.

    """
    with connect(database) as connection:
        for setting in ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY", LOCK_TIMEOUT, *IN_STABLE_ORDER):
            execute(connection, setting)
        statement = _select(connection, database)
        cursor = connection.cursor()
        cursor.adbc_statement.set_options(**{"adbc.postgresql.batch_size_hint_bytes": str(BYTES_AT_A_TIME)})
        cursor.execute(statement)

        def fail(error: Exception, rows: int) -> NoReturn:
            raise _reading_error(database, str(error), rows) from error

        yield from iterate_batches(cursor.fetch_arrow(), database.source, fail)


def has_order(database: Database) -> bool:
    """Whether the order of the rows is defined: by a primary key, or by ORDER BY."""
    if database.query is not None:
        return ORDER_BY.search(database.query) is not None
    if database.order_by or database.table is None:
        return True
    with connect(database) as connection:
        return bool(_primary_key(connection, split_table_name(database.table)))


@contextmanager
def connect(database: Database, *, writable: bool = False) -> Iterator[Any]:
    """Open a connection, which begins a transaction; what is not committed at its end is undone.

    Parameters
    ----------
    database : Database
    writable : bool, default False
        Has no effect: what reads forbids writing in its transaction.

    Raises
    ------
    CrecheError
        If the driver is not installed.
    FileError
        If the server cannot be reached, or refuses.

    """
    check_polars_version(database.place)
    try:
        from adbc_driver_manager import Error
        from adbc_driver_postgresql import dbapi
    except ImportError as error:
        raise CrecheError(
            f"{database.place}: needs the driver adbc-driver-postgresql: pip install 'creche[postgres]'"
        ) from error
    try:
        connection = dbapi.connect(_with_timeout(database.uri))
    except dbapi.Error as error:
        # The driver's own error may hold the password.
        raise FileError(f"{database.place}: {database.without_secrets(_why_refused(str(error)))}") from None
    try:
        with translate_errors(Error, partial(_describe_error, database)):
            yield connection
    finally:
        _close(connection)


def _describe_error(database: Database, error: Exception) -> CrecheError:
    """Return an error of the driver as one sentence."""
    text, state = _first_line(str(error)), getattr(error, "sqlstate", None) or ""
    reason = REASONS.get(state)
    detail = f"{reason} ({text})" if reason and text else reason or text
    if state.startswith(("08", "57P")) or (not state and "connection" in str(error)):
        return FileError(f"{database.source}: {LOST}; begin again")
    kind = FileError if state.startswith(OF_THE_SERVER) else TableError
    return kind(f"{database.source}: {detail}")


def select_rows(connection: Any, statement: str) -> list[dict[str, Any]]:
    """Return the rows of a small query."""
    import polars as pl

    with connection.cursor() as cursor:
        cursor.execute(statement)
        return pl.scan_arrow_c_stream(cursor.fetch_arrow()).collect().to_dicts()


def write_frames(
    connection: Any,
    database: Database,
    schema: pl.Schema,
    frames: Iterable[pl.DataFrame],
    if_table_exists: TableExists,
) -> None:
    """Write rows to a table in one transaction: see `Driver.write_frames`."""
    for name in schema:
        if len(name.encode()) > LONGEST_NAME:
            raise TableError(f"{database.source}: the name of column {name!r} has more than {LONGEST_NAME} bytes")
    execute(connection, LOCK_TIMEOUT)
    parts = find_target(connection, database, if_table_exists)
    table = quote_table(parts)
    columns = _table_columns(connection, parts)
    names = list(map(quote_name, schema))
    types = [COLUMN_TYPES.get(dtype.base_type().__name__, "text") for dtype in schema.dtypes()]
    zones = [getattr(dtype, "time_zone", None) for dtype in schema.dtypes()]
    types = ["timestamptz" if zone else kind for kind, zone in zip(types, zones, strict=True)]
    definition = define_columns(schema, types)
    if columns and if_table_exists == "append":
        check_columns(schema.names(), columns, database)
        # The driver sends values in the types that they have; the server converts them to those of the table.
        execute(connection, f"CREATE TEMPORARY TABLE {STAGING} ({definition}) ON COMMIT DROP")
        _ingest(connection, frames, (STAGING,), temporary=True)
        chosen = select_values(schema)
        execute(connection, f"INSERT INTO {table} ({', '.join(names)}) SELECT {chosen} FROM {STAGING}")
    else:
        if columns:
            execute(connection, f"DROP TABLE {table}")
        execute(connection, f"CREATE TABLE {table} ({definition})")
        _ingest(connection, frames, parts)
    connection.commit()


def find_target(connection: Any, database: Database, if_table_exists: TableExists) -> tuple[str, ...]:
    """Return the parts of the name of the table to write.

    Raises
    ------
    TableError
        If it exists and may not, or its schema does not exist.

    """
    parts = target_name(database)
    if find_table(connection, parts):
        refuse_existing(database, if_table_exists)
    elif len(parts) == 2 and not select_rows(
        connection, f"SELECT 1 AS one FROM pg_namespace WHERE nspname = {quote_text(parts[0])}"
    ):
        raise TableError(f"{database.source}: there is no schema {parts[0]!r}; create it first")
    if len(parts[-1].encode()) > LONGEST_NAME:
        raise TableError(f"{database.source}: the name of the table has more than {LONGEST_NAME} bytes")
    return parts


def _ingest(
    connection: Any, frames: Iterable[pl.DataFrame], parts: tuple[str, ...], *, temporary: bool = False
) -> None:
    """Send rows to a table whose columns have the same types."""
    where = {"db_schema_name": parts[0]} if len(parts) == 2 else {}
    for frame in frames:
        with connection.cursor() as cursor:
            cursor.adbc_ingest(parts[-1], frame, mode="append", temporary=temporary, **where)


def _table_columns(connection: Any, parts: tuple[str, ...]) -> list[str]:
    rows = select_rows(
        connection,
        f"SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass({quote_text(quote_table(parts))}) "
        "AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
    )
    return [row["name"] for row in rows]


def quote_text(text: str) -> str:
    """Return a text as an SQL literal, whatever its characters.

    Examples
    --------
    >>> quote_text("it's")
    "'it''s'"

    """
    doubled = text.replace("'", "''")
    return f"E'{doubled.replace(chr(92), chr(92) * 2)}'" if "\\" in text else f"'{doubled}'"


def find_table(connection: Any, parts: tuple[str, ...]) -> bool:
    """Whether there is a table or view of this name."""
    found = select_rows(connection, f"SELECT to_regclass({quote_text(quote_table(parts))})::text AS name")
    return found[0]["name"] is not None


def check_exists(connection: Any, database: Database) -> tuple[str, ...]:
    """Return the parts of the name of the table.

    Raises
    ------
    TableError
        If it is not named, or there is none.

    """
    if database.table is None:
        raise TableError(f"{database.place}: the table is not named; {nearest('', _table_names(connection))}")
    parts = split_table_name(database.table)
    if not find_table(connection, parts):
        names = _table_names(connection)
        hint = nearest(database.table, names) if names else "the database has no tables that this user sees"
        raise TableError(f"{database.place}: there is no table {database.table!r}; {hint}")
    return parts


def _table_names(connection: Any) -> list[str]:
    rows = select_rows(connection, RELATIONS)
    return [row["name"] if row["is_visible"] else f"{row['schema']}.{row['name']}" for row in rows]


def _select(connection: Any, database: Database) -> str:
    """Return the statement that reads the rows, with columns of types that Polars lacks converted by the server."""
    order: Sequence[str] = ()
    if database.query is None:
        inner = quote_table(parts := check_exists(connection, database))
        begin = f"SELECT * FROM {inner}"
        order = database.order_by or _primary_key(connection, parts)
    else:
        begin = database.query.strip().rstrip(";")
        inner = f"(\n{begin}\n)"
    with connection.cursor() as cursor:
        cursor.adbc_statement.set_sql_query(begin)
        described = cursor.adbc_statement.execute_schema()
        fields = read_fields(described.address, "POSTGRESQL:type")
    if not fields:
        raise TableError(f"{database.source}: returns no columns; needs a SELECT")
    names = [name for name, _ in fields]
    check_repeated_names(names, database.source)
    for name in database.order_by:
        if name not in names:
            raise TableError(f"{database.place}: order_by: there is no column {name!r}; {nearest(name, names)}")
    chosen = ", ".join(_convert(name, kind) for name, kind in fields)
    # With the alias, a name is that of a column that is read, not of one that is converted.
    by = f" ORDER BY {', '.join(f'source.{quote_name(name)}' for name in order)}" if order else ""
    return f"SELECT {chosen} FROM {inner} AS source{by}"


def _convert(name: str, kind: str) -> str:
    column = f"source.{quote_name(name)}"
    if kind in AS_THEY_ARE or kind.startswith("_"):  # arrays are refused where they are used
        return column
    return f"{AS_NUMBERS.get(kind, '{0}::text').format(column)} AS {quote_name(name)}"


def _primary_key(connection: Any, parts: tuple[str, ...]) -> list[str]:
    rows = select_rows(connection, PRIMARY_KEY.format(quote_text(quote_table(parts))))
    return [row["name"] for row in rows]


def execute(connection: Any, statement: str) -> None:
    """Carry out a statement whose rows, if it has any, are not needed."""
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _close(connection: Any) -> None:
    """Close a connection, which may be cut already."""
    from adbc_driver_manager import Error

    for end in (connection.rollback, connection.close):
        try:
            end()
        except Error:
            continue


def _with_timeout(uri: str) -> str:
    """Return an address by which a server that does not answer is given up, unless the user has set for how long."""
    if "connect_timeout=" in uri or "PGCONNECT_TIMEOUT" in os.environ:
        return uri
    return f"{uri}{'&' if '?' in uri else '?'}connect_timeout={SECONDS_TO_CONNECT}"


def _first_line(text: str) -> str:
    """Return what the server says, without what the driver puts before and after."""
    said = text.partition("ERROR:")[2] or text.partition("[libpq]")[2] or text
    return said.strip().partition("\n")[0].strip()


def _why_refused(text: str) -> str:
    """Return why a connection was not made, with what to do."""
    fatal = text.partition("FATAL:")[2].strip().partition("\n")[0]
    if "password" in fatal or "no password supplied" in text:
        return (
            f"the server refuses the password ({fatal or 'none was given'}); set the environment variable PGPASSWORD, "
            "or write it to ~/.pgpass"
        )
    if fatal:
        return f"the server refuses the connection: {fatal}"
    if "could not translate host name" in text:
        return "there is no such host; correct the address"
    if any(sign in text for sign in ("Connection refused", "No such file or directory", "timeout", "unreachable")):
        return "no server answers there; start it, or correct the address"
    return f"cannot be connected to: {_first_line(text).partition('failed:')[2].strip() or _first_line(text)}"


def _reading_error(database: Database, text: str, rows: int) -> CrecheError:
    """Return the error about rows that did not come: that the connection is cut, or that the query failed there."""
    if any(sign in text for sign in ("connection", "terminat", "SSL")):
        return FileError(f"{database.source}: {LOST} after {rows:,} rows had been read; begin again")
    return TableError(f"{database.source}: {_first_line(text)}, after {rows:,} rows")
