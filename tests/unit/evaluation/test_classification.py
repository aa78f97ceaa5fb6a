from __future__ import annotations

import json
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import creche as cr
from creche.evaluation.scorers import ClassificationScorer

ABC = ("a", "b", "c")


def random_predictions(rows: int, seed: int, ties: bool = False) -> tuple[np.ndarray[Any, Any], list[int], list[float]]:
    rng = np.random.default_rng(seed)
    raw = rng.integers(1, 4, (rows, 3)) if ties else rng.random((rows, 3))
    weights = rng.integers(0, 4, rows).tolist()
    weights[0] = 1
    return raw / raw.sum(axis=1, keepdims=True), rng.integers(0, 3, rows).tolist(), weights


def area(score: list[float], positive: list[bool], weights: list[float]) -> float | None:
    won = all_pairs = 0.0
    for i, mine in enumerate(positive):
        for j, other in enumerate(positive):
            if mine and not other:
                all_pairs += weights[i] * weights[j]
                won += weights[i] * weights[j] * (1.0 if score[i] > score[j] else 0.5 if score[i] == score[j] else 0.0)
    return won / all_pairs if all_pairs else None


def mean(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else math.nan


@given(st.integers(1, 40), st.integers(0, 10**6), st.booleans())
def test_metrics_against_sums_over_rows(rows: int, seed: int, ties: bool) -> None:
    p, true, weights = random_predictions(rows, seed, ties)
    out = cr.ClassificationEvaluation.of(p, np.array(true), ABC, weights=np.array(weights, dtype=float), n_resamples=0)
    predicted = [max(range(3), key=lambda c: (p[row, c], -c)) for row in range(rows)]
    total = sum(weights)

    def weight_of(chosen: list[bool]) -> float:
        return sum(w for w, chosen_one in zip(weights, chosen, strict=True) if chosen_one)

    right = [s == t for s, t in zip(predicted, true, strict=True)]
    recalls, f1s, areas = [], [], []
    for c in range(3):
        hit = weight_of([s == t == c for s, t in zip(predicted, true, strict=True)])
        are, predicted_so = weight_of([t == c for t in true]), weight_of([s == c for s in predicted])
        recalls.append(hit / are if are else None)
        f1s.append(2 * hit / (are + predicted_so) if are + predicted_so else None)
        areas.append(area(p[:, c].tolist(), [t == c for t in true], weights))
    expected = {
        "accuracy": weight_of(right) / total,
        "balanced_accuracy": mean(recalls),
        "log_loss": -sum(w * math.log(p[i, true[i]]) for i, w in enumerate(weights)) / total,
        "auc": mean(areas),
        "f1": mean(f1s),
        "brier": sum(
            w * sum((p[i, c] - (true[i] == c)) ** 2 for c in range(3)) for i, w in enumerate(weights)
        ) / total,
        "calibration_error": calibration_error(p, true, weights, 15),
    }  # fmt: skip
    assert out.metrics() == pytest.approx(expected, nan_ok=True)
    for i in range(3):
        for j in range(3):
            assert out.confusion[i, j] == sum(t == i and s == j for t, s in zip(true, predicted, strict=True))


@settings(max_examples=30)
@given(st.integers(10, 40), st.integers(0, 10**6), st.booleans())
def test_many_weightings_give_what_each_gives_alone(rows: int, seed: int, ties: bool) -> None:
    p, true, _ = random_predictions(rows, seed, ties)
    weights = np.random.default_rng(seed).integers(0, 3, (5, rows)).astype(float)
    weights[:, 0] = 1
    scorer = ClassificationScorer(p, np.array(true), p.argmax(axis=1))
    together = scorer.with_f1_of_classes(weights)
    for each, alone in enumerate(weights):
        out = cr.ClassificationEvaluation.of(p, np.array(true), ABC, weights=alone, n_resamples=0)
        found = {key: together[key][each] for key in out.metrics()}
        assert found == pytest.approx(out.metrics(), nan_ok=True, abs=1e-12)
        f1s = [together[f"f1 of class {c}"][each] for c in range(3)]
        assert f1s == pytest.approx([entry.f1 for entry in out.per_class], nan_ok=True, abs=1e-12)


def test_an_evaluation_keeps_nothing_of_its_resamples() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(3), 2000)
    out = cr.ClassificationEvaluation.of(p, p.argmax(axis=1), ABC, n_resamples=20)
    assert len(pickle.dumps(out)) < 2.2 * p.nbytes


def calibration_error(p: np.ndarray[Any, Any], true: list[int], weights: list[float], bins: int) -> float:
    gaps = [0.0] * bins
    for row, of_row in enumerate(p.tolist()):
        sure = max(of_row)
        gaps[min(int(sure * bins), bins - 1)] += weights[row] * ((of_row.index(sure) == true[row]) - sure)
    return sum(map(abs, gaps)) / sum(weights)


@settings(max_examples=20)
@given(st.integers(2, 30), st.integers(0, 10**6))
def test_a_weight_of_two_is_the_row_twice(rows: int, seed: int) -> None:
    p, true, weights = random_predictions(rows, seed)
    weighted = cr.ClassificationEvaluation.of(
        p, np.array(true), ABC, weights=np.array(weights, dtype=float), n_resamples=0
    )
    repeated = cr.ClassificationEvaluation.of(
        np.repeat(p, weights, axis=0), np.repeat(true, weights), ABC, n_resamples=0
    )
    assert weighted.metrics() == pytest.approx(repeated.metrics(), nan_ok=True)
    assert weighted.baseline == pytest.approx(repeated.baseline, nan_ok=True)


def test_perfect_and_worst_predictions() -> None:
    true, sure = np.array([0, 1, 2, 0]), np.eye(3)[[0, 1, 2, 0]]
    best = cr.ClassificationEvaluation.of(sure, true, ABC)
    assert (best.accuracy, best.log_loss, best.auc, best.f1, best.brier) == (1.0, 0.0, 1.0, 1.0, 0.0)
    assert best.largest_errors() == []
    worst = cr.ClassificationEvaluation.of(sure[[1, 2, 0, 1]], true, ABC)
    assert (worst.accuracy, worst.brier) == (0.0, 2.0)
    assert worst.log_loss == pytest.approx(-math.log(1e-15))


def test_predictions_without_a_difference_have_an_area_of_half() -> None:
    out = cr.ClassificationEvaluation.of(np.full((12, 2), 0.5), np.arange(12) % 2, (0, 1), n_resamples=10)
    assert out.auc == 0.5
    assert out.intervals["auc"] == (0.5, 0.5)


def test_there_are_no_intervals_from_fewer_than_ten_rows() -> None:
    p, true, _ = random_predictions(40, 0)
    few = cr.ClassificationEvaluation.of(p[:9], np.array(true[:9]), ABC)
    assert (few.intervals, few.gain) == ({}, {})
    assert all(c.f1_interval is None for c in few.per_class)
    assert few.table()["low"].null_count() == len(few.table())
    order = np.argsort(np.array(true) == 2, kind="stable")  # the rows of the last class are at the end
    rows = order[: int((np.array(true) != 2).sum()) + 9]
    lacking = cr.ClassificationEvaluation.of(p[rows], np.array(true)[rows], ABC)
    assert lacking.per_class[2].rows <= 9
    assert lacking.per_class[2].f1_interval is None
    assert lacking.per_class[0].rows >= 10
    assert lacking.per_class[0].f1_interval is not None
    assert "f1" in lacking.intervals


def test_the_baseline_predicts_the_most_frequent_class_of_the_training_rows() -> None:
    p, true, _ = random_predictions(30, 0)
    out = cr.ClassificationEvaluation.of(p, np.array(true), ABC, baseline=np.array([0.2, 0.5, 0.3]))
    assert out.baseline["accuracy"] == true.count(1) / 30
    shares = [0.2, 0.5, 0.3]
    assert out.baseline["log_loss"] == pytest.approx(-sum(math.log(shares[t]) for t in true) / 30)
    assert out.baseline["auc"] == 0.5


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    """For many samples in which each row is right with probability 0.8, about 95 % of the intervals contain 0.8."""
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(200):
        right = rng.random(150) < 0.8
        p = np.column_stack([right, ~right]).astype(float)
        low, high = cr.ClassificationEvaluation.of(p, np.zeros(150, dtype=int), ("x", "y"), n_resamples=200).intervals[
            "accuracy"
        ]
        hits += low <= 0.8 <= high
    assert 176 <= hits <= 199


def test_a_gain_that_is_sure_and_one_that_is_not() -> None:
    true = np.array([0, 1] * 40)
    sure = np.eye(2)[true] * 0.8 + 0.1
    low, high = cr.ClassificationEvaluation.of(sure, true, ("x", "y")).gain["accuracy"]
    assert 0 < low <= high
    same = np.tile([0.5, 0.5], (80, 1))
    assert cr.ClassificationEvaluation.of(same, true, ("x", "y"), baseline=np.array([0.5, 0.5])).gain["accuracy"] == (
        0.0,
        0.0,
    )


def test_the_same_rows_give_the_same_intervals() -> None:
    p, true, _ = random_predictions(50, 1)
    first, second = (cr.ClassificationEvaluation.of(p, np.array(true), ABC).to_dict() for _ in range(2))
    assert first == second
    assert json.loads(json.dumps(first, allow_nan=False)) == {**first, "classes": list(ABC)}


def test_the_largest_errors_come_first() -> None:
    p = np.array([[0.9, 0.1], [0.3, 0.7], [0.4, 0.6], [0.2, 0.8]])
    mistaken = cr.ClassificationEvaluation.of(p, np.array([1, 0, 1, 0]), ("no", "yes")).largest_errors(2)
    assert [(m.row, m.true, m.predicted, m.probability) for m in mistaken] == [
        (0, "yes", "no", 0.9),
        (3, "no", "yes", 0.8),
    ]


def test_the_hardest_classes_come_first() -> None:
    p = np.eye(4)[[0, 1, 0, 2, 1]]
    evaluation = cr.ClassificationEvaluation.of(p, np.array([0, 1, 1, 2, 2]), ("a", "b", "c", "absent"), n_resamples=0)
    hardest = evaluation.hardest_classes()
    assert [(c.name, round(c.f1, 3)) for c in hardest] == [("b", 0.5), ("a", 0.667), ("c", 0.667)]
    assert evaluation.hardest_classes(1) == hardest[:1]


def test_a_threshold_changes_the_predicted_classes() -> None:
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.4, 0.6]])
    out = cr.ClassificationEvaluation.of(p, np.array([0, 1, 1]), ("no", "yes"), threshold=0.3)
    assert out.confusion.tolist() == [[1, 0], [0, 2]]
    assert out.log_loss == cr.ClassificationEvaluation.of(p, np.array([0, 1, 1]), ("no", "yes")).log_loss


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"weights": np.zeros(3)}, "sample_weight: all are zero"),
        ({"weights": np.array([1.0, -1, 1])}, "sample_weight: row 1 weighs -1"),
        ({"weights": np.ones(2)}, r"sample_weight: has shape \(2,\); needs one number for each of the 3 rows"),
        ({"n_resamples": -1}, "n_resamples: got -1; needs a whole number"),
        ({"threshold": 0.5}, "threshold: got 0.5, but there are 3 classes"),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.CrecheError, match=message):
        cr.ClassificationEvaluation.of(np.full((3, 3), 1 / 3), np.array([0, 1, 2]), ABC, **arguments)


def test_a_hundred_rows_take_no_time_and_a_million_little_memory() -> None:
    import tracemalloc

    rng = np.random.default_rng(0)
    p = rng.random((300_000, 2))
    tracemalloc.start()
    cr.ClassificationEvaluation.of(
        p / p.sum(axis=1, keepdims=True), rng.integers(0, 2, 300_000), ("x", "y"), n_resamples=3
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 200e6


def test_the_f1_of_each_class_has_an_interval() -> None:
    """That of two classes is known: of the second, F1 on resampled rows, counted one resample after the other."""
    p, true, _ = random_predictions(60, seed=1)
    out = cr.ClassificationEvaluation.of(p, np.array(true), ABC, n_resamples=400)
    predicted = p.argmax(axis=1)
    rng = np.random.default_rng(0)
    for c, of_class in enumerate(out.per_class):
        drawn = []
        for _ in range(400):
            rows = rng.integers(60, size=60)
            is_class, predicted_class = np.array(true)[rows] == c, predicted[rows] == c
            drawn.append(2 * (is_class & predicted_class).sum() / (is_class.sum() + predicted_class.sum()))
        assert of_class.f1_interval is not None
        assert of_class.f1_interval == pytest.approx(np.percentile(drawn, [2.5, 97.5]), abs=0.05)
        assert of_class.f1_interval[0] <= of_class.f1 <= of_class.f1_interval[1]
    data = json.loads(json.dumps(out.to_dict(), allow_nan=False))
    assert [c["f1_interval"] for c in data["per_class"]] == [list(c.f1_interval or ()) for c in out.per_class]
    assert set(out.intervals) == set(out.metrics())
    assert cr.ClassificationEvaluation.of(p, np.array(true), ABC, n_resamples=0).per_class[0].f1_interval is None


@pytest.mark.parametrize("limit", [-1, 1.5, True])
def test_an_invalid_limit_is_refused(limit: Any) -> None:
    p, true, _ = random_predictions(9, seed=1)
    with pytest.raises(cr.PlanError, match=r"limit: got .*; needs a whole number, 0 for none"):
        cr.ClassificationEvaluation.of(p, np.array(true), ABC, n_resamples=0).largest_errors(limit)
    with pytest.raises(cr.PlanError, match="limit: got"):
        cr.RegressionEvaluation.of(p[:, 0], p[:, 1], n_resamples=0).largest_errors(limit)
