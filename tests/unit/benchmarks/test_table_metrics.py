"""Metrics of the benchmark on tables, against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.tables.metrics import (
    area_under_curve,
    calibration_error,
    log_loss,
    majority_probabilities,
    score_classes,
    score_numbers,
)

sklearn_metrics = pytest.importorskip("sklearn.metrics")


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_measures_of_classes_are_those_of_scikit_learn(n_classes: int) -> None:
    rng = np.random.default_rng(n_classes)
    labels = rng.integers(n_classes, size=300)
    # Rounded, so that some rows tie.
    probabilities = np.round(rng.dirichlet(np.ones(n_classes), size=300) * 0.9, 1) + 0.1 / n_classes
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    scores = score_classes(labels, probabilities)
    names = np.arange(n_classes)
    assert scores["log_loss"] == pytest.approx(sklearn_metrics.log_loss(labels, probabilities, labels=names))
    if n_classes == 2:
        assert scores["auc"] == pytest.approx(sklearn_metrics.roc_auc_score(labels, probabilities[:, 1]))
        assert scores["brier"] == pytest.approx(sklearn_metrics.brier_score_loss(labels, probabilities[:, 1]))
    else:
        auc = sklearn_metrics.roc_auc_score(labels, probabilities, multi_class="ovr")
        assert scores["auc"] == pytest.approx(auc)
        brier = np.mean(np.sum((np.eye(n_classes)[labels] - probabilities) ** 2, axis=1))
        assert scores["brier"] == pytest.approx(brier)
    accuracy = sklearn_metrics.accuracy_score(labels, probabilities.argmax(axis=1))
    assert scores["error"] == pytest.approx(1 - accuracy)


def test_a_confident_error_costs_a_limited_loss() -> None:
    assert log_loss(np.array([0]), np.array([[0.0, 1.0]])) == pytest.approx(-np.log(1e-7))


def test_scores_without_a_negative_have_no_area() -> None:
    assert np.isnan(area_under_curve(np.array([True, True]), np.array([0.1, 0.2])))


def test_a_class_without_test_rows_does_not_count_in_the_area() -> None:
    probabilities = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.6, 0.3, 0.1]])
    assert score_classes(np.array([0, 1, 0]), probabilities)["auc"] == 1.0


def test_the_calibration_error_is_the_gap_in_each_bin() -> None:
    # Bin of 0.9: two rows, one right, gap 0.4; bin of 0.6: one row, right, gap 0.4.
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]])
    assert calibration_error(np.array([0, 1, 0]), probabilities) == pytest.approx((2 * 0.4 + 0.4) / 3)


def test_measures_of_numbers_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    labels, predictions = rng.normal(size=(2, 50))
    scores = score_numbers(labels, predictions, (predictions - 1.5, predictions + 1.5))
    assert scores["rmse"] == pytest.approx(sklearn_metrics.root_mean_squared_error(labels, predictions))
    assert scores["mae"] == pytest.approx(sklearn_metrics.mean_absolute_error(labels, predictions))
    assert scores["coverage_90"] == np.mean(np.abs(labels - predictions) <= 1.5)
    assert "coverage_90" not in score_numbers(labels, predictions, None)


def test_the_answer_of_the_majority_is_the_frequencies() -> None:
    assert np.array_equal(majority_probabilities(np.array([0, 0, 1, 0]), 3, 2), [[0.75, 0.25, 0], [0.75, 0.25, 0]])
