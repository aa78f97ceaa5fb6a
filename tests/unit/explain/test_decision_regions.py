"""Regions over two columns: against predicting a table of the grid's points."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.errors import PlanError, TableError
from creche.explain import decision_regions

SIDES = ("bill_length_mm", "flipper_length_mm")


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return cr.train("penguins", label="species", hidden=[6], epochs=30, learning_rate=0.02, threads=1).model


def grid_table(regions: Any) -> pl.DataFrame:
    x, y = np.meshgrid(regions.x, regions.y)
    table = pl.DataFrame({regions.columns[0]: x.ravel(), regions.columns[1]: y.ravel()})
    return table.with_columns(**{name: pl.lit(value) for name, value in regions.others.items()})


def test_what_predicting_the_points_gives(model: cr.Model) -> None:
    found = decision_regions(model, "penguins", *SIDES, points=15)
    table = grid_table(found)
    np.testing.assert_array_equal(found.predicted.reshape(225, 3), model.predict_proba(table))
    assert np.array(found.outcomes)[found.regions].ravel().tolist() == model.predict(table).tolist()
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.table()["species"].to_list() == model.predict(table).tolist()
    np.testing.assert_array_equal(found.table()["bill_length_mm"].to_numpy(), table["bill_length_mm"].to_numpy())


def test_what_an_ensemble_says(model: cr.Model) -> None:
    other = cr.train("penguins", label="species", hidden=[3, 3], epochs=10, threads=1).model
    ensemble = cr.Ensemble([model, other], [1, 3])
    found = decision_regions(ensemble, "penguins", *SIDES, points=9)
    np.testing.assert_array_equal(found.predicted.reshape(81, 3), ensemble.predict_proba(grid_table(found)))


def test_the_other_columns_are_as_usual(model: cr.Model) -> None:
    penguins = cr.datasets.penguins()
    found = decision_regions(model, penguins, *SIDES, points=3)
    assert found.others["island"] == penguins["island"].mode()[0]
    assert found.others["sex"] == penguins["sex"].drop_nulls().mode()[0]
    assert found.others["body_mass_g"] == pytest.approx(penguins["body_mass_g"].mean())
    assert set(found.others) == set(model.features.names) - set(SIDES)
    given = decision_regions(model, penguins, *SIDES, points=3, others={"sex": None, "body_mass_g": 5000})
    assert (given.others["sex"], given.others["body_mass_g"], given.others["island"]) == (None, 5000, "Biscoe")
    table = grid_table(given).with_columns(sex=pl.lit(None, pl.String))
    np.testing.assert_array_equal(given.predicted.reshape(9, 3), model.predict_proba(table))


def test_the_range_and_the_rows(model: cr.Model) -> None:
    penguins = cr.datasets.penguins()
    found = decision_regions(model, penguins, *SIDES, points=40)
    length = penguins["bill_length_mm"].drop_nulls()
    width = length.max() - length.min()  # type: ignore[operator]
    assert (found.x[0], found.x[-1]) == pytest.approx((length.min() - width / 20, length.max() + width / 20))  # type: ignore[operator]
    np.testing.assert_array_equal(found.rows, penguins.select(SIDES).to_numpy())
    assert found.labels.tolist() == penguins["species"].to_list()
    assert found.labels_are_true
    without = decision_regions(model, penguins.drop("species"), *SIDES, points=3)
    assert without.labels.tolist() == model.predict(penguins).tolist()
    assert not without.labels_are_true


def test_arrays_and_dates_and_a_column_that_is_the_same() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 3))
    model = cr.train(x, x[:, 0] * 10, hidden=[4], epochs=5, threads=1).model
    found = decision_regions(model, x, "x0", "x2", points=6, y=x[:, 0] * 10)
    assert found.predicted.shape == (6, 6, 1)
    grid = np.column_stack([np.tile(found.x, 6), np.full(36, x[:, 1].mean()), np.repeat(found.y, 6)])
    np.testing.assert_array_equal(found.predicted.ravel(), model.predict(grid))
    assert found.table().columns == ["x0", "x2", "y"]
    assert found.labels.tolist() == (x[:, 0] * 10).tolist()

    days = [date(2021, 3, 1) + timedelta(days=i) for i in range(9)]
    table = pl.DataFrame({"a": np.arange(9.0), "b": np.arange(9.0) ** 2, "day": days, "y": np.arange(9.0)})
    model = cr.train(table, label="y", hidden=[3], epochs=2, threads=1).model
    found = decision_regions(model, table, "a", "b", points=3)
    assert found.others["day"].date() == days[4]
    same = decision_regions(model, table.with_columns(b=pl.lit(4.0)), "a", "b", points=3)
    assert same.y.tolist() == [2, 4, 6]


@pytest.mark.parametrize(
    ("columns", "arguments", "error", "message"),
    [
        (("bill_lenght_mm", "body_mass_g"), {}, PlanError, "x_column: got 'bill_lenght_mm'; did you mean 'bill_length"),
        (("body_mass_g", "island"), {}, PlanError, "y_column: 'island' is categorical; needs a numeric column: bill"),
        (("body_mass_g", "species"), {}, PlanError, "y_column: 'species' is the label"),
        (("body_mass_g", "body_mass_g"), {}, PlanError, "y_column: got 'body_mass_g', which is the column along x"),
        (SIDES, {"others": {"isle": "Dream"}}, PlanError, "others: got 'isle'; did you mean 'island'"),
        (SIDES, {"others": {"bill_length_mm": 3}}, PlanError, "others: 'bill_length_mm' is one of the two columns"),
        (SIDES, {"others": {"body_mass_g": "fat"}}, TableError, "column 'body_mass_g' is 'fat'; needs a number"),
        (SIDES, {"points": 1}, PlanError, "points: got 1"),
        (SIDES, {"y": ["Adelie"]}, TableError, "y: has 1 labels for 344 rows"),
    ],
)  # fmt: skip
def test_calls_that_cannot_be(model: cr.Model, columns: Any, arguments: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        decision_regions(model, "penguins", *columns, **arguments)


def test_a_column_missing_in_all_rows(model: cr.Model) -> None:
    table = cr.datasets.penguins().with_columns(
        body_mass_g=pl.lit(None, pl.Int64), bill_depth_mm=pl.lit(None, pl.Float64)
    )
    with pytest.raises(TableError, match="column 'body_mass_g': is missing in all 344 rows"):
        decision_regions(model, table, "body_mass_g", "bill_length_mm")
    assert decision_regions(model, table.drop("body_mass_g").with_columns(body_mass_g=pl.lit(4000)), *SIDES,
                            points=3).others["bill_depth_mm"] is None  # fmt: skip
