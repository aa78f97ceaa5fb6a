"""Exported queries predict what the model does, in PostgreSQL and in DuckDB, from columns of their own types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.exporting.sql.write import build_query
from creche.plan.activations import ACTIVATIONS
from creche.plan.words import SqlDialect
from tests.exported_queries import agree
from tests.models_to_export import (
    CALIBRATIONS,
    FEATURES,
    HEADS,
    LAYERS,
    PREPROCESSINGS,
    calibrated,
    ensemble,
    fitted_with_intervals,
    table,
    train,
)

pytestmark = pytest.mark.databases

Select = Callable[[str], list[tuple[Any, ...]]]


def rows() -> pl.DataFrame:
    """The rows with a key, NaN in place of some missing numbers, and words with spaces around them."""
    key = pl.int_range(pl.len())
    return table().select(
        key.alias("row number"),
        pl.when(key % 2 == 0).then(pl.col("number").fill_null(float("nan"))).otherwise("number").alias("number"),
        pl.when(key % 3 == 0).then(pl.format("  {} ", "words")).otherwise("words").alias("words"),
        *FEATURES[1:3], *FEATURES[4:],
    )  # fmt: skip


@pytest.fixture(params=["postgresql", "duckdb"])
def database(request: pytest.FixtureRequest) -> tuple[SqlDialect, Select]:
    """A database with the table "rows", and how to select from it."""
    if request.param == "postgresql":
        server = request.getfixturevalue("server")
        server.execute("DROP TABLE IF EXISTS rows")
        server.write("rows", rows())
        return "postgresql", server.select
    duckdb = pytest.importorskip("duckdb")
    connection = duckdb.connect()
    frame = rows()  # noqa: F841 - DuckDB finds it by its name
    connection.execute("CREATE TABLE rows AS SELECT * FROM frame")
    return "duckdb", lambda query: connection.execute(query).fetchall()


def check(models: list[Any], database: tuple[SqlDialect, Select], interval: float | None = None) -> None:
    dialect, select = database
    for model in models:
        query = build_query(model, "rows", keep=["row number"], dialect=dialect, interval=interval)
        agree(model, select(query), interval)


def test_every_preprocessing(database: tuple[SqlDialect, Select]) -> None:
    check([train(preprocessing=cr.Preprocessing(**p), epochs=1) for p in PREPROCESSINGS], database)


def test_every_activation_and_kind_of_layer(database: tuple[SqlDialect, Select]) -> None:
    words = [word for word in ACTIVATIONS.words if word != "gelu"]
    check([*(train(activation=word, epochs=1) for word in words), *(train(**each) for each in LAYERS)], database)


def test_every_head_and_ensembles(database: tuple[SqlDialect, Select]) -> None:
    heads = [train(label, **arguments, epochs=1, submodels=2) for label, arguments in HEADS]
    check([*heads, ensemble(temperature=2.0), *map(calibrated, CALIBRATIONS)], database)


def test_intervals_and_sets(database: tuple[SqlDialect, Select]) -> None:
    check(fitted_with_intervals(), database, interval=0.8)


def test_networks_that_are_sure_of_the_same_do_not_disagree(database: tuple[SqlDialect, Select]) -> None:
    """The square of their difference is too small for a number, at which PostgreSQL would stop."""
    dialect, select = database
    model = cr.Ensemble([train(["flag", "other"], seed=seed, activation="relu") for seed in range(2)])
    query = build_query(model, "far", keep=["row number"], dialect=dialect)
    columns = ", ".join(f'"{name}"' for name in rows().columns if name != "skewed")
    source = f"(SELECT {columns}, 1e30 AS skewed FROM rows)"
    found = select(query.replace('"far" AS', f"{source} AS"))
    expected = model.disagreement(table().with_columns(skewed=pl.lit(1e30)))
    assert np.abs(np.array([row[-1] for row in sorted(found)]) - expected).max() < 1e-6


def test_values_that_are_far_out_are_predicted(database: tuple[SqlDialect, Select]) -> None:
    """Where a power is too small or too large for a number, PostgreSQL would refuse the whole query."""
    dialect, select = database
    far = rows().head(2).with_columns(skewed=pl.Series([1e30, -1e30]))
    model = train(preprocessing=cr.Preprocessing(scaling="standard"), activation="silu")
    query = build_query(model, "far", keep=["row number"], dialect=dialect)
    columns = ", ".join(f'"{name}"' for name in far.columns if name != "skewed")
    source = (
        f'(SELECT {columns}, CASE WHEN "row number" = 0 THEN 1e30 ELSE -1e30 END AS skewed FROM rows '
        'WHERE "row number" < 2)'
    )
    found = sorted(select(query.replace('"far" AS', f"{source} AS")))
    expected = model.predict_proba(table().head(2).with_columns(skewed=far["skewed"]))
    assert np.abs(np.array([row[2:] for row in found]) - expected).max() < 1e-6
