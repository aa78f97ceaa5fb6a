"""Pairs of errors of a recipe and of its peer: what is kept of them, and what they say, against SciPy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pandas")
stats = pytest.importorskip("scipy.stats")

from benchmarks.tables.parity_pairs import (  # noqa: E402
    Pair,
    PairFile,
    Time,
    describe_pairs,
    digest_recipe,
    estimate_mean_ratio,
    key_of,
    times_as_fast,
)

PAIR = Pair("iris", "0a1b2c3d", 0, "plan", "peer 1.0", 150, "0.1", 0.2, 0.25, Time(1.0, 2.0), Time(6.0, 8.0), 2, 0.5)


def pairs_of(log_ratios: np.ndarray) -> list[Pair]:
    return [replace(PAIR, seed=seed, ours=0.25 * float(np.exp(value))) for seed, value in enumerate(log_ratios)]


def test_the_interval_of_the_mean_ratio_is_that_of_a_paired_t_test() -> None:
    log_ratios = np.random.default_rng(0).normal(0.02, 0.1, 7)
    interval = stats.ttest_1samp(log_ratios, 0).confidence_interval(0.95)
    ratio = estimate_mean_ratio(pairs_of(log_ratios))
    expected = np.exp([log_ratios.mean(), interval.low, interval.high])
    assert [ratio.value, ratio.low, ratio.high] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("log_ratios", "verdict"),
    [
        (np.array([-0.03, 0.03, -0.01, 0.01]), "is met"),
        (np.array([0.031, 0.03, 0.029]), "is not met"),  # above zero beyond doubt
        (np.array([0.12, -0.04, 0.02]), "is not met"),  # too far from zero to know
    ],
)
def test_parity_needs_zero_in_the_interval_and_a_mean_close_to_it(log_ratios: np.ndarray, verdict: str) -> None:
    page = "\n".join(describe_pairs(pairs_of(log_ratios), "peer"))
    assert verdict in page


def test_one_pair_tells_nothing_of_the_interval() -> None:
    ratio = estimate_mean_ratio([PAIR])
    assert (ratio.value, ratio.low, ratio.high) == (pytest.approx(0.8), 0, np.inf)


def test_a_page_tells_tables_apart() -> None:
    every = [*pairs_of(np.array([0.1, 0.1])), *(replace(pair, table="wine") for pair in pairs_of(np.array([-0.1])))]
    page = "\n".join(describe_pairs(every, "peer"))
    assert "3 pairs of 2 tables" in page
    assert times_as_fast(every) == 6


def test_pairs_are_kept_at_once_and_the_later_counts(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "pairs.jsonl"
    file = PairFile(path)
    file.add(PAIR)
    assert PairFile(path).find(key_of(PAIR)) == PAIR
    newer = replace(PAIR, ours=0.3, creche="0.2")
    file.add(newer)
    file.add(replace(PAIR, seed=1))
    assert PairFile(path).find(key_of(PAIR)) == newer
    assert PairFile(path).find(key_of(replace(PAIR, peer="peer 1.1"))) is None
    assert PairFile(path).find(key_of(replace(PAIR, split="00000000"))) is None


def test_a_recipe_that_says_something_else_has_another_digest() -> None:
    assert len({digest_recipe(name) for name in ("realmlp", "realmlp-s", "tabm-mini")}) == 3
