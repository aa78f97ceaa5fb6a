"""What is counted for many columns together is what each column has by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche.table import column_blocks
from creche.table.column_blocks import count_values, find_infinite, stack_values
from creche.table.leakage import digest_rows
from creche.table.schema import Schema
from creche.table.table import Column, Table

VALUES = [0.0, -0.0, 1.0, 2.5, np.nan, np.inf, -np.inf, 1e300, 1.0000001, -999.0]


def drawn_column(data: st.DataObject, rows: int) -> Column:
    kind = data.draw(st.sampled_from(["number", "whole", "gaps", "boolean"]))
    if kind == "whole":
        return Column(
            "whole", np.array(data.draw(st.lists(st.integers(-3, 3), min_size=rows, max_size=rows)), np.int64)
        )
    choices = {"number": VALUES, "gaps": [1.0, 2.0, np.nan, 1e15], "boolean": [0.0, 1.0, np.nan]}[kind]
    values = np.array(data.draw(st.lists(st.sampled_from(choices), min_size=rows, max_size=rows)), np.float64)
    return Column("whole" if kind == "gaps" else kind, values)


@given(data=st.data())
def test_counts_are_those_of_each_column(data: st.DataObject) -> None:
    rows = data.draw(st.integers(0, 9))
    columns = [drawn_column(data, rows) for _ in range(data.draw(st.integers(1, 6)))]
    for column, counts in zip(columns, count_values(columns, 3, 1000), strict=True):
        present = column.values[~column.missing]
        assert counts.missing == rows - len(present)
        assert counts.distinct == len(set(present.tolist()))
        firsts = list({value.tobytes(): value.item() for value in present})
        assert [np.array(value, present.dtype).tobytes() for value in counts.examples] == firsts[:3]
        assert counts.has_more == (len(firsts) >= 3)


def test_distinct_values_of_long_columns_are_left_to_others() -> None:
    (counts,) = count_values([Column("number", np.arange(20.0))], 3, 10)
    assert counts.distinct is None
    assert counts.examples == [0, 1, 2]


def test_infinite_columns_are_named() -> None:
    columns = {
        "a": Column("number", np.array([1.0, np.nan])),
        "b": Column("whole", np.array([1, 2])),
        "c": Column("number", np.array([-np.inf, 1.0])),
        "d": Column.from_words(["x", "y"]),
    }
    assert find_infinite(columns) == {"c"}


@pytest.mark.parametrize("block", [1, 7, 2**17])
def test_each_array_is_a_row_of_one_matrix(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_blocks, "BLOCK_VALUES", block)
    arrays: list[Any] = [np.arange(3) + i if i % 2 else np.arange(3) / (i + 1) for i in range(9)]
    found = {}
    for which, matrix in stack_values(arrays):
        found.update(zip(which.tolist(), matrix, strict=True))
    assert sorted(found) == list(range(9))
    for i, array in enumerate(arrays):
        assert found[i].dtype == array.dtype
        assert found[i].tolist() == array.tolist()


@given(data=st.data())
def test_a_schema_is_that_of_each_column_by_itself(data: st.DataObject) -> None:
    rows = data.draw(st.integers(1, 30))
    columns = {f"c{i}": drawn_column(data, rows) for i in range(data.draw(st.integers(1, 6)))}
    usable = {
        name: column for name, column in columns.items()
        if not column.missing.all() and not (column.values.dtype.kind == "f" and np.isinf(column.values).any())
    }  # fmt: skip
    if not usable:
        return
    roles = dict.fromkeys(usable, "numeric")
    together = Schema.infer(Table(usable, "t"), [], roles).columns
    for described in together:
        (alone,) = Schema.infer(Table({described.name: usable[described.name]}, "t"), list(roles), roles).columns
        assert described == alone
        # Words go another way than numbers.
        texts = [f"{value:g}" if usable[alone.name].kind == "number" else str(int(value)) for value in
                 usable[alone.name].values[~usable[alone.name].missing].tolist()]  # fmt: skip
        if usable[alone.name].kind != "boolean":
            assert described.examples == tuple(dict.fromkeys(texts))[:3]


@pytest.mark.parametrize("block", [1, 40])
def test_digests_of_rows_do_not_depend_on_blocks(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    columns = {f"c{i}": Column("number", random.integers(0, 2, 12) / 2) for i in range(5)}
    columns["w"] = Column("whole", random.integers(0, 2, 12))
    columns["s"] = Column.from_words(["a", "b", None] * 4)
    table, labels = Table(columns, "t"), np.array(["x", "y"] * 6)
    expected = digest_rows(table, labels)
    monkeypatch.setattr(column_blocks, "BLOCK_VALUES", block)
    assert digest_rows(table, labels).tolist() == expected.tolist()
    rows = [(*(column.to_objects()[i] for column in columns.values()), labels[i]) for i in range(12)]
    for i in range(12):
        for j in range(12):
            assert (expected[i] == expected[j]) == (rows[i] == rows[j])
