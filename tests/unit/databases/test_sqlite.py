"""Tables of SQLite: read as other files are, whatever types their values have."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creche as cr
from creche.databases import sqlite
from creche.databases.reading import read_frames
from creche.errors import CrecheError, FileError, PlanError, TableError
from creche.table.reading.read import read_batches, read_table
from tests.unit.databases.penguins import numbered_penguins, weights_from, write_sqlite

Make = Callable[..., str]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a database of one table from its definition and rows, and returns its address."""

    def make_table(definition: str, rows: list[tuple[Any, ...]], name: str = "t") -> str:
        connection = sqlite3.connect(tmp_path / "a.db")
        quoted = name.replace('"', '""')
        connection.execute(f'CREATE TABLE "{quoted}" ({definition})')
        if rows:
            connection.executemany(f'INSERT INTO "{quoted}" VALUES ({", ".join("?" * len(rows[0]))})', rows)
        connection.commit()
        connection.close()
        return f"sqlite:///{tmp_path}/a.db"

    return make_table


def test_a_network_has_the_bits_of_the_csv_file(tmp_path: Path) -> None:
    frame = numbered_penguins()
    frame.write_csv(tmp_path / "penguins.csv")
    write_sqlite(tmp_path / "penguins.db", frame)
    address = f"sqlite:///{tmp_path}/penguins.db"
    expected = weights_from(tmp_path / "penguins.csv")
    assert weights_from(cr.Database(address, table="penguins")) == expected
    assert weights_from(f"{address}?table=penguins", memory="200MB") == expected
    assert weights_from(cr.Database(address, query="SELECT * FROM penguins ORDER BY id;")) == expected
    assert weights_from(cr.Database(address, table="penguins", order_by="day")) == expected


def test_a_table_is_encoded_from_a_database(tmp_path: Path) -> None:
    write_sqlite(tmp_path / "penguins.db", numbered_penguins())
    encoded = cr.encode(
        f"sqlite:///{tmp_path}/penguins.db?table=penguins",
        tmp_path / "a.rows",
        label="species",
        schema={"id": "ignore"},
    )
    assert (encoded.rows, encoded.columns) == (344, 10)


def test_each_column_has_one_type(make: Make) -> None:
    rows: list[tuple[Any, ...]] = [
        (1, 1, 1.5, "a", None, 1, b"x", 0), (2, 2.5, float("inf"), "", "NA", "two", "y", 1),
        (None, None, None, None, 7, 3.5, None, None),
    ]  # fmt: skip
    address = make("i, n, r, w, missing_word, mixed, bytes, flag BOOLEAN", rows)
    (frame,) = read_frames(cr.Database(address, table="t"), missing=("NA",))
    assert frame.schema == {
        "i": pl.Int64, "n": pl.Float64, "r": pl.Float64, "w": pl.String, "missing_word": pl.Int64, "mixed": pl.String,
        "bytes": pl.Binary, "flag": pl.Boolean,
    }  # fmt: skip
    assert frame["missing_word"].to_list() == [None, None, 7]
    assert frame["mixed"].to_list() == ["1", "two", "3.5"]
    assert frame["flag"].to_list() == [False, True, None]


def test_a_word_among_numbers_is_found_though_it_comes_late(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "ROWS_AT_A_TIME", 10)
    address = make("x REAL", [(float(i),) for i in range(25)] + [("late",)])
    frames = list(read_frames(cr.Database(address, table="t")))
    assert [len(frame) for frame in frames] == [10, 10, 6]
    assert {frame["x"].dtype for frame in frames} == {pl.String()}
    with pytest.raises(TableError, match=r"row 26.*'late'"):
        read_table(f"{address}?table=t", expected={"x": "number"})


def test_rows_are_read_in_batches(make: Make) -> None:
    address = make("a INTEGER, b TEXT", [(i, f"w{i % 3}") for i in range(10)])
    batches = list(read_batches(f"{address}?table=t", rows=4, expected={"b": "words"}))
    assert [len(batch.frame) for batch in batches] == [4, 4, 2]
    assert [batch.table.first_row for batch in batches] == [1, 5, 9]
    assert batches[0].table.names == ["b"]
    assert batches[0].frame.columns == ["a", "b"]


def test_an_empty_table_has_its_columns(make: Make) -> None:
    table = read_table(f"{make('a INTEGER, b TEXT', [])}?table=t")
    assert (table.names, len(table)) == (["a", "b"], 0)


@pytest.mark.parametrize("name", ['say "hi"', "t; DROP TABLE t", "Größe 1", "a" * 100, "select", "it's"])
def test_any_name_of_a_table_is_quoted(make: Make, name: str) -> None:
    address = make('"a b" INTEGER', [(1,)], name)
    typed = '"' + name.replace('"', '""') + '"'
    assert len(read_table(cr.Database(address, table=typed, order_by="a b"))) == 1


@pytest.mark.parametrize(
    "query", ["DELETE FROM t", "SELECT 1; DROP TABLE t", "ATTACH 'b.db' AS b", "INSERT INTO t VALUES (2)"]
)
def test_a_query_changes_nothing(make: Make, query: str) -> None:
    address = make("a INTEGER", [(1,)])
    with pytest.raises(TableError, match=r"error|statement"):
        list(read_frames(cr.Database(address, query=query)))
    assert len(read_table(f"{address}?table=t")) == 1


def test_what_is_not_there_is_named(make: Make, tmp_path: Path) -> None:
    address = make("price REAL", [(1.0,)], "houses")
    with pytest.raises(TableError, match=r"no table 'house'; did you mean 'houses'"):
        read_table(f"{address}?table=house")
    with pytest.raises(TableError, match=r"not named; choose one of houses"):
        read_table(address)
    with pytest.raises(TableError, match=r"no such column: nope"):
        read_table(cr.Database(address, query="SELECT nope FROM houses"))
    with pytest.raises(TableError, match=r"order_by: there is no column 'cost'; choose one of price"):
        read_table(cr.Database(address, table="houses", order_by="cost"))
    with pytest.raises(FileError, match=r"no file .*b\.db; did you mean .*a\.db"):
        read_table(f"sqlite:///{tmp_path}/b.db?table=houses")
    (tmp_path / "c.db").write_text("price\n1\n")
    with pytest.raises(FileError, match=r"not an SQLite database"):
        read_table(f"sqlite:///{tmp_path}/c.db?table=houses")
    with pytest.raises(TableError, match=r"sqlite:///file\.db\?table=NAME"):
        read_table(tmp_path / "a.db")


def test_a_locked_database_is_told(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SECONDS_FOR_LOCK", 0.01)
    address = make("a INTEGER", [(1,)])
    connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    with pytest.raises(FileError, match=r"another process keeps it locked"):
        read_table(f"{address}?table=t")
    connection.close()


def test_options_of_files_are_said_to_be_unused(make: Make) -> None:
    address = make("a INTEGER", [(1,)])
    with pytest.warns(cr.CrecheWarning, match=r"separator=.* has no effect|separator.* has no effect"):
        read_table(f"{address}?table=t", cr.ReadOptions(separator=";"))


def test_the_command_line_reads_a_table(make: Make, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from creche.cli.main import main

    address = make("price REAL, rooms INTEGER", [(float(i * 7 % 11), i % 5) for i in range(30)], "houses")
    assert main(["columns", address, "--table", "houses", "--label", "price"]) == 0
    assert "rooms" in capsys.readouterr().out
    assert main(["columns", address, "--query", "SELECT price FROM houses", "--order-by", "price"]) == 2
    assert "ORDER BY in the query" in capsys.readouterr().err
    assert main(["columns", "penguins", "--table", "houses"]) == 2
    assert "--table: penguins is a file" in capsys.readouterr().err
    assert main(["train", address, "--table", "houses"]) == 2
    assert "choose one of price, rooms" in capsys.readouterr().err


def test_a_checkpoint_keeps_the_address_without_the_password(make: Make, tmp_path: Path) -> None:
    address = make("price REAL, rooms INTEGER", [(float(i * 7 % 11), i % 5) for i in range(30)], "houses")
    database = cr.Database(f"{address}?password=s3cret", table="houses")
    cr.train(database, label="price", epochs=1, checkpoint=tmp_path / "run", threads=1, hidden=[2])
    text = (tmp_path / "run" / "run.json").read_text()
    assert "table=houses" in text
    assert "s3cret" not in text
    assert cr.resume(tmp_path / "run").epoch == 1


def test_both_kinds_of_choice_are_refused() -> None:
    with pytest.raises(PlanError, match=r"both"):
        cr.Database("sqlite:///a.db", table="a", query="SELECT 1")


@pytest.mark.parametrize(
    ("address", "module", "extra"),
    [
        ("postgresql://localhost/sales?table=t", "adbc_driver_postgresql", "postgres"),
        ("duckdb:///a.duckdb?table=t", "duckdb", "duckdb"),
        ("delta:///folder", "deltalake.exceptions", "delta"),
    ],
)
def test_a_missing_driver_names_what_installs_it(
    address: str, module: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(CrecheError, match=rf"pip install 'creche\[{extra}\]'"):
        read_table(address)
