"""What explains networks counts all inputs of a column as that column, its bins included."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche import explain
from creche.explain.trace.narrative import _join_bins

BY_LABEL = {"numeric_encoding": "piecewise_linear", "bin_edges": "tree", "bins": 6, "binary": "sign"}


@pytest.fixture(scope="module", params=["piecewise_linear", BY_LABEL], ids=["quantile", "tree"])
def model(request: pytest.FixtureRequest) -> cr.Model:
    return cr.train(
        "penguins", label="species", hidden=[6], learning_rate=0.03, epochs=15, threads=1, preprocessing=request.param
    ).model


@pytest.fixture(scope="module")
def penguins() -> pl.DataFrame:
    return pl.DataFrame(cr.datasets.penguins())


def test_attributions_are_by_column_and_complete(model: cr.Model, penguins: pl.DataFrame) -> None:
    found = explain.integrated_gradients(model, penguins.head(20), steps=512)
    assert found.columns == model.features.names
    assert found.attributions.shape == (20, 6)
    assert np.abs(found.gap).max() < 1e-3


def test_a_column_is_shuffled_with_its_bins(model: cr.Model, penguins: pl.DataFrame) -> None:
    found = explain.permutation_importance(model, penguins, repeats=3, n_resamples=0)
    assert set(found.columns) == set(model.features.names)
    assert dict(zip(found.columns, found.importance, strict=True))["bill_length_mm"] > 0.1


def test_dependence_is_what_is_predicted_for_changed_rows(model: cr.Model, penguins: pl.DataFrame) -> None:
    rows = penguins.drop_nulls().head(50)
    found = explain.partial_dependence(model, rows, "bill_length_mm", points=4)
    for value, average in zip(found.grids[0].values, found.average, strict=True):
        expected = model.predict_proba(rows.with_columns(bill_length_mm=pl.lit(value))).mean(axis=0)
        np.testing.assert_allclose(average, expected, rtol=1e-5)


def test_a_bin_is_the_source_of_a_weight(model: cr.Model, penguins: pl.DataFrame) -> None:
    curve = explain.loss_against_weight(model, penguins, layer=0, source="bill_length_mm bin 2", target=1, points=5)
    assert "bill_length_mm bin 2" in str(curve)


def test_a_step_is_traced_with_neighbouring_bins_in_one_line(model: cr.Model, penguins: pl.DataFrame) -> None:
    trace = explain.trace(model, penguins.drop_nulls().head(5))
    assert len(trace.inputs) == model.features.width
    text = str(trace)
    assert " bin 1 to " in text or " bin 2 to " in text
    longest = max(len(column.inputs) for column in model.features.columns)
    assert longest > 5


def test_bins_of_the_same_value_are_one_line() -> None:
    names = ["a", "a bin 1", "a bin 2", "a bin 3", "a bin 4", "a missing", "b", "b bin 1", "b bin 2"]
    values = [0.3, 1.0, 1.0, 0.4, 0.0, 0.0, -1.0, 0.0, 0.0]
    expected = [
        ("a", 0.3), ("a bin 1 to 2", 1.0), ("a bin 3", 0.4), ("a bin 4", 0.0), ("a missing", 0.0), ("b", -1.0),
        ("b bin 1 to 2", 0.0),
    ]  # fmt: skip
    assert _join_bins(names, values, {"a": "", "b": ""}) == expected
    columns: dict[str, Any] = {"a bin 1": "", "a bin 2": ""}
    assert _join_bins(list(columns), [0.0, 0.0], columns) == [("a bin 1", 0.0), ("a bin 2", 0.0)]
