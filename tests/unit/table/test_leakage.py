from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.table.leakage import digest_rows, expect_repeats, find_leakage
from creche.table.table import Column, Table

ROWS = st.lists(
    st.tuples(st.sampled_from([0.0, -0.0, 1.5, float("nan")]), st.sampled_from(["a", "b", None]), st.integers(0, 1)),
    min_size=1,
    max_size=40,
)


def table_of(rows: list[tuple[float, str | None, int]], spare: list[str]) -> tuple[Table, np.ndarray]:
    words = Column.from_words([*spare, *(row[1] for row in rows)]).take(slice(len(spare), None))
    return Table({"x": Column("number", np.array([row[0] for row in rows])), "w": words}, "t"), np.array(
        [row[2] for row in rows]
    )


def same(a: tuple[float, str | None, int], b: tuple[float, str | None, int]) -> bool:
    numbers = a[0] == b[0] or (a[0] != a[0] and b[0] != b[0])
    return numbers and a[1:] == b[1:]


@given(ROWS, ROWS)
def test_equal_rows_have_equal_digests_and_others_do_not(
    a: list[tuple[float, str | None, int]], b: list[tuple[float, str | None, int]]
) -> None:
    here, there = digest_rows(*table_of(a, [])), digest_rows(*table_of(b, ["b", "z"]))  # words numbered differently
    for i, row in enumerate(a):
        for j, other in enumerate(b):
            assert (here[i] == there[j]) == same(row, other)


@given(ROWS, st.integers(0, 39))
def test_leaking_rows_are_counted_one_by_one(rows: list[tuple[float, str | None, int]], cut: int) -> None:
    cut = min(cut, len(rows) - 1)
    digests = digest_rows(*table_of(rows, []))
    numbers = np.arange(len(rows))
    found = find_leakage(digests, {"train": numbers[: cut + 1], "test": numbers[cut + 1 :]}, numbers + 1)
    leaking = [j for j in range(cut + 1, len(rows)) if any(same(rows[i], rows[j]) for i in range(cut + 1))]
    assert sum(leak.n_leaked for leak in found) == len(leaking)
    for leak in found:
        here, there = (int(row.removeprefix("row ")) - 1 for row in leak.example)
        assert there <= cut < here
        assert same(rows[here], rows[there])
        assert leak.n_rows == len(rows) - cut - 1
        assert "duplicates='drop'" in str(leak)


def test_arrays_have_digests_like_tables() -> None:
    x = np.random.default_rng(0).integers(0, 2, (50, 3)).astype(np.float32)
    y = np.random.default_rng(1).integers(0, 2, 50)
    digests = digest_rows(x, y)
    for i in range(50):
        for j in range(50):
            assert (digests[i] == digests[j]) == (bool((x[i] == x[j]).all()) and y[i] == y[j])


def test_columns_do_not_stand_for_each_other() -> None:
    a = digest_rows(np.array([[1.0, 2.0]]), np.array([0]))
    assert a != digest_rows(np.array([[2.0, 1.0]]), np.array([0]))


def alarms(frame: pl.DataFrame, **arguments: Any) -> list[str]:
    """The alarms of a training, of its folds, or of a table of its own."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function = cr.cross_validate if "folds" in arguments else cr.train
        function(frame, label="answer", epochs=1, threads=1, **arguments)
    return [str(w.message) for w in caught if str(w.message).startswith("leakage")]


def few_values(rows: int = 300, columns: tuple[int, ...] = (2, 3), seed: int = 0) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    drawn = {f"q{i}": [f"word {v}" for v in rng.integers(0, n, rows)] for i, n in enumerate(columns)}
    return pl.DataFrame(drawn).with_columns(answer=pl.Series(rng.choice(["yes please", "no thanks"], rows)))


def measured(rows: int = 300, columns: int = 3, copies: int = 0, seed: int = 0) -> pl.DataFrame:
    """Measurements; the last rows are copies of the first."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, columns))
    x[rows - copies :] = x[:copies]
    return pl.DataFrame({f"x{i}": x[:, i] for i in range(columns)}).with_columns(answer=pl.Series(x[:, 0] > 0))


@pytest.mark.parametrize("columns", [(2, 3), (2, 2, 2), (10,), (4, 3, 2)])
@pytest.mark.parametrize("arguments", [{}, {"test_fraction": 0.2}, {"folds": 5}])
def test_rows_that_chance_repeats_are_no_leakage(columns: tuple[int, ...], arguments: dict[str, Any]) -> None:
    assert alarms(few_values(columns=columns), **arguments) == []


def test_a_table_of_few_values_is_no_copy_of_another() -> None:
    assert alarms(few_values(), validation_data=few_values(seed=1)) == []


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("arguments", [{"seed": 0}, {"folds": 5}])
def test_three_copies_among_measurements_are_leakage(columns: int, arguments: dict[str, Any]) -> None:
    (alarm,) = alarms(measured(columns=columns, copies=3), **arguments)
    assert "with the same label (for example, row" in alarm
    assert "duplicates='drop'" in alarm
    assert "chance" not in alarm


def test_copies_in_a_table_of_their_own_are_leakage() -> None:
    frame = measured()
    (alarm,) = alarms(
        frame.head(250), validation_data=pl.concat([frame.tail(50), frame.head(2)]), validation_fraction=0
    )
    assert "2 of 52 validation rows" in alarm
    assert "remove them from one of the two tables" in alarm


def test_a_table_written_twice_is_leakage() -> None:
    frame = measured(150)
    (alarm,) = alarms(pl.concat([frame, frame]))
    assert "so validation metrics are too optimistic" in alarm


def test_where_a_handful_of_rows_repeats_the_alarm_says_so() -> None:
    """Columns that follow one another: product frequencies expect few repeats, though nothing was copied."""
    groups = np.random.default_rng(0).integers(0, 6, 300)
    frame = pl.DataFrame({f"c{i}": [f"word {i} {v}" for v in groups] for i in range(6)})
    (alarm,) = alarms(frame.with_columns(answer=pl.Series(groups > 2)))
    assert "Only 6 of all 300 rows differ: if no others can occur, nothing is wrong" in alarm


@given(st.integers(2, 6), st.integers(2, 6), st.integers(1, 200), st.integers(0, 2**32 - 1))
def test_the_expected_repeats_are_those_of_drawn_rows(a: int, b: int, rows: int, seed: int) -> None:
    """Against drawing: columns that are independent repeat as many rows as expected."""
    rng = np.random.default_rng(seed)
    train = [rng.integers(0, n, 150).astype(np.uint64) for n in (a, b)]
    others = [rng.integers(0, n, rows).astype(np.uint64) for n in (a, b)]
    expected = expect_repeats(train, others)
    known = set(zip(*(column.tolist() for column in train), strict=True))
    found = sum(row in known for row in zip(*(column.tolist() for column in others), strict=True))
    assert abs(found - expected.mean) <= 6 * expected.variance**0.5 + 0.05 * rows + 2
