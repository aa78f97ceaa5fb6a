from __future__ import annotations

import datetime as dt
import re

import numpy as np
import pytest

from creche.errors import TableError
from creche.table.cell_format import CellFormat
from creche.table.cell_types import ColumnContext, Rule
from creche.table.table import Column
from creche.table.text_rules import TextRules
from creche.table.word_columns import coerce_column
from tests.unit.table.test_number_columns import CELLS, column, values

CONTEXT = ColumnContext("the table", "it")

DAYS = [dt.datetime(2020, 1, 1) + dt.timedelta(days=5 * i) for i in range(20)]

ISO = [f"{day:%Y-%m-%d}" for day in DAYS]


@pytest.mark.parametrize(
    ("words", "extra", "note"),
    [
        (ISO, [], ""),
        ([f"{d.day}/{d.month}/{d.year}" for d in DAYS], [], ""),
        ([f"{d:%d.%m.%y}" for d in DAYS], [], r"years of two digits \('01.01.20'\)"),
        ([f"{d:%Y%m%d}" for d in DAYS], [], "is read as dates: '20200101' is 2020-01-01"),
        (ISO, ["0000-00-00"], r"has '0000-00-00' in 1 row \(the first is row [{]20}\), read as missing"),
        (ISO, ["-", "unknown"], "'-' in 1 row .*'unknown' in 1 row"),
        (ISO, ["soon"], "'soon' in 1 row"),
        (ISO, ["2020-02-30"], "'2020-02-30' in 1 row"),
    ],
)
def test_dates(words: list[str], extra: list[str], note: str) -> None:
    found = column([*words, *extra])
    assert found.kind == "datetime"
    assert found.to_objects().tolist() == DAYS + [None] * len(extra)
    assert re.search(note, found.note) if note else not found.note


@pytest.mark.parametrize(
    ("words", "doubt"),
    [
        (["1/2/2020", "3/4/2020"], r"such as '1/2/2020'.*the day or the month first.*day_first=True"),
        (["13/2/2020", "2/13/2020"], "some can be read only with the day first and some only with the month first"),
        (["20-01-05", "20-01-06"], "the year or the day; if with the day, set ReadOptions.day_first=True"),
        (["4:14", "2020-01-05"], "dates, such as '2020-01-05', and times without a date, such as '4:14'"),
    ],
)
def test_what_is_not_clear_is_left_out_with_a_reason(words: list[str], doubt: str) -> None:
    found = column(words)
    assert found.kind == "words"
    assert re.search(doubt, found.doubt)


@pytest.mark.parametrize(
    "words",
    [
        [*ISO[:3], "soon", "later"], ["2020-01-05", "x", "y"], ["1-2", "3-4"], ["a", "2020-01-05", "b"],
        ["May", "June", "July"], ["12 A", "1 B"],
    ],
)  # fmt: skip
def test_other_words(words: list[str]) -> None:
    found = column(words)
    assert (found.kind, found.doubt) == ("words", "")


def test_numbers_are_no_dates() -> None:
    assert column(["20200131", "20200201"]).kind == "whole"  # too few to tell
    assert column(["20200131", "20209999", "20201231"]).kind == "whole"
    assert column(["2019", "2020", "2021"]).kind == "whole"
    assert column(["1.2", "3.4"]).kind == "number"


def test_the_options_and_what_was_learnt_decide_the_order() -> None:
    words, day, month = ["1/2/2020", "3/4/2020"], dt.datetime(2020, 2, 1), dt.datetime(2020, 1, 2)
    assert values(words, TextRules(are_cells=True, day_first=True))[0] == day
    assert values(words, TextRules(are_cells=True, day_first=False))[0] == month
    assert values(words, CELLS, Rule("datetime", True, CellFormat(day_first=True)))[0] == day
    assert column(["31/1/2020", "1/2/2020"]).format == CellFormat(day_first=True)
    # The order of the training rows holds also for one row.
    assert values(["1/2/2020"], CELLS, Rule("datetime", True, CellFormat(day_first=False)))[0] == month


@pytest.mark.parametrize(
    ("words", "day_first", "wrong"),
    [
        (["5/12/2021", "3/25/2021"], True, "row 2, column 'it' is '3/25/2021', but the day comes first"),
        (["5/12/2021", "25/3/2021"], False, "row 2, column 'it' is '25/3/2021', but the month comes first"),
        (["1/2/2020"], None, "row 1, column 'it' is '1/2/2020', .*day_first=True"),
        (["2020-01-05", "soon"], None, "row 2, column 'it' is 'soon'"),
    ],
)
def test_what_contradicts_it_is_refused(words: list[str], day_first: bool | None, wrong: str) -> None:
    with pytest.raises(TableError, match=f"the table: {wrong}.*needs a date such as 2020-01-31, or an empty cell"):
        column(words, CELLS, Rule("datetime", True, CellFormat(day_first=day_first)))


def test_the_role_numeric_keeps_numbers_that_look_like_dates() -> None:
    words = [f"{day:%Y%m%d}" for day in DAYS]
    found = coerce_column(column([*words, "NA"]), Rule("number", True), CONTEXT)
    assert found.to_objects().tolist() == [*map(int, words), None]
    with pytest.raises(TableError, match="row 1, column 'it' is '2020-01-01'; needs a number"):
        coerce_column(column(ISO), Rule("number", True), CONTEXT)


@pytest.mark.parametrize(
    ("step", "origin", "note"),
    [
        ("s", "1970-01-01", "seconds since 1970: 1577836800 is 2020-01-01T00:00:00"),
        ("ms", "1970-01-01", "milliseconds since 1970"),
        ("us", "1970-01-01", "microseconds since 1970"),
        ("D", "1899-12-30", "days since 1899-12-30, as in Excel: 43831 is"),
    ],
)
def test_the_role_datetime_reads_numbers_that_count(step: str, origin: str, note: str) -> None:
    days = np.array(DAYS, dtype="datetime64[us]")
    numbers = (days - np.datetime64(origin)).astype(f"timedelta64[{step}]").astype(np.int64)
    rule = Rule("datetime", True)
    of_words = column(list(map(str, numbers)), CELLS, rule)
    of_numbers = coerce_column(column(list(map(str, numbers))), rule, CONTEXT)
    of_floats = coerce_column(Column("number", numbers.astype(float)), rule, CONTEXT)
    for found in (of_words, of_numbers, of_floats):
        assert found.to_objects().tolist() == DAYS
        assert f"is read as {note}" in found.note
    assert column(list(map(str, numbers))).kind == "whole"  # never without being told


def test_numbers_that_count_nothing_are_no_dates() -> None:
    for numbers in ([1.5, 2.5], [5, 10**9], [-3, 4]):
        with pytest.raises(TableError, match="needs a date such as 2020-01-31"):
            coerce_column(Column("number", np.array(numbers, dtype=float)), Rule("datetime", True), CONTEXT)
    years = coerce_column(Column("whole", np.array([2019, 2021])), Rule("datetime", True), CONTEXT)
    assert years.to_objects().tolist() == [dt.datetime(2019, 1, 1), dt.datetime(2021, 1, 1)]


@pytest.mark.parametrize("form", ["{}Q{}", "{}-W{}1"])
def test_few_periods_may_be_classes(form: str) -> None:
    words = [form.format(year, i) for year in range(2019, 2022) for i in range(1, 5)]
    assert column(words[:4] * 5).kind == "words"
    assert column(words * 5).kind == "datetime"
