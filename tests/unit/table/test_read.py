from __future__ import annotations

import csv as csv_module
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rookery.errors import FileError, TableError
from rookery.table import read
from rookery.table.datasets import penguins
from rookery.table.read import MISSING_WORDS, Table, read_table
from rookery.table.small_csv import read_small_csv
from tests.unit.jobs import PENGUINS_CSV

COLUMNS = {
    "whole": [1, 2, 3],
    "holes": [1, None, 3],
    "real": [0.5, None, 2.5],
    "yes": [True, False, None],
    "word": ["a", None, "c"],
}
EXPECTED = {
    "whole": np.array([1, 2, 3], dtype=np.int64),
    "holes": np.array([1, np.nan, 3]),
    "real": np.array([0.5, np.nan, 2.5]),
    "yes": np.array([1, 0, np.nan]),
    "word": np.array(["a", None, "c"], dtype=object),
}


def csv(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.fixture(params=["small", "large"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Files are read by one of two readers, by their size; each is made to read all of them."""
    monkeypatch.setattr(read, "LARGE_FILE", 1_000_000 if request.param == "small" else -1)
    return str(request.param)


def same(table: Table, expected: dict[str, Any]) -> None:
    assert table.names == list(expected)
    for name, column in expected.items():
        assert table.columns[name].dtype == column.dtype, name
        np.testing.assert_array_equal(table.columns[name], column)


@pytest.mark.usefixtures("reader")
def test_a_file(tmp_path: Path) -> None:
    path = csv(tmp_path, "whole,holes,real,yes,word\n1,1,0.5,true,a\n2,,NA,false,NA\n3,3,2.5,,c\n")
    table = read_table(path)
    same(table, EXPECTED)
    same(read_table(str(path)), EXPECTED)
    assert len(table) == 3
    assert table.source == str(path)


def test_a_polars_frame() -> None:
    same(read_table(pl.DataFrame(COLUMNS)), EXPECTED)


def test_a_pandas_frame() -> None:
    pandas = pytest.importorskip("pandas")
    names = ["whole", "holes", "real", "word"]
    frame = pandas.DataFrame({name: COLUMNS[name] for name in names})
    same(read_table(frame), {name: EXPECTED[name] for name in names})
    frame = pandas.DataFrame({"yes": [True, False]})
    same(read_table(frame), {"yes": np.array([1.0, 0.0])})


@pytest.mark.parametrize(("name", "dtype"), [("yes", "boolean"), ("holes", "Int64"), ("real", "Float64")])
def test_a_pandas_frame_of_nullable_columns(name: str, dtype: str) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: pandas.Series(COLUMNS[name], dtype=dtype)})
    same(read_table(frame), {name: EXPECTED[name]})


def test_a_pyarrow_table() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    same(read_table(pyarrow.table(COLUMNS)), EXPECTED)


def test_a_table_stays_itself() -> None:
    table = Table(EXPECTED, "mine")
    assert read_table(table) is table


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("word", [word for word in MISSING_WORDS if word])
def test_words_for_missing(tmp_path: Path, word: str) -> None:
    table = read_table(csv(tmp_path, f"x,y\n1.5,a\n{word},{word}\n"))
    assert np.isnan(table.columns["x"][1])
    assert table.columns["y"].tolist() == ["a", None]


@pytest.mark.usefixtures("reader")
def test_numbers_and_words_are_told_apart_by_the_whole_column(tmp_path: Path) -> None:
    rows = "\n".join(str(i) for i in range(2000))
    table = read_table(csv(tmp_path, f"x\n{rows}\n1.5\n"))
    assert table.columns["x"].dtype == np.float64
    assert table.columns["x"][-1] == 1.5


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "penguin.csv"
    with pytest.raises(FileError) as refusal:
        read_table(path)
    assert str(refusal.value) == f"{path}: there is no such file (bundled tables, usable by name: penguins)"


def test_a_folder_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="is a folder; give a CSV file"):
        read_table(tmp_path)


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("text", ["", "\n"], ids=repr)
def test_an_empty_file(tmp_path: Path, text: str) -> None:
    path = csv(tmp_path, text)
    with pytest.raises(TableError, match=r"table\.csv: "):
        read_table(path).column("y", "label")


@pytest.mark.usefixtures("reader")
def test_names_without_rows(tmp_path: Path) -> None:
    table = read_table(csv(tmp_path, "a,b\n"))
    assert len(table) == 0
    assert table.names == ["a", "b"]


@pytest.mark.usefixtures("reader")
@pytest.mark.parametrize("separator", [";", "\t"], ids=repr)
def test_another_separator_is_recognised(tmp_path: Path, separator: str) -> None:
    path = csv(tmp_path, f"a{separator}b\n1{separator}2\n")
    with pytest.raises(TableError, match=r"table\.csv: its values seem to be separated by .*; needs commas"):
        read_table(path)


@pytest.mark.usefixtures("reader")
def test_rows_of_different_length(tmp_path: Path) -> None:
    path = csv(tmp_path, "a,b\n1,2\n3,4,5\n")
    with pytest.raises(TableError, match=r"table\.csv: (line 3 has 3 cells|cannot be read as CSV)"):
        read_table(path)


@pytest.mark.usefixtures("reader")
def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(b"a,b\n1,\xff\xfe\x00\n")
    with pytest.raises(TableError, match=r"table\.csv: (byte 6 is not UTF-8 text|cannot be read as CSV)"):
        read_table(path)


@pytest.mark.parametrize(
    "data", [5, None, object(), {"a": [1]}, pl.DataFrame(COLUMNS).lazy()], ids=lambda d: type(d).__name__
)
def test_what_is_no_table(data: object) -> None:
    with pytest.raises(TableError, match=rf"got {type(data).__name__}; needs a CSV file, a DataFrame"):
        read_table(data)


def test_a_missing_column_gets_the_nearest_name() -> None:
    with pytest.raises(TableError, match="label: mine has no column 'wrod'; did you mean 'word'"):
        Table(EXPECTED, "mine").column("wrod", "label")


@pytest.mark.usefixtures("reader")
def test_penguins_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table = read_table("penguins")
    same(table, read_table(PENGUINS_CSV).columns)
    assert len(table) == 344
    names = "species island bill_length_mm bill_depth_mm flipper_length_mm body_mass_g sex"
    assert table.names == names.split()


def test_a_file_named_penguins_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    csv(tmp_path, "a\n1\n", "penguins")
    assert read_table("penguins").names == ["a"]


def test_the_bundled_penguins() -> None:
    # As in Gorman, Williams & Fraser 2014 (table 1 and the palmerpenguins package's summary).
    frame = penguins()
    assert frame.shape == (344, 7)
    assert dict(frame["species"].value_counts().rows()) == {"Adelie": 152, "Chinstrap": 68, "Gentoo": 124}
    assert sum(frame.null_count().row(0)) == 19
    assert frame["body_mass_g"].min() == 2700
    assert frame["body_mass_g"].max() == 6300
    same(read_table(frame), read_table("penguins").columns)


def test_a_pandas_frame_with_numbered_columns() -> None:
    pandas = pytest.importorskip("pandas")
    assert read_table(pandas.DataFrame(np.eye(3))).names == ["0", "1", "2"]


CELLS = st.sampled_from(
    ["1", "-2", "0", "007", "1.5", "-3e4", "1e-3", "", "NA", "true", "false", "True", "a", "b c", "x,y", 'say "it"',
     "é", "inf", "-inf", "1_000", "0x1f", "9223372036854775807", ".5", "5.", "1e400", "2020-01-01", "12:30"]
)  # fmt: skip


def by_both(folder: Path, text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    path = csv(folder, text)
    return read_small_csv(path, MISSING_WORDS)[0], read._from_frame(read._read_large_csv(path), "").columns


@given(st.lists(CELLS, min_size=1, max_size=5).filter(lambda cells: not set(cells) <= set(MISSING_WORDS)))
@settings(deadline=None)
def test_both_readers_give_the_same_columns(cells: list[str]) -> None:
    text = io.StringIO()
    csv_module.writer(text).writerows([["p", "q"], *([cell, "1"] for cell in cells)])
    with tempfile.TemporaryDirectory() as folder:
        small, large = by_both(Path(folder), text.getvalue())
    same(Table(small, "small"), large)


@pytest.mark.parametrize(
    "text",
    ["p,q\n 1,2\n", "p,q\n1, 2\n", "p,q\n+5,2\n", "p,q\n9223372036854775808,2\n", "p,q\n1,2\n\n3,4\n", "p,q\n,2\n"],
    ids=repr,
)
def test_both_readers_give_the_same_odd_columns(tmp_path: Path, text: str) -> None:
    small, large = by_both(tmp_path, text)
    same(Table(small, "small"), large)


@pytest.mark.parametrize(
    ("large_from", "text"),
    [
        (1000, "p,p\n1,2\n"),
        (1000, "p,q\n1\n"),
        (1000, "p,q\n1,2,3\n"),
        (-1, "p,q\n1,2,3\n"),
    ],
)
def test_both_readers_refuse_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large_from: int, text: str
) -> None:
    monkeypatch.setattr(read, "LARGE_FILE", large_from)
    path = csv(tmp_path, text)
    with pytest.raises(TableError, match=r"table\.csv: "):
        read_table(path)
