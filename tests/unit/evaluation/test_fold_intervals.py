"""The spread of a metric over folds and seeds, and Student's distribution, against NumPy, scipy and simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from creche.evaluation.fold_intervals import Spread, t_quantile
from creche.table.folds import assign_folds


@given(st.floats(0.001, 0.9999), st.integers(1, 2000))
def test_students_quantiles_are_those_of_scipy(covered: float, freedom: int) -> None:
    assert t_quantile(covered, freedom) == pytest.approx(t.ppf((1 + covered) / 2, freedom), rel=1e-9)


@given(st.lists(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=4), min_size=2, max_size=12), st.floats(0.01, 1))
def test_the_interval_is_the_corrected_one(splits: list[list[float]], ratio: float) -> None:
    spread = Spread.of(splits, ratio, "r2")
    means = [np.mean(values) for values in splits]
    off = t.ppf(0.975, len(means) - 1) * np.sqrt((1 / len(means) + ratio) * np.var(means, ddof=1))
    assert spread.mean == pytest.approx(np.mean(means))
    assert spread.low == pytest.approx(np.mean(means) - off, abs=1e-9)
    assert spread.high == pytest.approx(min(np.mean(means) + off, 1), abs=1e-9)


def _covers(test_to_train: float) -> float:
    """How often intervals contain the expectation, for the simplest learner: it predicts the mean of its rows.

    Its expected squared error on another row is known: 1 + 1 / n_train.
    """
    rows, k, repeats, tables = 40, 5, 4, 300
    expected = 1 + 1 / (rows * (k - 1) / k)
    hits = 0
    for table in range(tables):
        y = np.random.default_rng(table).standard_normal(rows)
        pairs = assign_folds(rows, k, repeats=repeats, seed=table)
        errors = [[float(((y[held_out] - y[train].mean()) ** 2).mean())] for train, held_out in pairs]
        spread = Spread.of(errors, test_to_train, "rmse")
        hits += spread.low <= expected <= spread.high
    return hits / tables


def test_it_holds_what_it_promises_and_the_naive_one_does_not() -> None:
    assert _covers(1 / 4) > 0.9
    assert _covers(0.0) < 0.8


def test_what_goes_with_the_rows_and_what_with_the_seed() -> None:
    rng = np.random.default_rng(0)
    values = 3 * rng.standard_normal((2000, 1)) + rng.standard_normal((2000, 4))
    spread = Spread.of(values.tolist(), 0.25)
    assert spread.std_of_rows == pytest.approx(3, rel=0.05)
    assert spread.std_of_seed == pytest.approx(1, rel=0.05)
    assert spread.share_of_seed == pytest.approx(0.1, abs=0.01)
    some = Spread.of([row[: 1 + i % 4] for i, row in enumerate(values.tolist())], 0.25)  # not as many seeds of each
    assert some.std_of_rows == pytest.approx(3, rel=0.05)
    assert some.std_of_seed == pytest.approx(1, rel=0.05)
    only_seeds = Spread.of(rng.standard_normal((200, 4)).tolist(), 0.25)
    assert only_seeds.share_of_seed > 0.9


def test_what_cannot_be_told() -> None:
    nan = math.nan
    one = Spread.of([[0.5]], 0.25)
    assert (one.mean, one.splits) == (0.5, 1)
    assert all(math.isnan(v) for v in (one.std, one.low, one.high, one.std_of_rows, one.std_of_seed, one.share_of_seed))
    without_seeds = Spread.of([[0.5], [0.7], [nan]], 0.25, "auc")
    assert (without_seeds.splits, without_seeds.networks) == (2, 2)
    assert math.isnan(without_seeds.share_of_seed)
    assert (without_seeds.low, without_seeds.high) == (0.0, 1.0)  # of t with one degree of freedom
    assert Spread.of([[nan], []], 0.25).networks == 0
    same = Spread.of([[0.5, 0.5], [0.5, 0.5]], 0.25)
    assert (same.low, same.high, same.std_of_seed) == (0.5, 0.5, 0.0)
    assert same.to_dict()["share_of_seed"] is None


def test_folds_of_fewer_than_ten_rows_have_no_interval() -> None:
    splits = [[0.9], [0.94], [0.92]]
    few, enough = (Spread.of(splits, 1 / 2, "accuracy", rows) for rows in (9, 10))
    assert math.isnan(few.low)
    assert math.isnan(few.high)
    assert few.mean == enough.mean
    assert enough.low == Spread.of(splits, 1 / 2, "accuracy").low
