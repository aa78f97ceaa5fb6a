"""A row of weight k counts as k rows wherever something is computed from rows, and one of weight 0 as none."""

from __future__ import annotations

import numpy as np
import pytest

import creche as cr
from creche.table.encoders.features import FeatureEncoder, Preprocessing
from tests.unit.small_runs import line, quick, two_classes


@pytest.mark.parametrize("size", [1.0, 1e300, 1e-300])
def test_means_and_deviations(size: float) -> None:
    x, _ = line(50)
    counts = np.random.default_rng(0).integers(0, 4, 50)
    counts[0] = 1
    weighted = FeatureEncoder.fit_matrix(x * size, ("a", "b", "c"), Preprocessing(), counts.astype(np.float64))
    repeated = FeatureEncoder.fit_matrix(np.repeat(x, counts, axis=0) * size, ("a", "b", "c"), Preprocessing())
    encoded = (encoder.transform_matrix(x * size, "float64") for encoder in (weighted, repeated))
    np.testing.assert_allclose(*encoded, rtol=1e-12, atol=1e-12)


def test_the_label() -> None:
    x, y = line(50)
    counts = np.random.default_rng(0).integers(0, 4, 50)
    weighted = quick(x, y, sample_weight=counts, validation_fraction=0).model.labels
    repeated = quick(np.repeat(x, counts, axis=0), np.repeat(y, counts), validation_fraction=0).model.labels
    np.testing.assert_allclose([weighted.mean, weighted.scale], [repeated.mean, repeated.scale], rtol=1e-12)


def test_balanced_classes() -> None:
    x, y = two_classes(60)
    counts = np.random.default_rng(0).integers(0, 4, 60)
    arguments = {"class_weight": "balanced", "validation_fraction": 0, "precision": "float64", "batch_size": 1000}
    weighted = quick(x, y, sample_weight=counts, **arguments).model
    repeated = quick(np.repeat(x, counts, axis=0), np.repeat(y, counts), **arguments).model
    np.testing.assert_allclose(weighted.weights[0][0], repeated.weights[0][0], rtol=1e-9)


def test_a_row_of_weight_0_is_left_out_to_the_bit() -> None:
    x, y = two_classes(60)
    weights = np.random.default_rng(0).integers(0, 3, 60) / 2
    some = weights > 0
    left_out = quick(x, y, sample_weight=weights, validation_fraction=0.2).model
    gone = quick(x[some], y[some], sample_weight=weights[some], validation_fraction=0.2).model
    assert left_out.weights[0][0].tobytes() == gone.weights[0][0].tobytes()


def test_classes_that_these_rows_do_not_hold() -> None:
    x, y = two_classes(60)
    model = quick(x, y, classes=[0, 1, 2]).model
    assert model.classes == (0, 1, 2)
    assert model.predict_proba(x).shape == (60, 3)
    with pytest.raises(cr.TableError, match="classes: label 'y' also has the class 1, in 25 rows"):
        quick(x, np.sort(y), classes=[0, 2])
