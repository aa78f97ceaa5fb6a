from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.evaluation import choose_threshold
from tests.unit.small_runs import line, quick, two_classes


def brute_force(score: list[float], true: list[int], weights: list[float], by: str, at: float) -> float:
    predicted = [s >= at for s in score]
    hit = sum(w for w, s, t in zip(weights, predicted, true, strict=True) if s and t)
    false = sum(w for w, s, t in zip(weights, predicted, true, strict=True) if s and not t)
    missed = sum(w for w, s, t in zip(weights, predicted, true, strict=True) if t and not s)
    left = sum(w for w, s, t in zip(weights, predicted, true, strict=True) if not t and not s)
    total = sum(weights)
    return {
        "f1": 2 * hit / (2 * hit + false + missed) if hit + false + missed else 0.0,
        "accuracy": (hit + left) / total,
        "balanced_accuracy": (hit / (hit + missed) + left / (left + false)) / 2,
        "cost": -(1 * false + 7 * missed) / total,
    }[by]


@given(
    st.lists(st.tuples(st.integers(0, 10), st.integers(0, 1), st.integers(1, 3)), min_size=2, max_size=25),
    st.sampled_from(["f1", "accuracy", "balanced_accuracy", "cost"]),
)
def test_no_threshold_is_better(rows: list[tuple[int, int, int]], by: str) -> None:
    score, true, weights = ([*column] for column in zip(*rows, strict=True))
    score = [s / 10 for s in score]
    true[:2] = [0, 1]
    how: dict[str, Any] = {"costs": (1, 7)} if by == "cost" else {"metric": by}
    p = np.column_stack([1 - np.array(score), score])
    chosen = choose_threshold(p, np.array(true), weights=np.array(weights, dtype=float), **how)
    value = brute_force(score, true, weights, by, chosen.threshold)
    assert chosen.value == pytest.approx(-value if by == "cost" else value)
    for at in [*score, 0.5]:
        assert brute_force(score, true, weights, by, at) <= value + 1e-12


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({}, "needs either a metric or the costs of both mistakes"),
        ({"metric": "f1", "costs": (1, 2)}, "and not both"),
        ({"metric": "f2"}, "metric: got 'f2'; did you mean 'f1'"),
        ({"costs": (1, -2)}, "costs: got "),
        ({"costs": (0, 0)}, "not both 0"),
    ],
)
def test_invalid_arguments_are_refused(how: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        choose_threshold(np.full((4, 2), 0.5), np.array([0, 1, 0, 1]), **how)


def test_both_classes_are_needed() -> None:
    with pytest.raises(cr.TableError, match="only one class occurs"):
        choose_threshold(np.full((2, 2), 0.5), np.array([1, 1]), metric="f1")
    with pytest.raises(cr.TableError, match="only be chosen for models of two classes"):
        choose_threshold(np.full((2, 3), 0.5), np.array([1, 1]), metric="f1")


def test_a_models_threshold() -> None:
    x, y = two_classes(200)
    model = quick(x, y, epochs=3).model
    chosen = model.choose_threshold(x, y, costs=(1, 10))
    with_it = model.evaluate(x, y, threshold=chosen.threshold, n_resamples=0)
    assert isinstance(with_it, cr.ClassificationEvaluation)
    cost = with_it.confusion[0, 1] + 10 * with_it.confusion[1, 0]
    assert cost / 200 == pytest.approx(chosen.value)
    assert chosen.value <= chosen.value_at_half
    with pytest.raises(cr.TableError, match="two classes only"):
        quick(*line()).model.evaluate(*line(), threshold=0.3)
