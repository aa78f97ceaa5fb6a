"""The forward pass of rows without a label, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from tests.unit.small_runs import line

ROWS = [[37.3, 16.8, 19.2, 30.0], [50.0, 15.0, 22.0, 50.0]]


@pytest.fixture(scope="module")
def four() -> cr.Model:
    return cr.train(
        "penguins-four", label="species", hidden=[5, 5], activation="relu", epochs=5, learning_rate=0.01, threads=1,
        precision="float64",
    ).model  # fmt: skip


def test_sums_and_activations_against_numpy(four: cr.Model) -> None:
    forward = cr.explain.forward_pass(four, ROWS)
    x = four.encode_rows(ROWS)
    np.testing.assert_array_equal(forward.encoded, x)
    for at, (w, b) in enumerate(four.weights):
        z = x @ w + b
        np.testing.assert_allclose(forward.sums[at], z, rtol=1e-12, atol=1e-14)
        x = z if at == 2 else np.maximum(z, 0)
        np.testing.assert_allclose(forward.activations[at], x, rtol=1e-12, atol=1e-14)
    e = np.exp(x - x.max(axis=1, keepdims=True))
    np.testing.assert_allclose(forward.predictions, e / e.sum(axis=1, keepdims=True), rtol=1e-12)
    np.testing.assert_array_equal(forward.predictions, four.predict_proba(ROWS))


def test_it_is_the_forward_pass_of_the_trace(four: cr.Model) -> None:
    step = cr.explain.trace(four, "penguins-four", rows=[3, 200], check=False)
    forward = cr.explain.forward_pass(four, "penguins-four", rows=[3, 200])
    assert forward.rows.tolist() == [3, 200]
    for at, layer in enumerate(step.layers):
        np.testing.assert_array_equal(forward.sums[at], layer.sums)
        np.testing.assert_array_equal(forward.activations[at], layer.activations)
    assert forward.features == step.features


@pytest.mark.parametrize("loss", [None, "squared_error", "binary_cross_entropy"])
def test_any_loss(loss: Any) -> None:
    model = cr.train("penguins-four", label="species", hidden=[4], epochs=2, loss=loss, threads=1).model
    forward = cr.explain.forward_pass(model, ROWS)
    np.testing.assert_array_equal(forward.predictions, model.predict_proba(ROWS))


def test_numbers_and_two_classes() -> None:
    x, y = line(60)
    model = cr.train(x, y, hidden=[4], epochs=2, threads=1).model
    forward = cr.explain.forward_pass(model, x[:3])
    np.testing.assert_array_equal(forward.predictions[:, 0], model.predict(x[:3]))
    assert "Predictions" in str(forward)
    two = cr.train(x, (y > 4000).astype(int), hidden=[4], epochs=2, loss="binary_cross_entropy", threads=1).model
    forward = cr.explain.forward_pass(two, x[:3])
    np.testing.assert_array_equal(forward.predictions, two.predict_proba(x[:3]))
    assert "sigmoid(z)" in str(forward)


def test_table_and_plain_data_hold_every_number(four: cr.Model) -> None:
    forward = cr.explain.forward_pass(four, ROWS)
    table = forward.table()
    counts = dict(table["quantity"].value_counts().iter_rows())
    assert counts == {"input": 8, "sum": 26, "activation": 20, "prediction": 6}
    data = forward.to_dict()
    assert data["predictions"] == forward.predictions.tolist()
    assert data["features"]["body_mass_hg"] == [30.0, 50.0]
    assert repr(forward) == "ForwardPass(2 rows of X, 4-5-5-3)"


def test_a_trace_of_rows_without_labels_goes_forward_only(four: cr.Model) -> None:
    table = cr.datasets.penguins_four()
    named = dict(zip(four.features.names, ROWS[0], strict=True))
    empty = table.head(2).with_columns(species=pl.lit(None, pl.String))
    for data in (ROWS, np.array(ROWS), table.drop("species").head(2), empty, named):
        forward = cr.explain.trace(four, data)
        assert isinstance(forward, cr.explain.ForwardPass)
        np.testing.assert_array_equal(forward.predictions, four.predict_proba(data))
    two = cr.explain.trace(four, table.drop("species"), rows=[2, 5])
    assert two.rows.tolist() == [2, 5]
    assert isinstance(cr.explain.trace(four, ROWS, ["Adelie", "Gentoo"]), cr.explain.Trace)


@pytest.mark.parametrize("arguments", [{"neuron": (1, 0)}, {"sample_weight": [1.0, 2.0]}])
def test_what_needs_a_label_is_refused_without(four: cr.Model, arguments: dict[str, Any]) -> None:
    with pytest.raises(
        cr.PlanError, match=f"{next(iter(arguments))}: needs the label 'species', which these rows lack"
    ):
        cr.explain.trace(four, ROWS, **arguments)


def test_a_label_that_some_rows_lack_is_an_error(four: cr.Model) -> None:
    table = cr.datasets.penguins_four()
    with pytest.raises(cr.TableError, match="row 2 is empty"):
        cr.explain.trace(four, table.with_columns(species=table["species"].scatter(1, None)))


def test_a_model_is_needed(four: cr.Model) -> None:
    with pytest.raises(cr.PlanError, match="model: got str"):
        cr.explain.forward_pass("model", ROWS)  # type: ignore[arg-type]
