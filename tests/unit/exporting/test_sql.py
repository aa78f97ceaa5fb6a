"""Exported queries predict what the model does: SQLite computes them; tests/databases has PostgreSQL and DuckDB."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.errors import FileError, PlanError
from creche.exporting.sql import write
from creche.exporting.sql.write import build_query
from creche.plan.activations import ACTIVATIONS
from tests.models_to_export import (
    CALIBRATIONS,
    FEATURES,
    HEADS,
    LAYERS,
    PREPROCESSINGS,
    calibrated,
    ensemble,
    table,
    train,
)
from tests.unit.cli.commands import main


def connect(frame: pl.DataFrame) -> sqlite3.Connection:
    """A database with the rows as a table of that name; booleans are 0 and 1, dates text."""
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("SELECT exp(1.0), ln(1.0), cos(0.0), sqrt(1.0)")
    except sqlite3.OperationalError:
        pytest.skip("needs SQLite with mathematical functions")
    plain = frame.with_columns(pl.col(pl.Boolean).cast(pl.Int8), pl.col(pl.Datetime).dt.to_string("%Y-%m-%d %H:%M:%S"))
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in plain.columns)
    connection.execute(f"CREATE TABLE rows ({columns})")
    connection.executemany(f"INSERT INTO rows VALUES ({', '.join('?' * plain.width)})", plain.rows())
    return connection


def rows() -> pl.DataFrame:
    return table().select(pl.int_range(pl.len()).alias("id"), *FEATURES)


def check(models: list[Any]) -> None:
    """Compare all rows of the table with each model."""
    connection = connect(rows())
    for model in models:
        found = connection.execute(build_query(model, "rows", keep=["id"], dialect="sqlite")).fetchall()
        agree(model, sorted(found))


def agree(model: Any, found: list[tuple[Any, ...]]) -> None:
    assert [row[0] for row in found] == list(range(table().height))
    if model.labels.task == "regression":
        expected = model.predict(table()).reshape(len(found), -1)
        scale = model.labels.repeat(np.array(model.labels.scale)) if model.labels.scale else 1.0
        assert (np.abs(np.array([row[1:] for row in found]) - expected) < 1e-6 * (scale + np.abs(expected))).all()
        return
    labels = len(model.labels.names)
    probabilities = np.array([row[1 + labels :] for row in found], dtype=float)
    assert np.abs(probabilities - model.predict_proba(table())).max() < 1e-6
    assert [list(row[1 : 1 + labels]) for row in found] == model.predict(table()).reshape(len(found), labels).tolist()


def test_every_preprocessing() -> None:
    check([train(preprocessing=cr.Preprocessing(**each), epochs=1) for each in PREPROCESSINGS])


def test_every_activation() -> None:
    check([train(activation=word, epochs=1) for word in ACTIVATIONS.words if word != "gelu"])


def test_every_kind_of_layer() -> None:
    check([train(**arguments) for arguments in LAYERS])


def test_every_head() -> None:
    check([train(label, **arguments, epochs=1, submodels=2) for label, arguments in HEADS])
    check([train(label, **arguments, epochs=1) for label, arguments in HEADS[::3]])


def test_ensembles_and_calibration() -> None:
    bounded = cr.Ensemble([train("amount", epochs=1)])
    bounded.calibration = type(bounded.calibration)(lowest=(99.0,), highest=(101.0,))
    check([ensemble(temperature=2.0), bounded, *map(calibrated, CALIBRATIONS)])


def test_thresholds_choose_the_label() -> None:
    model = train("flag", epochs=5)
    likely = float(np.quantile(model.predict_proba(table())[:, 1], 0.8))
    check([model.with_threshold(likely), train(["flag", "other"]).with_threshold({"flag": 0.2, "other": 0.8})])


def test_names_and_words_are_quoted() -> None:
    random = np.random.default_rng(0)
    word = np.array(["it's", 'a "b"', "; DROP TABLE rows; --"])[random.integers(0, 3, 60)]
    frame = pl.DataFrame(
        {'x"; --': random.normal(size=60), "creche_1": word.tolist(), "creche_source": [1.5, 2.0] * 30}
    )
    frame = frame.with_columns(pl.Series("it's", ["o'n", "no"] * 30))
    model = cr.train(frame, label="it's", hidden=[4], epochs=2, threads=1).model
    connection = connect(frame)
    cursor = connection.execute(build_query(model, "rows", dialect="sqlite"))
    assert [column[0] for column in cursor.description] == [
        *frame.columns[:3], "predicted_it's", "probability_no", "probability_o'n",
    ]  # fmt: skip
    found = cursor.fetchall()
    assert np.abs(np.array([row[4:] for row in found]) - model.predict_proba(frame)).max() < 1e-6
    assert [row[3] for row in found] == model.predict(frame).tolist()
    assert connection.execute("SELECT count(*) FROM rows").fetchone() == (60,)


def test_what_stands_for_missing_values_is_missing(tmp_path: Path) -> None:
    csv = tmp_path / "rows.csv"
    frame = table().select(*FEATURES, "class").with_columns(pl.col("number").fill_null(-999))
    frame.write_csv(csv)
    options = cr.ReadOptions(missing_values=("-999.0",))
    schema: Any = {"code": "categorical", "count": "numeric", "day": "datetime"}
    model = cr.train(csv, label="class", epochs=2, threads=1, hidden=[5], schema=schema, read_options=options).model
    given = frame.head(4).with_columns(words=pl.Series(["NA", "n/a", "  ", " south "]))
    found = connect(given).execute(build_query(model, "rows", keep=[], dialect="sqlite")).fetchall()
    plain = table().head(4).with_columns(words=pl.Series([None, None, None, "south"]))
    assert np.abs(np.array([row[1:] for row in found]) - model.predict_proba(plain)).max() < 1e-6


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"activation": "gelu"}, "activation: 'gelu' cannot be exported to SQL, which lacks the error function"),
        ({"preprocessing": cr.Preprocessing(max_categories=4, infrequent=1)}, r"column 'code': its rare categories sh"),
    ],
    ids=["gelu", "hashed"],
)
def test_what_sql_cannot_compute_is_refused(arguments: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=message):
        train(**arguments).to_sql(tmp_path / "m.sql", table="rows")
    assert list(tmp_path.iterdir()) == []


def test_large_models_arrays_and_names_that_are_none_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    with pytest.raises(PlanError, match="trained on an array"):
        build_query(cr.train(x, x[:, 0] > 0, epochs=1, threads=1).model, "rows")
    for name in ("", "a.", 3):
        with pytest.raises(PlanError, match=r"table: got .*; needs the name of a table"):
            build_query(train(), name)  # type: ignore[arg-type]
    with pytest.raises(PlanError, match="dialect: got 'oracle'; choose one of postgresql, duckdb, sqlite"):
        build_query(train(), "rows", dialect="oracle")  # type: ignore[arg-type]
    monkeypatch.setattr(write, "MOST_PARAMETERS", 100)
    with pytest.raises(PlanError, match=r"the model has \d+ parameters, .*; a query holds at most 100 parameters"):
        build_query(train(), "rows")


def test_postgresql_and_duckdb_get_one_query_whose_steps_stay_apart() -> None:
    first, second = (build_query(train(), "public.rows", dialect=each) for each in ("postgresql", "duckdb"))
    assert first.splitlines()[1:] == second.splitlines()[1:]
    assert 'FROM "public"."rows" AS creche_source' in first
    # Without the word, PostgreSQL merges the steps into expressions without end.
    assert first.count(" AS (") == 0
    assert first.count("AS MATERIALIZED (") >= 5


def test_a_table_is_not_overwritten(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"is the name of a table \(\.parquet\); a query in SQL ends in \.sql"):
        train().to_sql(tmp_path / "m.parquet", table="rows")


def test_the_command_needs_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = train()
    model.save(tmp_path / "m.creche")
    call = ["export", str(tmp_path / "m.creche"), str(tmp_path / "m.sql")]
    assert main(call) == 2
    assert capsys.readouterr().err == "creche: --table: a query in SQL needs the name of the table that it reads\n"
    assert main([*call, "--table", "rows", "--keep", "id", "--keep", "day", "--dialect", "sqlite"]) == 0
    expected = build_query(model, "rows", keep=["id", "day"], dialect="sqlite")
    assert (tmp_path / "m.sql").read_text() == expected
