"""Edges that depend on the labels are the thresholds of scikit-learn's trees."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creche as cr
from creche.table.encoders import tree_bins
from creche.table.encoders.tree_bins import BinTarget, fit_tree_edges


def peer_edges(tree: Any, values: Any, y: Any) -> list[float]:
    """Return the edges that the thresholds of a tree of scikit-learn make."""
    fitted = tree.fit(values[:, np.newaxis], y).tree_
    thresholds = fitted.threshold[fitted.children_left >= 0]
    return [float(values.min()), *sorted(thresholds.tolist()), float(values.max())]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("leaves", [5, 32])
@pytest.mark.parametrize("n_classes", [0, 2, 5])
def test_edges_are_the_thresholds_of_scikit_learns_tree(seed: int, leaves: int, n_classes: int) -> None:
    tree = pytest.importorskip("sklearn.tree")
    random = np.random.default_rng(seed)
    rows = 900
    values = random.choice(4000, rows, replace=False) / 4  # exact in float32, as which scikit-learn reads them
    y = np.sin(values / 100) + random.normal(size=rows) / 4
    smallest = min(64, max(32, rows // (2 * leaves)))
    same = {"max_leaf_nodes": leaves, "min_samples_leaf": smallest, "min_impurity_decrease": 1e-4, "random_state": 0}
    if n_classes:
        classes = np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))
        target, expected = (
            BinTarget.of_classes(classes),
            peer_edges(tree.DecisionTreeClassifier(**same), values, classes),
        )
    else:
        y = (y - y.mean()) / y.std()
        target, expected = BinTarget.of_numbers(y), peer_edges(tree.DecisionTreeRegressor(**same), values, y)
    assert len(expected) > 3
    assert list(fit_tree_edges(values, leaves, target)) == expected


def test_edges_of_several_labels_are_those_of_scikit_learn() -> None:
    tree = pytest.importorskip("sklearn.tree")
    values = np.random.default_rng(0).choice(4000, 600, replace=False) / 4
    y = np.column_stack([np.sin(values / 100), values > 500])
    y = (y - y.mean(axis=0)) / y.std(axis=0)
    peer = tree.DecisionTreeRegressor(max_leaf_nodes=6, min_samples_leaf=50, min_impurity_decrease=1e-4)
    assert list(fit_tree_edges(values, 6, BinTarget.of_numbers(y))) == peer_edges(peer, values, y)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.tuples(st.integers(-30, 30), st.integers(0, 2), st.integers(0, 3)), min_size=20, max_size=80),
    st.booleans(),
)
def test_a_weight_is_as_many_rows(rows: list[tuple[int, int, int]], is_regression: bool) -> None:
    values, y, counts = (np.array(column) for column in zip(*rows, strict=True))
    values, weights = values / 4, counts.astype(np.float64)
    kept, repeated = counts > 0, np.repeat(np.arange(len(rows)), counts)
    if not kept.any():
        return
    of = BinTarget.of_numbers if is_regression else BinTarget.of_classes
    weighted = fit_tree_edges(values[kept], 4, of(y, weights).select(kept), weights[kept])
    assert weighted == pytest.approx(fit_tree_edges(values[repeated], 4, of(y[repeated])))


def test_a_scale_of_the_weights_does_not_matter() -> None:
    values = np.random.default_rng(0).normal(size=500)
    target = BinTarget.of_classes(values > 0.3)
    edges = fit_tree_edges(values, 8, target)
    assert fit_tree_edges(values, 8, target, np.full(500, 2.0**-9)) == edges
    assert len(edges) == 3


def test_many_values_are_split_at_quantiles(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=5000)
    target = BinTarget.of_numbers(np.where(values > 0.7, 1.0, np.where(values > -1, 0.3, 0.0)))
    edges = fit_tree_edges(values, 3, target)
    shares = [(values <= edge).mean() for edge in edges[1:3]]
    np.testing.assert_allclose(shares, [(values <= -1).mean(), (values <= 0.7).mean()], atol=2 / tree_bins.MAX_CELLS)
    monkeypatch.setattr(tree_bins, "MAX_CELLS", 5000)
    np.testing.assert_allclose(fit_tree_edges(values, 3, target), edges, atol=0.01)


def test_labels_that_do_not_depend_on_a_column_give_it_no_bins() -> None:
    values = np.arange(2000.0)
    assert fit_tree_edges(values, 8, BinTarget.of_classes(np.arange(2000) % 2)) == ()
    assert fit_tree_edges(np.arange(2000.0) % 7, 8, BinTarget.of_classes(values % 7 > 3)) == ()


def test_of_very_many_classes_the_rarest_are_one() -> None:
    classes = np.repeat(np.arange(100), np.arange(1, 101))
    target = BinTarget.of_classes(classes)
    assert target.n_classes == 64
    assert target.classes is not None
    assert np.bincount(target.classes).tolist() == [*range(100, 37, -1), 37 * 38 // 2]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_training_fits_edges_to_the_training_labels(task: Any) -> None:
    random = np.random.default_rng(3)
    x = random.uniform(-2, 2, (700, 2)).round(3)
    jump = x[:, 0] > 0.55
    y = jump.astype(np.int64) if task == "classification" else jump + random.normal(size=700) / 100
    same: dict[str, Any] = {
        "hidden": [3], "epochs": 1, "threads": 1, "task": task, "test_fraction": 0.1,
        "preprocessing": {"numeric_encoding": "piecewise_linear", "bin_edges": "tree", "bins": 6},
    }  # fmt: skip
    of_array = cr.train(x, y, **same)
    of_frame = cr.train(pl.DataFrame({"x0": x[:, 0], "x1": x[:, 1], "y": y}), label="y", **same)
    assert of_array.rows.x.tobytes() == of_frame.rows.x.tobytes()
    features = of_array.model.features
    assert features.inputs[:3] == ("x0", "x0 bin 1", "x0 bin 2")
    edges = features.columns[0].to_dict()["edges"]
    assert min(abs(edge - 0.55) for edge in edges) < 0.02
    assert edges[-1] == x[of_array.prepared.train.observations.row_indices, 0].max()


def test_cells_without_rows_are_no_split() -> None:
    """Rounded quantiles can leave a cell without any value, the first one too."""
    sums, rows = np.array([[0.0, 0.0, 0.0, 90.0, 0.0]]), np.array([0.0, 100.0, 0.0, 100.0, 0.0])
    assert tree_bins._grow(sums, rows, leaves=4, min_rows=32, min_gain=1e-3) == [1]
