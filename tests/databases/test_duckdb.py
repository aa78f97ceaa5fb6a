"""Tables of DuckDB: every type, every failure, and the bits of other sources."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import creche as cr
from creche.databases.reading import read_frames
from creche.errors import FileError, TableError
from creche.table.reading.read import read_table
from tests.unit.databases.penguins import numbered_penguins, weights_from

pytestmark = pytest.mark.databases

Make = Callable[..., str]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a database by statements, and returns its address."""

    def execute(*statements: str) -> str:
        import duckdb

        with duckdb.connect(str(tmp_path / "a.duckdb")) as connection:
            for statement in statements:
                connection.execute(statement)
        return f"duckdb:///{tmp_path}/a.duckdb"

    return execute


def test_a_network_has_the_bits_of_the_file(make: Make, tmp_path: Path) -> None:
    numbered_penguins().write_parquet(tmp_path / "penguins.parquet")
    address = make(f"CREATE TABLE penguins AS FROM '{tmp_path}/penguins.parquet'")
    expected = weights_from(tmp_path / "penguins.parquet")
    assert weights_from(cr.Database(address, table="penguins")) == expected
    assert weights_from(f"{address}?table=main.penguins", memory="200MB") == expected
    assert weights_from(cr.Database(address, query="FROM penguins ORDER BY id;")) == expected


def test_types_that_polars_lacks_are_converted(make: Make) -> None:
    address = make(
        "CREATE TYPE mood AS ENUM ('glad', 'sad')",
        "CREATE TABLE t AS SELECT 3::HUGEINT AS h, 1.25::DECIMAL(30, 2) AS d, INTERVAL 26 HOURS AS i, "
        "'glad'::MOOD AS e, '101'::BIT AS b, [1, 2] AS l, 'nan'::DOUBLE AS x, true AS f, [INTERVAL 1 HOUR] AS li",
    )
    with pytest.raises((TableError, FileError)):
        list(read_frames(cr.Database(address, table="t")))
    (frame,) = read_frames(cr.Database(address, query="SELECT * EXCLUDE (li) FROM t"))
    assert frame.schema == {
        "h": pl.Float64, "d": pl.Float64, "i": pl.Float64, "e": pl.String, "b": pl.String, "l": pl.List(pl.Int32),
        "x": pl.Float64, "f": pl.Boolean,
    }  # fmt: skip
    assert frame.row(0)[:6] == (3.0, 1.25, 93_600.0, "glad", "101", [1, 2])


def test_an_infinite_date_is_named(make: Make) -> None:
    address = make("CREATE TABLE t AS SELECT unnest(['2020-01-01'::DATE, 'infinity'::DATE]) AS day")
    with pytest.raises(TableError, match=r"row 2: column 'day' holds a date that is infinite"):
        read_table(f"{address}?table=t")


@pytest.mark.parametrize("name", ['say "hi"', "x; DROP TABLE kept", "Größe.1", "select", "it's"])
def test_any_name_is_quoted(make: Make, name: str) -> None:
    quoted = '"' + name.replace('"', '""') + '"'
    address = make(f"CREATE TABLE {quoted} AS SELECT 1 AS {quoted}")
    assert read_table(cr.Database(address, table=quoted)).names == [name]


@pytest.mark.parametrize(
    "query", ["DELETE FROM t", "SELECT 1; DROP TABLE t", "COPY (SELECT 1) TO 'leak.csv'", "INSERT INTO t VALUES (2)"]
)
def test_a_query_changes_nothing(make: Make, query: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    address = make("CREATE TABLE t AS SELECT 1 AS a")
    with pytest.raises(TableError, match=r"is not a query; give one SELECT"):
        list(read_frames(cr.Database(address, query=query)))
    assert len(read_table(f"{address}?table=t")) == 1
    assert not (tmp_path / "leak.csv").exists()


def test_what_is_not_there_is_named(make: Make, tmp_path: Path) -> None:
    address = make("CREATE TABLE houses AS SELECT 1 AS price", "CREATE SCHEMA s", "CREATE TABLE s.flats (a INT)")
    with pytest.raises(TableError, match=r"no table 'hoses'; did you mean 'houses'"):
        read_table(f"{address}?table=hoses")
    with pytest.raises(TableError, match=r"not named; choose one of houses, s\.flats"):
        read_table(address)
    with pytest.raises(TableError, match=r"nope"):
        read_table(cr.Database(address, query="SELECT nope FROM houses"))
    with pytest.raises(FileError, match=r"there is no file"):
        read_table(f"duckdb:///{tmp_path}/b.duckdb?table=houses")
    (tmp_path / "c.duckdb").write_text("price\n1\n")
    with pytest.raises(FileError, match=r"not a database of DuckDB"):
        read_table(f"duckdb:///{tmp_path}/c.duckdb?table=houses")


def test_a_database_of_sqlite_is_told(tmp_path: Path) -> None:
    """DuckDB would look for an extension."""
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("CREATE TABLE t AS SELECT 1 AS a")
    connection.close()
    with pytest.raises(FileError, match=r"not a database of DuckDB"):
        read_table(f"duckdb:///{tmp_path}/a.db?table=t")


def test_a_locked_database_is_told(make: Make, tmp_path: Path) -> None:
    address = make("CREATE TABLE t AS SELECT 1 AS a")
    code = f"import duckdb; c = duckdb.connect({str(tmp_path / 'a.duckdb')!r}); print('open', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        with pytest.raises(FileError, match=r"another process has opened it for writing"):
            read_table(f"{address}?table=t")
    finally:
        holder.communicate("\n")
