"""Columns that have fixed places in each line, with empty cells."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche.errors import CrecheWarning, TableError
from creche.table.reading import contents
from creche.table.reading.fixed_width import find_spans, split_fixed
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_table
from tests.unit.table.tables import values

TABLE = """name    age  city        score
Ada      36  London       1.5
Bob          New York     2.5
Carla    41               3.0
Dan       7  Rome
Eve      99  Paris       10.5
"""

EXPECTED = {
    "name": ["Ada", "Bob", "Carla", "Dan", "Eve"],
    "age": [36, None, 41, 7, 99],
    "city": ["London", "New York", None, "Rome", "Paris"],
    "score": [1.5, 2.5, 3, None, 10.5],
}


@pytest.fixture(params=["small", "large"])
def read(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Any]:
    if request.param == "large":
        monkeypatch.setattr(contents.Contents, "small_table", lambda self, rules: None)

    def read(text: str, **options: Any) -> Any:
        (tmp_path / "table.txt").write_text(text)
        return values(read_table(tmp_path / "table.txt", ReadOptions(**options)))

    return read


@pytest.mark.parametrize("before", ["", "A title\n", "A longer title of this table, all of 2024\n\n"])
def test_empty_cells(read: Callable[..., Any], before: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert read(before + TABLE) == EXPECTED
    told = " ".join(str(warning.message) for warning in caught)
    assert "is read in columns of fixed width" in told
    assert "ReadOptions(separator=' ')" in told
    assert ("dropped" in told) == bool(before)


def test_a_later_line_may_be_longer_but_not_run_into_the_next_column(read: Callable[..., Any]) -> None:
    rows = TABLE.replace("\nDan ", "\n" + "Dan       7  Rome         4.0\n" * 200 + "Dan ")
    with pytest.warns(CrecheWarning, match="fixed width"):
        assert read(rows + "Ernest  120  Rome         4.0\n")["age"][-1] == 120
    with (
        pytest.warns(CrecheWarning, match="fixed width"),
        pytest.raises(TableError, match=r"table.txt: line 207 does not fit .*ReadOptions.separator=' '"),
    ):
        read(rows + "Maximilian36 Rome         4.0\n")


def test_blanks_that_separate_all_cells_are_no_fixed_width(read: Callable[..., Any]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read("a b\n1 2\n30 4\n5 600\n") == {"a": [1, 30, 5], "b": [2, 4, 600]}


def test_the_separator_may_be_set(read: Callable[..., Any]) -> None:
    with pytest.raises(TableError, match="line 3 has 3 cells, but there are 4 column names"):
        read(TABLE.replace("New York", "York"), separator=" ")


WORDS = st.text("abcxyz", min_size=1, max_size=6)


@given(
    st.lists(
        st.tuples(st.integers(-99, 9999), st.none() | WORDS, st.none() | st.integers(0, 99)), min_size=4, max_size=9
    )
)
def test_what_is_formatted_in_columns_is_cut_there(rows: list[tuple[Any, ...]]) -> None:
    rows = [*rows, (1, "word", 2)]
    lines = ["count  word    size"]
    lines += [f"{a:5d}  {b or '':6s}  {'' if c is None else c:4}" for a, b, c in rows]
    spans = find_spans(lines)
    assert len(spans) == 3
    assert [split_fixed(line, spans) for line in lines[1:]] == [
        [str(a), b or "", "" if c is None else str(c)] for a, b, c in rows
    ]


@pytest.mark.parametrize(
    "text", ["", "one line", "a text\nof several lines\nthat are\nno table", "a  b\n1  2", "a  b\nc  d\ne  f\n   g\nh"]
)
def test_no_columns(text: str) -> None:
    assert find_spans(text.splitlines()) == ()
