"""The registry of metrics: one entry is all that a metric takes."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import creche as cr
from creche.evaluation import METRICS, Metric
from creche.evaluation.metrics import compare_with_baseline, is_lower_better, metrics_for, resolve_metric
from creche.evaluation.scorers import ClassificationScorer
from creche.pages.evaluation import evaluation_page

ERROR_RATE = Metric(
    key="error_rate", title="error rate", task="classification", bounds=(0.0, 1.0), lower_is_better=True,
    formula="share of rows with ŷ ≠ y",
    row_values=lambda scorer: scorer.predicted != scorer.true,
)  # fmt: skip
BIAS = Metric(
    key="bias", title="mean error", task="regression", bounds=(-np.inf, np.inf), has_baseline=False,
    formula="mean of ŷ - y",
    row_values=lambda scorer: scorer.error,
)  # fmt: skip


def page_of(evaluation: Any) -> str:
    console = Console(width=120)
    with console.capture() as captured:
        console.print(evaluation_page(evaluation, "rows"))
    return captured.get()


def test_a_metric_of_classes_takes_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "error_rate", ERROR_RATE)
    model = cr.train("penguins", label="species", epochs=2, threads=1).model
    evaluation = model.evaluate("penguins", n_resamples=50)
    value = evaluation.metrics()["error_rate"]
    assert value == pytest.approx(1 - evaluation.metrics()["accuracy"])
    assert evaluation.error_rate == value  # type: ignore[union-attr]
    low, high = evaluation.intervals["error_rate"]
    assert low <= value <= high
    assert set(evaluation.table()["metric"]) == set(evaluation.metrics()) == set(evaluation.baseline)
    assert evaluation.to_dict()["error_rate"] == value
    assert "error rate" in page_of(evaluation)
    importance = cr.explain.permutation_importance(model, "penguins", metric="error_rate", repeats=1, n_resamples=0)
    assert importance.score == pytest.approx(value)
    summary = cr.cross_validate("penguins", label="species", folds=2, epochs=2, threads=1).summary()
    assert 0.0 <= summary["error_rate"].low <= summary["error_rate"].high <= 1.0


def test_a_metric_of_numbers_takes_one_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METRICS, "bias", BIAS)
    y = np.arange(24.0).reshape(12, 2)
    evaluation = cr.RegressionEvaluation.of(y + np.array([1.0, 3.0]), y, labels=("u", "v"), n_resamples=20)
    assert evaluation.metrics()["bias"] == pytest.approx(2.0)
    assert evaluation.per_label["v"]["bias"] == pytest.approx(3.0)
    assert evaluation.label_intervals["u"]["bias"] == pytest.approx((1.0, 1.0))
    assert evaluation.to_dict()["bias"] == pytest.approx(2.0)
    assert compare_with_baseline("bias", evaluation.gain["bias"]) == ""
    assert "mean error" in page_of(evaluation)


def test_an_attribute_that_is_no_metric_is_missing() -> None:
    evaluation = cr.RegressionEvaluation.of(np.zeros(2), np.arange(2.0), n_resamples=0)
    assert evaluation.pinball is None
    with pytest.raises(AttributeError, match="'RegressionEvaluation' object has no attribute 'accuracy'"):
        evaluation.accuracy  # type: ignore[attr-defined]  # noqa: B018
    for again in (copy.deepcopy(evaluation), pickle.loads(pickle.dumps(evaluation))):
        assert again.rmse == evaluation.rmse
    assert "mean of e²" in (cr.RegressionEvaluation.__dict__["rmse"].__doc__ or "")


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS.keys())
def test_entries_are_whole(metric: Metric) -> None:
    assert METRICS[metric.key] is metric
    assert metric.title
    assert metric.formula
    assert metric.bounds[0] < metric.bounds[1]
    # The best value is a bound: 0 of an error, 1 of a score.
    assert metric.bounds[0 if metric.lower_is_better else 1] == (0.0 if metric.lower_is_better else 1.0)
    if metric.task == "classification":
        p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
        found = cr.ClassificationEvaluation.of(
            p, np.array([0, 1, 1]), (0, 1), n_resamples=0, is_ordered=metric.needs_order
        ).metrics()
    elif metric.task == "multilabel":
        p, y = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]), np.array([[0, 1], [0, 1], [1, 0]])
        found = cr.MultilabelEvaluation.of(p, y, n_resamples=0).metrics()
    else:
        count = int(metric.quantiles[0])
        levels, predicted = np.linspace(0.1, 0.9, count), np.ones((3, max(count, 1)))
        found = cr.RegressionEvaluation.of(predicted, np.arange(3.0), quantiles=levels, n_resamples=0).metrics()
    assert metric.bounds[0] <= found[metric.key] <= metric.bounds[1]


def test_metrics_of_predicted_classes_do_not_need_probabilities() -> None:
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    hard = (p == p.max(axis=1, keepdims=True)).astype(float)
    labels = np.array([0, 1, 1])
    soft, sure = (cr.ClassificationEvaluation.of(q, labels, (0, 1), n_resamples=0).metrics() for q in (p, hard))
    for metric in metrics_for("classification"):
        assert (soft[metric.key] == sure[metric.key]) is not metric.needs_probabilities, metric.key


def test_a_metric_is_computed_in_one_way() -> None:
    with pytest.raises(cr.PlanError, match="metric both: needs either row_values or measure"):
        Metric(key="both", title="", task="regression", formula="", bounds=(0.0, 1.0))


def test_defaults_and_unknown_metrics() -> None:
    defaults = [resolve_metric(None, *task).key for task in (("classification",), ("regression",), ("regression", 1))]
    assert defaults == ["log_loss", "rmse", "pinball"]
    with pytest.raises(cr.PlanError, match="metric: got 'pinball'"):
        resolve_metric("pinball", "regression")
    with pytest.raises(cr.PlanError, match=r"'accurracy'.*accuracy"):
        resolve_metric("accurracy", "classification")
    assert is_lower_better("validation_loss")
    assert not is_lower_better("r2")


def test_classes_are_counted_alike_whether_few_or_many(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    p = random.dirichlet(np.ones(5), 60)
    scorer = ClassificationScorer(p, random.integers(0, 5, 60), p.argmax(axis=1))
    weights = random.integers(0, 4, (3, 60)).astype(np.float64)
    few = scorer.with_f1_of_classes(weights)
    monkeypatch.setattr("creche.evaluation.scorers.FEW_CLASSES", 0)
    many = scorer.with_f1_of_classes(weights)
    assert {name: values.tobytes() for name, values in few.items()} == {n: v.tobytes() for n, v in many.items()}
