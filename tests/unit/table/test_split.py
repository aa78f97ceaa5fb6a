from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from creche.errors import PlanError, TableError
from creche.table.split import Split, hash_sequence, parse_part, split_indices


def split_rows(
    rows: int, fraction: float, seed: int, classes: NDArray[np.int32] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    parts = split_indices(Split(validation_fraction=fraction), rows, seed, classes)
    assert not len(parts.test)
    return parts.train, parts.validation


def splitmix64(seed: int, row: int) -> int:
    z = (seed + (row + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return z ^ (z >> 31)


def test_the_hash_is_splitmix64() -> None:
    # The first numbers of the published generator with seed 0.
    assert hash_sequence(0, 3).tolist() == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    assert hash_sequence(2**64 - 3, 50).tolist() == [splitmix64(2**64 - 3, row) for row in range(50)]


@pytest.mark.parametrize(
    ("seed", "expected"),
    [(0, [2, 4, 5, 6, 8, 18]), (1, [3, 4, 8, 10, 14, 15])],
)
def test_splits_never_change(seed: int, expected: list[int]) -> None:
    assert split_rows(20, 0.3, seed)[1].tolist() == expected


@pytest.mark.parametrize(("seed", "expected"), [(0, [2, 4, 6, 10, 16, 18]), (7, [1, 5, 8, 10, 15, 17])])
def test_stratified_splits_never_change(seed: int, expected: list[int]) -> None:
    classes = np.repeat(np.arange(3, dtype=np.int32), [10, 7, 3])
    assert split_rows(20, 0.3, seed, classes)[1].tolist() == expected


@given(st.integers(1, 300), st.floats(0, 0.9), st.integers(0, 2**64 - 1))
def test_the_lowest_hashes_are_validated(rows: int, fraction: float, seed: int) -> None:
    size = int(fraction * rows + 0.5)
    if size >= rows:
        with pytest.raises(TableError, match="none of the"):
            split_rows(rows, fraction, seed)
        return
    train, validation = split_rows(rows, fraction, seed)
    by_hash = sorted(range(rows), key=lambda row: splitmix64(seed, row))
    assert validation.tolist() == sorted(by_hash[:size])
    assert train.tolist() == sorted(by_hash[size:])


@given(st.lists(st.integers(0, 4), min_size=2, max_size=200), st.floats(0, 0.8), st.integers(0, 2**32))
def test_stratified_splits(labels: list[int], fraction: float, seed: int) -> None:
    classes = np.array(labels, dtype=np.int32)
    rows = len(classes)
    size = int(fraction * rows + 0.5)
    if size >= rows:
        return
    train, validation = split_rows(rows, fraction, seed, classes)
    assert sorted([*train.tolist(), *validation.tolist()]) == list(range(rows))
    assert len(validation) <= size
    several = len(set(labels)) > 1
    for c in set(labels):
        count = labels.count(c)
        held_out = int((classes[validation] == c).sum())
        fair = size * count / rows
        assert int(fair) - 1 < held_out + (1 if several and held_out == count - 1 else 0)
        assert held_out <= int(fair) + 1
        assert held_out < count
    again = split_rows(rows, fraction, seed, classes)
    assert np.array_equal(again[0], train)
    assert np.array_equal(again[1], validation)


def test_each_class_gives_its_share() -> None:
    classes = np.repeat(np.arange(3, dtype=np.int32), [50, 30, 20])
    _, validation = split_rows(100, 0.3, 3, classes)
    assert np.bincount(classes[validation]).tolist() == [15, 9, 6]


def test_a_class_of_one_row_is_trained_on() -> None:
    classes = np.array([0] * 9 + [1], dtype=np.int32)
    for seed in range(20):
        train, _ = split_rows(10, 0.8, seed, classes)
        assert 9 in train


def test_seeds_split_differently() -> None:
    assert len({tuple(split_rows(50, 0.3, seed)[1].tolist()) for seed in range(20)}) == 20


def test_no_validation() -> None:
    train, validation = split_rows(5, 0, 0)
    assert train.tolist() == [0, 1, 2, 3, 4]
    assert validation.tolist() == []


@pytest.mark.parametrize("fraction", [1, 1.0, -0.1, 1.5, float("nan"), "0.3", True, None], ids=repr)
def test_invalid_fractions(fraction: float) -> None:
    with pytest.raises(PlanError, match=r"validation_fraction: got .*; needs a number of at least 0 and below 1"):
        split_rows(10, fraction, 0)


def parts_of(split: Split, rows: int, by: list[float] | None = None, seed: int = 0) -> list[list[int]]:
    parts = split_indices(split, rows, seed, None, None if by is None else np.array(by))
    return [part.tolist() for part in (parts.train, parts.validation, parts.test)]


@given(st.integers(2, 200), st.floats(0, 0.45), st.floats(0, 0.45), st.integers(0, 2**32))
def test_three_parts_hold_each_row_once(rows: int, validation: float, test: float, seed: int) -> None:
    if int(validation * rows + 0.5) + int(test * rows + 0.5) >= rows:
        with pytest.raises(TableError, match="none of the"):
            parts_of(Split(validation, test), rows, seed=seed)
        return
    train, held, kept = parts_of(Split(validation, test), rows, seed=seed)
    assert sorted([*train, *held, *kept]) == list(range(rows))
    assert len(held) == int(validation * rows + 0.5)
    assert len(kept) == int(test * rows + 0.5)
    assert held == split_rows(rows, validation, seed)[1].tolist()  # which a test part does not change


@given(st.lists(st.integers(0, 12), min_size=2, max_size=80), st.floats(0.1, 0.45), st.integers(0, 2**32))
def test_groups_are_never_parted(groups: list[int], share: float, seed: int) -> None:
    parts = parts_of(Split(share, share, group="patient"), len(groups), groups, seed)
    seen = [{groups[row] for row in part} for part in parts]
    assert parts[0]
    assert not seen[0] & seen[1]
    assert not seen[2] & (seen[0] | seen[1])
    assert sorted(row for part in parts for row in part) == list(range(len(groups)))


def test_groups_of_one_size_make_the_wanted_shares() -> None:
    groups = [row // 4 for row in range(400)]
    assert [len(part) for part in parts_of(Split(0.2, 0.1, group="site"), 400, groups)] == [280, 80, 40]


def test_groups_do_not_depend_on_the_order_of_rows() -> None:
    groups = np.random.default_rng(0).integers(0, 30, 200)
    order = np.random.default_rng(1).permutation(200)
    here = set(groups[parts_of(Split(0.3, group="g"), 200, groups.tolist())[1]])
    assert here == set(groups[order][parts_of(Split(0.3, group="g"), 200, groups[order].tolist())[1]])


@given(st.lists(st.integers(0, 40), min_size=4, max_size=100), st.floats(0, 0.4), st.floats(0, 0.4))
def test_the_latest_rows_are_held_out(times: list[int], validation: float, test: float) -> None:
    split = Split(validation, test, time="date")
    if len(set(times)) == 1 and len(times) * validation + len(times) * test >= 0.5:
        return
    try:
        train, held, kept = parts_of(split, len(times), times)
    except TableError:  # all rows but those of one moment would be held out
        return
    moments = [[times[row] for row in part] for part in (train, held, kept)]
    filled = [part for part in moments if part]
    for earlier, later in pairwise(filled):
        assert max(earlier) < min(later)
    assert len(kept) >= int(test * len(times) + 0.5)


def test_a_column_says_the_part() -> None:
    assert parts_of(Split(column="part"), 4, [0, 2, 1, 0]) == [[0, 3], [2], [1]]
    assert [parse_part(word) for word in ("train", " Test", "VAL", "valid", "tset")] == [0, 2, 1, 1, None]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"validation_fraction": 0.6, "test_fraction": 0.4}, "leaves no rows to train on"),
        ({"group": "a", "time": "b"}, "group, time: got both"),
        ({"column": 3}, "column: got 3; needs the name of a column"),
    ],
)
def test_invalid_splits(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(PlanError, match=message):
        Split(**arguments)
