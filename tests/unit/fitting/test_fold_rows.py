"""Which rows train and which are held out: each once, groups together, the latest last."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.fitting.fold_rows import MOST_HELD_OUT, choose_fold_count, split_fold_rows
from tests.unit.fitting.small_fits import inspect
from tests.unit.small_runs import line, two_classes


@pytest.mark.parametrize("table", [two_classes, line])
def test_each_row_is_held_out_once_and_never_trained_on_there(table: object) -> None:
    x, y = table(rows=83)  # type: ignore[operator]
    folds = split_fold_rows(inspect(x, y), 5, 0)
    assert sorted(np.concatenate([fold.held_out for fold in folds]).tolist()) == list(range(83))
    for fold in folds:
        assert set(fold.train) | set(fold.held_out) <= set(range(83))
        assert not set(fold.train) & set(fold.held_out)
        assert len(fold.train) >= 83 - len(fold.held_out) - 1
    assert len({len(fold.train) for fold in folds}) == 1  # so that networks share the lanes of a register


def test_classes_are_stratified() -> None:
    x, _ = two_classes(rows=60)
    y = np.where(np.arange(60) % 10 == 0, "rare", "common")
    folds = split_fold_rows(inspect(x, y), 3, 0)
    assert [int((y[fold.held_out] == "rare").sum()) for fold in folds] == [2, 2, 2]


def test_groups_stay_together() -> None:
    x, y = two_classes(rows=90)
    groups = np.random.default_rng(0).integers(0, 13, 90)
    table = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "patient": groups, "y": y})
    folds = split_fold_rows(inspect(table, label=("y",), group="patient"), 4, 0)
    assert len(folds) == 4
    for fold in folds:
        assert not set(groups[fold.train]) & set(groups[fold.held_out])


def test_the_latest_rows_are_held_out() -> None:
    x, y = two_classes(rows=100)
    times = np.random.default_rng(1).permutation(100) * 1.5
    table = pl.DataFrame({"a": x[:, 0], "when": times, "y": y})
    (fold,) = split_fold_rows(inspect(table, label=("y",), time="when"), 5, 0)
    assert times[fold.train].max() < times[fold.held_out].min()
    assert len(fold.held_out) == 20


def test_a_single_split_of_a_large_table_holds_a_limited_number_out() -> None:
    x = np.arange(300_000, dtype=np.float64)[:, np.newaxis]
    (fold,) = split_fold_rows(inspect(x, x[:, 0] % 7 * 1.5), 1, 0)
    assert len(fold.held_out) == MOST_HELD_OUT
    assert len(fold.train) == 250_000


def test_fewer_rows_or_groups_give_fewer_folds() -> None:
    x, y = line(rows=3)
    assert len(split_fold_rows(inspect(x, y), 8, 0)) == 3
    table = pl.DataFrame({"a": x[:, 0], "g": [1, 2, 2], "y": y})
    assert len(split_fold_rows(inspect(table, label=("y",), group="g"), 8, 0)) == 2


def test_one_group_or_row_cannot_be_judged() -> None:
    x, y = line(rows=4)
    table = pl.DataFrame({"a": x[:, 0], "g": [1, 1, 1, 1], "y": y})
    with pytest.raises(cr.TableError, match="group: column 'g' has the same value in each row; needs two or more"):
        split_fold_rows(inspect(table, label=("y",), group="g"), 4, 0)
    with pytest.raises(cr.TableError, match="only one row; needs two or more"):
        split_fold_rows(inspect(x[:1], y[:1]), 4, 0)
    with pytest.raises(cr.TableError, match="only one row of a weight above 0; needs two or more"):
        split_fold_rows(inspect(x, y, weights=np.array([0.0, 0, 2, 0])), 4, 0)


@pytest.mark.parametrize("times", [2, 3, 4, 5, 6, 60])
def test_few_times_hold_the_last_of_them_out(times: int) -> None:
    x, y = line(rows=60)
    table = pl.DataFrame({"a": x[:, 0], "t": np.arange(60) * 7 % times / 2, "y": y})
    (fold,) = split_fold_rows(inspect(table, label=("y",), time="t"), 4, 0)
    last = table["t"].to_numpy() >= (times - max(1, times // 5)) / 2
    assert fold.held_out.tolist() == np.flatnonzero(last).tolist()
    assert fold.train.tolist() == np.flatnonzero(~last).tolist()


def test_one_time_cannot_be_judged() -> None:
    x, y = line(rows=6)
    table = pl.DataFrame({"a": x[:, 0], "t": [2.5] * 6, "y": y})
    with pytest.raises(cr.TableError, match="time: column 't' has the same value in each row; needs two or more"):
        split_fold_rows(inspect(table, label=("y",), time="t"), 4, 0)


@pytest.mark.parametrize(("folds", "time"), [(4, None), (1, None), (4, "t")])
def test_a_class_of_one_row_is_told(folds: int, time: str | None) -> None:
    x, _ = line(rows=30)
    table = pl.DataFrame(
        {"a": x[:, 0], "t": np.arange(30) / 2, "y": ["rare" if i == 7 else "ab"[i % 2] for i in range(30)]}
    )
    with pytest.warns(cr.CrecheWarning, match="row 8 is the only one of class 'rare', so no network that has learnt"):
        split_fold_rows(inspect(table, label=("y",), time=time), folds, 0)


def test_small_tables_have_more_folds() -> None:
    counts = [choose_fold_count(rows) for rows in (2, 149, 150, 10_000, 1_000_000)]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] == 1


def test_copies_of_a_row_lie_in_one_fold() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((90, 3)), rng.integers(0, 2, 90)
    copied = np.concatenate([np.arange(90), np.arange(30)])
    for folds in (5, 1):
        for fold in split_fold_rows(inspect(x[copied], y[copied]), folds, 0):
            assert not set(copied[fold.train].tolist()) & set(copied[fold.held_out].tolist())


def test_repeats_by_chance_are_spread_over_the_folds() -> None:
    x, y = np.arange(400).reshape(400, 1) % 2 * 1.0, np.arange(400) // 2 % 2
    for fold in split_fold_rows(inspect(x, y), 5, 0):
        assert {tuple(row) for row in x[fold.held_out].tolist()} == {(0.0,), (1.0,)}
