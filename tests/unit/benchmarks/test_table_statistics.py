"""Statistics of the benchmark on tables, against their definitions and SciPy."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.tables import aggregate

stats = pytest.importorskip("scipy.stats")

ERRORS = np.array([[0.2, 0.4, 0.3], [0.4, 0.4, 0.1], [0.8, 0.2, 0.6]])


def test_a_ratio_is_the_geometric_mean() -> None:
    ratio = aggregate.estimate_ratio(ERRORS[0], ERRORS[1])
    assert ratio.value == pytest.approx((0.5 * 1 * 3) ** (1 / 3))
    assert ratio.low == pytest.approx(0.5)  # one table three times
    assert ratio.high == pytest.approx(3.0)


def test_one_solved_table_does_not_decide_a_ratio() -> None:
    ratio = aggregate.estimate_ratio(np.array([1e-9, 1.0]), np.array([1e-3, 1.0]))
    assert ratio.value == 1.0


def test_the_interval_of_a_mean_is_about_that_of_the_normal_distribution() -> None:
    values = np.random.default_rng(0).normal(size=(1, 400))
    [mean] = aggregate.estimate_means(values)
    standard_error = values.std() / 20
    assert mean.low == pytest.approx(mean.value - 1.96 * standard_error, abs=0.1 * standard_error)
    assert mean.high == pytest.approx(mean.value + 1.96 * standard_error, abs=0.1 * standard_error)


def test_ranks_are_those_of_scipy() -> None:
    rng = np.random.default_rng(0)
    errors = rng.integers(4, size=(6, 20)).astype(float)
    assert np.array_equal(aggregate.rank_systems(errors), stats.rankdata(errors, axis=0))


def test_improvability_is_the_gap_to_the_best() -> None:
    assert aggregate.find_improvability(ERRORS)[:, 0] == pytest.approx([0, 50, 75])


def test_ratings_are_at_the_maximum_of_the_likelihood() -> None:
    wins = np.array([[[0, 7, 9], [3, 0, 6], [1, 4, 0]]], dtype=float)
    [ratings] = aggregate.fit_bradley_terry(wins)
    gains = wins[0] + 0.5 * (1 - np.eye(3))
    expected = 1 / (1 + 10 ** ((ratings[None, :] - ratings[:, None]) / 400))
    played = gains + gains.T
    assert gains.sum(axis=1) == pytest.approx((played * expected).sum(axis=1), rel=1e-6)


def test_a_system_that_wins_ten_to_one_is_400_ahead() -> None:
    [ratings] = aggregate.fit_bradley_terry(np.array([[[0, 99.5], [9.5, 0]]]))
    assert ratings[0] - ratings[1] == pytest.approx(400)


def test_the_reference_has_its_rating() -> None:
    elo = aggregate.estimate_elo(ERRORS, reference=1)
    assert (elo[1].value, elo[1].low, elo[1].high) == pytest.approx((1_000, 1_000, 1_000))
    assert elo[0].low <= elo[0].value <= elo[0].high


def test_splits_without_shared_rows_give_the_usual_t() -> None:
    differences = np.random.default_rng(0).normal(0.4, 1.0, size=12)
    expected = stats.ttest_1samp(differences, 0).pvalue
    assert aggregate.compare_splits(differences, 0.0) == pytest.approx(expected)
    assert aggregate.compare_splits(differences, 0.25) > expected


@pytest.mark.parametrize(
    ("differences", "p"), [([0.1], float("nan")), ([0.0, 0.0], 1.0), ([0.1, 0.1], 0.0)], ids=["one", "equal", "same"]
)
def test_splits_without_spread(differences: list[float], p: float) -> None:
    assert aggregate.compare_splits(differences, 0.25) == pytest.approx(p, nan_ok=True)


def test_p_values_are_adjusted_by_holm() -> None:
    rng = np.random.default_rng(0)
    ratios = {"a": rng.normal(0.5, 1, 15), "b": rng.normal(0.6, 1, 15), "c": rng.normal(0, 1, 15)}
    raw = {name: stats.wilcoxon(values).pvalue for name, values in ratios.items()}
    first, second, third = sorted(raw, key=raw.__getitem__)
    adjusted = aggregate.adjust_signed_ranks(ratios)
    assert adjusted[first] == pytest.approx(3 * raw[first])
    assert adjusted[second] == pytest.approx(max(3 * raw[first], 2 * raw[second]))
    assert adjusted[third] == pytest.approx(max(adjusted[second], raw[third]))
    assert aggregate.adjust_signed_ranks({"same": np.zeros(5)}) == {"same": 1.0}
