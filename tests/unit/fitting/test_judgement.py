"""Conformity scores, and the coverage that intervals and sets of a fitted model have on other rows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import creche as cr
from creche.fitting.judgement import KEPT_SCORES, conformity_scores
from tests.unit.fitting.small_fits import judged_classes, judged_numbers, make_tiny

Array = NDArray[np.float64]
COVERAGES = (0.5, 0.8, 0.9, 0.95)
NEW = 20_000


def noisy(rows: int, seed: int) -> tuple[Array, Array, Array]:
    """Numbers with noise that depends on the column, and classes that are drawn from probabilities."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (rows, 2))
    numbers = 10 * x[:, 0] + (1 + x[:, 1]) * rng.standard_normal(rows)
    p = np.exp(np.column_stack([2 * x[:, 0], 2 * x[:, 1], np.zeros(rows)]))
    classes = (rng.random(rows)[:, np.newaxis] > np.cumsum(p / p.sum(axis=1, keepdims=True), axis=1)).sum(axis=1)
    return x, numbers, classes


@pytest.fixture(scope="module")
def models() -> tuple[cr.FittedModel, cr.FittedModel]:
    x, numbers, classes = noisy(1500, 0)
    with pytest.MonkeyPatch.context() as patch:
        make_tiny(patch)
        fitted = [cr.fit(x, y, effort="fast", threads=1) for y in (numbers, classes.astype(str))]
    return fitted[0], fitted[1]


def allowed_error(coverage: float) -> float:
    """Four standard errors, of the new rows and of the 1,500 rows whose scores are known."""
    return 4 * float(np.sqrt(coverage * (1 - coverage) * (1 / NEW + 1 / 1500)))


@pytest.mark.parametrize("coverage", COVERAGES)
def test_intervals_hold_their_coverage_on_new_rows(
    models: tuple[cr.FittedModel, cr.FittedModel], coverage: float
) -> None:
    x, numbers, _ = noisy(NEW, 1)
    predicted, interval = models[0].predict(x, interval=coverage)
    np.testing.assert_array_equal(interval.mean(axis=1).round(9), predicted.round(9))
    held = ((interval[:, 0] <= numbers) & (numbers <= interval[:, 1])).mean()
    assert abs(held - coverage) < allowed_error(coverage)


@pytest.mark.parametrize("coverage", COVERAGES)
def test_sets_hold_their_coverage_on_new_rows(models: tuple[cr.FittedModel, cr.FittedModel], coverage: float) -> None:
    x, _, classes = noisy(NEW, 2)
    predicted, sets = models[1].predict(x, interval=coverage)
    assert sets.any(axis=1).all()
    assert sets[np.arange(NEW), predicted.astype(int)].all()
    held = sets[np.arange(NEW), classes].mean()
    assert held > coverage - allowed_error(coverage)  # never empty, so sometimes more than asked for
    if coverage >= 0.9:
        assert held < coverage + allowed_error(coverage)


def test_scores_are_absolute_errors_or_what_the_true_class_lacks() -> None:
    assert conformity_scores(np.array([[1.0], [5.0]]), judged_numbers([[4.0], [4.0]])).tolist() == [1.0, 3.0]
    predicted = np.array([[0.75, 0.25], [0.5, 0.5], [0.0, 1.0]])
    assert conformity_scores(predicted, judged_classes([0, 1, 0])).tolist() == [0.25, 0.5, 1.0]


@pytest.mark.parametrize("rows", [KEPT_SCORES, KEPT_SCORES + 1, 2500, 7919])
def test_of_many_scores_evenly_spaced_ranks_are_kept(rows: int) -> None:
    scores = conformity_scores(
        np.random.default_rng(0).permutation(rows)[:, None] + 1.0, judged_numbers([[0.0]] * rows)
    )
    assert len(scores) == KEPT_SCORES
    assert scores[-1] == rows
    assert scores.tolist() == [-(-(i + 1) * rows // KEPT_SCORES) for i in range(KEPT_SCORES)]
