"""Resampling by the engine: rows against NumPy's generator bit for bit, sums against NumPy, areas against pairs."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche import _core
from creche.engine.resampling import Ranking, RowSampler, sum_groups, sum_weighted


@pytest.mark.parametrize("rows", [1, 2, 7, 1000, 2**20 + 1])
@pytest.mark.parametrize("seed", [0, 12345678901])
def test_rows_are_those_that_numpy_draws(rows: int, seed: int) -> None:
    sampler, generator = RowSampler(seed), np.random.Generator(np.random.PCG64(seed))
    for resamples in (3, 1, 2):  # an odd number of draws leaves half of a word over
        counts = sampler.draw(rows, resamples)
        drawn = generator.integers(rows, size=(resamples, rows))
        if rows == 1:  # NumPy draws nothing where there is nothing to choose
            assert counts.tolist() == [[1]] * resamples
            continue
        np.testing.assert_array_equal(counts, [np.bincount(each, minlength=rows) for each in drawn])


@given(seed=st.integers(0, 10_000), rows=st.integers(1, 12), resamples=st.integers(1, 4), levels=st.integers(1, 5))
def test_areas_are_the_shares_of_pairs_in_order(seed: int, rows: int, resamples: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    scores, positive = rng.integers(0, levels, rows) / 4, rng.random(rows) < 0.5
    weights = rng.integers(0, 4, (resamples, rows)).astype(np.float64)
    found = Ranking(scores, positive).areas(weights)
    for row_weights, area in zip(weights, found, strict=True):
        right = total = 0.0
        for i, j in product(np.flatnonzero(positive), np.flatnonzero(~positive)):
            pairs = row_weights[i] * row_weights[j]
            total += pairs
            right += pairs * (1.0 if scores[i] > scores[j] else 0.5 if scores[i] == scores[j] else 0.0)
        assert area == pytest.approx(right / total) if total else np.isnan(area)


@given(seed=st.integers(0, 10_000), rows=st.integers(0, 20), resamples=st.integers(1, 4))
def test_sums_are_those_of_matrix_products(seed: int, rows: int, resamples: int) -> None:
    rng = np.random.default_rng(seed)
    weights, values = rng.random((resamples, rows)), rng.standard_normal((rows, 3))
    groups = rng.integers(0, 4, rows)
    is_group = (groups[:, np.newaxis] == np.arange(4)).astype(np.float64)
    np.testing.assert_allclose(sum_weighted(weights, values), weights @ values, atol=1e-12)
    np.testing.assert_allclose(sum_weighted(weights, values[:, 0]), weights @ values[:, 0], atol=1e-12)
    np.testing.assert_allclose(sum_groups(weights, groups, 4), weights @ is_group, atol=1e-12)
    of_values = weights @ (is_group * values[:, :1])
    np.testing.assert_allclose(sum_groups(weights, groups, 4, values[:, 0]), of_values, atol=1e-12)


def test_sums_add_up_from_the_first_row_on() -> None:
    values = np.array([1.0] + [1e-17] * 30)
    assert sum_weighted(np.ones((2, 31)), values).tolist() == [1.0, 1.0]


@pytest.mark.parametrize("level", _core.levels())
def test_levels_compute_the_same_bytes(level: str) -> None:
    engine, best = _core.load(level), _core.load()
    rng = np.random.default_rng(1)
    weights, values, groups = rng.random((500, 13)), rng.standard_normal(500), rng.integers(0, 5, 500).astype(np.int32)
    order = np.argsort(values).astype(np.int32)
    flags = rng.random((2, 500)) < 0.6
    flags[1, -1] = True
    for one, other in (
        (engine.weighted_sums(weights, groups, values, 5), best.weighted_sums(weights, groups, values, 5)),
        (engine.areas(weights, order, *flags), best.areas(weights, order, *flags)),
        (engine.RowSampler(1, 2, 3, 5).draw(400, 3), best.RowSampler(1, 2, 3, 5).draw(400, 3)),
    ):
        assert one.tobytes() == other.tobytes()


@given(seed=st.integers(0, 10_000), rows=st.integers(1, 20), resamples=st.sampled_from([1, 4, 16, 23]))
def test_counts_weigh_as_the_same_numbers_do(seed: int, rows: int, resamples: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (resamples, rows)).astype(np.uint8)
    numbers, values, groups = counts.astype(np.float64), rng.standard_normal(rows), rng.integers(0, 3, rows)
    ranking = Ranking(rng.integers(0, 6, rows) / 4, rng.random(rows) < 0.5)
    for one, other in (
        (sum_weighted(counts, values), sum_weighted(numbers, values)),
        (sum_groups(counts, groups, 3), sum_groups(numbers, groups, 3)),
        (sum_groups(counts, groups, 3, values), sum_groups(numbers, groups, 3, values)),
        (ranking.areas(counts), ranking.areas(numbers)),
    ):
        np.testing.assert_array_equal(one, other)


@given(seed=st.integers(0, 10_000), resamples=st.integers(2, 23))
def test_a_weighting_has_the_same_bytes_alone_and_among_others(seed: int, resamples: int) -> None:
    rng = np.random.default_rng(seed)
    weights, values, groups = rng.random((resamples, 12)), rng.standard_normal(12), rng.integers(0, 3, 12)
    ranking = Ranking(values, rng.random(12) < 0.5)
    together = (sum_weighted(weights, values), sum_groups(weights, groups, 3, values), ranking.areas(weights))
    for i in range(resamples):
        alone = weights[i : i + 1]
        parts = (sum_weighted(alone, values), sum_groups(alone, groups, 3, values), ranking.areas(alone))
        for one, other in zip(together, parts, strict=True):
            assert one[i].tobytes() == other[0].tobytes()


def test_the_engine_refuses_what_lies_outside() -> None:
    engine, ones = _core.load(), np.ones((2, 1))
    flags, zeros = np.zeros(2, dtype=np.bool_), np.zeros(2, dtype=np.int32)
    with pytest.raises(ValueError, match="groups: has 3; needs 0 to 2"):
        engine.weighted_sums(ones, zeros + 3, np.ones(2), 3)
    with pytest.raises(ValueError, match="groups, values: need an element for each of 2 rows"):
        engine.weighted_sums(ones, zeros, np.ones(3), 1)
    with pytest.raises(ValueError, match="order: has 2; needs rows from 0 on"):
        engine.areas(ones, zeros + 2, flags, flags)
    with pytest.raises(ValueError, match="need an element for each of 2 rows"):
        engine.areas(ones, zeros[:1], flags, flags)
    with pytest.raises(ValueError, match="ends_tie: the last row ends a tie"):
        engine.areas(ones, zeros, flags, flags)
    with pytest.raises(ValueError, match="rows, lanes: got 0 and 1"):
        engine.RowSampler(0, 0, 0, 1).draw(0, 1)
