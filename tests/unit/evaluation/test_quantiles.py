"""Evaluations of predicted quantiles, against scikit-learn and sums over rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import mean_pinball_loss

import creche as cr
from creche.evaluation.metrics import metrics_for, resolve_metric

LEVELS = (0.1, 0.5, 0.9)
LABELS = ("y_q0.1", "y_q0.5", "y_q0.9")


def predictions(rows: int = 200) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(4)
    y = rng.standard_normal(rows)
    predicted = np.sort(rng.normal([-1.0, 0.1, 1.2], 0.4, (rows, 3)), axis=1)
    return predicted, y, rng.integers(0, 4, rows).astype(float)


def test_each_quantile_and_the_interval() -> None:
    predicted, y, weights = predictions()
    found = cr.RegressionEvaluation.of(predicted, y, weights=weights, quantiles=LEVELS, labels=LABELS, n_resamples=50)
    losses = [
        mean_pinball_loss(y, predicted[:, k], sample_weight=weights, alpha=level) for k, level in enumerate(LEVELS)
    ]
    assert found.pinball == pytest.approx(np.mean(losses))
    for k, label in enumerate(LABELS):
        assert found.per_label[label]["pinball"] == pytest.approx(losses[k])
        covered = np.average(y <= predicted[:, k], weights=weights)
        assert found.per_label[label]["coverage"] == pytest.approx(covered)
        low, high = found.label_intervals[label]["coverage"]
        assert low <= covered <= high
    inside = (predicted[:, 0] <= y) & (y <= predicted[:, 2])
    assert found.interval_coverage == pytest.approx(np.average(inside, weights=weights))
    assert found.interval_width == pytest.approx(np.average(predicted[:, 2] - predicted[:, 0], weights=weights))
    assert found.interval == pytest.approx(0.8)
    assert list(found.values) == ["pinball", "interval_coverage", "interval_width"]
    assert set(found.intervals) == set(found.values)
    assert (found.main_metric, found.constant) == ("pinball", "quantiles")


def test_the_baseline_predicts_the_quantiles_of_the_rows() -> None:
    predicted, y, _ = predictions()
    found = cr.RegressionEvaluation.of(predicted, y, quantiles=LEVELS, labels=LABELS, n_resamples=0)
    constant = np.quantile(y, LEVELS, method="inverted_cdf")
    losses = [mean_pinball_loss(y, np.full(len(y), c), alpha=q) for c, q in zip(constant, LEVELS, strict=True)]
    assert found.baseline["pinball"] == pytest.approx(np.mean(losses))
    assert found.baseline["interval_width"] == pytest.approx(constant[2] - constant[0])


def test_the_largest_errors_lie_farthest_outside_the_interval() -> None:
    predicted, y, _ = predictions()
    found = cr.RegressionEvaluation.of(predicted, y, quantiles=LEVELS, labels=LABELS, n_resamples=0)
    outside = np.maximum(predicted[:, 0] - y, y - predicted[:, 2])
    assert [error.row for error in found.largest_errors(4)] == np.argsort(-outside, kind="stable")[:4].tolist()
    for error in found.largest_errors(4):
        assert error.label == ("y_q0.1" if error.true < error.predicted else "y_q0.9")
    assert len(found.largest_errors(1000)) == int((outside > 0).sum())


def test_one_quantile_of_several_labels() -> None:
    _, y, _ = predictions()
    both, predicted = np.column_stack([y, 2 * y]), np.zeros((200, 2))
    found = cr.RegressionEvaluation.of(predicted, both, quantiles=[0.9], labels=("a", "b"), n_resamples=0)
    assert found.pinball == pytest.approx(mean_pinball_loss(both, predicted, alpha=0.9))
    assert "coverage" not in found.values  # a mean over labels tells nothing
    assert found.per_label["b"]["coverage"] == pytest.approx((y <= 0).mean())
    assert found.interval is None


def test_a_coverage_is_no_goal() -> None:
    assert resolve_metric(None, "regression", 3).key == "pinball"
    assert {"coverage", "interval_coverage", "interval_width"} <= {
        metric.key for metric in metrics_for("regression", 3)
    }
    with pytest.raises(cr.PlanError, match="metric: got 'coverage'; choose one of pinball"):
        resolve_metric("coverage", "regression", 3)
    stopping = cr.EarlyStopping(3, watch="interval_width")
    with pytest.raises(cr.PlanError, match=r"EarlyStopping\.watch: got 'interval_width'"):
        cr.train("penguins-four", label="body_mass_hg", quantiles=LEVELS, early_stopping=stopping, epochs=1)
