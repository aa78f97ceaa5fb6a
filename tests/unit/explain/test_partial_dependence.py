"""Partial dependence: against scikit-learn's, against predicting changed tables, and where it is known exactly."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.inspection import partial_dependence as of_sklearn

import creche as cr
from creche.errors import PlanError, TableError
from creche.explain import partial_dependence
from creche.explain.rows import read_rows
from creche.explain.value_grid import apply_settings, create_grid, predict_settings

FLOAT32 = 1e-6  # the network's outputs are float32; sums of them are not


class Classifies(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """As much of an estimator as scikit-learn's own implementation asks for."""

    def __init__(self, model: Any = None) -> None:
        self.model = model
        self.classes_ = None if model is None else np.array(model.classes)

    def fit(self, X: Any, y: Any) -> Classifies:
        return self

    def predict_proba(self, X: Any) -> Any:
        return self.model.predict_proba(np.asarray(X)).astype(np.float64)


class Predicts(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    def __init__(self, model: Any = None) -> None:
        self.model = model
        self.fitted_ = True

    def fit(self, X: Any, y: Any) -> Predicts:
        return self

    def predict(self, X: Any) -> Any:
        return self.model.predict(np.asarray(X)).astype(np.float64)


def arrays() -> tuple[Any, Any]:
    rng = np.random.default_rng(4)
    x = rng.standard_normal((120, 4))
    return x, np.digitize(x[:, 0] + x[:, 1] ** 2, [0, 1])


def mixed(rows: int = 90) -> pl.DataFrame:
    """A column of each kind, with missing cells; and one that is the same throughout."""
    rng = np.random.default_rng(1)
    day = date(2020, 1, 1)
    return pl.DataFrame(
        {
            "mass": [None if i % 17 == 3 else float(v) for i, v in enumerate(rng.normal(10, 3, rows))],
            "place": [
                None if i % 23 == 5 else str(v) for i, v in enumerate(rng.choice(["north", "south", "west"], rows))
            ],
            "ringed": [bool(v) for v in rng.integers(0, 2, rows)],
            "day": [day + timedelta(days=int(v)) for v in rng.integers(0, 700, rows)],
            "count": rng.integers(0, 5, rows),
            "same": [3.5] * rows,
            "number": np.arange(rows),
            "kind": rng.choice(["a", "b", "c"], rows),
        }
    )


@pytest.fixture(scope="module")
def model() -> cr.Model:
    with pytest.warns(cr.errors.CrecheWarning, match="same"):
        return cr.train(
            mixed(), label="kind", hidden=[6], epochs=15, learning_rate=0.03, schema={"number": "ignore"}, threads=1
        ).model


@pytest.fixture(scope="module")
def together() -> cr.Ensemble:
    colony = cr.sweep("penguins", label="species", hidden=[[4], [3, 3]], epochs=10, seeds=2, threads=1)
    return cr.Ensemble([member.model for member in colony], [1, 2, 3, 4], temperature=1.3, threads=1)


@pytest.mark.parametrize("hidden", [[8], [5, 5]])
def test_classes_as_scikit_learn_has_them(hidden: list[int]) -> None:
    x, y = arrays()
    trained = cr.train(x, y, hidden=hidden, epochs=20, learning_rate=0.02, threads=1).model
    for j in range(4):
        grid = np.quantile(x[:, j], np.linspace(0, 1, 9))
        theirs = of_sklearn(
            Classifies(trained), x, [j], custom_values={j: grid}, kind="both", method="brute",
            response_method="predict_proba",
        )  # fmt: skip
        ours = partial_dependence(trained, x, f"x{j}", at=grid, kind="individual")
        np.testing.assert_allclose(ours.average.T, theirs["average"], atol=FLOAT32)
        assert ours.individual is not None
        np.testing.assert_array_equal(ours.individual.transpose(2, 0, 1), theirs["individual"])


def test_numbers_and_two_columns_as_scikit_learn_has_them() -> None:
    x, _ = arrays()
    y = 100 * x[:, 0] * x[:, 1] + 7
    trained = cr.train(x, y, hidden=[8], epochs=20, learning_rate=0.02, threads=1).model
    grids = np.linspace(-1, 1, 5), np.linspace(-2, 2, 4)
    theirs = of_sklearn(
        Predicts(trained), x, [0, 1], custom_values=dict(enumerate(grids)), kind="average", method="brute"
    )
    ours = partial_dependence(trained, x, "x0", second="x1", at=grids)
    assert ours.average.shape == (5, 4, 1)
    np.testing.assert_allclose(ours.average[:, :, 0], theirs["average"][0], rtol=1e-6)


def test_of_a_straight_line_it_is_the_line() -> None:
    x, _ = arrays()
    trained = cr.train(x, 3 * x[:, 0] - 50 * x[:, 2], hidden=[], epochs=20, learning_rate=0.05, precision="float64",
                       threads=1).model  # fmt: skip
    found = partial_dependence(trained, x, "x2", points=11)
    ((w, _),) = trained.weights
    slope = w[2, 0] * trained.labels.scale[0] / trained.features.columns[2].scale
    np.testing.assert_allclose(np.diff(found.average[:, 0]), slope * np.diff(found.grids[0].positions), rtol=1e-9)


@pytest.mark.parametrize("column", ["mass", "place", "ringed", "day", "count", "same"])
def test_each_row_has_what_is_said_of_the_changed_table(model: cr.Model, column: str) -> None:
    table = mixed()
    found = partial_dependence(model, table, column, points=4, kind="individual")
    assert found.individual is not None
    for i, value in enumerate(found.grids[0].values):
        if column == "ringed":
            value = {"true": True, "false": False, None: None}[value]
        other = table.with_columns(pl.lit(value, dtype=table.schema[column]).alias(column))
        np.testing.assert_array_equal(found.individual[:, i], model.predict_proba(other))
    np.testing.assert_allclose(found.average, found.individual.mean(axis=0), rtol=1e-12)


def test_encoding_once_is_encoding_each_changed_table(model: cr.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    table = read_rows(model, mixed()).table
    spans = [create_grid(model, table, name, 6) for name in ("mass", "place")]
    settings = {span.name: span.tried.take(np.array([0, 3, 1])) for span in spans}
    whole = np.concatenate(list(predict_settings(model, table, settings)))
    expected = model.predict_proba(apply_settings(table.select(model.features.names), settings, np.arange(3)))
    np.testing.assert_array_equal(whole.reshape(expected.shape), expected)
    monkeypatch.setattr("creche.explain.value_grid.CELLS_AT_ONCE", 1)
    np.testing.assert_array_equal(np.concatenate(list(predict_settings(model, table, settings))), whole)


@pytest.mark.parametrize("column", ["bill_length_mm", "island"])
def test_an_ensemble_says_what_it_says_of_changed_tables(together: cr.Ensemble, column: str) -> None:
    penguins = cr.datasets.penguins()
    found = partial_dependence(together, penguins, column, points=3)
    for value, average in zip(found.grids[0].values, found.average, strict=True):
        said = together.predict_proba(penguins.with_columns(pl.lit(value).alias(column)))
        np.testing.assert_allclose(average, said.mean(axis=0), rtol=1e-12)


def test_one_network_together_is_the_network() -> None:
    trained = cr.train("penguins", label="species", hidden=[5], epochs=5, threads=1).model
    alone = partial_dependence(trained, "penguins", "body_mass_g", points=5).average
    np.testing.assert_allclose(
        partial_dependence(cr.Ensemble([trained]), "penguins", "body_mass_g", points=5).average, alone, atol=FLOAT32
    )


def test_the_values_tried(model: cr.Model) -> None:
    table = mixed()
    mass = partial_dependence(model, table, "mass", points=7).grids[0]
    held = sorted(value for value in table["mass"] if value is not None)
    assert len(mass) == 7
    assert (mass.values[0], mass.values[-1]) == (held[0], held[-1])
    assert set(mass.values) <= set(held)
    assert partial_dependence(model, table, "count").grids[0].values == [0, 1, 2, 3, 4]
    assert partial_dependence(model, table, "place").grids[0].labels == ["north", "south", "west", "(missing)"]
    assert partial_dependence(model, table, "ringed").grids[0].labels == ["false", "true"]
    days = partial_dependence(model, table, "day", points=5).grids[0]
    assert {value.date() for value in days.values} <= set(table["day"])
    assert days.labels[0] == table["day"].min().isoformat()  # type: ignore[union-attr]


def test_values_of_ones_own(model: cr.Model) -> None:
    found = partial_dependence(model, mixed(), "mass", at=[12, 8])
    assert found.grids[0].values == [12.0, 8.0]
    assert partial_dependence(model, mixed(), "day", at=["2020-05-01"]).grids[0].labels == ["2020-05-01"]
    grid = partial_dependence(model, mixed(), "place", second="mass", at=(["west"], None), points=3)
    assert grid.average.shape == (1, 3, 3)


def test_the_tables(model: cr.Model) -> None:
    found = partial_dependence(model, mixed(), "mass", points=3)
    table = found.table()
    assert table.columns == ["mass", "kind", "probability"]
    assert table["kind"].to_list() == ["a", "b", "c"] * 3
    np.testing.assert_array_equal(table["probability"].to_numpy().reshape(3, 3), found.average)
    each = partial_dependence(model, mixed(), "mass", points=3, kind="individual")
    assert each.individual is not None
    table = each.table()
    assert table.columns == ["row", "mass", "kind", "probability"]
    assert table["row"].unique().sort().to_list() == list(range(1, 91))
    one = table.filter(pl.col("row") == 5, pl.col("kind") == "b")["probability"].to_list()
    assert one == each.individual[4, :, 1].tolist()
    grid = partial_dependence(model, mixed(), "place", second="ringed")
    assert grid.table().columns == ["place", "ringed", "kind", "probability"]
    cell = grid.table().filter(pl.col("place") == "south", pl.col("ringed") == "true", pl.col("kind") == "c")
    assert cell["probability"].to_list() == [grid.average[1, 1, 2]]


def test_names_that_the_table_of_results_would_have() -> None:
    table = pl.DataFrame({"probability": np.arange(20.0), "row": np.arange(20.0) ** 2 / 7, "y": ["a", "b"] * 10})
    trained = cr.train(table, label="y", hidden=[3], epochs=2, threads=1).model
    found = partial_dependence(trained, table, "row", kind="individual").table()
    assert found.columns == ["row (result)", "row", "y", "probability"]
    assert partial_dependence(trained, table, "probability").table().columns == [
        "probability", "y", "probability (result)",
    ]  # fmt: skip


def test_several_labels_and_plain_data() -> None:
    x, _ = arrays()
    trained = cr.train(x, x[:, :2] * [1, 1000], hidden=[4], epochs=5, threads=1).model
    found = partial_dependence(trained, x, "x1", points=4)
    assert found.outcomes == ("y0", "y1")
    assert found.table().columns == ["x1", "y0", "y1"]
    assert found.find_outcome() == 1  # its range is the greater
    assert found.find_outcome("y0") == 0
    data = found.to_dict()
    assert data["average"] == found.average.tolist()
    assert data["columns"][0]["values"] == found.grids[0].values


def test_a_run_and_one_row_alone(model: cr.Model) -> None:
    run = cr.train("penguins", label="species", hidden=[3], epochs=3, threads=1)
    np.testing.assert_array_equal(
        partial_dependence(run, "penguins", "island").average,
        partial_dependence(run.model, "penguins", "island").average,
    )
    row = cr.datasets.penguins().head(1)
    found = partial_dependence(run, row, "bill_length_mm")
    assert found.average.shape == (1, 3)
    np.testing.assert_allclose(found.average, run.model.predict_proba(row))
    assert found.notes() == ["there is only one value to try: bill_length_mm is 39.1 in all rows"]
    assert partial_dependence(run, row, "bill_length_mm", at=[35, 40, 45]).average.shape == (3, 3)


def test_what_is_not_seen_in_a_picture(model: cr.Model) -> None:
    found = partial_dependence(model, mixed(), "same", at=[1, 2, 30])
    assert found.notes() == ["the network does not use same, because it was constant in the training rows"]
    assert (found.average == found.average[0]).all()
    assert "is missing; these rows" in partial_dependence(model, mixed(), "mass").notes()[0]


def test_very_many_categories() -> None:
    words = [f"w{i % 30}" for i in range(120)] + ["common"] * 40
    table = pl.DataFrame({"word": words, "x": np.arange(160.0), "y": ["a", "b"] * 80})
    trained = cr.train(table, label="y", hidden=[3], epochs=2, threads=1).model
    found = partial_dependence(trained, table, "word")
    assert len(found.grids[0]) == 24
    assert "common" in found.grids[0].values
    assert found.notes() == ["7 rarer values of word were not tried"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"column": "mas"}, "column: got 'mas'; did you mean 'mass'\\? Choose one of mass, place"),
        ({"column": "kind"}, "column: 'kind' is the label"),
        ({"column": "number"},
         "column: 'number' is a column of the table, but the network was not trained on it; choose one of mass"),
        ({"column": "mass", "second": "plaice"}, "second: got 'plaice'; did you mean 'place'"),
        ({"column": "mass", "second": "mass"}, "second: got 'mass', which is the first"),
        ({"column": "mass", "kind": "each"}, "kind: got 'each'; .*hoose one of average, individual"),
        ({"column": "mass", "second": "day", "kind": "individual"}, "'individual' is for one column"),
        ({"column": "mass", "points": 1}, "points: got 1; needs a whole number of at least 2"),
        ({"column": "mass", "second": "day", "at": [1, 2, 3]}, "at: got .*; needs a pair of lists"),
    ],
)  # fmt: skip
def test_calls_that_cannot_be(model: cr.Model, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        partial_dependence(model, mixed(), **arguments)


@pytest.mark.parametrize(
    ("table", "arguments", "message"),
    [
        (mixed().drop("place"), {"column": "mass"}, ".* has no column 'place', which the model was trained on"),
        (mixed().head(0), {"column": "mass"}, "has no rows"),
        (None, {"column": "mass"}, "data: is missing"),
        (mixed().with_columns(mass=pl.lit(None, pl.Float64)), {"column": "mass"}, "'mass': is missing in all 90 rows"),
        (mixed(), {"column": "mass", "at": []}, "at: has no values for 'mass'"),
        (mixed(), {"column": "mass", "at": [np.inf]}, "at: got \\[inf\\] for 'mass'; needs finite values"),
        (mixed(), {"column": "mass", "at": ["heavy"]}, "column 'mass' is 'heavy'; needs a number"),
    ],
)
def test_tables_that_cannot_be(model: cr.Model, table: Any, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(TableError, match=message):
        partial_dependence(model, table, **arguments)


def test_other_refusals(model: cr.Model) -> None:
    found = partial_dependence(model, mixed(), "mass", points=3)
    with pytest.raises(PlanError, match=r"target: got 'd'; .*choose one of a, b, c"):
        found.find_outcome("d")
    with pytest.raises(PlanError, match="model: got str; needs a Model, an Ensemble"):
        partial_dependence("penguins.creche", mixed(), "mass")
    x, y = arrays()
    trained = cr.train(x, y, hidden=[3], epochs=1, threads=1).model
    with pytest.raises(PlanError, match="column: got 'mass'; choose one of x0, x1, x2, x3"):
        partial_dependence(trained, x, "mass")
    with pytest.raises(TableError, match="X: has 3 columns; the network was trained on 4: x0"):
        partial_dependence(trained, x[:, :3], "x0")
