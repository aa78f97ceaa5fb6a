"""Tables and queries of SQLite, read by Python's standard library from a file that is opened for reading only."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from creche.databases.address import Database
from creche.databases.arrow_batches import ROWS_AT_A_TIME
from creche.databases.drivers import translate_errors
from creche.databases.files import check_file
from creche.databases.quoting import define_columns, quote_name, quote_table, split_table_name
from creche.databases.targets import check_columns, refuse_existing, target_name
from creche.errors import CrecheError, FileError, TableError, nearest
from creche.plan.words import TableExists

if TYPE_CHECKING:
    import polars as pl

__all__ = ["connect", "find_target", "read_frames", "write_frames"]

SECONDS_FOR_LOCK = 30.0

# A column may hold values of several types. Which ones it holds is a sum of these.
TEXT, INTEGER, REAL, BLOB, WORD = 1, 2, 4, 8, 16

# The types of columns that are written, by those of Polars.
COLUMN_TYPES = {
    "Boolean": "BOOLEAN", "Int64": "INTEGER", "Float32": "REAL", "Float64": "REAL", "String": "TEXT",
    "Binary": "BLOB", "Date": "DATE", "Datetime": "TIMESTAMP", "Time": "TIME",
}  # fmt: skip

Convert = Callable[[Any], Any]


def read_frames(database: Database, missing: Collection[str] = ()) -> Iterator[pl.DataFrame]:
    """Yield the rows of a table or query, some at a time.

    A column has one type in all frames: text, if there is any among its values.

    Parameters
    ----------
    database : Database
    missing : collection of str
        Words that stand for missing values among numbers.

    Raises
    ------
    FileError
        If the file cannot be read, or another process keeps it locked.
    TableError
        If there is no such table or column, or the query has an error.

    """
    with connect(database) as connection:
        connection.execute("BEGIN")  # so that the types found first are those of the rows read after
        statement, inner = _select(connection, database)
        names = [column[0] for column in connection.execute(f"SELECT * FROM {inner} LIMIT 0").description]
        for name in database.order_by:
            if name not in names:
                raise TableError(f"{database.place}: order_by: there is no column {name!r}; {nearest(name, names)}")
        booleans = _boolean_columns(connection, database)
        types = _find_types(connection, inner, names, missing)
        columns = [_choose_type(found, name in booleans) for name, found in zip(names, types, strict=True)]
        cursor = connection.execute(statement)
        rows = cursor.fetchmany(ROWS_AT_A_TIME)
        yield _make_frame(names, columns, rows)
        while rows := cursor.fetchmany(ROWS_AT_A_TIME):
            yield _make_frame(names, columns, rows)


@contextmanager
def connect(database: Database, *, writable: bool = False) -> Iterator[sqlite3.Connection]:
    """Open the file of a database.

    Raises
    ------
    FileError
        If there is none, or it is not a database.

    """
    path = database.path
    assert path is not None
    if not writable:
        check_file(path, database.place)
    mode = "rwc" if writable else "ro"
    with translate_errors(sqlite3.Error, partial(_describe_error, database)):
        address = f"file:{quote(str(path.absolute()))}?mode={mode}"
        connection = sqlite3.connect(address, uri=True, timeout=SECONDS_FOR_LOCK, isolation_level=None)
        with closing(connection):
            yield connection


def _describe_error(database: Database, error: sqlite3.Error) -> CrecheError:
    """Return an error of SQLite as one sentence."""
    name, text = getattr(error, "sqlite_errorname", ""), str(error)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        reason = f"another process keeps it locked, for more than {SECONDS_FOR_LOCK:g} seconds; try again later"
        return FileError(f"{database.place}: {reason}")
    if name == "SQLITE_NOTADB":
        return FileError(f"{database.place}: is not an SQLite database; name the file of one")
    if name == "SQLITE_FULL":
        return FileError(f"{database.place}: the disk is full; nothing was written")
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_CORRUPT")):
        return FileError(f"{database.place}: {text}; check the file and its permissions")
    return TableError(f"{database.source}: {text}; correct the table or the query")


def table_names(connection: sqlite3.Connection) -> list[str]:
    """Return the names of tables and views."""
    query = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%' ORDER BY name"
    return [str(name) for (name,) in connection.execute(query)]


def _select(connection: sqlite3.Connection, database: Database) -> tuple[str, str]:
    """Return the statement that reads the rows, and what it reads from."""
    if database.query is not None:
        inner = f"(\n{database.query.strip().rstrip(';')}\n)"
        return f"SELECT * FROM {inner}", inner
    names = table_names(connection)
    if database.table is None:
        raise TableError(f"{database.place}: the table is not named; {nearest('', names)}")
    parts = split_table_name(database.table)
    if parts[-1] not in names or parts[:-1] not in ((), ("main",)):
        hint = nearest(database.table, names) if names else "the database has no tables"
        raise TableError(f"{database.place}: there is no table {database.table!r}; {hint}")
    inner = quote_table(parts)
    order = ", ".join(map(quote_name, database.order_by))
    return f"SELECT * FROM {inner}" + (f" ORDER BY {order}" if order else ""), inner


def _find_types(
    connection: sqlite3.Connection, inner: str, names: list[str], missing: Collection[str]
) -> tuple[int, ...]:
    """Return for each column which types its values have, as a sum."""
    words = ", ".join("'" + word.replace("'", "''") + "'" for word in missing)
    found = []
    for name in map(quote_name, names):
        kind = f"typeof({name})"
        tests = {INTEGER: f"{kind} = 'integer'", REAL: f"{kind} = 'real'", BLOB: f"{kind} = 'blob'"}
        tests |= {TEXT: f"{kind} = 'text'", WORD: f"{kind} = 'text' AND trim({name}) NOT IN ({words})"}
        found.append(" + ".join(f"{value} * max({test})" for value, test in tests.items()))
    (row,) = connection.execute(f"SELECT {', '.join(found)} FROM {inner}")
    return tuple(value or 0 for value in row)


def _boolean_columns(connection: sqlite3.Connection, database: Database) -> set[str]:
    """Return the columns of a table that are declared as booleans, whose values are whole numbers."""
    if database.table is None:
        return set()
    name = quote_name(split_table_name(database.table)[-1])
    return {row[1] for row in connection.execute(f"PRAGMA table_info({name})") if row[2].upper().startswith("BOOL")}


def _choose_type(found: int, is_boolean: bool) -> tuple[pl.DataType, Convert | None]:
    """Return the type of a column by those of its values, and what converts each value to it."""
    import polars as pl

    numbers = found & (INTEGER | REAL)
    if found & BLOB:
        return pl.Binary(), lambda value: value if isinstance(value, bytes) else str(value).encode()
    if found & WORD or not numbers:
        return pl.String(), str if numbers else None
    only_number: Convert | None = (lambda value: None if isinstance(value, str) else value) if found & TEXT else None
    if is_boolean and numbers == INTEGER:
        return pl.Boolean(), lambda value: None if isinstance(value, str) else bool(value)
    return (pl.Int64() if numbers == INTEGER else pl.Float64()), only_number


def _make_frame(
    names: list[str], columns: list[tuple[pl.DataType, Convert | None]], rows: list[tuple[Any, ...]]
) -> pl.DataFrame:
    import polars as pl

    values = zip(*rows, strict=True) if rows else ([] for _ in names)
    series = []
    for name, (dtype, convert), found in zip(names, columns, values, strict=True):
        cells = found if convert is None else [None if value is None else convert(value) for value in found]
        series.append(pl.Series(name, cells, dtype=dtype, strict=False))
    return pl.DataFrame(series)


def write_frames(
    connection: sqlite3.Connection,
    database: Database,
    schema: pl.Schema,
    frames: Iterable[pl.DataFrame],
    if_table_exists: TableExists,
) -> None:
    """Write rows to a table in one transaction: see `Driver.write_frames`."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        table, columns = find_target(connection, database, if_table_exists)
        if columns and if_table_exists == "append":
            check_columns(schema.names(), columns, database)
        else:
            if columns:
                connection.execute(f"DROP TABLE {table}")
            kinds = (COLUMN_TYPES.get(dtype.base_type().__name__, "TEXT") for dtype in schema.dtypes())
            connection.execute(f"CREATE TABLE {table} ({define_columns(schema, kinds)})")
        names, places = ", ".join(map(quote_name, schema)), ", ".join("?" * len(schema))
        for frame in frames:
            connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", _as_rows(frame))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def find_target(
    connection: sqlite3.Connection, database: Database, if_table_exists: TableExists
) -> tuple[str, list[str]]:
    """Return the quoted name of the table to write, and its columns; none if it is not there."""
    parts = target_name(database)
    if parts[:-1] not in ((), ("main",)):
        raise TableError(f"{database.source}: SQLite has no schemas; name the table alone")
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({quote_name(parts[-1])})")]
    if columns:
        refuse_existing(database, if_table_exists)
    return quote_table(parts), columns


def _as_rows(frame: pl.DataFrame) -> list[tuple[Any, ...]]:
    """Return rows of values that SQLite has: dates and times as text that sorts as they do."""
    import polars as pl
    import polars.selectors as cs

    return frame.with_columns(
        cs.date().dt.to_string("%Y-%m-%d"),
        cs.time().dt.to_string("%H:%M:%S%.f"),
        *(
            pl.col(name).dt.to_string(f"%Y-%m-%d %H:%M:%S%.f{'%:z' if getattr(dtype, 'time_zone', None) else ''}")
            for name, dtype in frame.schema.items()
            if isinstance(dtype, pl.Datetime)
        ),
    ).rows()
