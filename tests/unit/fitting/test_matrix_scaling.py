"""Matrix scaling: its objective against plain NumPy and SciPy, where it helps, where it stays away, and its bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import check_grad, minimize
from scipy.special import log_softmax, softmax

from creche.fitting import matrix_scaling
from creche.fitting.calibrate import fit_calibration, fit_offsets, fit_temperature
from creche.fitting.matrix_scaling import fit_matrix
from creche.model.calibration import Calibration, centered_logits
from tests.unit.fitting.small_fits import judged_classes

Array = NDArray[np.float64]
CLASSES = 6
NONE = np.zeros(CLASSES)


def confused(seed: int, rows: int = 2000) -> tuple[Array, NDArray[np.int64]]:
    """Return probabilities in which the logit of one class has a part of another one's, and true classes."""
    rng = np.random.default_rng(seed)
    true_logits = rng.standard_normal((rows, CLASSES)) * 2
    true = (true_logits + rng.gumbel(size=true_logits.shape)).argmax(axis=1)
    logits = true_logits.copy()
    logits[:, 0] += 0.8 * true_logits[:, 1]
    return softmax(logits, axis=1), true


def calibrated(seed: int, rows: int = 2000) -> tuple[Array, NDArray[np.int64]]:
    """Probabilities that are right."""
    rng = np.random.default_rng(seed)
    logits = rng.standard_normal((rows, CLASSES)) * 2
    return softmax(logits, axis=1), (logits + rng.gumbel(size=logits.shape)).argmax(axis=1)


def objective(flat: Array, logits: Array, true: Any, weights: Array, ridge: tuple[float, float]) -> float:
    """The mean log loss and the ridge."""
    difference = flat.reshape(CLASSES + 1, CLASSES)
    matrix, offsets = np.eye(CLASSES) + difference[:-1], difference[-1]
    loss = -log_softmax(logits @ matrix + offsets, axis=1)[np.arange(len(true)), true] @ weights
    is_near = np.vstack([np.eye(CLASSES, dtype=bool), np.ones((1, CLASSES), dtype=bool)])
    penalties = np.where(is_near, ridge[0], ridge[1]) * CLASSES / len(true)
    return float(loss + (penalties * difference**2).sum())


def make_rows(seed: int, rows: int) -> tuple[Array, NDArray[np.int32], Array, Any]:
    predicted, true = confused(seed, rows)
    weights = np.random.default_rng(seed).uniform(0.5, 2.0, rows)
    weights /= weights.sum()
    logits = centered_logits(predicted, 1.0)
    classes = true.astype(np.int32)
    return logits, classes, weights, matrix_scaling._Rows.of(logits, classes, weights)


def test_the_minimum_is_the_one_that_scipy_finds() -> None:
    logits, true, weights, rows = make_rows(0, 1200)
    ridge = (0.3, 3.0)
    found = matrix_scaling._fit(rows, len(true), ridge, np.zeros((CLASSES + 1, CLASSES)))
    arguments = (logits, true, weights, ridge)
    best = minimize(objective, np.zeros(CLASSES * (CLASSES + 1)), arguments, method="L-BFGS-B")
    start = objective(np.zeros(CLASSES * (CLASSES + 1)), *arguments)
    assert start - best.fun > 0.01
    assert objective(found.ravel(), *arguments) == pytest.approx(best.fun, abs=2e-5)


def test_the_gradient_equals_differences() -> None:
    logits, true, weights, rows = make_rows(1, 300)
    matrix = np.eye(CLASSES + 1, CLASSES) + np.random.default_rng(2).normal(0, 0.2, (CLASSES + 1, CLASSES))

    def loss(flat: Array) -> float:
        return objective(flat, logits, true, weights, (0.0, 0.0))

    flat = (matrix - np.eye(CLASSES + 1, CLASSES)).ravel()
    found, gradient = rows.loss_and_gradient(matrix)
    assert found == pytest.approx(loss(flat), abs=1e-4)
    assert check_grad(loss, lambda _: gradient.ravel(), flat) < 1e-4
    assert rows.losses(matrix).sum() == pytest.approx(found, rel=1e-12)


def test_products_have_the_same_bits_in_any_order_and_in_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, true, weights, rows = make_rows(3, 500)
    matrix = np.eye(CLASSES + 1, CLASSES) + np.random.default_rng(2).normal(0, 0.2, (CLASSES + 1, CLASSES))
    loss, gradient = rows.loss_and_gradient(matrix)
    for size in (7, 64, 10**6):
        monkeypatch.setattr(matrix_scaling, "BLOCK_PROBABILITIES", size)
        others = matrix_scaling._Rows.of(logits, true, weights)
        again, its_gradient = others.loss_and_gradient(matrix)
        assert (again, its_gradient.tobytes()) == (loss, gradient.tobytes())
    shuffled = np.random.default_rng(4).permutation(len(true))
    weights = weights / weights.max()  # no more rounding of their sum
    _, gradient = matrix_scaling._Rows(rows_of(logits), [true], [weights]).loss_and_gradient(matrix)
    shuffled_rows = matrix_scaling._Rows(rows_of(logits[shuffled]), [true[shuffled]], [weights[shuffled]])
    assert shuffled_rows.loss_and_gradient(matrix)[1].tobytes() == gradient.tobytes()


def rows_of(logits: Array) -> list[Array]:
    ones = np.ones((len(logits), 1))
    return [np.rint(np.hstack([logits, ones]) / matrix_scaling.LOGIT_UNIT).T]


def test_the_largest_sums_of_products_are_exact() -> None:
    largest_logit = matrix_scaling.LARGEST_LOGIT / matrix_scaling.LOGIT_UNIT
    largest_entry = matrix_scaling.LARGEST_ENTRY / matrix_scaling.MATRIX_UNIT
    assert largest_logit * largest_entry * (matrix_scaling.MAX_CLASSES + 1) < 2**53
    assert largest_logit / matrix_scaling.RESIDUAL_UNIT * matrix_scaling.MAX_ROWS <= 2**53


def log_loss(predicted: Array, true: Any) -> float:
    return float(-np.log(predicted[np.arange(len(true)), true]).mean())


@pytest.mark.parametrize("rows", [1000, 1001, 1004])
@pytest.mark.parametrize("folds", [1, 2, 4, 10])
def test_every_row_is_in_a_piece(folds: int, rows: int) -> None:
    pieces = matrix_scaling._pieces(rows, folds)
    sizes = np.bincount(pieces)
    assert len(pieces) == rows
    assert len(sizes) == (5 if folds == 1 else min(folds, 5))
    assert np.ptp(sizes) <= 1
    if folds > 1:
        assert (np.diff(pieces) >= 0).all()


@pytest.mark.parametrize("folds", [1, 4])
def test_it_helps_where_a_class_is_taken_for_another(folds: int) -> None:
    predicted, true = confused(5, 2001)
    judged = judged_classes(true, folds=folds)
    found = fit_calibration(predicted, judged, 0.0, ())
    assert found.matrix
    fresh, fresh_true = confused(6)
    temperature = fit_temperature(predicted, judged)
    offsets = tuple(fit_offsets(predicted, temperature, judged).tolist())
    simple = Calibration(temperature, offsets=offsets).apply(fresh)
    right, right_true = calibrated(6)
    excess, excess_before = (
        log_loss(each, fresh_true) - log_loss(right, right_true) for each in (found.apply(fresh), simple)
    )
    assert excess < 0.5 * excess_before


@pytest.mark.parametrize("seed", range(3))
def test_it_stays_away_where_there_is_nothing_to_correct(seed: int) -> None:
    predicted, true = calibrated(seed)
    assert fit_matrix(predicted, 1.0, NONE, judged_classes(true, folds=4)) is None


def test_the_offsets_of_before_are_part_of_what_it_returns() -> None:
    predicted, true = confused(10)
    moved = np.array([0.5, -0.5, 1.0, 0.0, 0.0, 0.0])
    found = fit_matrix(predicted, 1.0, moved, judged_classes(true, folds=4))
    shifted = softmax(np.log(predicted) + moved, axis=1)
    expected = fit_matrix(shifted, 1.0, NONE, judged_classes(true, folds=4))
    assert found is not None
    assert expected is not None
    one, other = (
        Calibration(matrix=tuple(map(tuple, each[:-1].tolist())), offsets=tuple(each[-1].tolist()))
        for each in (found, expected)
    )
    np.testing.assert_allclose(one.apply(predicted), other.apply(shifted), atol=2e-3)


def test_it_stays_away_from_few_rows_and_few_classes() -> None:
    predicted, true = confused(7)
    few = predicted[:299], judged_classes(true[:299], folds=4)
    assert fit_matrix(few[0], 1.0, NONE, few[1]) is None
    four = true < 4
    predicted = predicted[four][:, :4] / predicted[four][:, :4].sum(axis=1, keepdims=True)
    assert fit_matrix(predicted, 1.0, np.zeros(4), judged_classes(true[four], folds=4)) is None


def test_more_rows_are_thinned_out_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    predicted, true = confused(8, 3000)
    monkeypatch.setattr(matrix_scaling, "MAX_ROWS", 1500)
    thinned = fit_matrix(predicted, 1.0, NONE, judged_classes(true, folds=4))
    expected = fit_matrix(predicted[::2], 1.0, NONE, judged_classes(true[::2], folds=4))
    assert thinned is not None
    assert expected is not None
    assert thinned.tobytes() == expected.tobytes()


def test_rows_without_weight_count_for_nothing() -> None:
    predicted, true = confused(11, 1024)
    weights = np.append(np.zeros(1024), np.ones(1024))
    twice = np.tile(predicted, (2, 1)), judged_classes(np.append(0 * true, true), weights, folds=4)
    found = fit_matrix(twice[0], 1.0, NONE, twice[1])
    expected = fit_matrix(predicted, 1.0, NONE, judged_classes(true, folds=4))
    assert found is not None
    assert expected is not None
    assert found.tobytes() == expected.tobytes()


def test_probabilities_of_zero_and_classes_without_rows_are_no_trouble() -> None:
    predicted, true = confused(9)
    predicted[:, 5] = 0.0
    predicted[::7] = np.eye(CLASSES)[true[::7]]
    predicted /= predicted.sum(axis=1, keepdims=True)
    judged = judged_classes(np.where(true == 5, 1, true), folds=4)
    found = fit_calibration(predicted, judged, 0.0, ()).apply(predicted)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(found.sum(axis=1), 1, rtol=1e-12)
