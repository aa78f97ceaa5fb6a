"""Exported queries predict what the model does: SQLite computes them; tests/databases has PostgreSQL and DuckDB."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
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
from tests.exported_queries import agree
from tests.models_to_export import (
    CALIBRATIONS,
    FEATURES,
    HEADS,
    LAYERS,
    PREPROCESSINGS,
    calibrated,
    ensemble,
    fitted,
    fitted_with_intervals,
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


def check(models: list[Any], interval: float | None = None) -> None:
    """Compare all rows of the table with each model."""
    connection = connect(rows())
    for model in models:
        query = build_query(model, "rows", keep=["id"], dialect="sqlite", interval=interval)
        agree(model, connection.execute(query).fetchall(), interval)


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


def test_intervals_and_sets_are_more_columns() -> None:
    models = fitted_with_intervals()
    check(models, interval=0.8)
    check(models[:1], interval=0.2)  # sets of one class
    cursor = connect(rows()).execute(build_query(models[3], "rows", keep=["id"], dialect="sqlite", interval=0.8))
    assert [column[0] for column in cursor.description] == [
        "id", "predicted_amount", "predicted_second", "low_amount", "high_amount", "low_second", "high_second",
        "disagreement",
    ]  # fmt: skip


def test_columns_of_the_result_have_names_that_the_table_does_not_have() -> None:
    query = build_query(fitted_with_intervals()[0], "rows", keep=["disagreement", "in_set_low", "id"], interval=0.8)
    names = re.findall(r'AS "(\w+)"', query.rpartition("SELECT")[2])
    assert names == [
        "predicted_class", "probability_high", "probability_low", "probability_middle", "in_set_high", "in_set_low_",
        "in_set_middle", "disagreement_",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "coverage", "message"),
    [
        (lambda: train(), 0.9, r"interval: got 0\.9 for a model that .*creche\.fit.* did not make; leave it out"),
        (lambda: fitted("flag", "other"), 0.9, r"interval: got 0\.9 for several labels of yes or no; leave it out"),
        (lambda: fitted("class"), 1.5, r"interval: got 1\.5; needs a coverage above 0 and below 1, such as 0\.9"),
        (lambda: fitted("class"), 0.9999, r"interval: got 0\.9999, but 160 out-of-fold predictions tell of at most"),
    ],
    ids=["trained", "multilabel", "no coverage", "too few rows"],
)
def test_an_interval_that_a_model_does_not_have_is_refused(
    model: Callable[[], Any], coverage: float, message: str, tmp_path: Path
) -> None:
    with pytest.raises(PlanError, match=message):
        model().to_sql(tmp_path / "m.sql", table="rows", interval=coverage)
    with pytest.raises(PlanError, match=message):
        model().to_javascript(tmp_path / "m.js", interval=coverage)
    assert list(tmp_path.iterdir()) == []


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


def test_sqlite_takes_no_text_for_0_or_for_today() -> None:
    """It converts any text to a number, and numbers and 'now' to dates."""
    model = train()
    given = (
        rows()
        .head(8)
        .with_columns(
            pl.Series("number", ["x", "12 kg", "", "NaN", "-inf", " 1e7 ", "9999800.5", None]),
            pl.Series(
                "day", ["now", "2451545.0", "12:00", "2020-01-31x", "20200131", None, "2001-02-03", "2001-02-03 12:00"]
            ),
        )
    )
    found = connect(given).execute(build_query(model, "rows", keep=["id"], dialect="sqlite")).fetchall()
    plain = (
        table()
        .head(8)
        .with_columns(
            pl.Series("number", [None] * 5 + [1e7, 9999800.5, None]),
            pl.Series("day", [None] * 6 + ["2001-02-03", "2001-02-03 12:00"]).str.to_datetime(
                strict=False, time_unit="us"
            ),
        )
    )
    probabilities = np.array([row[2:] for row in sorted(found)], dtype=float)
    assert np.abs(probabilities - model.predict_proba(plain)).max() < 1e-6


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
    for name in ("", "a.", "a.b.c", '"a', "a\0", 3):
        with pytest.raises(PlanError, match=r"table: got .*; needs the name of a table"):
            build_query(train(), name)  # type: ignore[arg-type]
    for keep in ("id", [3], [None], [""]):
        with pytest.raises(PlanError, match=r"keep: got .*; needs a list of names of columns, such as \['id'\]"):
            build_query(train(), "rows", keep=keep)  # type: ignore[arg-type]
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


def test_the_name_of_a_table_is_read_as_in_an_address() -> None:
    assert 'FROM "my rows.2026" AS' in build_query(train(), '"my rows.2026"')
    assert """FROM "o'n"."a""b" AS""" in build_query(train(), "o'n.a\"b")


def test_what_is_no_unicode_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = train()
    with pytest.raises(PlanError, match=r"a name holds '\\udcff', which is not valid Unicode, and cannot be written"):
        model.to_sql(tmp_path / "m.sql", table="rows\udcff")
    model.save(tmp_path / "m.creche")
    call = ["export", str(tmp_path / "m.creche"), str(tmp_path / "m.sql"), "--table", "rows", "--keep", "\udcff"]
    assert main(call) == 2
    assert "not valid Unicode" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["m.creche"]


def test_names_that_postgresql_would_cut_stay_apart() -> None:
    long = [f"{'ü' * 40}{end}" for end in "ab"]
    random = np.random.default_rng(0)
    frame = pl.DataFrame({"x": random.normal(size=60), "y": long * 30})
    model = cr.train(frame, label="y", hidden=[4], epochs=1, threads=1).model
    cursor = connect(frame).execute(build_query(model, "rows", keep=[], dialect="sqlite"))
    names = [column[0] for column in cursor.description]
    assert all(len(name.encode()) <= 63 for name in names)
    assert len(set(names)) == 3


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
