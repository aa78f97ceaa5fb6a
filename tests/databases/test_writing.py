"""Rows written to PostgreSQL and DuckDB: in one transaction, with the values and types that they have."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest

import creche as cr
from creche.databases.reading import read_frames
from creche.databases.writing import write_frames, write_rows
from creche.errors import FileError, TableError
from creche.plan.words import TableExists
from tests.databases.conftest import Server

pytestmark = pytest.mark.databases

MOMENT = datetime.datetime(2020, 1, 1, 1, 2, 3, 500_000)

ROWS = pl.DataFrame(
    {
        "whole": pl.Series([1, None], dtype=pl.UInt32), "real": pl.Series([1.5, None], dtype=pl.Float32),
        "x": [float("nan"), None], "decimal": pl.Series(["1.25", None]).cast(pl.Decimal(10, 2)), "yes": [True, None],
        "word": pl.Series(["a", None], dtype=pl.Enum(["a"])), "day": [MOMENT.date(), None], "moment": [MOMENT, None],
        "zone": [MOMENT.replace(tzinfo=datetime.UTC), None], "time": [MOMENT.time(), None],
        "span": [datetime.timedelta(hours=1), None], "bytes": [b"\0", None],
    }
)  # fmt: skip

Target = Callable[[str], cr.Database]


@pytest.fixture(params=["postgresql", "duckdb"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Target:
    """Names a table of an empty schema."""
    if request.param == "duckdb":
        return lambda name: cr.Database(f"duckdb:///{tmp_path}/a.duckdb", table=name)
    server: Server = request.getfixturevalue("server")
    server.execute("DROP SCHEMA IF EXISTS own CASCADE", "CREATE SCHEMA own")
    return lambda name: cr.Database(server.uri(), table=f"own.{name}")


def write_frame(database: cr.Database, rows: pl.LazyFrame, if_table_exists: TableExists) -> None:
    write_rows(database, [rows], if_table_exists)


def read(database: cr.Database) -> pl.DataFrame:
    return pl.concat(read_frames(database))


def test_every_type_comes_back(target: Target) -> None:
    database = target("t")
    write_frame(database, ROWS.lazy(), "fail")
    found = read(database)
    expected = ROWS.with_columns(
        pl.col("whole").cast(pl.Int64), pl.col("decimal").cast(pl.Float64), pl.col("word").cast(pl.String),
        pl.col("span").dt.total_seconds().cast(pl.Float64),
    )  # fmt: skip
    found = found.with_columns(pl.col("zone").dt.convert_time_zone("UTC"))
    assert found.schema == expected.schema
    assert found.equals(expected)


def test_predictions_go_to_the_database_that_is_read(target: Target) -> None:
    houses = target("houses")
    write_frame(houses, cr.datasets.penguins().with_row_index("id").lazy(), "fail")
    model = cr.train("penguins", label="species", hidden=[3], epochs=2, threads=1).model
    predictions = target('"say ""hi""; DROP TABLE houses"')
    assert cr.predict_file(model, houses, predictions, keep=["id"]).rows == 344
    found = read(predictions).sort("id")
    assert found["probability_Adelie"].to_list() == model.predict_proba("penguins")[:, 0].astype(float).tolist()
    assert len(read(houses)) == 344
    with pytest.raises(TableError, match="exists already"):
        cr.predict_file(model, houses, predictions)


def test_rows_are_appended_with_the_types_of_the_table(target: Target) -> None:
    database = target("t")
    write_frame(database, pl.LazyFrame({"a": [1.5], "b": ["x"], "day": [MOMENT.date()]}), "append")
    more = pl.LazyFrame({"day": [None], "a": [2]})
    write_frame(database, more, "append")
    assert read(database).sort("a").rows() == [(1.5, "x", MOMENT.date()), (2.0, None, None)]
    with pytest.raises(TableError, match="has no column 'c' to append to"):
        write_frame(database, pl.LazyFrame({"c": [1]}), "append")
    write_frame(database, pl.LazyFrame({"c": [1]}), "replace")
    assert read(database).rows() == [(1,)]


@pytest.mark.parametrize("exists", [False, True])
def test_an_error_in_the_middle_writes_nothing(target: Target, exists: bool) -> None:
    database = target("t")
    if exists:
        write_frame(database, pl.LazyFrame({"a": [7]}), "fail")

    def frames() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"a": [1, 2]})
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_frames(database, pl.Schema({"a": pl.Int64}), frames(), "replace")
    if exists:
        assert read(database).rows() == [(7,)]
    else:
        with pytest.raises((TableError, FileError), match=r"no table|no file"):
            read(database)


def test_a_schema_that_is_not_there_is_told(server: Server, tmp_path: Path) -> None:
    for database in (
        cr.Database(server.uri(), table="nowhere.t"),
        cr.Database(f"duckdb:///{tmp_path}/a.duckdb", table="nowhere.t"),
    ):
        with pytest.raises(TableError, match="there is no schema 'nowhere'"):
            write_frame(database, pl.LazyFrame({"a": [1]}), "fail")
    assert not (tmp_path / "a.duckdb").exists()


def test_a_name_that_the_server_would_cut_is_refused(server: Server) -> None:
    long = "ü" * 32
    with pytest.raises(TableError, match="more than 63 bytes"):
        write_frame(cr.Database(server.uri(), table=long), pl.LazyFrame({"a": [1]}), "fail")
    with pytest.raises(TableError, match=f"'{long}' has more than 63 bytes"):
        write_frame(cr.Database(server.uri(), table="short"), pl.LazyFrame({long: [1]}), "fail")


def test_a_cut_connection_writes_nothing(server: Server) -> None:
    database = cr.Database(server.uri(application_name="writing"), table="cut_off")

    def frames() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"a": [1, 2]})
        server.execute("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
                       "WHERE application_name = 'writing'")  # fmt: skip
        yield pl.DataFrame({"a": [3]})

    with pytest.raises(FileError, match="the connection to the server was lost; begin again"):
        write_frames(database, pl.Schema({"a": pl.Int64}), frames(), "fail")
    assert server.select("SELECT to_regclass('cut_off')::text") == [(None,)]


@pytest.mark.parametrize(
    ("state", "reason"), [("53100", "the disk of the server is full"), ("42501", "the user may not do this")]
)
def test_a_refusal_of_the_server_is_told(server: Server, state: str, reason: str) -> None:
    server.execute(
        "CREATE OR REPLACE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{state}'; END $$",
        "CREATE EVENT TRIGGER refuse ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION refuse()",
    )
    try:
        with pytest.raises((FileError, TableError), match=reason):
            write_frame(cr.Database(server.uri(), table="refused"), pl.LazyFrame({"a": [1]}), "fail")
    finally:
        server.execute("DROP EVENT TRIGGER refuse")


def test_a_table_that_others_need_is_not_replaced(server: Server) -> None:
    server.execute("CREATE TABLE needed AS SELECT 1 AS a", "CREATE VIEW needing AS SELECT a FROM needed")
    with pytest.raises(TableError, match="other objects depend on the table"):
        write_frame(cr.Database(server.uri(), table="needed"), pl.LazyFrame({"a": [2]}), "replace")
    assert server.select("SELECT a FROM needing") == [(1,)]


def test_others_see_nothing_before_the_end(server: Server) -> None:
    seen: list[object] = []

    def frames() -> Iterator[pl.DataFrame]:
        for _ in range(3):
            yield pl.DataFrame({"a": [1]})
            seen.append(server.select("SELECT to_regclass('whole')::text")[0][0])

    write_frames(cr.Database(server.uri(), table="whole"), pl.Schema({"a": pl.Int64}), frames(), "fail")
    assert seen == [None, None, None]
    assert server.select("SELECT count(*) FROM whole") == [(3,)]
