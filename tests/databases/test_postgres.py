"""Tables of a real PostgreSQL: every type, every failure, and the bits of other sources."""

from __future__ import annotations

import datetime
from pathlib import Path

import polars as pl
import pytest

import creche as cr
from creche.databases.reading import read_frames
from creche.errors import FileError, TableError
from creche.table.reading.read import read_batches, read_table
from tests.databases.conftest import PASSWORD, Server
from tests.unit.databases.penguins import numbered_penguins, weights_from

pytestmark = pytest.mark.databases


def test_a_network_has_the_bits_of_the_file(server: Server, tmp_path: Path) -> None:
    frame = numbered_penguins()
    frame.write_parquet(tmp_path / "penguins.parquet")
    # Inserted in another order: the primary key is that of the file.
    server.write("penguins", frame.sample(fraction=1.0, shuffle=True, seed=1))
    server.execute("ALTER TABLE penguins ADD PRIMARY KEY (id)")
    uri = server.uri()
    expected = weights_from(tmp_path / "penguins.parquet")
    assert weights_from(cr.Database(uri, table="penguins")) == expected
    assert weights_from(f"{uri}&table=public.penguins", memory="200MB") == expected
    assert weights_from(cr.Database(uri, query="SELECT * FROM penguins ORDER BY id; ")) == expected
    assert weights_from(cr.Database(uri, query="SELECT * FROM penguins ORDER BY id -- all")) == expected


def test_an_undefined_order_is_told(server: Server) -> None:
    server.execute("CREATE TABLE unordered AS SELECT g AS id, g % 2 AS even FROM generate_series(1, 4) g")
    with pytest.warns(cr.CrecheWarning, match=r"order of its rows is not defined.*order_by=\['id'\]"):
        read_table(f"{server.uri()}&table=unordered")
    with pytest.warns(cr.CrecheWarning, match=r"add ORDER BY to the query"):
        read_table(cr.Database(server.uri(), query="SELECT * FROM unordered"))
    found = read_table(cr.Database(server.uri(), table="unordered", order_by=["even", "id"]))
    assert found.columns["id"].values.tolist() == [2, 4, 1, 3]


# The type, a value in SQL, the type of the column that is read, and its value.
TYPES = [
    ("int2", "'-7'", pl.Int16, -7),
    ("int8", "'9007199254740993'", pl.Int64, 9007199254740993),
    ("real", "'1.5'", pl.Float32, 1.5),
    ("double precision", "'NaN'", pl.Float64, float("nan")),
    ("numeric", "'NaN'", pl.Float64, float("nan")),
    ("numeric", "'0.1234567890123456789012345678901'", pl.Float64, 0.12345678901234568),
    ("numeric(40, 2)", "'12345678901234567890123456789.25'", pl.Float64, float(12345678901234567890123456789)),
    ("numeric", "'-Infinity'", pl.Float64, float("-inf")),
    ("money", "'5.20'", pl.Float64, 5.2),
    ("boolean", "'true'", pl.Boolean, True),
    ("text", "'Größe'", pl.String, "Größe"),
    ("char(5)", "'ab'", pl.String, "ab"),
    ("uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", pl.String, "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("inet", "'127.0.0.1'", pl.String, "127.0.0.1/32"),
    ("interval", "'1 day 2 hours 0.5 seconds'", pl.Float64, 93_600.5),
    ("date", "'2020-02-29'", pl.Date, datetime.date(2020, 2, 29)),
    ("timestamp", "'2020-01-01 01:02:03'", pl.Datetime("us"), datetime.datetime(2020, 1, 1, 1, 2, 3)),
    (
        "timestamptz", "'2020-01-01 01:02:03+02'", pl.Datetime("us", "UTC"),
        datetime.datetime(2019, 12, 31, 23, 2, 3, tzinfo=datetime.UTC),
    ),
    ("time", "'12:30'", pl.Time, datetime.time(12, 30)),
    ("timetz", "'12:30+02'", pl.String, "12:30:00+02"),
    ("int[]", "'{1, 2}'", pl.List(pl.Int32), [1, 2]),
    ("bytea", r"'\x00ff'", pl.Binary, b"\x00\xff"),
    ("json", """'{"a": 1}'""", pl.String, '{"a": 1}'),
    ("jsonb", "'[1]'", pl.String, "[1]"),
    ("point", "'(1,2)'", pl.String, "(1,2)"),
    ("int4range", "'[1,3)'", pl.String, "[1,3)"),
    ("bit(3)", "'101'", pl.String, "101"),
    ("xml", "'<a/>'", pl.String, "<a/>"),
    ("mood", "'glad'", pl.String, "glad"),
    ("oid", "'5'", pl.Int32, 5),
]  # fmt: skip


def test_every_type_is_read(server: Server) -> None:
    server.execute("CREATE TYPE mood AS ENUM ('glad', 'sad')")
    columns = ", ".join(f"{value}::{kind} AS c{i}" for i, (kind, value, _, _) in enumerate(TYPES))
    nulls = ", ".join(f"NULL::{kind}" for kind, _, _, _ in TYPES)
    server.execute(f"CREATE TABLE types AS SELECT {columns} UNION ALL SELECT {nulls}")
    (frame,) = read_frames(cr.Database(server.uri(), table="types"))
    for i, (kind, _, dtype, value) in enumerate(TYPES):
        series = frame[f"c{i}"]
        assert series.dtype == dtype, kind
        found, missing = series.to_list()
        assert found == value or (found != found and value != value), kind
        assert missing is None, kind


def test_values_that_no_table_can_hold_are_named(server: Server) -> None:
    server.execute(
        "CREATE TABLE odd AS SELECT 1 AS id, 'infinity'::timestamp AS until, 'NaN'::float8 AS x, '{1}'::int[] AS list",
        "INSERT INTO odd SELECT 2, '2020-01-01', NULL, NULL",
    )
    uri = server.uri()
    with pytest.raises(TableError, match=r"row 2: column 'until' .* infinite.*NULLIF"):
        read_table(cr.Database(uri, query="SELECT until FROM odd ORDER BY id DESC"))
    table = read_table(
        cr.Database(uri, query="SELECT NULLIF(until, 'infinity') AS until, x, list FROM odd ORDER BY id")
    )
    assert table.columns["until"].missing.tolist() == [True, False]
    assert table.columns["x"].missing.tolist() == [True, True]  # NaN and NULL
    with pytest.raises(TableError, match=r"'list' holds lists"):
        read_table(cr.Database(uri, query="SELECT list FROM odd ORDER BY id"), expected={"list": "number"})


@pytest.mark.parametrize("name", ['say "hi"', "x; DROP TABLE kept", "Größe.1", "select", "it's", "back\\slash"])
def test_any_name_is_quoted(server: Server, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    server.execute("CREATE TABLE IF NOT EXISTS kept (a int)", f"CREATE TABLE {quoted} ({quoted} int PRIMARY KEY)")
    assert read_table(cr.Database(server.uri(), table=quoted)).names == [name]
    assert server.select("SELECT count(*) FROM kept") == [(0,)]


@pytest.mark.parametrize(
    "query",
    [
        "INSERT INTO safe VALUES (1) RETURNING a", "DELETE FROM safe", "SELECT 1; DROP TABLE safe",
        "SELECT 1) AS q; COMMIT; DROP TABLE safe; --", "WITH d AS (DELETE FROM safe RETURNING a) SELECT * FROM d",
    ],
)  # fmt: skip
def test_a_query_changes_nothing(server: Server, query: str) -> None:
    server.execute("DROP TABLE IF EXISTS safe", "CREATE TABLE safe AS SELECT 1 AS a")
    with pytest.raises(TableError):
        list(read_frames(cr.Database(server.uri(), query=query)))
    assert server.select("SELECT a FROM safe") == [(1,)]


def test_what_is_not_there_is_named(server: Server) -> None:
    server.execute("CREATE SCHEMA sales", "CREATE TABLE sales.flats (price float8)", "CREATE TABLE houses (a int)")
    uri = server.uri()
    with pytest.raises(TableError, match=r"no table 'hoses'; did you mean 'houses'"):
        read_table(f"{uri}&table=hoses")
    with pytest.raises(TableError, match=r"not named; choose one of .*sales\.flats"):
        read_table(uri)
    with pytest.raises(TableError, match=r"no such column .*nope"):
        read_table(cr.Database(uri, query="SELECT nope FROM houses"))
    with pytest.raises(TableError, match=r"syntax error"):
        read_table(cr.Database(uri, query="SELEC 1"))
    with pytest.raises(TableError, match=r"several columns are called 'a'"):
        read_table(cr.Database(uri, query="SELECT 1 AS a, 2 AS a"))
    with pytest.raises(TableError, match=r"order_by: there is no column 'b'; choose one of a"):
        read_table(cr.Database(uri, table="houses", order_by="b"))
    with pytest.raises(TableError, match=r"division by zero"):
        read_table(cr.Database(uri, query="SELECT 1 / (x - 3) AS y FROM generate_series(1, 5) x ORDER BY 1"))


def test_a_wrong_password_is_told_and_not_shown(server: Server) -> None:
    for password, reason in (("wr0ng", "refuses the password"), ("", "PGPASSWORD")):
        with pytest.raises(FileError, match=reason) as caught:
            read_table(f"{server.uri('ann', password)}&table=houses")
        assert "wr0ng" not in str(caught.value)
    with pytest.raises(TableError, match=r"no table 'nothing'"):
        read_table(f"{server.uri('ann', PASSWORD)}&table=nothing")


def test_no_server_and_no_database_are_told(server: Server, tmp_path: Path) -> None:
    for uri, reason in [
        (f"postgresql:///postgres?host={tmp_path}", "no server answers there"),
        ("postgresql://localhost:1/postgres", "no server answers there"),
        (server.uri().replace("/postgres?", "/nope?"), 'database "nope" does not exist'),
        (server.uri("someone"), 'role "someone" does not exist'),
        (server.uri(sslmode="perhaps"), "sslmode"),
    ]:
        with pytest.raises(FileError, match=reason):
            read_table(f"{uri}&table=t" if "?" in uri else f"{uri}?table=t")


def test_a_locked_table_is_told(server: Server) -> None:
    server.execute("CREATE TABLE locked (a int)")
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE locked IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(FileError, match=r"holds a lock"):
            read_table(f"{server.uri(options='-c lock_timeout=10ms')}&table=locked")
        cursor.execute("ROLLBACK")


def test_a_cut_connection_is_told(server: Server) -> None:
    query = "SELECT generate_series(1, 3000000) AS a, repeat('x', 100) AS b"
    batches = read_batches(cr.Database(server.uri(application_name="cut"), query=query))
    next(batches)
    server.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut'")
    with pytest.raises(FileError, match=r"connection to the server was lost after [\d,]+ rows"):
        list(batches)
