"""Weights against plain loops and a general minimizer, and the losses against formulas."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import minimize

from creche.fitting import weighting
from creche.fitting.weighting import FEW_ROWS, FEW_ROWS_STEPS, STEPS, fit_weights, score_mean
from tests.unit.fitting.small_fits import judged_classes, judged_numbers

Array = NDArray[np.float64]
ROWS = 24


def mixture_shares(true: list[list[float]], rows_each: list[float], prior: float, steps: int) -> list[float]:
    """The EM algorithm for the shares of a mixture, one number at a time; true[row][candidate]."""
    count = len(true[0])
    shares = [1.0 / count] * count
    for _ in range(steps):
        totals = [prior] * count
        for row, weight in zip(true, rows_each, strict=True):
            mean = sum(share * p for share, p in zip(shares, row, strict=True))
            for m in range(count):
                totals[m] += weight * shares[m] * row[m] / mean
        shares = [total / sum(totals) for total in totals]
    kept = [share if share * count >= weighting.LEAST_SHARE else 0.0 for share in shares]
    return [share / sum(kept) for share in kept]


@given(members=st.integers(2, 4), seed=st.integers(0, 500))
def test_weights_of_classes_equal_the_reference(members: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    predicted = list(rng.dirichlet(np.ones(3), (members, ROWS)))
    true, weights = rng.integers(0, 3, ROWS), rng.integers(1, 4, ROWS)
    judged = judged_classes(true, weights)
    of_true = [[float(p[row, true[row]]) for p in predicted] for row in range(ROWS)]
    reference = mixture_shares(of_true, (judged.weights * ROWS).tolist(), weighting.PRIOR_ROWS, FEW_ROWS_STEPS)
    np.testing.assert_allclose(fit_weights(predicted, judged), reference, rtol=1e-9)


@pytest.mark.parametrize(("rows", "steps"), [(FEW_ROWS - 1, FEW_ROWS_STEPS), (FEW_ROWS, STEPS)])
def test_tables_of_few_rows_keep_their_weights_nearer_to_equal_ones(rows: int, steps: int) -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, rows)
    predicted = [
        np.where(np.arange(3) == true[:, np.newaxis], p, (1 - p) / 2) for p in rng.uniform(0.4, 0.6, (2, rows, 1))
    ]
    of_true = [[float(p[row, true[row]]) for p in predicted] for row in range(rows)]
    reference = mixture_shares(of_true, [1.0] * rows, weighting.PRIOR_ROWS, steps)
    np.testing.assert_allclose(fit_weights(predicted, judged_classes(true)), reference, rtol=1e-9)


def lowest_loss(loss: Callable[[Array], float], count: int) -> float:
    """The lowest loss of any weights of 0 or more that sum to 1."""
    found = minimize(
        loss,
        np.full(count, 1 / count),
        bounds=[(0, 1)] * count,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
    )
    return float(found.fun)


@pytest.mark.parametrize("seed", range(3))
def test_the_weights_minimize_the_loss(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighting, "PRIOR_ROWS", 1e-9)
    monkeypatch.setattr(weighting, "FEW_ROWS_STEPS", 2000)
    rng = np.random.default_rng(seed)
    classes = rng.integers(0, 3, 200)
    noise = [0.5, 1.0, 2.0]
    probabilities = [
        np.exp(each) / np.exp(each).sum(axis=1, keepdims=True)
        for each in (2 * np.eye(3)[classes] + scale * rng.standard_normal((200, 3)) for scale in noise)
    ]
    numbers = rng.standard_normal((200, 1)) * 1000
    estimates = [numbers + 1000 * scale * rng.standard_normal((200, 1)) for scale in noise]
    three = np.repeat(numbers, 3, axis=1)
    levels = [three + [[-900, 0, 900]] + 1000 * scale * rng.standard_normal((200, 3)) for scale in noise]
    cases = [
        (probabilities, judged_classes(classes)), (estimates, judged_numbers(numbers)),
        (levels, judged_numbers(three, (0.1, 0.5, 0.9))),
    ]  # fmt: skip
    for predicted, judged in cases:

        def loss(weights: Array, predicted: list[Array] = predicted, judged: object = judged) -> float:
            mean = sum(w * each for w, each in zip(weights, predicted, strict=True))
            scale = 1.0 if judged.classes is not None else 1e-6  # type: ignore[attr-defined]
            return score_mean(np.asarray(mean), judged) * scale  # type: ignore[arg-type]

        assert loss(fit_weights(predicted, judged)) < lowest_loss(loss, 3) * (1 + 1e-3)


def test_the_prior_holds_the_weights_of_few_rows_together() -> None:
    rng = np.random.default_rng(0)

    def spread(rows: int) -> float:
        classes = rng.integers(0, 2, rows)
        good, bad = (np.where(np.eye(2)[classes] > 0, p, 1 - p) for p in (0.8, 0.3))
        weights = fit_weights([good, bad], judged_classes(classes))
        return float(weights[0] - weights[1])

    assert 0 < spread(4) < spread(400) <= 1


def test_one_candidate_and_perfect_candidates_need_no_updates() -> None:
    assert fit_weights([np.array([[0.9, 0.1], [0.1, 0.9]])], judged_classes([0, 1])).tolist() == [1.0]
    numbers = np.array([[1.0], [2.0]])
    assert fit_weights([numbers, numbers], judged_numbers(numbers)).tolist() == [0.5, 0.5]


def test_scores_are_the_weighted_mean_losses() -> None:
    judged = judged_classes([0, 1, 1], [1, 2, 1])
    predicted = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    expected = -(math.log(0.5) + 2 * math.log(0.75) + math.log(1e-7)) / 4
    assert score_mean(predicted, judged) == pytest.approx(expected, rel=1e-14)
    assert score_mean(np.array([[1.0, 5.0], [2.0, 4.0]]), judged_numbers([[0, 5], [0, 0]])) == 21 / 4


def test_candidates_far_behind_the_best_get_no_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighting, "LEAST_SHARE", 0.0)
    rng = np.random.default_rng(0)
    numbers = rng.standard_normal((300, 1))
    noise = rng.standard_normal((300, 1))
    errors = [0.5, 0.51, 0.52, 0.53, 0.6, 0.524, 2.0]  # root mean squared, relative to one another
    weights = fit_weights([numbers + error * noise for error in errors], judged_numbers(numbers))
    assert (weights > 0).tolist() == [True, True, True, False, False, True, False]


def test_some_are_weighted_wherever_they_are_and_of_many_the_best(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weighting, "LEAST_SHARE", 0.0)
    classes = np.arange(200) % 2
    rng = np.random.default_rng(1)

    def predict(share: float) -> Array:
        """Return probabilities of 0.9 that are right for this share of the rows."""
        right = rng.permutation(200) < 200 * share
        return np.where(np.eye(2)[np.where(right, classes, 1 - classes)] > 0, 0.9, 0.1)

    few = [predict(share) for share in (0.9, 0.8, 0.7, 0.5, 0.4, 0.3)]
    assert np.flatnonzero(fit_weights(few, judged_classes(classes))).tolist() == [0, 1, 2, 3]
    many = [predict(0.9) for _ in range(weighting.MOST_WEIGHTED + 5)]
    assert np.count_nonzero(fit_weights(many, judged_classes(classes))) == weighting.MOST_WEIGHTED
