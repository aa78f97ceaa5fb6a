"""Lines and rows at the end of a table that are not observations, and rows that the user leaves out."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import polars as pl
import pytest

from creche.errors import CrecheWarning, TableError
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_batches, read_table
from creche.table.reading.row_filters import drop_totals_of_frame, find_remark
from tests.unit.table.tables import read, values

ROWS = "a,b,kind\n1,2.5,x\n2,3.5,y\n3,4.5,x\n"

small_and_large = pytest.mark.parametrize("small", [True, False])


@small_and_large
@pytest.mark.parametrize(
    ("below", "told"),
    [
        ("60 rows\n", ["dropped the last line .*: '60 rows'"]),
        ("\n60 rows", ["the last line .*'60 rows'"]),
        (
            "\n\nSource: the office, 2020\nAll rights reserved\n",
            ["the last 2 lines .*'Source: the office, 2020', 'All"],
        ),
        ("end\n", ["the last line .*'end'"]),
        ("Total,10.5,\n", ["row 4 .*'Total'"]),
        ("10.5,10.5,Total\n", ["row 4 .*'Total'"]),
        ("Total:,,\n", ["row 4 .*'Total:'"]),
        ("Total,10.5,\nAverage,3.5,\n", ["row 4 .*'Total'", "row 5 .*'Average'"]),
        ("Summe,10.5,\nSource: the office,,\n", ["row 4 .*'Summe'", "row 5 .*'Source: the office'"]),
        ("3 rows,,\n", ["row 4 .*'3 rows'"]),
        ("Grand total,10.5,\n\n3 rows\n", ["the last line .*'3 rows'", "row 4 .*'Grand total'"]),
    ],
)
def test_what_is_below_the_rows_is_left_out_and_told(below: str, told: list[str], small: bool, tmp_path: Path) -> None:
    with pytest.warns(CrecheWarning) as caught:
        table = read(ROWS + below, tmp_path, small=small)
    assert values(table) == {"a": [1, 2, 3], "b": [2.5, 3.5, 4.5], "kind": ["x", "y", "x"]}
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == len(told)
    for message, pattern in zip(messages, told, strict=True):
        assert "table.csv" in message
        assert re.search(pattern, message), message


@small_and_large
@pytest.mark.parametrize(
    "below",
    [
        "Total,1.5,x\n",  # it has another word
        "4,5.5,Total\n4,5.5,x\n",  # not at the end
        ",5.5,\n",
        "4,,\n",
        ",,y\n",
        "mean value,5.5,x\n",
    ],
)
def test_rows_are_kept(below: str, small: bool, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = read(ROWS + below, tmp_path, small=small)
    assert len(table) == 3 + below.count("\n")


@small_and_large
def test_a_category_is_no_totals_row(small: bool, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = read("a,kind\n1,Total\n2,x\n3,Total\n", tmp_path, small=small)
        assert values(table)["kind"] == ["Total", "x", "Total"]
        assert len(read("a,kind\n1,x\n2,Total\n", tmp_path, small=small)) == 2  # two rows tell nothing


@small_and_large
@pytest.mark.parametrize("below", ["0.5,1", "0.5", "x", "0.5,1\n", "5\n"])
def test_a_row_that_was_cut_short_is_an_error(below: str, small: bool, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"line 5 has [12] cells?, but there are 3 column names"):
        read(ROWS + below, tmp_path, small=small)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        (["Total", "", "8.1"], "Total"),
        (["", None, "SUBTOTAL"], "SUBTOTAL"),
        (["1", "x", "Total"], None),
        (["Total", "", "x"], None),
        (["Totally", "1", "2"], None),
        (["Source: us", "", ""], "Source: us"),
        (["", "Source: us", ""], None),
        (["Source: us", ""], None),
        (["5", "", ""], None),
        (["", "", ""], None),
    ],
)
def test_remarks(row: list[str | None], word: str | None) -> None:
    found = find_remark(row)
    assert (None if found is None else found[1]) == word


def test_frames_of_cells() -> None:
    frame = pl.DataFrame({"a": ["1", "2", "3", "Total"], "b": ["x", "y", "x", None]})
    with pytest.warns(CrecheWarning, match="dropped row 4 of the file"):
        assert drop_totals_of_frame(frame, "the file").rows() == frame.rows()[:3]
    for kept in (frame[:3], frame[2:], frame[:0], frame.with_columns(a=pl.Series(["Total", "2", "3", "Total"]))):
        assert drop_totals_of_frame(kept, "the file") is kept


def test_predictions_leave_out_the_same_rows(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(ROWS + "Total,10.5,\nSource: us,,\n")
    with pytest.warns(CrecheWarning):
        table = read_table(path)
    for rows in (2, 100):
        with pytest.warns(CrecheWarning) as caught:
            batches = list(read_batches(path, rows=rows))
        assert "row 4 " in str(caught[0].message)
        assert sum(len(batch.table) for batch in batches) == len(table) == 3


@small_and_large
@pytest.mark.parametrize(
    ("dropped", "kept"), [((1,), [2, 3]), ((-1,), [1, 2]), ((1, -1), [2]), ((3, -1), [1, 2]), ((2, 2), [1, 3])]
)
def test_rows_that_the_user_leaves_out(dropped: tuple[int, ...], kept: list[int], small: bool, tmp_path: Path) -> None:
    options = ReadOptions(drop_rows=dropped)
    assert values(read(ROWS, tmp_path, options, small))["a"] == kept
    batches = list(read_batches(tmp_path / "table.csv", options))
    assert [value for batch in batches for value in values(batch.table)["a"]] == kept


@small_and_large
@pytest.mark.parametrize("number", [4, -4, 99])
def test_a_row_that_is_not_there(number: int, small: bool, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=rf"drop_rows: got {number}, but .* has 3 rows; number them from 1, or -1"):
        read(ROWS, tmp_path, ReadOptions(drop_rows=(number,)), small)
