"""Files that are not tables: each is refused by name, with what to do, never with the traceback of another library."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche.errors import CrecheError, CrecheWarning, FileError, PlanError, TableError
from creche.table.reading import contents
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_batches, read_table
from tests.unit.table.reading.test_formats import COMPRESSIONS, FORMATS, zstd
from tests.unit.table.tables import frame


def refused(
    content: bytes | str, folder: Path, message: str, error: type[Exception] = TableError, name: str = "t.csv"
) -> None:
    """Both readers of CSV, and reading in batches, raise the same error."""
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(error, match=message) as small:
        read_table(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contents.Contents, "small_table", lambda self, rules: None)
        with pytest.raises(error) as large:
            read_table(path)
        with pytest.raises(error):
            list(read_batches(path))
    assert str(small.value) == str(large.value)
    assert str(small.value).startswith(str(path))


def test_not_there(tmp_path: Path) -> None:
    (tmp_path / "penguins2.csv").write_text("a\n1\n")
    with pytest.raises(FileError, match=r"there is no such file; did you mean .*penguins2\.csv\?"):
        read_table(tmp_path / "penguin2.csv")
    with pytest.raises(FileError, match=r"there is no folder .*nowhere either"):
        read_table(tmp_path / "nowhere" / "t.csv")
    with pytest.raises(FileError, match="did you mean penguins"):
        read_table("pengins")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match=r"empty: is a folder without a table"):
        read_table(tmp_path / "empty")
    with pytest.raises(FileError, match="is not a valid file name"):
        read_table("a" * 5000)


def test_not_to_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a\n1\n")

    def denied(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    with pytest.raises(FileError, match="you have no permission to read it; permit it"):
        read_table(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "is empty; needs a line of column names and rows below it"),
        (" \n\n", "is empty"),
        ("a,b\n", "has column names but no rows below them"),
        ("a,b\n1,2\n3\n", r"line 3 has 1 cell, but there are 2 column names"),
        ("a,b\n1,2\n3,4,5\n", r"line 3 has 3 cells"),
        ('a,b\n1,"x\n\ny"\n3\n', r"line 5 has 1 cell"),
        (f"a,{'n' * 2000},b\n1,2,3\n", r"the name of column 2 has 2,000 characters \('n+'…\); a name has at most"),
        ('a,b\n1,"x\n2,y\n', r'line 2: a " is opened and never closed'),
        ('a,b\n1,"x"y\n', r'line 2: there is text right after a closing "'),
        ("a,b\n1,x\0\n", "line 2 holds a NUL byte"),
        ("a,b\n" + "1,x\n" * 40_000 + "1,\0\n", "line 40002 holds a NUL byte"),
        (b"a,b\n" + b"1,x\n" * 300_000 + b"1,\xff\n", "line 300002 holds byte 0xff, which is not UTF-8"),
        (b"\x07\x01\xfe\xff\x9c" * 50, "is not UTF-8, and byte 1 is a control character"),
        (b"SQLite format 3\0....", "is an SQLite database; name its table by an address"),
        (b"<stata_dta><header>", "is a Stata file; pass pandas.read_stata"),
        (b"$FL2@(#) SPSS DATA FILE", "is an SPSS file; pass pandas.read_spss"),
        (b"HEADER RECORD*******LIBRARY HEADER RECORD!!!!!!!", "is a SAS file; pass pandas.read_sas"),
        (b"\x93NUMPY\x01\x00", "is an array of NumPy; pass numpy.load"),
        (b"\x80\x04\x95\x10", "is a pickle, which could run code when loaded"),
        (b"\x89PNG\r\n", "is a picture"),
        ("<!DOCTYPE html><html>", "is a page of HTML or XML, not a table"),
    ],
)  # fmt: skip
def test_what_is_no_table(content: bytes | str, message: str, tmp_path: Path) -> None:
    refused(content, tmp_path, message)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}\n{"a": \n', r"line 2 is not valid JSON \(.*character 7\); needs one object per line"),
        ('{"a": 1}\n[1]\n', "line 2 is a JSON list; needs an object"),
    ],
)
def test_json_lines_that_are_no_table(content: str, message: str, tmp_path: Path) -> None:
    refused(content, tmp_path, message, name="t.jsonl")


@pytest.mark.parametrize("content", ['{"a": 1}\n{"a": [1, 2]}\n', '{"a": {"b": 1}}\n{"a": {"b": 2}}\n'])
def test_a_column_of_several_values_a_cell_is_read_but_not_learnt_from(content: str, tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(content)
    assert "it holds" in read_table(path).columns["a"].doubt
    with pytest.raises(TableError, match="column 'a' holds"):
        read_table(path, expected={"a": "number"})


def test_a_hundred_thousand_columns(tmp_path: Path) -> None:
    names = [f"c{i}" for i in range(100_000)]
    path = tmp_path / "t.csv"
    path.write_text(",".join(names) + "\n" + ",".join("1" * 100_000) + "\n")
    table = read_table(path)
    assert len(table.names) == 100_000
    assert table.columns["c99999"].values.tolist() == [1]
    path.write_text(",".join([*names, "c5"]) + "\n" + ",".join("1" * 100_001) + "\n")
    with pytest.warns(CrecheWarning, match="has several columns called 'c5'; they are renamed to 'c5"):
        assert read_table(path).names[-1] == "c5 (2)"


@pytest.mark.parametrize("zone", [None, "Asia/Tokyo"])
def test_a_date_that_is_too_many_years_away(zone: str | None) -> None:
    days = pl.Series([0, None, 2**31 - 1], dtype=pl.Int32).cast(pl.Date)
    dates = days if zone is None else pl.Series([0, None, 2**62], dtype=pl.Int64).cast(pl.Datetime("ms", zone))
    with pytest.raises(TableError, match=r"row 3, column 'day' is a date that is too many years away; needs one of"):
        read_table(pl.DataFrame({"day": dates, "mass": [1.5, 2.5, 3.5]}), expected={"day": "datetime"})


CUT = [
    *((f"{format}{compression}", COMPRESSIONS[compression](FORMATS[format](frame(40))))
      for format in FORMATS for compression in COMPRESSIONS if format not in ("csv", "jsonl") or compression),
    ("csv.zst", zstd(FORMATS["csv"](frame(40)))),
]  # fmt: skip


@pytest.mark.parametrize(("name", "whole"), CUT, ids=[name for name, _ in CUT])
def test_cut_short(name: str, whole: bytes, tmp_path: Path) -> None:
    """A file cut at many places is refused as damaged, or (an Arrow stream between two batches) read up to there."""
    path = tmp_path / "cut"
    for length in sorted({*range(0, len(whole), max(1, len(whole) // 40)), len(whole) - 1, len(whole) - 4}):
        path.write_bytes(whole[:length])
        try:
            table = read_table(path)
        except CrecheError as error:
            assert str(error).startswith(str(path))  # noqa: PT017 - some cuts are read
        else:
            assert "stream" in name or "zip" in name or "xz" in name or "bz2" in name or "zst" in name, length
            assert len(table) <= 40


@given(st.data())
def test_bytes_changed_anywhere_never_crash(tmp_path_factory: Any, data: st.DataObject) -> None:
    format = data.draw(st.sampled_from(sorted(FORMATS)))
    whole = bytearray(FORMATS[format](frame(10)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "changed"
    path.write_bytes(whole)
    try:
        read_table(path)
    except CrecheError as error:
        assert str(path) in str(error)  # noqa: PT017 - most changes are read


def test_archives(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
        archive.writestr("b.csv", "a\n1\n")
    refused(out.getvalue(), tmp_path, "holds 2 files; needs one")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("[Content_Types].xml", "")
        archive.writestr("xl/worksheets/sheet1.xml", "")
    refused(out.getvalue(), tmp_path, "is a document of an Office program without sheets; needs a table")
    refused(gzip.compress(b"a,b\n1\n"), tmp_path, "line 2 has 1 cell")


@pytest.mark.parametrize(
    ("kind", "word", "message"),
    [
        ("number", "heavy", "row 3, column 'a' is 'heavy'; needs a number, or an empty cell"),
        (
            "whole",
            "1.5",
            "row 3, column 'a' is '1.5'; needs a whole number|row 3, column 'a' is 1.5; needs a whole number",
        ),
        ("boolean", "maybe", "row 3, column 'a' is 'maybe'; needs yes or no"),
        ("datetime", "yesterday", "row 3, column 'a' is 'yesterday'; needs a date such as 2020-01-31"),
    ],
)
def test_values_of_another_kind_than_expected(kind: str, word: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    fine = {"number": "1.5", "whole": "3", "boolean": "yes", "datetime": "2020-01-02"}[kind]
    path.write_text(f"a,b\n{fine},1\n,1\n{word},1\n")
    for sources in ([path], [read_table(path)], [pl.read_csv(path, infer_schema=False)]):
        with pytest.raises(TableError, match=message):
            read_table(sources[0], expected={"a": kind})
    with pytest.raises(TableError, match="expected: column 'a': got 'numbr'"):
        read_table(path, expected={"a": "numbr"})


def test_expected_kinds(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("code,flag\n007,1\n12,0\n")
    table = read_table(path, expected={"code": "words", "flag": "boolean"})
    assert table.columns["code"].to_objects().tolist() == ["007", "12"]
    assert table.columns["flag"].to_objects().tolist() == [True, False]


def test_invalid_read_options() -> None:
    for wrong, message in [
        ({"format": "cvs"}, "ReadOptions.format: got 'cvs'"),
        ({"separator": ";;"}, "ReadOptions.separator: got ';;'"),
        ({"separator": "5"}, "ReadOptions.separator"),
        ({"quote": ";", "separator": ";"}, "which is also the separator"),
        ({"text_encoding": "base64"}, "ReadOptions.text_encoding"),
    ]:
        with pytest.raises(PlanError, match=message):
            ReadOptions(**wrong)
