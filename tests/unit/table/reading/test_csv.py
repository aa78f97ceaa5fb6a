"""Detecting the dialect of CSV, and its two readers, which must agree."""

from __future__ import annotations

import csv
import io
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from creche.errors import CrecheError, CrecheWarning
from creche.table.cell_format import DEFAULT_MISSING as MISSING_WORDS
from creche.table.reading.options import ReadOptions
from tests.unit.table.tables import assert_same, kinds, read, values

CELLS = st.text(st.sampled_from("ab 1.-,;\t\"'\n|éß€x0"), max_size=6)


@st.composite
def csv_texts(draw: st.DrawFn) -> tuple[str, str, list[list[str]]]:
    """Draw a text that Python's writer made, its separator, and its rows."""
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=8))
    separator = draw(st.sampled_from(",;\t|"))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerows([[f"c{i}" for i in range(width)], *rows])
    text = out.getvalue()
    return (text if draw(st.booleans()) else text.rstrip("\r\n")), separator, rows


@given(csv_texts())
@example(('c0,c1\n"""",1\n', ",", [['"', "1"]]))
def test_both_readers_read_what_pythons_writer_wrote(
    tmp_path_factory: Any, case: tuple[str, str, list[list[str]]]
) -> None:
    text, separator, rows = case
    folder = tmp_path_factory.getbasetemp()
    read_options = ReadOptions(separator=separator, quote='"', decimal_comma=False)
    words = {f"c{i}": "words" for i in range(len(rows[0]))}
    tables = []
    for small in (True, False):
        try:
            tables.append(read(text, folder, read_options, small, expected=words))
        except CrecheError as error:
            tables.append(str(error))
    if isinstance(tables[0], str):
        assert tables[0] == tables[1]
        return
    assert_same(tables[0], tables[1])
    for i, name in enumerate(words):
        cells = [row[i].strip() for row in rows]
        expected = [None if cell in MISSING_WORDS else cell for cell in cells]
        actual = values(tables[0])[name]
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            # Lines within a cell may end in another way than they were written.
            assert one == other or (one is not None and one.split() == (other or "").split())


@given(st.text(st.sampled_from('ab1., "\n\r'), min_size=1, max_size=40))
def test_both_readers_agree_on_any_text(tmp_path_factory: Any, text: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    actual: list[Any] = []
    for small in (True, False):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", CrecheWarning)  # a line below the rows is left out
            try:
                actual.append(read("x,y\n" + text, folder, ReadOptions(separator=","), small))
            except CrecheError as error:
                actual.append(str(error))
    if isinstance(actual[0], str) or isinstance(actual[1], str):
        assert actual[0] == actual[1]
    else:
        assert_same(actual[0], actual[1])


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a,b\n1,x\n2,y\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a;b\n1,5;x\n2,25;y\n", {"a": [1.5, 2.25], "b": ["x", "y"]}),
        ("a;b\n1.234,5;x\n-,5;y\n", {"a": [1234.5, -0.5], "b": ["x", "y"]}),
        ("a;b\n1.5;x\n2.25;y\n", {"a": [1.5, 2.25], "b": ["x", "y"]}),
        ('a,b\n"1,5",x\n"2,25",y\n', {"a": [1.5, 2.25], "b": ["x", "y"]}),
        ('a,b\n"1,500",x\n"2,250",y\n', {"a": [1500, 2250], "b": ["x", "y"]}),  # thousands, most likely
        ('a,b\n"1,5",0.5\n"2,5",1\n', {"a": [1.5, 2.5], "b": [0.5, 1.0]}),
        ("a\tb\n1\tx, y\n2\tz\n", {"a": [1, 2], "b": ["x, y", "z"]}),
        ("a|b\n1|x\n2|y", {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b\r\n1,x\r\n\r\n2,y\r\n", {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b\r1,x\r2,y\r", {"a": [1, 2], "b": ["x", "y"]}),
        ("a,b\n1,x\r\n2,y\r3,z\n", {"a": [1, 2, 3], "b": ["x", "y", "z"]}),  # line endings mixed
        (" a , b \n 1 , x \n", {"a": [1], "b": ["x"]}),
        ("a,b\n'1','x, y'\n'2','z'\n", {"a": [1, 2], "b": ["x, y", "z"]}),
        ('a,b\n1,"x\ny"\n2,"say ""hi"""\n', {"a": [1, 2], "b": ["x\ny", 'say "hi"']}),
        ("a\n1\n\n3\n", {"a": [1, None, 3]}),  # of one column a blank line is a missing value
        ("a,b\nNA,?\n1,null\n", {"a": [None, 1], "b": [None, None]}),
        ("a,b\n#N/A,<NA>\n1,n/a\n", {"a": [None, 1], "b": [None, None]}),
        ("a,b\nyes,true\nno,false\n", {"a": [True, False], "b": [True, False]}),
        ("a,b\n2020-02-29,1e3\n2021-01-01,-.5\n", None),
        ("\ufeffa,b\n1,2\n", {"a": [1], "b": [2]}),
    ],
)  # fmt: skip
def test_detection(text: str, expected: dict[str, list[Any]] | None, small: bool, tmp_path: Path) -> None:
    table = read(text, tmp_path, small=small)
    if expected is None:
        assert kinds(table) == {"a": "datetime", "b": "number"}
    else:
        assert values(table) == expected


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "latin-1"])
def test_encodings(encoding: str, small: bool, tmp_path: Path) -> None:
    text = "naïve,größe\nœuvre,5\ncafé,6\n" if encoding == "cp1252" else "naïve,größe\nåre,5\ncafé,6\n"
    if encoding == "latin-1":
        text += "\x81,7\n"
    table = read(text.encode(encoding), tmp_path, small=small)
    assert table.names == ["naïve", "größe"]
    assert values(table)["naïve"][1] == "café"
    actual = read(text.encode(encoding), tmp_path, ReadOptions(text_encoding=encoding), small)
    assert_same(table, actual)


def test_a_large_file_is_cut_between_rows(tmp_path: Path) -> None:
    """With pieces of a few bytes, cells, quotes, characters and line ends all fall on an edge somewhere."""
    from creche.table.reading import byte_streams as text
    from creche.table.reading import csv_large as large_csv

    rows = [(i, f'"n, {i}"' if i % 3 else f"é{i}", "" if i % 5 == 0 else f"{i / 7}") for i in range(200)]
    content = "i,word,x\r\n" + "".join(f"{i},{w},{x}\r\n" for i, w, x in rows)
    whole = read(content, tmp_path)
    for size in (1, 2, 3, 7, 64):
        pieces = text.decode_pieces
        frames: Any = []
        from creche.table.reading.byte_streams import open_bytes
        from creche.table.reading.csv_layout import detect_layout, regularize

        with open_bytes(tmp_path / "table.csv", "table.csv") as stream:
            layout = detect_layout(content, ReadOptions(), "table.csv")
            rows_alone = regularize(pieces(stream, "utf-8", size), layout)
            frames = list(large_csv.read_csv_frames(rows_alone, layout, "table.csv"))
        actual = [row for frame in frames for row in frame.rows()]
        assert len(actual) == 200
        assert [row[1] for row in actual] == values(whole)["word"]


def test_a_cell_as_long_as_a_book(tmp_path: Path) -> None:
    book = "word " * 200_000 + "end"
    for small in (True, False):
        table = read(f'a,b\n1,"{book}"\n2,x\n', tmp_path, small=small)
        assert values(table)["b"] == [book, "x"]


def test_numbers_as_python_reads_them(tmp_path: Path) -> None:
    written = ["0.1", "1e-320", "123456789012345678901", "-0", "9007199254740993", "1E5", ".5", "5.", "+3"]
    for small in (True, False):
        actual = values(read("a\n" + "\n".join(written) + "\n", tmp_path, small=small))["a"]
        assert actual == [float(word) for word in written]
    large = str(2**63 - 1)
    assert values(read(f"a\n{large}\n5\n", tmp_path))["a"] == [2**63 - 1, 5]


def test_read_options_override_detection(tmp_path: Path) -> None:
    assert values(read("a:b\n1:x\n", tmp_path, ReadOptions(separator=":"))) == {"a": [1], "b": ["x"]}
    assert values(read('a,b\n5" pipe,6\n', tmp_path, ReadOptions(quote=""))) == {"a": ['5" pipe'], "b": [6]}
    assert values(read("a;b\n1.000;x\n", tmp_path, ReadOptions(decimal_comma=True))) == {"a": [1000], "b": ["x"]}
    quoted = 'a,b\n"1.000,5",x\n"2,500",y\n'
    for read_options in (ReadOptions(decimal_comma=True), ReadOptions(decimal_comma=True, separator=",")):
        assert values(read(quoted, tmp_path, read_options)) == {"a": [1000.5, 2.5], "b": ["x", "y"]}
    assert values(read("a;b\n1.000;x\n", tmp_path, ReadOptions(decimal_comma=False))) == {"a": [1.0], "b": ["x"]}
