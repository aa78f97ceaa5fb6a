"""Predicted numbers that are kept within the range of the training labels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.errors import FileError
from creche.explain import integrated_gradients
from creche.table.labels import LabelEncoder
from creche.training.watching import create_measure

X = np.linspace(-3, 3, 200)[:, np.newaxis]
FAR = np.array([[-50.0], [0.5], [50.0]])
SAME: dict[str, Any] = {
    "hidden": [], "epochs": 40, "learning_rate": 0.1, "threads": 1, "validation_fraction": 0, "precision": "float64",
}  # fmt: skip


def train(y: Any, clamp: bool = True, **arguments: Any) -> cr.Model:
    return cr.train(X, y, preprocessing={"clamp": clamp}, **(SAME | arguments)).model


def test_predictions_end_at_the_extreme_labels(tmp_path: Path) -> None:
    y = 5 * X[:, 0] + 1
    model, free = train(y), train(y, clamp=False)
    for layer, other in zip(model.weights, free.weights, strict=True):
        np.testing.assert_array_equal(layer[0], other[0])
    expected = np.clip(free.predict(FAR), y.min(), y.max())
    np.testing.assert_array_equal(model.predict(FAR), expected)
    assert model.predict(FAR)[[0, 2]].tolist() == [y.min(), y.max()]
    assert abs(free.predict(FAR)[0]) > 100
    np.testing.assert_array_equal(model.predict_encoded(model.encode_rows(FAR))[:, 0], expected)
    model.save(tmp_path / "clamped.creche")
    np.testing.assert_array_equal(cr.load(tmp_path / "clamped.creche").predict(FAR), expected)
    assert "bounds" not in free.labels.to_dict()


def test_each_label_has_its_own_bounds() -> None:
    y = np.column_stack([5 * X[:, 0], -X[:, 0]])
    predicted = train(y).predict(FAR)
    np.testing.assert_array_equal(predicted[[0, 2]], [[-15, 3], [15, -3]])


def test_rows_of_no_weight_set_no_bounds() -> None:
    weights = np.ones(200)
    weights[0] = 0
    y = np.concatenate([[999.0], X[1:, 0]])
    assert train(y, sample_weight=weights).labels.bounds == ((X[1, 0], 3.0),)


def test_classes_have_no_bounds() -> None:
    assert train((X[:, 0] > 0).astype(np.int64)).labels.bounds == ()


def test_networks_together_are_bounded_one_by_one() -> None:
    y = 5 * X[:, 0]
    colony = cr.sweep(X, y, preprocessing={"clamp": True}, seeds=3, **SAME)
    models = [colony[i].model for i in range(3)]
    ensemble = cr.Ensemble(models, threads=1)
    np.testing.assert_allclose(ensemble.predict(FAR), np.mean([m.predict(FAR) for m in models], axis=0), rtol=1e-12)
    assert ensemble.predict(FAR)[2] == 15


def test_out_of_fold_predictions_are_bounded_by_the_labels_of_their_fold() -> None:
    y = 5 * X[:, 0]
    crossed = cr.cross_validate(X, y, folds=4, preprocessing={"clamp": True}, **(SAME | {"epochs": 5}))
    predicted = crossed.predictions[:, 0]
    assert (np.abs(predicted) <= 15).all()
    held_out = [m.prepared.train.observations.y.max() for m in crossed.members]
    assert predicted.max() <= max(held_out)


def test_metrics_that_are_watched_compare_with_labels_beyond_the_bounds() -> None:
    y = 5 * X[:, 0]
    inner = np.abs(X[:, 0]) < 1
    run = cr.train(
        X[inner], y[inner], validation_data=(X[~inner], y[~inner]), preprocessing={"clamp": True},
        early_stopping=cr.EarlyStopping(watch="mae"), **SAME,
    )  # fmt: skip
    assert run.validation is not None
    measured = create_measure(run.plan, run.prepared, run.validation, 1)(run.parameters)
    assert measured == pytest.approx(np.abs(run.model.predict(X) - y)[~inner].mean())
    assert measured > 1


def test_explanations_are_of_bounded_predictions() -> None:
    model = train(5 * X[:, 0])
    found = integrated_gradients(model, FAR, steps=4096)
    np.testing.assert_allclose(found.outputs, model.predict(FAR))
    assert np.abs(found.gap).max() < 0.1


def test_bounds_in_data() -> None:
    labels = LabelEncoder(("a", "b"), None, (0.0, 1.0), (1.0, 2.0), (0.0, 0.0), bounds=((-1.0, 1.0), (0.0, 3.0)))
    assert LabelEncoder.from_dict(labels.to_dict()) == labels
    outputs = np.array([[5.0, 5.0], [0.5, 0.5], [-5.0, -5.0]])
    assert labels.decode_numbers(outputs).tolist() == [[1, 3], [0.5, 2], [-1, 0]]
    np.testing.assert_array_equal(replace(labels, bounds=()).decode_numbers(outputs), outputs * [1, 2] + [0, 1])
    for bounds in ([[0, 1]], [[0, 1], [1, 0]], [[0, 1], [0, float("nan")]], [[0, 1], "ab"], 3, [[0, 1], [0, 10**400]]):
        with pytest.raises(FileError, match=r"labels: bounds are .*; the file was damaged or made by hand"):
            LabelEncoder.from_dict({**labels.to_dict(), "bounds": bounds})
