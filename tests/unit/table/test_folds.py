from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche.errors import PlanError, TableError
from creche.table.folds import assign_folds


@given(st.integers(2, 120), st.integers(2, 10), st.integers(1, 3), st.integers(0, 2**32))
def test_each_row_is_validated_once_per_repeat(rows: int, k: int, repeats: int, seed: int) -> None:
    if rows < k:
        with pytest.raises(TableError, match=f"folds: got {k} for {rows} rows; needs at most one fold per row"):
            assign_folds(rows, k, repeats=repeats, seed=seed)
        return
    found = assign_folds(rows, k, repeats=repeats, seed=seed)
    assert len(found) == k * repeats
    for train, validation in found:
        assert sorted([*train, *validation]) == list(range(rows))
    for repeat in range(repeats):
        together = np.concatenate([validation for _, validation in found[repeat * k : (repeat + 1) * k]])
        assert sorted(together.tolist()) == list(range(rows))
        sizes = [len(validation) for _, validation in found[repeat * k : (repeat + 1) * k]]
        assert max(sizes) - min(sizes) <= 1


@given(st.lists(st.integers(0, 4), min_size=10, max_size=150), st.integers(2, 6), st.integers(0, 99))
def test_classes_are_dealt_evenly(labels: list[int], k: int, seed: int) -> None:
    classes = np.array(labels, dtype=np.int32)
    counts = np.array(
        [np.bincount(classes[v], minlength=5) for _, v in assign_folds(len(classes), k, seed=seed, classes=classes)]
    )
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()


@given(st.lists(st.integers(0, 20), min_size=6, max_size=100), st.integers(2, 4), st.integers(0, 99))
def test_groups_stay_together(labels: list[int], k: int, seed: int) -> None:
    groups = np.array(labels)
    if len(set(labels)) < k:
        with pytest.raises(TableError, match="groups; needs at most one fold per group"):
            assign_folds(len(groups), k, groups=groups)
        return
    for train, validation in assign_folds(len(groups), k, seed=seed, groups=groups):
        assert not set(groups[train]) & set(groups[validation])
        assert len(validation)


@given(st.lists(st.integers(0, 30), min_size=6, max_size=100), st.integers(2, 4))
def test_folds_in_time_are_judged_by_what_went_before(values: list[int], k: int) -> None:
    times = np.array(values)
    if len(set(values)) <= k:
        with pytest.raises(TableError, match="different times; folds in order of time need"):
            assign_folds(len(times), k, times=times)
        return
    found = assign_folds(len(times), k, times=times)
    assert len(found) == k
    for train, validation in found:
        assert len(train)
        assert len(validation)
        assert times[train].max() < times[validation].min()
    later = np.concatenate([validation for _, validation in found])
    assert len(set(later.tolist())) == len(later)
    assert times[later].max() == times.max()


def test_repeats_deal_anew_and_seeds_too() -> None:
    dealt = [tuple(map(tuple, (v for _, v in assign_folds(30, 3, seed=seed)))) for seed in range(5)]
    assert len(set(dealt)) == 5
    first, second = assign_folds(30, 3, repeats=2)[0], assign_folds(30, 3, repeats=2)[3]
    assert first[1].tolist() != second[1].tolist()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 1}, "folds: got 1; needs a whole number of at least 2"),
        ({"k": 2.0}, "folds: got 2.0"),
        ({"k": 2, "repeats": 0}, "repeats: got 0; needs a whole number of at least 1"),
        ({"k": 2, "groups": np.arange(9), "times": np.arange(9)}, "group, time: got both"),
        ({"k": 2, "repeats": 2, "times": np.arange(9)}, "folds in order of time can be made in one way only"),
    ],
)
def test_invalid_folds(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        assign_folds(9, **arguments)
