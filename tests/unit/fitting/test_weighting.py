"""Greedy weights against plain loops, and the losses against formulas."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from creche.fitting import weighting
from creche.fitting.weighting import STEPS, score_mean, select_weights
from creche.table.split import hash_sequence
from tests.unit.fitting.small_fits import judged_classes, judged_numbers

Array = NDArray[np.float64]
ROWS = 24


def greedy(losses_of: list[list[list[float]]], chosen: list[int], weights: list[float], *, log: bool) -> list[float]:
    """Select with replacement, one value at a time; values are p(true class), or errors of several labels."""

    def loss(counts: dict[int, int]) -> float:
        size, total = sum(counts.values()), 0.0
        for row, weight in enumerate(weights):
            labels = len(losses_of[0][row])
            for label in range(labels):
                mean = sum(count * losses_of[m][row][label] for m, count in counts.items()) / size
                total += weight * (-math.log(max(mean, 1e-7)) if log else mean * mean) / labels
        return total

    counts: dict[int, int] = {}
    best: tuple[float, dict[int, int]] = (math.inf, {})
    for _ in range(STEPS):
        tried = {m: loss({**counts, m: counts.get(m, 0) + 1}) for m in chosen}
        member = min(tried, key=lambda m: tried[m])
        counts[member] = counts.get(member, 0) + 1
        best = min(best, (tried[member], dict(counts)), key=lambda pair: pair[0])
    size = sum(best[1].values())
    return [best[1].get(m, 0) / size for m in range(len(losses_of))]


@pytest.fixture(autouse=True, scope="module")
def _selects_on_few_rows() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(weighting, "MIN_ROWS", 1)
        yield


@given(members=st.integers(2, 3), seed=st.integers(0, 500))
def test_weights_of_classes_equal_the_reference(members: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    predicted = list(rng.dirichlet(np.ones(3), (members, ROWS)))
    true, weights = rng.integers(0, 3, ROWS), rng.integers(1, 4, ROWS)
    judged = judged_classes(true, weights)
    values = [[[float(p[row, true[row]])] for row in range(ROWS)] for p in predicted]
    reference = greedy(values, list(range(members)), judged.weights.tolist(), log=True)
    np.testing.assert_allclose(select_weights(predicted, judged, 0), reference, rtol=1e-12)


@given(members=st.integers(2, 3), seed=st.integers(0, 500))
def test_weights_of_numbers_equal_the_reference(members: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    true = rng.standard_normal((ROWS, 2)) * [1, 1000]
    predicted = [true + rng.standard_normal((ROWS, 2)) * [1, 1000] for _ in range(members)]
    judged = judged_numbers(true)
    errors = [((each - true) / true.std(axis=0)).tolist() for each in predicted]
    reference = greedy(errors, list(range(members)), judged.weights.tolist(), log=False)
    np.testing.assert_allclose(select_weights(predicted, judged, 0), reference, rtol=1e-12)


def test_random_halves_of_many_candidates_are_averaged() -> None:
    rng = np.random.default_rng(3)
    predicted = list(rng.dirichlet(np.ones(2), (5, ROWS)))
    judged = judged_classes(rng.integers(0, 2, ROWS))
    assert judged.classes is not None
    values = [[[float(p[row, judged.classes[row]])] for row in range(ROWS)] for p in predicted]
    selections = [list(range(5))]
    for bag in range(weighting.BAGS):
        selections.append(sorted(np.argsort(hash_sequence(7 * weighting.BAGS + bag, 5))[:3].tolist()))
    each = [greedy(values, chosen, judged.weights.tolist(), log=True) for chosen in selections]
    np.testing.assert_allclose(select_weights(predicted, judged, 7), np.mean(each, axis=0), rtol=1e-12)


def test_few_rows_and_one_candidate_need_no_selection(monkeypatch: pytest.MonkeyPatch) -> None:
    judged = judged_classes([0, 1])
    good, bad = np.array([[0.9, 0.1], [0.1, 0.9]]), np.array([[0.1, 0.9], [0.9, 0.1]])
    assert select_weights([good], judged, 0).tolist() == [1.0]
    assert select_weights([bad, good], judged, 0).tolist() == [0.0, 1.0]
    monkeypatch.setattr(weighting, "MIN_ROWS", 3)
    assert select_weights([bad, good], judged, 0).tolist() == [0.5, 0.5]


def test_scores_are_the_weighted_mean_losses() -> None:
    judged = judged_classes([0, 1, 1], [1, 2, 1])
    predicted = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0]])
    expected = -(math.log(0.5) + 2 * math.log(0.75) + math.log(1e-7)) / 4
    assert score_mean(predicted, judged) == pytest.approx(expected, rel=1e-14)
    assert score_mean(np.array([[1.0, 5.0], [2.0, 4.0]]), judged_numbers([[0, 5], [0, 0]])) == 21 / 4
