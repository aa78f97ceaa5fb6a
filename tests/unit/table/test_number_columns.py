"""Columns of numbers as people write them: which are read, with what remark, and which stay words."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from creche.errors import TableError
from creche.table.cell_format import CellFormat
from creche.table.cell_types import ColumnContext, Rule
from creche.table.number_marks import Marks
from creche.table.table import Column
from creche.table.text_rules import TextRules
from creche.table.word_columns import column_from_words

CELLS = TextRules(are_cells=True)


def column(words: list[Any], text: TextRules = CELLS, rule: Rule | None = None) -> Column:
    distinct = list(dict.fromkeys(words))
    codes = np.array([distinct.index(word) for word in words], dtype=np.int32)
    return column_from_words(codes, distinct, rule or Rule(), ColumnContext("the table", "it"), text)


def values(words: list[Any], text: TextRules = CELLS, rule: Rule | None = None) -> list[Any]:
    return column(words, text, rule).to_objects().tolist()


TWENTY = [str(i) for i in range(1, 21)]


@pytest.mark.parametrize(
    ("words", "expected", "note"),
    [
        (["1", "2.5", "NA", ""], [1, 2.5, None, None], ""),
        (["8,520", "815", "9,100"], [8520, 815, 9100], "'8,520' is read as 8520.*decimal_comma=True"),
        (["8.520", "815", "9.100"], [8520, 815, 9100], "'8.520' is read as 8520.*decimal_comma=False"),
        (["1,234,567", "815"], [1234567, 815], ""),
        (["0,125", "1,500"], [0.125, 1.5], ""),
        (["$9,520", "$6,738", "$1,000,000"], [9520, 6738, 1000000], r"read as numbers, without '\$'"),
        (["9520 EUR", "6738 EUR", "1 EUR"], [9520, 6738, 1], "without 'EUR'"),
        (["1.234,50 €", "2,10 €", "3,00 €"], [1234.5, 2.1, 3.0], "without '€'"),
        (["43.0%", "37%"], [43, 37], "without '%'"),
        (["(0.299)", "0.5", "(0.040)"], [-0.299, 0.5, -0.04], "negative in parentheses"),
        (["60.30 kg", "59.70 kg", "58 kg"], [60.3, 59.7, 58], "without 'kg'"),
        (["60 kg", "59 kg", "58"], [60, 59, 58], "without 'kg'"),  # 0 is often written without a unit
        (["18\u00a0520", "9\u00a0000", "815"], [18520, 9000, 815], ""),
        (["1'200", "2'300", "815"], [1200, 2300, 815], ""),
        ([*TWENTY, "-"], [*range(1, 21), None], r"has '-' in 1 row \(the first is row [{]20}\), read as missing"),
        ([*TWENTY, "n.a.", "unknown", "n.a."], [*range(1, 21), None, None, None], "'n.a.' in 2 rows .*'unknown'"),
        ([*TWENTY, "soon"], [*range(1, 21), None], "has 'soon' in 1 row"),
        (["inf", "1", "2"], [float("inf"), 1, 2], ""),
        (["12.50-", "8.00", "1,230.00-"], [-12.5, 8, -1230], "negative with a minus after them"),
        (["1.234,50- EUR", "12,10 EUR", "5,00-"], [-1234.5, 12.1, -5], "without 'EUR', negative with a minus after"),
        (["1.5D+03", "-2.5d-01", "0.0D+00"], [1500, -0.25, 0], ""),
        (["٣٫٥", "-١٢", "٠"], [3.5, -12, 0], ""),
        (["３．５", "－１２", "０"], [3.5, -12, 0], ""),
        (["+5", "−3", "2"], [5, -3, 2], ""),
    ],
)  # fmt: skip
def test_numbers(words: list[str], expected: list[Any], note: str) -> None:
    found = column(words)
    assert found.to_objects().tolist() == expected
    assert re.search(note, found.note) if note else not found.note


@pytest.mark.parametrize(
    ("words", "note"),
    [
        (["2WD", "4WD", "2WD"], ""),
        (["A1", "B2", "3", "4"], ""),
        (["SW1A 1AA", "10115", "80331"], ""),
        (["12:30", "1-2"], ""),
        (["10.0.0.1", "10.0.0.2"], ""),
        (["$5", "€5", "$6"], r"different signs or units: '\$' and '€'"),
        (["5 kg", "10 lb", "6 kg"], "'kg' and 'lb'"),
        (["5%", "6", "7%"], "'%' and none"),  # 6 may be 600 %
        (["1,234.5", "1.234,5"], "contradictory decimal and thousands marks"),
        (["1", "2", "soon"], ""),  # too few numbers to judge a word by
        ([*TWENTY[:10], *"abcdefghij"], ""),
        ([*TWENTY, "soon", "later", "never"], ""),  # more than a twentieth
        (["-", "1", "-"], ""),
        (["1-", "1", "2+", "2-", "2"], ""),  # grades
        (["2020-", "2021-", "2022-"], ""),
        (["12-B", "13-C", "14-D"], ""),
        (["12D3", "11D4", "10D2"], ""),
        (["007", "012", "150"], "begin with zeros, like codes .'007'"),
        (["00501", "10115", "80331"], "'00501'"),
    ],
)
def test_words(words: list[str], note: str) -> None:
    found = column(words)
    assert found.kind == "words"
    assert found.to_objects().tolist() == words
    assert re.search(note, found.note) if note else not found.note


def test_numbers_with_zeros_in_front_that_are_no_codes() -> None:
    assert values(["01", "02", "12"]) == [1, 2, 12]  # months
    assert values(["007", "12"]) == [7, 12]
    assert values(["0.5", "007"]) == [0.5, 7]
    assert values(["007", "012"], CELLS, Rule("number", True)) == [7, 12]


def test_numbers_that_often_mean_missing_are_kept() -> None:
    assert values([*TWENTY, "-999"])[-1] == -999
    assert values([*TWENTY, "-999"], TextRules(are_cells=True, missing=("-999",)))[-1] is None


def test_words_of_a_frame_stay_words_unless_they_carry_a_sign() -> None:
    frame = TextRules()
    assert values(["1", "2", "3"], frame) == ["1", "2", "3"]
    assert values(["1.5", "2.5"], frame) == ["1.5", "2.5"]
    assert values(["$1", "$2", "$3"], frame) == [1, 2, 3]
    assert values(["1,200", "2,300,000"], frame) == [1200, 2300000]
    assert values(["1.234,5", "2,5", "1"], frame) == [1234.5, 2.5, 1]


def test_whole_numbers_of_any_size() -> None:
    assert column(["1", "2"]).kind == "whole"
    assert values([str(2**63 - 1), str(-(2**63))]) == [2**63 - 1, -(2**63)]
    assert column([str(2**63), "1"]).kind == "number"
    assert values(["007", "1"]) == [7, 1]


def test_the_marks_of_the_table_hold_where_the_column_is_open() -> None:
    german = TextRules(are_cells=True, marks=Marks(",", "."))
    assert values(["1.234", "2.345"], german) == [1234, 2345]
    assert values(["1,234", "2,345"], german) == [1.234, 2.345]
    assert values(["1.234", "2.345"], TextRules(are_cells=True, marks=Marks(".", ","))) == [1.234, 2.345]
    assert column(["1.5", "2.5"], german).kind == "words"  # it contradicts them


@pytest.mark.parametrize(
    ("words", "format", "expected"),
    [
        (["8.500", "1.100"], CellFormat(",", "."), [8500, 1100]),
        (["8500", "1,5"], CellFormat(",", "."), [8500, 1.5]),
        (["$5", "6"], CellFormat(unit="$", thousands=","), [5, 6]),
        (["(5)", "6"], CellFormat(is_accounting=True), [-5, 6]),
        (["5", "-"], CellFormat(missing=("", "-")), [5, None]),
        (["1 234", "5"], CellFormat(thousands=" "), [1234, 5]),
        (["True", "false"], CellFormat(), [1, 0]),
    ],
)
def test_what_was_learnt_is_kept(words: list[str], format: CellFormat, expected: list[float]) -> None:
    assert values(words, CELLS, Rule("number", True, format)) == expected


@pytest.mark.parametrize(
    ("words", "format", "wrong"),
    [
        (["8.500", "8.5"], CellFormat(",", "."), "row 2, column 'it' is '8.5'"),
        (["1", "2", "1,5"], CellFormat(), "row 3, column 'it' is '1,5'"),
        (["1", "€5"], CellFormat(unit="$"), "row 2, column 'it' is '€5'"),
        (["5", "6%"], CellFormat(unit="%"), "row 1, column 'it' is '5'"),
        (["(5)"], CellFormat(), r"row 1, column 'it' is '\(5\)'"),
        (["5", "-"], CellFormat(), "row 2, column 'it' is '-'"),
        (["5", "abc"], None, "row 2, column 'it' is 'abc'"),
        (["5-", "6"], CellFormat(), "row 1, column 'it' is '5-'"),
        (["true", "2"], CellFormat(), "row 1, column 'it' is 'true'"),
    ],
)
def test_what_contradicts_it_is_refused_by_row_and_column(
    words: list[str], format: CellFormat | None, wrong: str
) -> None:
    with pytest.raises(TableError, match=f"the table: {wrong}; needs a number, or an empty cell"):
        column(words, CELLS, Rule("number", True, format))


@pytest.mark.parametrize(
    ("word", "format", "hint"),
    [
        ("1,5", CellFormat(), "the decimal mark of this column is '.': .* set ReadOptions.decimal_comma=True"),
        ("1.5", CellFormat(","), "the decimal mark of this column is ',': .* set ReadOptions.decimal_comma=False"),
        ("5 g", CellFormat(unit="kg"), "the unit of this column is 'kg'"),
        ("$5", CellFormat(), "this column has no units"),
        ("-", CellFormat(), "if it stands for a missing value, set ReadOptions.missing_values=.'-'."),
    ],
)
def test_the_refusal_says_what_to_do(word: str, format: CellFormat, hint: str) -> None:
    with pytest.raises(TableError, match=f"is '[^']*'; needs a number, or an empty cell; {hint}"):
        column([word, "7"], CELLS, Rule("number", True, format))
