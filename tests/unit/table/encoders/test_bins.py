"""Piecewise-linear codes against one number at a time, and edges against scikit-learn's."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche.table.encoders.bins import MAX_BINS, Bins, are_edges, clean_edges, fit_quantile_edges

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def code(x: float, low: float, high: float) -> float:
    """The code of one number for one bin: equation 1 of arXiv 2203.05556, ended at both sides."""
    if x <= low:
        return 0.0
    return 1.0 if x >= high else (x - low) / (high - low)


@given(
    st.lists(st.integers(-1000, 1000).map(lambda k: k / 8), min_size=2, max_size=20, unique=True).map(sorted),
    st.lists(st.floats(-200, 200), min_size=1, max_size=10),
)
def test_codes_are_those_of_one_number_at_a_time(edges: list[float], values: list[float]) -> None:
    out = np.empty((len(values), len(edges) - 1))
    Bins.between(edges).write(np.array(values), out)
    expected = [[code(x, *pair) for pair in pairwise(edges)] for x in values]
    assert out.tolist() == expected


@given(st.lists(FINITE, min_size=1, max_size=30), st.lists(FINITE, min_size=1, max_size=10))
def test_codes_of_any_numbers_are_shares_in_order(train: list[float], seen: list[float]) -> None:
    edges = clean_edges(np.array(sorted(train)))
    assert are_edges(edges)
    if not edges:
        return
    out = np.empty((len(seen), len(edges) - 1))
    Bins.between(edges).write(np.array(sorted(seen)), out)
    assert ((out >= 0) & (out <= 1)).all()
    assert (np.diff(out, axis=0) >= 0).all()  # a larger number has come further
    assert (np.diff(out, axis=1) <= 0).all()  # and through a bin before the next
    assert ((out == 0) | (out == 1)).sum(axis=1).min() >= out.shape[1] - 1


@pytest.mark.parametrize("is_weighted", [False, True])
def test_quantile_edges_are_those_of_scikit_learn(is_weighted: bool) -> None:
    preprocessing = pytest.importorskip("sklearn.preprocessing")
    random = np.random.default_rng(0)
    for values in (random.lognormal(size=1001), random.integers(0, 40, 500).astype(np.float64)):
        weights = random.integers(1, 4, len(values)).astype(np.float64) if is_weighted else None
        peer = preprocessing.KBinsDiscretizer(
            16, strategy="quantile", quantile_method="averaged_inverted_cdf", subsample=None
        ).fit(values[:, np.newaxis], sample_weight=weights)
        np.testing.assert_array_equal(fit_quantile_edges(values, 16, weights), peer.bin_edges_[0])


def test_a_weight_is_as_many_rows() -> None:
    random = np.random.default_rng(1)
    values, counts = random.normal(size=200).round(1), random.integers(1, 5, 200)
    weighted = fit_quantile_edges(values, 10, counts.astype(np.float64))
    assert weighted == fit_quantile_edges(np.repeat(values, counts), 10)


def test_few_distinct_values_have_no_bins() -> None:
    assert fit_quantile_edges(np.arange(7.0).repeat(2000), 4) == ()
    assert len(fit_quantile_edges(np.arange(8.0).repeat(2000), 4)) == 5


def test_equal_and_nearly_equal_quantiles_are_one_edge() -> None:
    values = np.concatenate([np.zeros(900), np.nextafter(1.0, [0, 1, 2]).repeat(10), np.arange(2.0, 72.0)])
    edges = fit_quantile_edges(values, 100)
    assert edges[0] == 0
    assert edges[-1] == 71
    assert sum(0.9 < edge < 1.1 for edge in edges) == 1


def test_bins_that_a_frequent_value_saves_go_to_the_others() -> None:
    values = np.concatenate([np.zeros(900), np.arange(1.0, 101.0)])
    edges = fit_quantile_edges(values, 20)
    assert 20 <= len(edges) <= 21
    assert edges[0] == 0
    assert edges[-1] == 100
    assert max(np.diff(edges)) <= 7


def test_one_extreme_value_takes_no_other_bin_away() -> None:
    values = np.random.default_rng(2).normal(size=500)
    values[7] = 1e12
    edges = fit_quantile_edges(values, 20)
    assert len(edges) == 21
    assert edges[:-1] == fit_quantile_edges(np.where(values == 1e12, 5.0, values), 20)[:-1]


def test_what_are_edges() -> None:
    assert are_edges(())
    assert are_edges((-1e308, 0.0, 1e308))
    assert not are_edges((1.0,))
    assert not are_edges((1.0, 1.0))
    assert not are_edges((2.0, 1.0))
    assert not are_edges(tuple(map(float, range(MAX_BINS + 2))))
