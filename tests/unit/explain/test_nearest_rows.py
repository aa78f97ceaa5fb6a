"""The nearest training rows: against scikit-learn's search over activations worked out in NumPy."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.neighbors import NearestNeighbors

import creche as cr
from creche.errors import PlanError, TableError
from creche.explain import nearest_rows


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return cr.train(
        "penguins", label="species", hidden=[7, 5], activation="tanh", epochs=20, learning_rate=0.01, threads=1
    ).model


def hidden(model: cr.Model, data: Any) -> Any:
    """What the last hidden layer gives, in float64."""
    a = model.encode_rows(data).astype(np.float64)
    for w, b in model.weights[:-1]:
        a = np.tanh(a @ w + b)
    return a


@pytest.mark.parametrize("space", ["last hidden", "inputs"])
def test_as_scikit_learn_finds_them(model: cr.Model, space: str) -> None:
    penguins = cr.datasets.penguins()
    train, other = penguins[::2], penguins[1::2]
    found = nearest_rows(model, other, [1, 7, 120], train, k=6, space=space)
    see = (lambda data: model.encode_rows(data).astype(np.float64)) if space == "inputs" else lambda d: hidden(model, d)
    search = NearestNeighbors(n_neighbors=6, algorithm="brute").fit(see(train))
    distances, places = search.kneighbors(see(other)[[0, 6, 119]])
    np.testing.assert_array_equal(found.near, places + 1)
    np.testing.assert_allclose(found.distances, distances, rtol=1e-4, atol=1e-6)
    assert found.labels is not None
    assert found.labels.tolist() == train["species"].to_numpy()[places].tolist()
    np.testing.assert_array_equal(found.predicted, model.predict_proba(other)[[0, 6, 119]])
    np.testing.assert_array_equal(found.predicted_near, model.predict_proba(train)[places])


def test_a_row_is_not_its_own_neighbour_in_the_same_table(model: cr.Model) -> None:
    same = nearest_rows(model, "penguins", 5, k=3)
    assert 5 not in same.near
    np.testing.assert_array_equal(nearest_rows(model, "penguins", 5, "penguins", k=3).near, same.near)
    other = nearest_rows(model, "penguins", 5, cr.datasets.penguins(), k=3)
    assert (other.near[0, 0], other.distances[0, 0]) == (5, 0)
    assert other.near[0, 1:].tolist() == same.near[0, :2].tolist()


def test_of_equal_distances_the_earlier_row_comes_first() -> None:
    x = np.array([[0.0, 0], [1, 0], [0, 1], [1, 0], [0, 1], [5, 5]])
    model = cr.train(
        x, [0, 1, 0, 1, 0, 1], hidden=[], epochs=2, threads=1, standardize=False, validation_fraction=0
    ).model
    found = nearest_rows(model, x, 0, k=4)
    assert found.near.tolist() == [[1, 2, 3, 4]]
    assert found.distances.tolist() == [[1, 1, 1, 1]]
    np.testing.assert_array_equal(found.near, nearest_rows(model, x, 0, k=4, space="inputs").near)  # no hidden layer
    assert found.labels is None
    labels = nearest_rows(model, x, [0], (x, ["a", "b", "c", "d", "e", "f"]), k=2).labels
    assert labels is not None
    assert labels.tolist() == [["b", "c"]]


def test_an_ensemble_takes_the_mean_of_its_networks_squared_distances() -> None:
    colony = cr.sweep(
        "penguins", label="species", hidden=[[4], [3, 3]], activation="tanh", epochs=5, seeds=2, threads=1
    )
    ensemble = cr.Ensemble([member.model for member in colony], [1, 2, 3, 4])
    found = nearest_rows(ensemble, "penguins", [3, 99], k=4)
    squares = sum(
        share * ((hidden(m, "penguins")[[2, 98]][:, None] - hidden(m, "penguins")[None]) ** 2).sum(axis=2)
        for share, m in zip(ensemble.shares, ensemble.models, strict=True)
    )
    squares[[0, 1], [2, 98]] = np.inf
    order = np.argsort(squares, axis=1)[:, :4]
    np.testing.assert_array_equal(found.near, order + 1)
    np.testing.assert_allclose(found.distances**2, np.take_along_axis(squares, order, 1), rtol=1e-4)


def test_the_table(model: cr.Model) -> None:
    found = nearest_rows(model, "penguins", [10, 200], k=3)
    table = found.table()
    assert table.columns == [
        "row", "rank", "training_row", "distance", "species", "predicted", "training_row_predicted",
        "training_row_probability",
    ]  # fmt: skip
    assert table["row"].to_list() == [10] * 3 + [200] * 3
    assert table["rank"].to_list() == [1, 2, 3] * 2
    species = cr.datasets.penguins()["species"].to_list()
    assert table["species"].to_list() == [species[row - 1] for row in table["training_row"].to_list()]
    said = model.predict("penguins")
    assert table["training_row_predicted"].to_list() == [said[row - 1] for row in table["training_row"].to_list()]
    assert repr(found) == "NearestRows(3 training rows for each of 2 rows, space 'last hidden')"


def test_of_numbers() -> None:
    x = np.random.default_rng(0).standard_normal((30, 3))
    model = cr.train(x, x[:, :2], hidden=[4], epochs=3, threads=1).model
    table = nearest_rows(model, x, 0, (x, x[:, 0]), k=2).table()
    assert table.columns[-4:] == [
        "predicted_y0",
        "training_row_predicted_y0",
        "predicted_y1",
        "training_row_predicted_y1",
    ]
    np.testing.assert_array_equal(table["predicted_y1"].to_numpy(), np.repeat(model.predict(x)[0, 1], 2))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rows": 0}, TableError, "rows: there is no row 0; the rows are numbered 1 to 344"),
        ({"rows": [3, 345]}, TableError, "rows: there is no row 345"),
        ({"rows": []}, PlanError, "needs row numbers, such as 12 .*; the rows are numbered 1 to 344"),
        ({"rows": "first"}, PlanError, "rows: got 'first'"),
        ({"rows": 1, "k": 344}, TableError, "k: got 344; there are 343 training rows"),
        ({"rows": 1, "k": 0}, PlanError, "k: got 0; needs a whole number"),
        ({"rows": 1, "space": "hidden"}, PlanError, "space: got 'hidden'; .*hoose one of last hidden, inputs"),
        ({"rows": 1, "train_data": pl.DataFrame({"island": ["Dream"]})}, TableError, "no column 'bill_length_mm'"),
        ({"rows": 1, "train_data": (cr.datasets.penguins(), [1, 2])}, TableError, "y: has 2 labels for 344 rows"),
    ],
)
def test_calls_that_cannot_be(model: cr.Model, arguments: dict[str, Any], error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        nearest_rows(model, "penguins", **arguments)


def test_one_row_alone_has_no_neighbour(model: cr.Model) -> None:
    with pytest.raises(TableError, match="k: got 1; there are 0 training rows to choose from"):
        nearest_rows(model, cr.datasets.penguins().head(1), 1, k=1)


def test_rows_are_searched_in_groups(model: cr.Model, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = nearest_rows(model, "penguins", [1, 200], k=4)
    monkeypatch.setattr(sys.modules[nearest_rows.__module__], "ROWS_AT_ONCE", 100)
    steps: list[cr.StepProgress] = []
    ensemble = cr.Ensemble([model, model])
    grouped = nearest_rows(ensemble, "penguins", [1, 200], k=4, on_progress=steps.append)
    assert [(step.done, step.total) for step in steps] == [(done, 8) for done in range(1, 9)]
    np.testing.assert_array_equal(grouped.near, whole.near)
    np.testing.assert_allclose(grouped.distances, whole.distances, rtol=1e-12)
