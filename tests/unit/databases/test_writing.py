"""Predictions written to a table of SQLite: all rows or none, and nothing else is touched."""

from __future__ import annotations

import datetime
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import creche as cr
from creche.databases import sqlite
from creche.databases.writing import write_frames, write_rows
from creche.errors import FileError, PlanError, TableError
from creche.model.model import Model
from creche.plan.words import TableExists
from tests.unit.databases.penguins import numbered_penguins, write_sqlite


@pytest.fixture(scope="module")
def model() -> Model:
    return cr.train("penguins", label="species", hidden=[3], epochs=2, threads=1).model


def write_frame(database: cr.Database, rows: pl.LazyFrame, if_table_exists: TableExists) -> None:
    write_rows(database, [rows], if_table_exists)


def select(path: Path, query: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_predictions_go_to_a_table_of_the_database_that_is_read(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "penguins.db"
    write_sqlite(path, numbered_penguins())
    address = f"sqlite:///{path}"
    target = cr.Database(address, table='say "hi"; DROP TABLE penguins')
    done = cr.predict_file(model, f"{address}?table=penguins", target, keep=["id", "day"])
    assert done.rows == 344
    found = select(path, 'SELECT * FROM "say ""hi""; DROP TABLE penguins" ORDER BY id')
    assert [row[0] for row in found] == list(range(344))
    assert found[0][1] == "2007-11-01"
    expected = model.predict_proba("penguins")
    assert [row[3:6] for row in found] == [tuple(row) for row in expected.astype(float).tolist()]
    assert select(path, "SELECT count(*) FROM penguins") == [(344,)]


def test_a_table_that_exists_is_kept_unless_asked(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "new.db"
    target = f"sqlite:///{path}?table=predictions"
    assert cr.predict_file(model, "penguins", target, keep=["sex"]).rows == 344
    with pytest.raises(TableError, match=r"exists already.*if_table_exists='append'"):
        cr.predict_file(model, "penguins", target, keep=["sex"])
    cr.predict_file(model, "penguins", target, keep=["sex"], if_table_exists="append")
    assert select(path, "SELECT count(*), count(sex) FROM predictions") == [(688, 666)]
    with pytest.raises(TableError, match="has no column 'island' to append to"):
        cr.predict_file(model, "penguins", target, keep=["island"], if_table_exists="append")
    cr.predict_file(model, "penguins", target, keep=[], if_table_exists="replace")
    assert select(path, "SELECT count(*) FROM predictions") == [(344,)]
    with pytest.raises(PlanError, match="if_table_exists"):
        cr.predict_file(model, "penguins", target, if_table_exists="overwrite")  # type: ignore[arg-type]
    with pytest.raises(PlanError, match="format"):
        cr.predict_file(model, "penguins", target, format="csv")


def test_cells_of_a_csv_file_become_numbers(model: Model, tmp_path: Path) -> None:
    rows = cr.datasets.penguins().with_columns(pl.lit("007").alias("code"))
    rows.write_csv(tmp_path / "new.csv")
    path = tmp_path / "new.db"
    cr.predict_file(model, tmp_path / "new.csv", f"sqlite:///{path}?table=t", keep=["body_mass_g", "code"])
    assert select(path, "SELECT DISTINCT typeof(body_mass_g), code FROM t WHERE body_mass_g > 0") == [
        ("integer", "007")
    ]


def test_every_type_is_written(tmp_path: Path) -> None:
    moment = datetime.datetime(2020, 1, 1, 1, 2, 3, 500_000)
    frame = pl.DataFrame(
        {
            "small": pl.Series([1, None], dtype=pl.UInt8), "large": pl.Series([2**63 - 1, 0], dtype=pl.UInt64),
            "real": pl.Series([1.5, None], dtype=pl.Float32), "nan": [float("nan"), 1.0],
            "decimal": pl.Series(["1.25", None]).cast(pl.Decimal(10, 2)), "yes": [True, None],
            "word": pl.Series(["a", None], dtype=pl.Categorical), "day": [moment.date(), None],
            "moment": [moment, None], "zone": [moment.replace(tzinfo=datetime.UTC), None],
            "time": [moment.time(), None], "span": [datetime.timedelta(hours=1), None], "bytes": [b"\0", None],
            "none": [None, None],
        }
    )  # fmt: skip
    database = cr.Database(f"sqlite:///{tmp_path}/a.db", table="t")
    write_frame(database, frame.lazy(), "fail")
    assert select(tmp_path / "a.db", "SELECT * FROM t") == [
        (
            1, 2**63 - 1, 1.5, None, 1.25, 1, "a", "2020-01-01", "2020-01-01 01:02:03.500",
            "2020-01-01 01:02:03.500+00:00", "01:02:03.500", 3600.0, b"\0", None,
        ),
        (None, 0, None, 1.0, None, None, None, None, None, None, None, None, None, None),
    ]  # fmt: skip
    with pytest.raises(TableError, match="more than eight bytes"):
        write_frame(database, pl.LazyFrame({"large": pl.Series([2**64 - 1], dtype=pl.UInt64)}), "append")
    assert select(tmp_path / "a.db", "SELECT count(*) FROM t") == [(2,)]


@pytest.mark.parametrize("exists", [False, True])
def test_an_error_in_the_middle_writes_nothing(tmp_path: Path, exists: bool) -> None:
    path = tmp_path / "a.db"
    if exists:
        sqlite3.connect(path).execute("CREATE TABLE t (a INTEGER)").connection.close()

    def frames() -> Iterator[pl.DataFrame]:
        yield pl.DataFrame({"a": [1, 2]})
        raise KeyboardInterrupt

    database = cr.Database(f"sqlite:///{path}", table="t")
    with pytest.raises(KeyboardInterrupt):
        write_frames(database, pl.Schema({"a": pl.Int64}), frames(), "replace")
    assert path.exists() == exists
    if exists:
        assert select(path, "SELECT count(*) FROM t") == [(0,)]


def test_a_model_that_refuses_rows_writes_nothing(model: Model, tmp_path: Path) -> None:
    target = f"sqlite:///{tmp_path}/a.db?table=t"
    rows = cr.datasets.penguins().with_columns(pl.col("body_mass_g") * 1000)
    with pytest.raises(TableError):
        cr.predict_file(model, rows, target, strict=True)
    assert not (tmp_path / "a.db").exists()


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect

    def connect_to_small_disk(*arguments: Any, **options: Any) -> sqlite3.Connection:
        connection = connect(*arguments, **options)
        connection.execute("PRAGMA max_page_count = 4")
        return connection

    monkeypatch.setattr(sqlite3, "connect", connect_to_small_disk)
    database = cr.Database(f"sqlite:///{tmp_path}/a.db", table="t")
    with pytest.raises(FileError, match="the disk is full; nothing was written"):
        write_frame(database, pl.LazyFrame({"a": ["x" * 100] * 1000}), "fail")
    assert not (tmp_path / "a.db").exists()


def test_a_locked_database_is_told(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "SECONDS_FOR_LOCK", 0.01)
    connection = sqlite3.connect(tmp_path / "a.db", isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    with pytest.raises(FileError, match="another process keeps it locked"):
        write_frame(cr.Database(f"sqlite:///{tmp_path}/a.db", table="t"), pl.LazyFrame({"a": [1]}), "fail")
    connection.close()


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("sqlite:///{0}/a.db", "not named"),
        ("sqlite:///{0}/nowhere/a.db?table=t", "there is no folder"),
        ("sqlite:///{0}/a.db?query=SELECT%201", "cannot be written to"),
        ("sqlite:///{0}/a.db?table=sales.t", "no schemas"),
    ],
)
def test_what_cannot_be_written_to_is_told_first(model: Model, tmp_path: Path, address: str, reason: str) -> None:
    def refuse(rows: int) -> None:
        pytest.fail("rows were predicted")

    sqlite3.connect(tmp_path / "a.db").execute("CREATE TABLE other (a INTEGER)").connection.close()
    with pytest.raises((TableError, FileError), match=reason):
        cr.predict_file(model, "penguins", address.format(tmp_path), on_progress=refuse)


def test_the_command_line_writes_to_a_table(
    model: Model, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from creche.cli.main import main

    monkeypatch.chdir(tmp_path)
    write_sqlite(tmp_path / "penguins.db", numbered_penguins())
    model.save(tmp_path / "m.creche")
    read = ["predict", "m.creche", "sqlite:///penguins.db", "--table", "penguins", "--keep", "id"]
    assert main([*read, "--to-table", "predictions"]) == 0
    assert main([*read, "--to-table", "predictions"]) == 2
    assert "set --append or --replace" in capsys.readouterr().err
    assert main([*read, "--to-table", "predictions", "--append"]) == 0
    assert main([*read, "-o", "sqlite:///other.db?table=p"]) == 0
    assert main([*read, "-o", "sqlite:///other.db", "--to-table", "q", "--replace"]) == 0
    assert select(tmp_path / "penguins.db", "SELECT count(*) FROM predictions") == [(688,)]
    assert select(tmp_path / "other.db", "SELECT count(*) FROM p JOIN q USING (id)") == [(344,)]
    for options, reason in [
        (["-o", "p.csv", "--to-table", "q"], "p.csv is a file"),
        (["-o", "p.csv", "--append"], "add --to-table"),
        (["--to-table", "q", "--append", "--replace"], "give one of them"),
        (["-o", "penguins.db"], "is the table itself"),
    ]:
        assert main([*read, *options]) == 2
        assert reason in capsys.readouterr().err
    assert main(["predict", "m.creche", "penguins", "--to-table", "q"]) == 2
    assert "no database is given" in capsys.readouterr().err
