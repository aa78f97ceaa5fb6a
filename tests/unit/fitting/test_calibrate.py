"""Temperature and offsets against SciPy's minimizers; they are what the model then applies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax

from creche.fitting import calibrate
from creche.fitting.calibrate import HIGHEST, LOWEST, MIN_ROWS, fit_calibration, fit_offsets, fit_temperature
from creche.model.calibration import Calibration, apply_temperature
from tests.unit.fitting.small_fits import judged_classes

Array = NDArray[np.float64]


def predictions(seed: int, sharpness: float, rows: int = 400) -> tuple[Array, NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((rows, 3)) * 1.5
    calibrated = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    true = np.array([rng.choice(3, p=row) for row in calibrated])
    return apply_temperature(calibrated, 1 / sharpness), true


@given(seed=st.integers(0, 1000), sharpness=st.floats(0.6, 2.0))
def test_the_temperature_minimizes_the_log_loss(seed: int, sharpness: float) -> None:
    predicted, true = predictions(seed, sharpness)
    weights = np.random.default_rng(seed).integers(1, 3, len(true))
    judged = judged_classes(true, weights)

    def loss(log_temperature: float) -> float:
        tempered = apply_temperature(predicted, float(np.exp(log_temperature)))
        return float(-(np.log(tempered[np.arange(len(true)), true]) * weights).sum() / weights.sum())

    best = minimize_scalar(loss, bounds=(np.log(LOWEST), np.log(HIGHEST)), method="bounded", options={"xatol": 1e-8})
    found = fit_temperature(predicted, judged)
    assert found == pytest.approx(float(np.exp(best.x)), rel=1e-4)
    assert loss(np.log(found)) <= loss(0.0) + 1e-12


def test_the_temperature_stays_within_bounds() -> None:
    certain = np.tile([0.51, 0.49], (MIN_ROWS, 1))
    assert fit_temperature(certain, judged_classes(np.zeros(MIN_ROWS))) == pytest.approx(LOWEST, rel=1e-3)
    wrong = np.tile([0.99, 0.01], (MIN_ROWS, 1))
    assert fit_temperature(wrong, judged_classes(np.ones(MIN_ROWS))) == pytest.approx(HIGHEST, rel=1e-3)


@pytest.mark.parametrize("rows", [20, 100, MIN_ROWS - 1])
def test_few_rows_have_a_temperature_nearer_to_1(rows: int) -> None:
    predicted, true = predictions(0, 2.0, rows)

    def loss(log_temperature: float, pull: float) -> float:
        tempered = apply_temperature(predicted, float(np.exp(log_temperature)))
        return float(-np.log(tempered[np.arange(rows), true]).sum() + pull * log_temperature**2)

    bounds = np.log(LOWEST), np.log(HIGHEST)
    free, pulled = (
        float(np.exp(minimize_scalar(loss, args=(pull,), bounds=bounds, method="bounded").x)) for pull in (0.0, 10.0)
    )
    found = fit_temperature(predicted, judged_classes(true))
    assert found == pytest.approx(pulled, rel=1e-3)
    assert abs(np.log(found)) < abs(np.log(free))


def test_the_offsets_minimize_the_log_loss_and_their_ridge() -> None:
    predicted, true = predictions(3, 1.0, 500)
    predicted = apply_temperature(predicted, 1.0, (0.7, 0.0, -0.7))  # the first class too often
    weights = np.random.default_rng(3).integers(1, 3, len(true)) / 1.0
    weights /= weights.sum()

    def loss(offsets: Array) -> float:
        scores = log_softmax(np.log(predicted) / 1.2 + offsets, axis=1)
        return float(-scores[np.arange(len(true)), true] @ weights + 10 / 500 * offsets @ offsets)

    found = fit_offsets(predicted, 1.2, judged_classes(true, weights))
    best = minimize(loss, np.zeros(3))
    np.testing.assert_allclose(found, best.x, atol=1e-3)
    assert found[0] < -0.2
    assert found[2] > 0.2


@pytest.mark.parametrize("classes", [2, 3])
def test_the_calibration_lowers_the_loss_of_fresh_rows(classes: int) -> None:
    """Predictions that are too sure, and take a class for too common, are made up for."""
    rng = np.random.default_rng(5)
    logits = rng.standard_normal((8000, classes)) * 1.5
    true = (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)
    predicted = np.exp(log_softmax(1.6 * logits + np.array([0.8, *[0.0] * (classes - 1)]), axis=1))
    found = fit_calibration(predicted[:1000], judged_classes(true[:1000]), 0.0, ())
    rows = np.arange(1000, 8000)
    loss, before, right = (
        -np.log(each[rows, true[rows]]).mean()
        for each in (found.apply(predicted), predicted, np.exp(log_softmax(logits, axis=1)))
    )
    assert loss - right < 0.1 * (before - right)


def test_many_probabilities_are_thinned_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, true = predictions(7, 1.4, 1024)  # of powers of two, so that weights are exact
    monkeypatch.setattr(calibrate, "MAX_PROBABILITIES", 3 * 512)
    assert fit_calibration(predicted, judged_classes(true), 0.0, ()) == fit_calibration(
        predicted[::2], judged_classes(true[::2]), 0.0, ()
    )


@pytest.mark.parametrize("limit", [100, 10**6])
def test_rows_without_weight_count_for_nothing(monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    predicted, true = predictions(8, 1.4, 256)
    monkeypatch.setattr(calibrate, "MAX_PROBABILITIES", limit)
    twice, labels = np.repeat(predicted, 2, axis=0), np.repeat(true, 2)
    labels[::2] = 0
    weights = np.tile([0.0, 1.0], 256)
    assert fit_calibration(twice, judged_classes(labels, weights), 0.0, ()) == fit_calibration(
        predicted, judged_classes(true), 0.0, ()
    )


def test_one_row_and_one_class_are_no_trouble() -> None:
    found = fit_calibration(np.array([[0.2, 0.8]]), judged_classes([0]), 0.5, (0.5, 0.5))
    assert np.isfinite(found.apply(np.array([[0.2, 0.8], [1.0, 0.0]]))).all()
    one_class = fit_calibration(np.tile([0.9, 0.1], (400, 1)), judged_classes(np.zeros(400)), 0.0, ())
    assert np.isfinite(one_class.apply(np.array([[0.2, 0.8], [1.0, 0.0]]))).all()
    assert isinstance(one_class, Calibration)


def test_probabilities_of_zero_are_no_trouble() -> None:
    predicted = np.tile([1.0, 0.0], (MIN_ROWS, 1))
    assert np.isfinite(fit_temperature(predicted, judged_classes(np.arange(MIN_ROWS) % 10 == 0)))
