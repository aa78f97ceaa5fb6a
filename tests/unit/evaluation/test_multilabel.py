"""Evaluations of several labels of yes or no, against scikit-learn."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn import metrics

import creche as cr

LABELS = ("a", "b", "c")


def answers(rows: int = 150) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    p = rng.uniform(0, 1, (rows, 3))
    y = rng.uniform(0, 1, (rows, 3)) < (p + np.array([0.0, 0.3, -0.2]))
    return p, y, rng.integers(0, 4, rows).astype(float)


def test_metrics_are_those_of_scikit_learn() -> None:
    p, y, weights = answers()
    found = cr.MultilabelEvaluation.of(p, y, weights=weights, labels=LABELS, n_resamples=20)
    predicted, own = p >= 0.5, {"sample_weight": weights}
    assert found.subset_accuracy == pytest.approx(metrics.accuracy_score(y, predicted, **own))
    assert found.hamming_loss == pytest.approx(metrics.hamming_loss(y, predicted, **own))
    assert found.f1 == pytest.approx(metrics.f1_score(y, predicted, average="macro", **own))
    assert found.precision == pytest.approx(metrics.precision_score(y, predicted, average="macro", **own))
    assert found.recall == pytest.approx(metrics.recall_score(y, predicted, average="macro", **own))
    assert found.auc == pytest.approx(metrics.roc_auc_score(y, p, average="macro", **own))
    losses = [metrics.log_loss(y[:, k], p[:, k], **own) for k in range(3)]
    assert found.log_loss == pytest.approx(np.mean(losses))
    for k, label in enumerate(LABELS):
        assert found.per_label[label]["log_loss"] == pytest.approx(losses[k])
        assert found.per_label[label]["f1"] == pytest.approx(metrics.f1_score(y[:, k], predicted[:, k], **own))
        assert found.shares[label] == pytest.approx(np.average(y[:, k], weights=weights))
    assert set(found.intervals) == set(found.values)
    assert all(low <= found.values[key] <= high for key, (low, high) in found.intervals.items())
    json.dumps(found.to_dict(), allow_nan=False)


def test_each_label_has_a_threshold() -> None:
    p, y, _ = answers()
    found = cr.MultilabelEvaluation.of(p, y, labels=LABELS, thresholds=(0.2, 0.5, 0.9), n_resamples=0)
    predicted = p >= [0.2, 0.5, 0.9]
    assert found.hamming_loss == pytest.approx((predicted != y).mean())
    assert found.of_label("c").confusion.tolist() == metrics.confusion_matrix(y[:, 2], predicted[:, 2]).tolist()


def test_the_baseline_gives_the_more_frequent_answers() -> None:
    p, y, _ = answers()
    found = cr.MultilabelEvaluation.of(p, y, labels=LABELS, n_resamples=0)
    shares = y.mean(axis=0)
    assert found.baseline["hamming_loss"] == pytest.approx(np.minimum(shares, 1 - shares).mean())
    entropies = -shares * np.log(shares) - (1 - shares) * np.log(1 - shares)
    assert found.baseline["log_loss"] == pytest.approx(entropies.mean())
    assert found.baseline["auc"] == pytest.approx(0.5)


def test_the_surest_mistakes_come_first() -> None:
    p, y, _ = answers()
    found = cr.MultilabelEvaluation.of(p, y, labels=LABELS, n_resamples=0)
    errors = found.largest_errors(1000)
    assert len(errors) == int(((p >= 0.5) != y).sum())
    sizes = [abs(error.true - error.predicted) for error in errors]
    assert sizes == sorted(sizes, reverse=True)
    assert all(y[e.row, LABELS.index(e.label)] == bool(e.true) for e in errors)


def test_a_label_that_does_not_occur_is_left_out_of_the_means() -> None:
    p, y, _ = answers()
    y[:, 1], p[:, 1] = False, 0.1
    found = cr.MultilabelEvaluation.of(p, y, labels=LABELS, n_resamples=0)
    assert np.isnan(found.per_label["b"]["f1"])
    others = [metrics.f1_score(y[:, k], p[:, k] >= 0.5) for k in (0, 2)]
    assert found.f1 == pytest.approx(np.mean(others))
    with pytest.raises(cr.PlanError, match="label: got 'd'"):
        found.of_label("d")
