"""Resampled metrics and their intervals, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from creche._progress import watch_steps
from creche.engine.resampling import sum_weighted
from creche.errors import PlanError, TableError
from creche.evaluation.bootstrap import check_count, check_weights, differences, intervals, resample_metrics


def test_resampled_means_spread_like_the_standard_error() -> None:
    values = np.random.default_rng(0).standard_normal(400)
    samples = resample_metrics([lambda w: {"mean": w @ values / w.sum(axis=1)}], np.ones(400), 2000)[0]
    assert samples["mean"].shape == (2000,)
    assert samples["mean"].std() == pytest.approx(values.std() / 20, rel=0.1)
    low, high = intervals(samples)["mean"]
    assert (low, high) == tuple(np.percentile(samples["mean"], [2.5, 97.5]))


def test_resamples_are_the_same_each_time_and_weighted() -> None:
    weights = np.array([0.0, 1.0, 2.0, 0.0] + [1.0] * 8)
    first, second = (resample_metrics([lambda w: {"w": w[:, 2]}], weights, 100)[0]["w"] for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert set(np.unique(first)) <= {2.0 * drawn for drawn in range(13)}


@pytest.mark.parametrize("weights", [np.ones(9), np.array([1.0] * 9 + [0.0] * 5)])
def test_fewer_than_ten_rows_are_not_resampled(weights: np.ndarray) -> None:
    assert resample_metrics([lambda w: {"w": w[:, 0]}], weights, 100) == [{}]
    assert len(resample_metrics([lambda w: {"w": w[:, 0]}], np.append(weights, 1.0), 100)[0]["w"]) == 100
    with pytest.raises(PlanError, match="n_resamples"):
        resample_metrics([lambda w: {"w": w[:, 0]}], weights, -1)


def test_very_many_rows_get_fewer_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.evaluation.bootstrap.MAX_DRAWS", 10_000)
    count = {n: len(resample_metrics([lambda w: {"n": w[:, 0]}], np.ones(n), 1000)[0]["n"]) for n in (10, 100, 5000)}
    assert count == {10: 1000, 100: 100, 5000: 50}


@pytest.mark.parametrize("draws", [1, 1000, 10_000_000])
def test_predictors_are_measured_on_the_same_resamples_however_many_at_a_time(
    monkeypatch: pytest.MonkeyPatch, draws: int
) -> None:
    weights = np.arange(40) % 3 / 2

    def weigh(w: np.ndarray) -> dict[str, np.ndarray]:
        return {str(row): w[:, row] for row in range(40)}

    (expected,) = resample_metrics([weigh], weights, 70)
    monkeypatch.setattr("creche.evaluation.bootstrap.DRAWS_AT_A_TIME", draws)
    for samples in resample_metrics([weigh, weigh], weights, 70):
        assert samples.keys() == expected.keys()
        for name in expected:
            np.testing.assert_array_equal(samples[name], expected[name])


def test_resamples_without_a_value_are_left_out() -> None:
    assert intervals({"auc": np.array([np.nan, 0.5, 0.5]), "r2": np.array([np.nan])}) == {"auc": (0.5, 0.5)}
    assert differences({"a": np.ones(3), "b": np.ones(3)}, {"a": np.zeros(3)}) == {"a": (1.0, 1.0)}


@pytest.mark.parametrize("value", [-1, 1.5, True, "3", None])
def test_counts_are_whole_numbers(value: Any) -> None:
    with pytest.raises(PlanError, match=r"n_resamples: got .*; needs a whole number, 0 for none"):
        check_count("n_resamples", value)


def test_weights_are_one_finite_number_for_each_row() -> None:
    np.testing.assert_array_equal(check_weights(None, 3), np.ones(3))
    for wrong in ([1.0], [1.0, np.inf], [0.0, 0.0], [1.0, -1.0]):
        with pytest.raises(TableError, match="sample_weight: "):
            check_weights(wrong, 2)


@pytest.mark.parametrize("weights", [np.ones(400), np.arange(400) % 5 / 3])
def test_any_number_of_threads_gives_the_same_bytes_and_reports_all_resamples(
    monkeypatch: pytest.MonkeyPatch, weights: np.ndarray
) -> None:
    values = np.random.default_rng(0).standard_normal(400)
    monkeypatch.setattr("creche.evaluation.bootstrap.DRAWS_AT_A_TIME", 400 * 8)  # many blocks
    found, seen = [], []
    for threads in (1, 2, 7):
        monkeypatch.setenv("CRECHE_NUM_THREADS", str(threads))
        with watch_steps(lambda step: seen.append(step.done)):
            (samples,) = resample_metrics([lambda w: {"mean": sum_weighted(w, values)}], weights, 300)
        found.append(samples["mean"].tobytes())
        assert seen == sorted(seen)
        assert seen.pop() == 300
        seen.clear()
    assert len(set(found)) == 1


def test_an_error_in_a_later_block_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.evaluation.bootstrap.DRAWS_AT_A_TIME", 400 * 8)
    blocks = []

    def measure(w: np.ndarray) -> dict[str, np.ndarray]:
        blocks.append(len(w))
        if len(blocks) > 3:
            raise ZeroDivisionError("the fourth block")
        return {"w": w[:, 0]}

    with pytest.raises(ZeroDivisionError, match="the fourth block"):
        resample_metrics([measure], np.ones(400), 300)
