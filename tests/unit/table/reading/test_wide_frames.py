"""Columns of numbers that are read together are those that are read one by one."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from creche.errors import CrecheWarning, TableError
from creche.table.cell_format import CellFormat, ExpectedColumn
from creche.table.reading import csv_large, number_cells
from creche.table.reading.csv_dialect import Dialect
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_table
from creche.table.table import Column, Table

TYPES = ["float64", "float32", "int64", "int8", "uint16", "uint64", "bool", "words", "Int64", "category", "datetime"]
SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def describe(column: Column) -> tuple[Any, ...]:
    values = column.to_objects().tolist() if column.kind == "words" else column.values.tobytes()
    format = None if column.missing.all() else column.format  # which empty cells do not show
    return column.kind, column.values.dtype, values, column.words, format, column.note, column.doubt


def alike(a: Table, b: Table) -> bool:
    return a.names == b.names and all(describe(a.columns[name]) == describe(b.columns[name]) for name in a.names)


def drawn_frame(seed: int, rows: int, n_columns: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    columns: dict[str, Any] = {}
    for i in range(n_columns):
        kind = TYPES[random.integers(len(TYPES))]
        numbers = random.integers(0, 5, rows)
        values: Any = numbers
        if kind.startswith("float"):
            values = np.where(random.random(rows) < 0.2, np.nan, random.normal(size=rows)).astype(kind)
        elif kind == "bool":
            values = numbers > 2
        elif kind == "words":
            values = np.array(["a", "b", "c", "d", "7"], dtype=object)[numbers]
        elif kind == "Int64":
            values = pd.array([None if n == 4 else n for n in numbers.tolist()], dtype="Int64")
        elif kind == "category":
            values = pd.Categorical(np.array(["x", "y"])[numbers % 2])
        elif kind == "datetime":
            values = pd.Timestamp("2020-01-01") + pd.to_timedelta(numbers, unit="D")
        else:
            values = numbers.astype(kind) + (2**63 if kind == "uint64" and i % 2 else 0)
        columns[f"c{i}"] = values
    return pd.DataFrame(columns)


@SLOW
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 12), n_columns=st.integers(1, 20), missing=st.booleans())
def test_a_frame_of_pandas(seed: int, rows: int, n_columns: int, missing: bool) -> None:
    frame = drawn_frame(seed, rows, n_columns)
    options = ReadOptions(missing_values=("3", "none")) if missing else None
    one_by_one = read_table({name: frame[name] for name in frame.columns}, options)
    assert alike(read_table(frame, options), one_by_one)


@SLOW
@given(seed=st.integers(0, 10**6), rows=st.integers(1, 12), n_columns=st.integers(1, 20), missing=st.booleans())
def test_a_frame_of_polars(seed: int, rows: int, n_columns: int, missing: bool) -> None:
    random = np.random.default_rng(seed)
    types = [pl.Float64, pl.Float32, pl.Int64, pl.Int16, pl.UInt8, pl.UInt64, pl.Boolean, pl.String, pl.Date]
    series = [
        pl.Series(f"c{i}", [None if n == 4 else n for n in random.integers(0, 5, rows).tolist()], pl.Int64).cast(
            types[random.integers(len(types))]
        )
        for i in range(n_columns)
    ]  # fmt: skip
    options = ReadOptions(missing_values=("3", "none")) if missing else None
    together = read_table(pl.DataFrame(series), options)
    for each in series:
        alone = read_table(each.to_frame(), options)
        assert describe(together.columns[each.name]) == describe(alone.columns[each.name])
        present = [value for value in each.to_list() if value is not None and not (missing and value == 3)]
        if each.dtype.is_numeric() and present:
            values = together.columns[each.name].values
            assert values[~np.isnan(values)].tolist() == present


@pytest.mark.parametrize("kind", ["number", "whole", "boolean", "words"])
@pytest.mark.parametrize(
    "values", [[0.5, np.nan], [1.0, 0.0], [np.nan, np.nan], [3, 4], [0, 1], [True, False]], ids=str
)
@pytest.mark.parametrize("words", [(), ("1", "-999")], ids=str)
def test_a_frame_read_as_expected(kind: str, values: list[Any], words: tuple[str, ...]) -> None:
    expected = {"x": ExpectedColumn(kind, CellFormat(missing=(*CellFormat().missing, *words)) if words else None)}
    frame = pd.DataFrame({"x": values, "y": [1.5, 2.5]})
    results = []
    for data in (frame, dict(frame.items())):
        try:
            results.append(describe(read_table(data, expected=expected).columns["x"]))
        except TableError as error:
            results.append((str(error),))
    assert results[0] == results[1]


def test_a_table_keeps_its_values_when_the_frame_changes() -> None:
    frame = pd.DataFrame(np.zeros((4, 3)))
    table = read_table(frame)
    frame.iloc[:, :] = 7.0
    assert all((column.values == 0).all() for column in table.columns.values())


def test_columns_of_numbers_stay_in_their_order_and_keep_their_names() -> None:
    frame = pd.DataFrame([[1, "a", 0.5, True, "b"]], columns=["x", "y", "x", "", "z"])
    table = read_table(frame)
    assert table.names == ["x (1)", "y", "x (2)", "column 4", "z"]
    assert [column.kind for column in table.columns.values()] == ["whole", "words", "number", "boolean", "words"]


def test_a_name_that_no_file_could_hold_is_refused() -> None:
    with pytest.raises(TableError, match=r"the name of column 2 is .* not valid Unicode"):
        read_table(pd.DataFrame([[1, 2]], columns=pd.Index(["a", "b\ud800"], dtype=object)))


CELLS = ["0", "1", "12", "-3", "+4", "1.5", "2.", ".5", "1e3", "1.234", "12.345", "NA", "nan", "", " 7 ", "x", "inf",
         "20200131", "9223372036854775808", "1,5", "-999", "007", "true"]  # fmt: skip


@SLOW
@given(data=st.data(), missing=st.sampled_from([(), ("-999",), ("x", "1")]), stacked=st.sampled_from([1, 12, 2**20]))
def test_cells_parsed_together_or_by_their_words(data: st.DataObject, missing: tuple[str, ...], stacked: int) -> None:
    rows = data.draw(st.integers(1, 20))
    some = st.sampled_from([CELLS, CELLS[:5], CELLS[:10], ["1.5", "2.25", "NA"], ["1", "-999", ""], ["1.234", "2.345"]])
    columns = {
        f"c{i}": data.draw(st.lists(st.sampled_from(data.draw(some)), min_size=rows, max_size=rows))
        for i in range(data.draw(st.integers(1, 5)))
    }  # fmt: skip
    lines = [list(columns), *zip(*columns.values(), strict=True)]
    text = "\n".join(";".join(line) for line in lines) + "\n"
    options = ReadOptions(separator=";", header=True, missing_values=missing)
    results = []
    for is_small in (True, False):
        with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
            warnings.simplefilter("ignore", CrecheWarning)
            patch.setattr("creche.table.reading.contents.SMALL_SIZE", 1_000_000 if is_small else 0)
            patch.setattr(number_cells, "STACKED_CELLS", stacked)
            results.append(read_text(text, options))
    assert alike(*results)


def read_text(text: str, options: ReadOptions) -> Table:
    import io

    return read_table(io.BytesIO(text.encode()), options)


@SLOW
@given(data=st.data())
def test_wide_rows_split_as_polars_splits_them(data: st.DataObject) -> None:
    width, rows = data.draw(st.integers(2, 6)), data.draw(st.integers(1, 8))
    cell = st.text(st.characters(exclude_characters=',"\r\n\0', exclude_categories=["Cs"]), max_size=4)
    cells = data.draw(st.lists(st.lists(cell, min_size=width, max_size=width), min_size=rows, max_size=rows))
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    text = "".join(",".join(row) + end for row in cells).encode()
    names = [f"c{i}" for i in range(width)]
    selected = data.draw(st.permutations(names))[: data.draw(st.integers(1, width))]
    reader = csv_large._Reader(Dialect(","), "t", names, selected)
    whole = reader._read_by_polars(text)
    assert whole is not None
    assert reader._split_cells(text).equals(whole.select(selected))


@pytest.mark.parametrize("line", ["1,2", "1,2,3,4"])
def test_a_wide_row_of_another_width_is_refused(tmp_path: Path, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_large, "WIDE", 2)
    monkeypatch.setattr("creche.table.reading.contents.SMALL_SIZE", 0)
    path = tmp_path / "wide.csv"
    path.write_text("a,b,c\n1,2,3\n4,5,6\n" + line + "\n7,8,9\n")
    with pytest.raises(TableError, match=f"line 4 has {line.count(',') + 1} cells, but there are 3"):
        read_table(path)


def test_a_wide_file_is_read_like_a_narrow_one(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(random.normal(size=(30, 1500)).round(3), columns=[f"gene_{i}" for i in range(1500)])
    frame["count"], frame["kind"] = random.integers(0, 9, 30), np.array(["a", "b"] * 15)
    frame.iloc[3, 7] = np.nan
    frame.to_csv(tmp_path / "wide.csv", index=False)
    table = read_table(tmp_path / "wide.csv")
    assert table.names == list(frame.columns)
    for name in frame.columns[:-1]:
        np.testing.assert_array_equal(table.columns[name].values, frame[name])
    assert table.columns["count"].kind == "whole"
    assert table.columns["kind"].to_objects().tolist() == frame["kind"].tolist()
