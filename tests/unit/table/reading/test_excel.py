"""Sheets written by openpyxl, pandas and by hand: their values, warnings and errors."""

from __future__ import annotations

import contextlib
import datetime
import io
import re
import sys
import warnings
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from creche.errors import CrecheWarning, FileError, PlanError, TableError
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_batches, read_table
from creche.table.table import Table
from tests.unit.table.tables import kinds, values

BIRDS_XLS = Path(__file__).parents[3] / "data" / "sheets" / "birds.xls"  # written by xlwt


def workbook(*sheets: tuple[str, Sequence[Sequence[Any]]], change: Callable[[Any], object] | None = None) -> bytes:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    if change is not None:
        change(book)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def opendocument(rows: Sequence[Sequence[Any]], kind: str = "spreadsheet") -> bytes:
    def cell(value: Any) -> str:
        if value is None:
            return "<table:table-cell/>"
        if isinstance(value, bool):
            return f'<table:table-cell office:value-type="boolean" office:boolean-value="{str(value).lower()}"/>'
        if isinstance(value, int | float):
            return f'<table:table-cell office:value-type="float" office:value="{value}"/>'
        if isinstance(value, datetime.date):
            return f'<table:table-cell office:value-type="date" office:date-value="{value.isoformat()}"/>'
        return f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>'

    base = "urn:oasis:names:tc:opendocument:xmlns"
    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    content = (
        f'<office:document-content xmlns:office="{base}:office:1.0" xmlns:table="{base}:table:1.0" '
        f'xmlns:text="{base}:text:1.0"><office:body><office:spreadsheet><table:table table:name="Birds">{body}'
        "</table:table></office:spreadsheet></office:body></office:document-content>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("mimetype", f"application/vnd.oasis.opendocument.{kind}")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{base}:manifest:1.0"/>')
    return out.getvalue()


def read(content: bytes, **options: Any) -> Table:
    """Return the table, which must be read without a warning, and alike in batches."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = read_table(io.BytesIO(content), ReadOptions(**options))
        batches = read_batches(io.BytesIO(content), ReadOptions(**options), rows=2)
        assert sum(len(batch.table) for batch in batches) == len(table)
    return table


DAY = datetime.date(2021, 11, 3)

ROWS = [
    ["ring", "mass", "share", "young", "day", "seen", "island"],
    ["00123", 3750, 0.25, True, DAY, datetime.datetime(2021, 11, 3, 4, 5, 6), "Biscoe"],
    ["00124", 3800, 0.5, False, DAY + datetime.timedelta(17), datetime.datetime(2021, 12, 1, 0, 0), "Dream, east"],
    ["00125", 4100, 1, None, None, None, None],
]

VALUES = {
    "ring": ["00123", "00124", "00125"],
    "mass": [3750, 3800, 4100],
    "share": [0.25, 0.5, 1.0],
    "young": [True, False, None],
    "day": [datetime.datetime(2021, 11, 3), datetime.datetime(2021, 11, 20), None],
    "seen": [datetime.datetime(2021, 11, 3, 4, 5, 6), datetime.datetime(2021, 12, 1), None],
    "island": ["Biscoe", "Dream, east", None],
}

TYPES = {
    "ring": "words", "mass": "whole", "share": "number", "young": "boolean", "day": "datetime", "seen": "datetime",
    "island": "words",
}  # fmt: skip


@pytest.mark.parametrize("write", [lambda rows: workbook(("Birds", rows)), opendocument], ids=["xlsx", "ods"])
def test_the_types_of_cells_are_kept(write: Callable[[Any], bytes]) -> None:
    table = read(write(ROWS))
    assert values(table) == VALUES
    assert kinds(table) == TYPES


def test_an_old_excel_file() -> None:
    with pytest.warns(CrecheWarning, match=r"sheet 'Birds': the column names are in row 3; dropped .* row 1 \('Weigh"):
        table = read_table(BIRDS_XLS)
    assert values(table) == {
        "ring": ["00123", "00124", "00125"],
        "mass": [3750.0, 3800.5, None],
        "young": [True, False, True],
        "day": [datetime.datetime(2021, 11, 3), datetime.datetime(2021, 11, 20), None],
    }


@pytest.mark.parametrize("name", ["birds.csv", "birds", "birds.parquet", "birds.xlsx"])
def test_the_bytes_decide_and_not_the_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(workbook(("Birds", ROWS)))
    assert values(read_table(tmp_path / name)) == VALUES
    (tmp_path / name).write_text("a,b\n1,2\n")
    assert values(read_table(tmp_path / name)) == {"a": [1], "b": [2]}


def test_a_compressed_workbook() -> None:
    import gzip

    content = workbook(("Birds", ROWS))
    assert values(read(gzip.compress(content))) == VALUES
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("birds.xlsx", content)
    assert values(read(out.getvalue())) == VALUES


cells = st.one_of(
    st.none(),
    st.integers(-(10**9), 10**9),
    st.floats(-1e6, 1e6).map(lambda x: round(x, 3) + 0.0),
    st.booleans(),
    st.sampled_from(["Biscoe", "Dream, east", 'the "T"', "Ørnøya", "x y"]),
)


@settings(max_examples=30)
@given(st.lists(st.tuples(*[st.integers(-99, 99), cells, cells, cells]), min_size=1, max_size=8))
def test_the_same_table_as_csv(rows: list[tuple[Any, ...]]) -> None:
    """Mixed columns, too: what Excel writes as CSV reads as the sheet does."""
    names = ["a", "b", "c", "d"]
    csv = [",".join(names)]
    for row in rows:
        out = []
        for cell in row:
            text = "" if cell is None else str(cell).upper() if isinstance(cell, bool) else str(cell)
            text = text.removesuffix(".0") if isinstance(cell, float) else text
            out.append('"' + text.replace('"', '""') + '"')
        csv.append(",".join(out))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sheet = read_table(io.BytesIO(workbook(("s", [names, *rows]))))
        text = read_table(io.BytesIO("\n".join(csv).encode()))
    assert values(sheet) == values(text)
    assert kinds(sheet) == kinds(text)


def test_pandas_writes_and_its_index_is_left_out() -> None:
    frame = pd.DataFrame({"a": [1.5, np.nan], "b": ["x", "y"]})
    out = io.BytesIO()
    frame.to_excel(out, index=False)
    assert values(read(out.getvalue())) == {"a": [1.5, None], "b": ["x", "y"]}
    out = io.BytesIO()
    frame.to_excel(out)
    with pytest.warns(CrecheWarning, match="dropped column A, which has no name and only numbers the rows"):
        assert values(read_table(io.BytesIO(out.getvalue()))) == {"a": [1.5, None], "b": ["x", "y"]}


def test_which_sheet() -> None:
    one, two = [["a"], [1], [2]], [["b"], [3], [4]]

    def hide(book: Any) -> None:
        book["Hidden"].sheet_state = "hidden"

    content = workbook(("Empty", []), ("Hidden", two), ("One", one), ("2021", two), change=hide)
    with pytest.warns(CrecheWarning, match=r"read sheet 'One', the first with data; for another \(2021\), set ReadOpt"):
        assert values(read_table(io.BytesIO(content))) == {"a": [1, 2]}
    for sheet, expected in (("One", "a"), ("2021", "b"), (2021, None), (2, "a"), ("3", "b"), ("Hidden", "b")):
        if expected is None:
            with pytest.raises(TableError, match=r"has no sheet 2021; its sheets are 1 \('Empty'\), 2 \('One'\), 3"):
                read(content, sheet=sheet)
        else:
            assert list(values(read(content, sheet=sheet))) == [expected]
    with pytest.raises(TableError, match="has no sheet 'Onne'; did you mean 'One'"):
        read(content, sheet="Onne")
    with pytest.raises(TableError, match=r"no visible sheet holds data.*a hidden one \(Hidden\) is read only by its"):
        read(workbook(("Empty", []), ("Hidden", two), change=hide))
    for wrong in (0, -1, True, "", 1.5):
        with pytest.raises(PlanError, match=re.escape(f"ReadOptions.sheet: got {wrong!r}")):
            ReadOptions(sheet=wrong)  # type: ignore[arg-type]


def test_around_the_table() -> None:
    rows: list[list[Any]] = [
        [None] * 6,
        [None, None, "Weights, in grams", None, None, None],
        [None, None, "Station 3", None, 2021, None],
        [None] * 6,
        [None, None, "island", None, "mass", "year"],
        [None, None, "Biscoe", None, 1, 2020],
        [None, None, "Dream", None, 2, 2021],
        [None] * 6,
        [None, None, "Dream", None, 3, 2021],
        [None] * 6,
        [None, None, "Source: the station", None, None, None],
    ]
    content = workbook(("S", rows))
    with pytest.warns(CrecheWarning) as told:
        table = read_table(io.BytesIO(content))
    assert values(table) == {"island": ["Biscoe", "Dream", "Dream"], "mass": [1, 2, 3], "year": [2020, 2021, 2021]}
    text = " ".join(str(each.message) for each in told)
    assert "the column names are in row 5; dropped what is above, from row 2 ('Weights, in grams') on" in text
    assert "dropped what is below the table, from row 11 ('Source: the station') on" in text


def test_column_names_that_are_years() -> None:
    assert list(values(read(workbook(("S", [["country", 2019, 2020], ["a", 1, 2]]))))) == ["country", "2019", "2020"]


@pytest.mark.parametrize(
    ("rows", "merged", "message"),
    [
        ([["a", None, "c"], [1, 2, 3]], None, r"column B has no name in row 1; needs one row with a name for each"),
        ([["a", "b", None, "c"], [1, 2, 3, 4]], "B1:C1", r"column C has no name in row 1, where B1:C1 are merged"),
        ([["n", "x", None], [None, "p", "q"], [1, 2, 3]], "A1:A2", r"names are in several rows \(A1:A2 are merged\)"),
        ([[1, 2.5], [3, 4]], None, r"row 1 holds '1', …, not column names; insert a row of names above"),
        (
            [["t", None, None, None], ["x", 5, "y", 7.5], ["x", 5, "y", 7]],
            None,
            "not clear which row holds the column names",
        ),
        ([["a", "b"]], None, "has column names but no rows below them"),
    ],
)
def test_layouts_that_are_refused(rows: list[list[Any]], merged: str | None, message: str) -> None:
    content = workbook(("S", rows), change=lambda book: merged and book["S"].merge_cells(merged))
    with pytest.raises(TableError, match=f"sheet 'S'.*{message}"):
        read_table(io.BytesIO(content))


def test_cells_merged_downwards_all_have_their_value() -> None:
    rows = [["island", "mass"], ["Biscoe", 1], [None, 2], ["Dream", 3]]
    content = workbook(("S", rows), change=lambda book: book["S"].merge_cells("A2:A3"))
    assert values(read(content)) == {"island": ["Biscoe", "Biscoe", "Dream"], "mass": [1, 2, 3]}


def test_error_cells_and_formulas_without_results() -> None:
    rows = [["a", "b", "c"], [1, "#N/A", "=A2+1"], [2, 5, "=A3+1"], [3, "#DIV/0!", '=IF(A2>0,"","x")']]
    with pytest.warns(CrecheWarning) as told:
        table = read_table(io.BytesIO(workbook(("S", rows))))
    assert values(table)["b"] == [None, 5, None]
    text = " ".join(str(each.message) for each in told)
    assert "sheet 'S': 2 cells hold errors (such as #N/A); read as missing" in text
    assert "sheet 'S': 3 formulas have no stored result; read as missing" in text


def test_a_far_cell_does_not_fill_the_memory() -> None:
    def put_far_away(book: Any) -> None:
        book["S"]["XFD1048576"] = 1

    content = workbook(("S", [["a"], [1]]), change=put_far_away)
    with pytest.raises(TableError, match=r"sheet 'S' reaches to cell XFD1048576, which takes 1,7.* GB of memory"):
        read_table(io.BytesIO(content))


def renamed(content: bytes, old: str, new: str) -> bytes:
    """Rename a stream of an old Office file."""
    name, other = old.encode("utf-16-le"), new.encode("utf-16-le")
    start = content.index(name)
    return content[:start] + other.ljust(64, b"\0") + (len(other) + 2).to_bytes(2, "little") + content[start + 66 :]


def test_files_that_cannot_be_read() -> None:
    xls, xlsx = BIRDS_XLS.read_bytes(), workbook(("Birds", ROWS))
    for content, error, message in (
        (renamed(xls, "Workbook", "EncryptedPackage"), FileError, "is protected by a password; save a copy without"),
        (renamed(xls, "Workbook", "WordDocument"), FileError, "is an Office file in which no sheet can be read"),
        (xls[:700], FileError, "cut short or damaged"),
        (xlsx[: len(xlsx) // 2], FileError, "is an Office file that is cut short or damaged; download or save it"),
        (opendocument(ROWS, kind="text"), TableError, "is a document of an Office program without sheets"),
    ):
        with pytest.raises(error, match=message):
            read_table(io.BytesIO(content))


def test_damaged_bytes_never_raise_a_foreign_error() -> None:
    random = np.random.default_rng(0)
    for content in (BIRDS_XLS.read_bytes(), workbook(("Birds", ROWS)), opendocument(ROWS)):
        for _ in range(60):
            damaged = bytearray(content)
            for place in random.integers(8, len(content), 4):
                damaged[place] = random.integers(256)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                with contextlib.suppress(FileError, TableError):
                    read_table(io.BytesIO(bytes(damaged)))


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "python_calamine", None)
    with pytest.raises(FileError, match="needs python-calamine, the extra 'excel': pip install python-calamine"):
        read_table(io.BytesIO(workbook(("Birds", ROWS))))


def test_where_rows_begin_and_what_columns_are_called() -> None:
    bare = workbook(("S", [[1.5, "x"], [2.5, "y"], [3.5, "x"]]))
    assert values(read(bare, header=False)) == {"column 1": [1.5, 2.5, 3.5], "column 2": ["x", "y", "x"]}
    assert values(read(bare, names=("a", "b")))["b"] == ["x", "y", "x"]
    titled = workbook(("S", [["of the year", None], ["a", "b"], [1.5, "x"], [2.5, "y"]]))
    assert values(read(titled, skip_rows=1)) == {"a": [1.5, 2.5], "b": ["x", "y"]}
    assert values(read(titled, skip_rows=1, header=True, names=("c", "d"))) == {"c": [1.5, 2.5], "d": ["x", "y"]}
    with pytest.raises(TableError, match="got 3 names for 2 columns"):
        read_table(io.BytesIO(bare), ReadOptions(names=("a", "b", "c")))


def test_repeated_names_are_numbered() -> None:
    assert values(read(workbook(("S", [["a", "a"], [1, 2]])))) == {"a (1)": [1], "a (2)": [2]}


def test_a_row_of_totals_is_left_out() -> None:
    content = workbook(("S", [["a", "b"], ["x", 1], ["y", 2], ["z", 3], ["Total", 6]]))
    with pytest.warns(CrecheWarning, match="dropped row 4 of .*'Total'"):
        assert values(read_table(io.BytesIO(content))) == {"a": ["x", "y", "z"], "b": [1, 2, 3]}


BODY = [[0.793, 1.232, "good"], [0.349, 0.586, "good"], [-0.68, 1.715, "bad"], [2.04, 1.003, "good"]]


def test_a_row_of_units_is_left_out() -> None:
    with pytest.warns(CrecheWarning, match=r"sheet 'A': dropped the row of units below the column names \(kg, cm\)"):
        table = read_table(io.BytesIO(workbook(("A", [["mass", "length", "grade"], ["kg", "cm", None], *BODY]))))
    assert values(table)["mass"] == [row[0] for row in BODY]


def test_a_missing_row_of_names_is_told() -> None:
    with pytest.warns(CrecheWarning, match="sheet 'A': row 1 looks like a row, .* set ReadOptions.header=True"):
        table = read_table(io.BytesIO(workbook(("A", BODY))))
    assert values(table) == {f"column {i + 1}": [row[i] for row in BODY] for i in range(3)}
    with pytest.warns(CrecheWarning, match="row 1 is read as column names, though '1' could be a value"):
        table = read_table(io.BytesIO(workbook(("A", [[1, 2, "a"], [3, 4, "b"], [5, 6, "c"], [8, 9, "d"]]))))
    assert len(table) == 3
    assert len(read(workbook(("A", BODY)), header=False)) == len(BODY)


def test_repeated_names_are_left_out() -> None:
    names = ["mass", "length", "grade"]
    with pytest.warns(CrecheWarning, match="sheet 'A': dropped 1 row below the column names that repeat them"):
        table = read_table(io.BytesIO(workbook(("A", [names, *BODY[:2], names, *BODY[2:]]))))
    assert values(table)["mass"] == [row[0] for row in BODY]
