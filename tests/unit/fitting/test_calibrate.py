"""The temperature against SciPy's minimizer; it is what the model then applies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from creche.fitting.calibrate import HIGHEST, LOWEST, MIN_ROWS, fit_temperature
from creche.model.calibration import apply_temperature
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


def test_few_rows_tell_no_temperature() -> None:
    predicted, true = predictions(0, 2.0, MIN_ROWS - 1)
    assert fit_temperature(predicted, judged_classes(true)) == 1.0


def test_probabilities_of_zero_are_no_trouble() -> None:
    predicted = np.tile([1.0, 0.0], (MIN_ROWS, 1))
    assert np.isfinite(fit_temperature(predicted, judged_classes(np.arange(MIN_ROWS) % 10 == 0)))
