"""Splits of the benchmark on tables: stratified, every row once, what belongs together on one side."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.tables.splits import (
    assign_folds,
    join_rows,
    n_folds_and_repeats,
    split_by_folds,
    split_table,
    stratify_numbers,
)


@pytest.mark.parametrize(
    ("n_rows", "expected"),
    [(999, (5, 2)), (1_000, (5, 1)), (5_000, (5, 1)), (5_001, (3, 1)), (20_000, (3, 1))],
)
def test_small_tables_have_more_splits(n_rows: int, expected: tuple[int, int]) -> None:
    assert n_folds_and_repeats(n_rows) == expected


def test_a_large_table_has_one_split_with_a_fifth_for_testing() -> None:
    labels = np.arange(20_001) % 7
    [split] = split_table(labels, np.arange(20_001), numeric=False)
    assert len(split.test) in (4_000, 4_001)
    assert np.array_equal(np.sort(np.concatenate([split.train, split.test])), np.arange(20_001))


@given(st.lists(st.integers(0, 3), min_size=20, max_size=80), st.integers(2, 5), st.integers(0, 9))
def test_each_fold_has_its_share_of_each_class(labels: list[int], n_folds: int, seed: int) -> None:
    strata = np.unique(labels, return_inverse=True)[1]
    folds = assign_folds(strata, np.arange(len(strata)), n_folds, np.random.default_rng(seed))
    for stratum in range(strata.max() + 1):
        counts = np.bincount(folds[strata == stratum], minlength=n_folds)
        assert counts.max() - counts.min() <= 1


@given(st.lists(st.integers(0, 12), min_size=10, max_size=60), st.integers(0, 9))
def test_rows_of_a_unit_stay_together(units: list[int], seed: int) -> None:
    numbers = np.unique(units, return_inverse=True)[1]
    folds = assign_folds(np.zeros(len(numbers), dtype=np.int64), numbers, 3, np.random.default_rng(seed))
    for unit in range(numbers.max() + 1):
        assert len(np.unique(folds[numbers == unit])) == 1


def test_the_splits_of_a_small_table_are_two_divisions_into_five() -> None:
    labels = np.repeat([0, 1], [60, 40])
    splits = split_table(labels, np.arange(100), numeric=False)
    assert len(splits) == 10
    for division in (splits[:5], splits[5:]):
        assert np.array_equal(np.sort(np.concatenate([split.test for split in division])), np.arange(100))
    assert splits[0].digest != splits[5].digest
    assert [split.digest for split in split_table(labels, np.arange(100), numeric=False)] == [s.digest for s in splits]


def test_the_splits_of_a_number_have_its_deciles() -> None:
    labels = np.random.default_rng(0).normal(size=200)
    for split in split_table(labels, np.arange(200), numeric=True):
        assert np.all(np.bincount(stratify_numbers(labels)[split.test]) == 4)


def test_a_number_with_few_values_has_fewer_strata() -> None:
    assert np.array_equal(stratify_numbers(np.array([0.0, 0.0, 0.0, 0.0, 5.0])), [0, 0, 0, 0, 1])


def test_rows_are_joined_through_others() -> None:
    group = np.array(["a", "b", "b", "c", "d", "e"])
    repeats = np.array([0, 0, 1, 2, 2, 3])
    assert np.array_equal(join_rows(repeats, group), [0, 0, 0, 1, 1, 2])


def test_given_folds_are_the_test_rows() -> None:
    splits = split_by_folds(5, ((3, 1), (0,)))
    assert [split.test.tolist() for split in splits] == [[1, 3], [0]]
    assert [split.train.tolist() for split in splits] == [[0, 2, 4], [1, 2, 3, 4]]
