"""Digests are equal exactly when values are, however they are stored."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creche.errors import FileError, TableError
from creche.table.digest import compare_tables, describe_table, digest_arrays, digest_column, digest_table
from creche.table.table import Column, Table
from tests.unit.work import lines_run


def numbers(*values: float) -> Column:
    return Column("number", np.array(values, dtype=np.float64))


def table(**columns: Column) -> Table:
    return Table(columns, "a table")


def test_digest_of_arrays_follows_its_description() -> None:
    text = lambda t: len(t).to_bytes(8, "little") + t  # noqa: E731
    expected = hashlib.sha256(text(b"b") + text(b"<f8()") + np.float64(0.5).tobytes())
    expected.update(text(b"w") + text(b"<i4(2,)") + b"\1\0\0\0\2\0\0\0")
    arrays = {"w": np.array([1, 2], dtype=">i4"), "b": np.array(0.5)}
    assert digest_arrays(arrays) == expected.hexdigest()


def test_digest_of_arrays_sees_every_part() -> None:
    base = {"w": np.arange(6.0).reshape(2, 3)}
    others: list[dict[str, Any]] = [
        {"v": base["w"]},
        {"w": base["w"].reshape(3, 2)},
        {"w": base["w"].astype(np.float32)},
        {"w": base["w"] + 1e-15},
        {**base, "b": np.zeros(0)},
        {},
    ]
    digests = [digest_arrays(arrays) for arrays in (base, *others)]
    assert len(set(digests)) == len(digests)
    assert digest_arrays({"w": np.asfortranarray(base["w"])}) == digests[0]


@settings(deadline=None)
@given(values=st.lists(st.none() | st.text(max_size=3), max_size=20), seed=st.integers(0, 99))
def test_words_count_by_content_and_not_by_number(values: list[str | None], seed: int) -> None:
    column = Column.from_words(values)
    rng = np.random.default_rng(seed)
    words = [*column.words, "not in use", "nor this"]
    order = rng.permutation(len(words))
    place = np.argsort(order)
    codes = np.where(column.values < 0, -1, place[column.values]).astype(np.int32)
    shuffled = Column("words", codes, tuple(words[i] for i in order))
    assert digest_column(shuffled) == digest_column(column)


@settings(deadline=None)
@given(
    one=st.lists(st.none() | st.text("ab", max_size=2), max_size=5),
    other=st.lists(st.none() | st.text("ab", max_size=2), max_size=5),
)
def test_words_have_one_digest_each(one: list[str | None], other: list[str | None]) -> None:
    same = digest_column(Column.from_words(one)) == digest_column(Column.from_words(other))
    assert same == (one == other)


floats = st.sampled_from([0.0, -0.0, 1.0, 2.5, np.inf, -np.inf, np.nan, float(np.float64(-np.nan))])


@settings(deadline=None)
@given(one=st.lists(floats, max_size=4), other=st.lists(floats, max_size=4))
def test_numbers_have_one_digest_each_but_for_zeros_and_missing(one: list[float], other: list[float]) -> None:
    same = digest_column(numbers(*one)) == digest_column(numbers(*other))
    assert same == (len(one) == len(other) and np.array_equal(one, other, equal_nan=True))


def test_missing_is_missing_whatever_its_bits() -> None:
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(np.float64)
    assert digest_column(Column("number", odd)) == digest_column(numbers(np.nan, np.nan))


def test_whole_numbers_are_numbers_and_large_ones_exact() -> None:
    whole = Column("whole", np.array([1, 2, -3]))
    assert digest_column(whole) == digest_column(numbers(1, 2, -3))
    large = [Column("whole", np.array([2**60 + i, 0])) for i in (0, 1)]
    assert digest_column(large[0]) != digest_column(large[1])


def test_kinds_that_mean_other_things_differ() -> None:
    columns = [
        numbers(1, 0),
        Column("boolean", np.array([1.0, 0.0])),
        Column.from_words(["1", "0"]),
        Column("datetime", np.array([1, 0], dtype="datetime64[us]")),
    ]
    assert len({digest_column(column) for column in columns}) == 4


def test_moments_count_and_missing_ones_too() -> None:
    moments = ["2026-01-01", "NaT", "2026-01-01T00:00:00.000001"]
    digests = {digest_column(Column("datetime", np.array([m], dtype="datetime64[us]"))) for m in moments}
    assert len(digests) == 3


def test_the_order_of_columns_is_no_part_of_a_table_but_that_of_rows_is() -> None:
    a, b = numbers(1, 2), Column.from_words(["x", "y"])
    assert digest_table(table(a=a, b=b)) == digest_table(table(b=b, a=a))
    assert digest_table(table(a=a, b=b), ["a"]) == digest_table(table(a=a))
    turned = np.array([1, 0])
    assert digest_table(table(a=a, b=b))["total"] != digest_table(table(a=a, b=b).take(turned))["total"]
    assert digest_table(table(a=a))["total"] != digest_table(table(b=a))["total"]


def test_the_cause_of_a_change_is_named() -> None:
    before = digest_table(table(mass=numbers(1, 2), island=Column.from_words(["x", "y"]), sex=numbers(0, 1)))
    after = digest_table(table(mass=numbers(1, 2), island=Column.from_words(["x", "z"]), size=numbers(0, 1)))
    assert compare_tables(before, before) == []
    assert compare_tables(before, after) == [
        "column 'sex' is missing",
        "column 'size' is new",
        "column 'island' has different values",
    ]
    longer = digest_table(table(mass=numbers(1, 2, 3)))
    assert compare_tables(digest_table(table(mass=numbers(1, 2))), longer) == ["it has 3 rows, not 2"]


@pytest.mark.parametrize("change", [{}, {"rows": 1}, {"rows": 1, "columns": [], "total": ""}, []])
def test_a_description_that_is_none_is_refused(change: Any) -> None:
    with pytest.raises(FileError, match="damaged or made by hand"):
        compare_tables(change, digest_table(table(a=numbers(1))))


def test_a_missing_column_is_named() -> None:
    with pytest.raises(TableError, match="no column 'b'"):
        digest_table(table(a=numbers(1)), ["b"])


def test_python_does_nothing_for_each_row_and_little_for_each_word() -> None:
    """So that a million rows take a second."""
    rng = np.random.default_rng(0)

    def lines(rows: int, distinct: int) -> int:
        words = tuple(map(str, range(distinct)))
        codes = np.concatenate([np.arange(distinct), rng.integers(-1, distinct, rows - distinct)]).astype(np.int32)
        given = table(number=Column("number", rng.standard_normal(rows)), words=Column("words", codes, words))
        return lines_run(lambda: digest_table(given))

    lines(1_000, 50)  # what is imported or kept the first time does not count
    few = lines(1_000, 50)
    assert lines(11_000, 50) < few + 100
    assert lines(11_000, 10_050) < few + 3 * 10_000


def test_the_order_of_columns_and_what_is_beside_them_are_changes() -> None:
    a, b, c = numbers(1, 2), numbers(3, 4), numbers(5, 6)
    before = describe_table(table(a=a, b=b), {"weights": table(c=c)})
    assert compare_tables(before, before) == []
    assert compare_tables(before, describe_table(table(b=b, a=a), {"weights": table(c=c)})) == [
        "its columns are in a different order"
    ]
    assert compare_tables(before, describe_table(table(a=a, b=b), {"rows": table(c=c)})) == [
        "weights was set, and is missing now", "rows is set, and was not before"
    ]  # fmt: skip
    assert compare_tables(before, describe_table(table(a=a, b=b), {"weights": table(c=a)})) == [
        "weights: column 'c' has different values"
    ]
    assert compare_tables(before, digest_table(table(b=b, a=a))) == []  # an older file, which does not tell


def test_rows_in_a_different_order_are_one_sentence() -> None:
    words = {name: numbers(*range(i, i + 3)) for i, name in enumerate("abc")}
    whole = table(**words)
    turned = digest_table(whole.take(np.array([2, 1, 0])))
    message = "each of its 3 columns has different values, or its rows are in a different order"
    assert compare_tables(digest_table(whole), turned) == [message]


@pytest.mark.parametrize("change", [{"order": {}}, {"beside": []}, {"beside": {"weights": 3}}, {"order": 1, "more": 2}])
def test_a_description_whose_additions_are_none_is_refused(change: dict[str, Any]) -> None:
    before = describe_table(table(a=numbers(1)), {"weights": table(c=numbers(1))})
    with pytest.raises(FileError, match="table digest: needs rows"):
        compare_tables({**before, **change}, before)
