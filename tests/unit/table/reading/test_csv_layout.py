"""What is around the rows of a CSV file: titles, comments, names or none, index columns. In both readers."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import pytest

from creche.errors import CrecheWarning, TableError
from creche.table.reading.options import ReadOptions
from creche.table.table import Table
from tests.unit.table.tables import read, values

ROWS = ["0.793,1.232,good", "0.349,0.586,good", "-0.68,1.715,bad", "2.04,1.003,good", "2.309,-0.102,good"]

NUMBERS = {"a": [0.793, 0.349, -0.68, 2.04, 2.309], "b": [1.232, 0.586, 1.715, 1.003, -0.102]}

EXPECTED = {**NUMBERS, "grade": ["good", "good", "bad", "good", "good"]}

small_and_large = pytest.mark.parametrize("small", [True, False])


def read_with_warnings(
    lines: list[str], folder: Path, small: bool, options: ReadOptions | None = None
) -> tuple[Table, list[str]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        table = read("\n".join(lines) + "\n", folder, options, small)
    assert all(warning.category is CrecheWarning for warning in caught)
    return table, [str(warning.message) for warning in caught]


@small_and_large
@pytest.mark.parametrize(
    ("above", "message"),
    [
        ([], ""),
        (["Quarterly report", ""], r"dropped the first 2 lines of .*table.csv \('Quarterly report'\)"),
        (["Quarterly report,,", ",,"], "the first 2 lines"),
        (["Quarterly report", "by the office, 2020"], "the first 2 lines"),
        (["Quarterly report", "by us", "draft"], "the first 3 lines"),
        (["# exported 2024-01-02", "# unit: mm"], ""),
        (["% exported"], ""),
        (["", ""], ""),
    ],
)
def test_lines_above_the_names(above: list[str], message: str, small: bool, tmp_path: Path) -> None:
    table, warned = read_with_warnings([*above, "a,b,grade", *ROWS], tmp_path, small)
    assert values(table) == EXPECTED
    assert len(warned) == bool(message)
    assert not message or re.search(message, warned[0])


@small_and_large
@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
def test_a_line_that_names_the_separator(line: str, small: bool, tmp_path: Path) -> None:
    lines = [line, "a;b;grade", *(row.replace(",", ";") for row in ROWS)]
    table, warned = read_with_warnings(lines, tmp_path, small)
    assert (values(table), warned) == (EXPECTED, [])
    lines = ["sep=\\t", "a\tb\tgrade", *(row.replace(",", "\t") for row in ROWS)]
    assert values(read_with_warnings(lines, tmp_path, small)[0]) == EXPECTED


@small_and_large
@pytest.mark.parametrize(
    ("names", "rows"),
    [
        ("a,b,grade,", [row + "," for row in ROWS]),
        ("a,b,grade", [row + "," for row in ROWS]),
        ("a,b,grade,", ROWS),
        ("a,b,grade", [row.replace(",", " , ") for row in ROWS]),
    ],
)
def test_commas_at_the_end_of_lines(names: str, rows: list[str], small: bool, tmp_path: Path) -> None:
    table, warned = read_with_warnings([names, *rows], tmp_path, small)
    assert (values(table), warned) == (EXPECTED, [])


@small_and_large
@pytest.mark.parametrize("names", [",a,b,grade", "a,b,grade", '"",a,b,grade'])
@pytest.mark.parametrize("first", ["{i}", '"r{i}"'])
def test_an_index_has_no_name(names: str, first: str, small: bool, tmp_path: Path) -> None:
    """As DataFrame.to_csv of pandas writes it, and write.csv or write.table of R."""
    rows = [f"{first.format(i=i)},{row}" for i, row in enumerate(ROWS)]
    table, warned = read_with_warnings([names, *rows], tmp_path, small)
    assert table.names == ["column 1", "a", "b", "grade"]
    assert {**EXPECTED, **values(table)} == values(table) | EXPECTED
    assert warned == []


@small_and_large
@pytest.mark.parametrize("separate", [" ", "   ", "\t ", "  \t"])
@pytest.mark.parametrize("margin", ["", "  "])
def test_runs_of_blanks(separate: str, margin: str, small: bool, tmp_path: Path) -> None:
    lines = [margin + line.replace(",", separate) + margin for line in ["a,b,grade", *ROWS]]
    assert values(read_with_warnings(lines, tmp_path, small)[0]) == EXPECTED
    columns = [[cell.rjust(9) for cell in line.split(",")] for line in ["a,b,grade", *ROWS]]
    assert values(read_with_warnings(["".join(row) for row in columns], tmp_path, small)[0]) == EXPECTED
    with_commas = [line.replace(".", ",") for line in lines]
    assert values(read_with_warnings(with_commas, tmp_path, small)[0]) == EXPECTED
    if "\t" in separate:
        return
    quoted = [line.replace("good", '"very  good"') for line in lines]
    assert set(values(read_with_warnings(quoted, tmp_path, small)[0])["grade"]) == {"very  good", "bad"}


@small_and_large
def test_blanks_between_decimal_commas(small: bool, tmp_path: Path) -> None:
    table, _ = read_with_warnings(["0,5 1,25 up", "0,75 1,5 up", "-1,5 -2,5 down", "3,5 4,5 up"], tmp_path, small)
    assert values(table)["column 2"] == [1.25, 1.5, -2.5, 4.5]
    table, _ = read_with_warnings(["a,b,c", "1 234,5 678,9 012", "2 345,6 789,1 234"], tmp_path, small)
    assert values(table) == {"a": [1234, 2345], "b": [5678, 6789], "c": [9012, 1234]}


@small_and_large
def test_blanks_separate_nothing_in_sentences(small: bool, tmp_path: Path) -> None:
    table = read("note\nthis is so\nthat is not\nit may be\n", tmp_path, small=small)
    assert table.names == ["note"]


@small_and_large
def test_a_missing_line_of_names_is_told(small: bool, tmp_path: Path) -> None:
    table, warned = read_with_warnings(ROWS, tmp_path, small)
    assert list(values(table).values()) == list(EXPECTED.values())
    assert table.names == ["column 1", "column 2", "column 3"]
    (message,) = warned
    for part in ("looks like a row", "by ReadOptions(names=['a', 'b', 'c'])", "set ReadOptions(header=True)"):
        assert part in message
    for lines in (["x,y", "x,x", "y,y", "y,x"], ["1", "2", "3", "4"], ["5,2,3", "2,3,4", "9,1,7", "3,4,9"]):
        table, warned = read_with_warnings(lines, tmp_path, small)
        assert (len(table), len(warned)) == (4, 1)


@small_and_large
@pytest.mark.parametrize(
    "lines",
    [
        ["country,2019,2020,2021", "x,1,2,3", "y,3,4,5", "z,2,3,4", "w,2,3,4"],
        ["2019,2020,2021", "1,2,3", "3,4,5", "2,3,4", "2,3,4"],
        ["2019,2020,2021", "2011,2012,2013", "2000,2001,2002", "2012,2013,2014", "2002,2003,2004"],
        ["0,1,2,y", "0.5,0.6,1.2,a", "0.1,0.2,1.3,b", "0.4,0.6,1.3,a", "0.9,1.2,1.3,b"],
        ["1,2,3", "0.5,0.6,1.2", "0.1,0.2,1.3", "0.4,0.6,1.3", "0.9,1.2,1.3"],
        ["a,b", "x,y", "x,y", "y,x", "x,x"],
        ["name,city", "Ada,London", "Bo,Rome", "Cy,Paris", "Di,Oslo"],
        ["a,b", "1,2"],
        ["id", "1", "2", "3", "4"],
    ],
)
def test_names_that_are_names(lines: list[str], small: bool, tmp_path: Path) -> None:
    table, warned = read_with_warnings(lines, tmp_path, small)
    assert table.names == lines[0].split(",")
    assert (len(table), warned) == (len(lines) - 1, [])


@small_and_large
def test_options_say_where_the_names_are(small: bool, tmp_path: Path) -> None:
    def names(lines: list[str], **options: Any) -> tuple[list[str], int]:
        table, warned = read_with_warnings(lines, tmp_path, small, ReadOptions(**options))
        assert warned == []
        return table.names, len(table)

    assert names(ROWS, header=False) == (["column 1", "column 2", "column 3"], 5)
    assert names(ROWS, header=True) == (["0.793", "1.232", "good"], 4)
    assert names(ROWS, names=["x", "y", "z"]) == (["x", "y", "z"], 5)
    assert names(["a,b,grade", *ROWS], names=["x", "y", "z"], header=True) == (["x", "y", "z"], 5)
    assert names(["a,b,grade", *ROWS], header=False) == (["column 1", "column 2", "column 3"], 6)
    assert names(["junk,junk,junk", "a,b,grade", *ROWS], skip_rows=1) == (["a", "b", "grade"], 5)
    assert names(["!c", "a,b,grade", *ROWS, "!d,e,f"], comment="!") == (["a", "b", "grade"], 5)
    with pytest.raises(TableError, match="got 2 names, but its rows have 3 cells; name each column"):
        names(ROWS, names=["x", "y"])


@small_and_large
def test_comments_within_the_table(small: bool, tmp_path: Path) -> None:
    table, _ = read_with_warnings(["# top", "a,b,grade", *ROWS[:2], "# inner", *ROWS[2:], "# end"], tmp_path, small)
    assert values(table) == EXPECTED
    # A row that begins like a comment is a row.
    colors = ["#ff0000,1", "#00ff00,2", "red,3"]
    for above in ([], ["# exported"]):
        table, _ = read_with_warnings([*above, "color,x", *colors], tmp_path, small)
        assert values(table) == {"color": ["#ff0000", "#00ff00", "red"], "x": [1, 2, 3]}
    table, _ = read_with_warnings(["#color,x", *colors[:2], "#0000ff,3"], tmp_path, small)
    assert values(table)["#color"] == ["#ff0000", "#00ff00", "#0000ff"]
    with pytest.raises(TableError, match="line 2 has 1 cell, but there are 2 column names"):
        read_with_warnings(["x,y", "# inner", "1,2"], tmp_path, small, ReadOptions(comment=""))


@small_and_large
def test_names_in_a_comment(small: bool, tmp_path: Path) -> None:
    table, _ = read_with_warnings(["#a,b,grade", *ROWS], tmp_path, small)
    assert values(table) == EXPECTED
    table, _ = read_with_warnings(["# exported", "# a,b,grade", *ROWS], tmp_path, small)
    assert values(table) == EXPECTED


@small_and_large
def test_names_are_told_apart(small: bool, tmp_path: Path) -> None:
    table, warned = read_with_warnings(["a,a,,grade", "1,2,3,x", "4,5,6,y"], tmp_path, small)
    assert table.names == ["a (1)", "a (2)", "column 3", "grade"]
    assert len(warned) == 1
    assert "several columns called 'a'; they are renamed to 'a (1)', 'a (2)'" in warned[0]


@small_and_large
@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a,b,grade", *ROWS[:3], "1,2,x,y", *ROWS[3:]], "line 5 has 4 cells, but there are 3 column names"),
        (["a,b,grade", *ROWS, "0.5,1"], "line 7 has 2 cells"),
        (["a,b,grade", *ROWS, "0.5"], "line 7 has 1 cell,"),
        (["title", "", "a,b,grade", *ROWS, "0.5,1"], "line 9 has 2 cells"),
        (["# c", "a,b,grade", "# d", *ROWS[:2], "1,2", *ROWS[2:]], "line 6 has 2 cells"),
    ],
)
def test_rows_of_other_widths_are_refused_by_line(lines: list[str], message: str, small: bool, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=message):
        read_with_warnings(lines, tmp_path, small)


@small_and_large
@pytest.mark.parametrize("units", ["kg,cm,", "(kg),(cm),-", "[kg],,", "%,mm/h,text"])
def test_a_row_of_units_is_left_out(units: str, small: bool, tmp_path: Path) -> None:
    assert len(read_with_warnings(["a,b,grade", units, *ROWS, "a,b,grade"], tmp_path, small)[0]) == len(ROWS)
    table, told = read_with_warnings(["a,b,grade", units, *ROWS], tmp_path, small)
    assert values(table) == EXPECTED
    assert len(told) == 1
    assert re.search("dropped the row of units below the column names .*", told[0])


@small_and_large
def test_names_below_a_title_with_as_many_cells_are_no_units(small: bool, tmp_path: Path) -> None:
    rows = [row.rpartition(",")[0] for row in ROWS]
    table, told = read_with_warnings(["Table 1: birds, measured", "", "size,mass", *rows], tmp_path, small)
    assert list(values(table).values()) == list(NUMBERS.values())
    assert re.search("because the table begins below", told[0])


@small_and_large
@pytest.mark.parametrize("row", ["low,high,good", "low,high,", "abc,,", "kg,,good", "unknown,-,good", ",,", "kg,3.5,"])
def test_a_row_of_words_is_no_row_of_units(row: str, small: bool, tmp_path: Path) -> None:
    table, _ = read_with_warnings(["a,b,grade", row, *ROWS * 3], tmp_path, small)
    assert len(table) == 16


@small_and_large
def test_a_repeated_line_of_names_is_left_out(small: bool, tmp_path: Path) -> None:
    names = "a,b,grade"
    table, told = read_with_warnings([names, *ROWS[:2], names, *ROWS[2:], "a, b,grade"], tmp_path, small)
    assert values(table) == EXPECTED
    assert len(told) == 1
    assert re.search("dropped row 3 and 1 more row of .*, which repeat the column names", told[0])
    table, told = read_with_warnings(["grade", "good", "grade", "bad"], tmp_path, small)  # a single column may hold it
    assert values(table) == {"grade": ["good", "grade", "bad"]}


def boxed(separator: str, left: str = "", right: str = "") -> list[str]:
    return [left + separator.join(row.split(",")) + right for row in ["a,b,grade", *ROWS]]


@small_and_large
@pytest.mark.parametrize(
    "lines",
    [
        pytest.param(lambda rows: [rows[0], "|---|:--:|---:|", *rows[1:]], id="Markdown"),
        pytest.param(lambda rows: ["+---+---+---+", rows[0], "+---+---+---+", *rows[1:], "+---+---+---+"], id="MySQL"),
        pytest.param(lambda rows: [rows[0], "+===+===+===+", *rows[1:]], id="equals signs"),
    ],
)
def test_tables_with_borders(lines: Any, small: bool, tmp_path: Path) -> None:
    table, _ = read_with_warnings(lines(boxed(" | ", "| ", " |")), tmp_path, small)
    assert values(table) == EXPECTED


@small_and_large
def test_what_database_clients_print(small: bool, tmp_path: Path) -> None:
    rows = boxed(" | ")
    table, told = read_with_warnings([rows[0], "---+---+---", *rows[1:], "(5 rows)"], tmp_path, small)
    assert values(table) == EXPECTED
    assert len(told) == 1
    assert "'(5 rows)'" in told[0]
    columns = [f"{a:>8}  {b:>8}  {c}" for a, b, c in (row.split(",") for row in ["a,b,grade", *ROWS])]
    table, _ = read_with_warnings([columns[0], "--------  --------  -----", *columns[1:]], tmp_path, small)
    assert values(table) == EXPECTED


@small_and_large
def test_arff(small: bool, tmp_path: Path) -> None:
    head = ["% A title", "", "@relation birds", "@attribute a real [0, 1]", '@ATTRIBUTE "b" numeric']
    table, told = read_with_warnings(
        [*head, "@attribute grade{good,bad}", "@inputs a, b", "@data", *ROWS], tmp_path, small
    )
    assert values(table) == EXPECTED
    assert not told
    with pytest.raises(TableError, match="is an ARFF file with sparse rows; save it with all values, as CSV"):
        read_with_warnings([*head, "@data", "{0 1.5, 1 2}"], tmp_path, small)


@small_and_large
def test_libsvm_is_refused_with_what_to_do(small: bool, tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"is in the LIBSVM format; load it with sklearn\.datasets\.load_svm"):
        read_with_warnings(["+1 1:0.5 3:1e-3", "-1 2:7"], tmp_path, small)


@small_and_large
def test_statistics_below_the_table_are_left_out(small: bool, tmp_path: Path) -> None:
    table, told = read_with_warnings(
        ["name,a,b", *(f"r{i},{row.rpartition(',')[0]}" for i, row in enumerate(ROWS)), "Mean,1,2", "Std. dev.,3,4"],
        tmp_path, small,
    )  # fmt: skip
    assert {name: values(table)[name] for name in "ab"} == NUMBERS
    assert len(told) == 2
