"""Parsing dates and times, against Python's own."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from creche.table.datetimes import is_date, is_time_of_day, parse_datetimes


def parsed(*words: str, day_first: bool | None = None) -> list[dt.datetime | None] | None:
    found = parse_datetimes(words, day_first)
    return None if found is None else found.values.tolist()


@pytest.mark.parametrize(
    ("word", "moment"),
    [
        ("2020-01-31", (2020, 1, 31)),
        ("2020/01/31", (2020, 1, 31)),
        ("2020-1-5", (2020, 1, 5)),
        ("2020.1.5", (2020, 1, 5)),
        ("31.1.2020", (2020, 1, 31)),
        ("31.01.20", (2020, 1, 31)),
        ("5 Jan 2020", (2020, 1, 5)),
        ("5-Jan-20", (2020, 1, 5)),
        ("5th January 2020", (2020, 1, 5)),
        ("January 5, 2020", (2020, 1, 5)),
        ("Jan. 5 2020", (2020, 1, 5)),
        ("Sun, 5 Jan 2020", (2020, 1, 5)),
        ("Sun, 05 Jan 2020 10:20:30 GMT", (2020, 1, 5, 10, 20, 30)),
        ("Sun Jan  5 10:20:30 2020", (2020, 1, 5, 10, 20, 30)),
        ("2020-Jan-05", (2020, 1, 5)),
        ("Jan 2020", (2020, 1, 1)),
        ("2020-01", (2020, 1, 1)),
        ("SEPT 2020", (2020, 9, 1)),
        ("20200131", (2020, 1, 31)),
        ("2020-01-31T10:20:30", (2020, 1, 31, 10, 20, 30)),
        ("2020-01-31T10:20:30.123456789", (2020, 1, 31, 10, 20, 30, 123456)),
        ("2020-01-31 10:20:30,5", (2020, 1, 31, 10, 20, 30, 500_000)),
        ("2020-01-31T10:20Z", (2020, 1, 31, 10, 20)),
        ("2020-01-31T10:20+05:30", (2020, 1, 31, 4, 50)),
        ("2020-01-31 10:20:30 -0500", (2020, 1, 31, 15, 20, 30)),
        ("2020-1-31 4:14", (2020, 1, 31, 4, 14)),
        ("31/1/2020 4:14 PM", (2020, 1, 31, 16, 14)),
        ("1/31/2020 12:05 AM", (2020, 1, 31, 0, 5)),
        ("1/31/2020 12:05 p.m.", (2020, 1, 31, 12, 5)),
        ("31/1/2020 4 PM", (2020, 1, 31, 16)),
        ("2020-01-31 24:00", (2020, 2, 1)),
        ("2020-W05", (2020, 1, 27)),
        ("2020W01", (2019, 12, 30)),
        ("2020-W05-3", (2020, 1, 29)),
        ("2020Q3", (2020, 7, 1)),
        ("2020-Q4", (2020, 10, 1)),
        ("Q1 2020", (2020, 1, 1)),
        ("Jan-20", (2020, 1, 1)),
        ("20200131T102030Z", (2020, 1, 31, 10, 20, 30)),
        ("20200131T1020+0100", (2020, 1, 31, 9, 20)),
        ("05/Jan/2020:10:20:30 +0100", (2020, 1, 5, 9, 20, 30)),
        ("05JAN2020:10:20:30", (2020, 1, 5, 10, 20, 30)),
        ("2020-01-31 10:20 CET", (2020, 1, 31, 9, 20)),
        ("1/31/2020 4:14 PM EST", (2020, 1, 31, 21, 14)),
        ("Sun Jan  5 10:20:30 PST 2020", (2020, 1, 5, 18, 20, 30)),
        ("5. März 2020", (2020, 3, 5)),
        ("5. Mrz. 2020", (2020, 3, 5)),
        ("5. Dez. 2020", (2020, 12, 5)),
        ("Mo, 5. Okt. 2020, 10:20 Uhr", (2020, 10, 5, 10, 20)),
        ("31.01.2020 10:20 Uhr", (2020, 1, 31, 10, 20)),
        ("1er août 2020", (2020, 8, 1)),
        ("lundi 5 octobre 2020", (2020, 10, 5)),
        ("15 juil. 2020", (2020, 7, 15)),
        ("5 de mayo de 2020", (2020, 5, 5)),
        ("5 settembre 2020", (2020, 9, 5)),
        ("5 mei 2020", (2020, 5, 5)),
        ("2020年1月5日", (2020, 1, 5)),
        ("4:14", (1970, 1, 1, 4, 14)),
        ("4:14:15 PM", (1970, 1, 1, 16, 14, 15)),
    ],
)
def test_dates_and_times(word: str, moment: tuple[int, ...]) -> None:
    assert parsed(word) == [dt.datetime(*moment)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "word",
    [
        "", "5", "2020", "1.5", "1-2", "12", "abc", "2020-13-01", "2020-02-30", "31.2.2020", "0000-05-05",
        "32/13/2020", "2020-01-31 25:00", "2020-01-31 10:61", "2020-01-31 4", "13:00 PM", "0:30 AM", "5 Foo 2020",
        "2020-W54", "2020-W05-8", "2020Q5", "Q1", "W05", "2020-005",
        "99999999", "20201301", "192.168.1.1", "2020-01/31", "1/2/3", "10:00+01:00",
    ],
)  # fmt: skip
def test_no_dates(word: str) -> None:
    assert not is_date(word)


@pytest.mark.parametrize("word", ["0000-00-00", "00/00/0000", "0000-00-00 00:00:00", "0.0.0000", "00.00.0000"])
def test_a_date_of_zeros_is_missing(word: str) -> None:
    assert parsed(word, "2020-01-31") == [None, dt.datetime(2020, 1, 31)]


def test_the_column_decides_the_order() -> None:
    day, month = (
        [dt.datetime(2020, 2, 1), dt.datetime(2020, 1, 31)],
        [dt.datetime(2020, 1, 2), dt.datetime(2020, 1, 31)],
    )
    assert parsed("1/2/2020", "31/1/2020") == day
    assert parsed("1/2/2020", "1/31/2020") == month
    assert parsed("1-2-2020", "1-31-2020") == month
    assert parsed("1/2/2020") is None
    assert parsed("1/2/2020", "1/3/2020") is None
    assert parsed("13/1/2020", "1/13/2020") is None
    assert parsed("1/2/2020", day_first=True) == day[:1]
    assert parsed("1/2/2020", day_first=False) == month[:1]
    assert parsed("31/1/2020", day_first=False) is None
    assert parsed("1.2.2020") == day[:1]  # between points, the day always comes first
    found = parse_datetimes(["1/2/2020", "31/1/2020"])
    assert found is not None
    assert found.day_first is True
    assert parse_datetimes(["2020-01-02"]).day_first is None  # type: ignore[union-attr]


def test_years_of_two_digits() -> None:
    assert parsed("1.1.68", "1.1.69", "1.1.00") == [dt.datetime(y, 1, 1) for y in (2068, 1969, 2000)]
    assert parse_datetimes(["1.1.68"]).has_short_years  # type: ignore[union-attr]
    assert not parse_datetimes(["1.1.1968"]).has_short_years  # type: ignore[union-attr]
    # What comes last differs more than what comes first, so that the year may come first.
    assert parsed("20-01-05", "20-01-06", "20-02-07") is None
    assert parsed("20-01-05", "20-01-06", "20-02-07", day_first=True) is not None
    assert parsed("05-01-20", "06-01-20", "27-02-20") == [dt.datetime(2020, 1, d) for d in (5, 6)] + [
        dt.datetime(2020, 2, 27)
    ]


def test_dates_and_times_of_day_are_not_mixed() -> None:
    assert parsed("4:14", "2020-01-31") is None
    assert parsed("4:14", "4:15 PM") == [dt.datetime(1970, 1, 1, h, m) for h, m in ((4, 14), (16, 15))]
    assert is_time_of_day("4:14")
    assert not is_time_of_day("2020-01-31 4:14")


MOMENTS = st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2261, 12, 31)).map(lambda m: m.replace(microsecond=0))

FORMATS = {
    "%Y-%m-%d": None, "%Y/%m/%d %H:%M": None, "%Y-%m-%dT%H:%M:%S": None, "%d.%m.%Y %H:%M": None, "%d %b %Y": None,
    "%d/%m/%Y": True, "%m/%d/%Y %H:%M:%S": False, "%d-%m-%Y %I:%M %p": True, "%B %d, %Y": None,
    "%a %b %d %H:%M:%S %Y": None,
    "%a, %d %b %Y %H:%M:%S": None, "%m/%d/%Y %I:%M:%S %p": False,
}  # fmt: skip


@given(st.lists(MOMENTS, min_size=1, max_size=8), st.sampled_from(list(FORMATS)), st.booleans())
@example([dt.datetime(1700, 1, 1)], "%d/%m/%Y", True)
def test_what_python_writes(moments: list[dt.datetime], format: str, padded: bool) -> None:
    words = [m.strftime(format) for m in moments]
    if not padded:
        words = [word.replace("/0", "/").removeprefix("0") for word in words]
    expected = [dt.datetime.strptime(m.strftime(format), format) for m in moments]
    found = parse_datetimes(words)
    if found is None:  # no day is above 12, or none of the words decides
        assert FORMATS[format] is not None
        assert all(m.day <= 12 for m in moments)
        found = parse_datetimes(words, FORMATS[format])
    assert found is not None
    assert found.values.tolist() == expected
    assert found.values.dtype == np.dtype("datetime64[us]")
