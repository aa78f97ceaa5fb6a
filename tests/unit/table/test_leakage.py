from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from creche.table.leakage import digest_rows, find_leakage
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
