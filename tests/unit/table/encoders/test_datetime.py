from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from creche.errors import FileError
from creche.table.cell_types import ColumnContext
from creche.table.encoders.datetime import CIRCLES, PARTS, DatetimeEncoder
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.table import Column

# Any part of the calendar differs among these two.
TWO = ["2019-01-01T00:00", "2020-02-02T01:00"]
ALL = DatetimeEncoder("day", tuple(part for part in PARTS if part != "moment"))


def column(moments: list[Any]) -> Column:
    return Column("datetime", np.array(moments, dtype="datetime64[us]"))


def encode(encoder: DatetimeEncoder, moments: list[Any]) -> NDArray[np.float64]:
    out = np.full((len(moments), encoder.width), np.nan)
    encoder.write(encoder.prepare(column(moments), ColumnContext("the table", "day")), out)
    return out


def test_the_parts_of_a_date() -> None:
    assert ALL.inputs == (
        "day year", "day month sine", "day month cosine", "day day", "day weekday sine", "day weekday cosine",
        "day hour sine", "day hour cosine",
    )  # fmt: skip
    assert DatetimeEncoder.fit("day", column(TWO), Preprocessing()).inputs == ALL.inputs


@given(st.lists(st.datetimes(datetime.datetime(1000, 1, 1), datetime.datetime(3000, 1, 1)), min_size=1, max_size=9))
def test_the_parts_are_those_of_the_standard_library(moments: list[datetime.datetime]) -> None:
    def waves(place: int, period: int) -> tuple[float, float]:
        return math.sin(2 * math.pi * place / period), math.cos(2 * math.pi * place / period)

    expected = [
        (m.year, *waves(m.month - 1, 12), m.day - 1, *waves(m.weekday(), 7), *waves(m.hour, 24)) for m in moments
    ]
    np.testing.assert_allclose(encode(ALL, moments), expected, atol=1e-15)


@pytest.mark.parametrize("part", list(CIRCLES))
def test_circles_are_round_and_even(part: str) -> None:
    sine, cosine = CIRCLES[part]
    np.testing.assert_allclose(sine**2 + cosine**2, 1, rtol=1e-15)
    steps = np.hypot(np.diff(sine, append=sine[0]), np.diff(cosine, append=cosine[0]))
    np.testing.assert_allclose(steps, steps[0], rtol=1e-14)


def test_moments_within_a_week_are_told_apart_by_the_minute() -> None:
    moments = [f"2020-05-01T10:{minute:02d}" for minute in (0, 1, 2, 30)]
    encoder = DatetimeEncoder.fit("day", column(moments), Preprocessing())
    assert (encoder.parts, encoder.inputs, encoder.is_constant) == (("moment",), ("day moment",), False)
    minutes = np.array([0, 1, 2, 30])
    z = encode(encoder, [*moments, "NaT"])
    np.testing.assert_allclose(z[:4, 0], (minutes - minutes.mean()) / minutes.std(), atol=1e-6)
    assert z[4, 0] == 0
    assert DatetimeEncoder.from_dict(encoder.to_dict()) == encoder
    on_hours = DatetimeEncoder.fit("day", column(["2020-05-01T10:00", "2020-05-01T11:00"]), Preprocessing())
    assert on_hours.parts == ("hour",)
    far_apart = DatetimeEncoder.fit("day", column(["2020-05-01T10:01", "2020-05-11T10:02"]), Preprocessing())
    assert "moment" not in far_apart.parts


def test_year_and_day_are_standardized() -> None:
    moments = ["2018-03-01", "2019-03-11", "2023-03-06"]
    z = encode(DatetimeEncoder.fit("day", column(moments), Preprocessing()), moments)
    years, days = np.array([2018, 2019, 2023]), np.array([0, 10, 5])
    np.testing.assert_allclose(z[:, 0], (years - years.mean()) / years.std())
    np.testing.assert_allclose(z[:, 1], (days - days.mean()) / days.std())


def test_parts_that_never_differ_are_left_out() -> None:
    same_month = DatetimeEncoder.fit("day", column(["2020-05-01", "2020-05-02"]), Preprocessing())
    assert same_month.parts == ("day", "weekday")
    constant = DatetimeEncoder.fit("day", column(["2020-05-01"] * 3), Preprocessing())
    assert constant.is_constant
    assert (constant.width, constant.inputs) == (0, ())


def test_missing_dates_are_marked() -> None:
    encoder = DatetimeEncoder.fit("day", column([*TWO, "NaT"]), Preprocessing())
    assert encoder.inputs == (*ALL.inputs, "day missing")
    z = encode(encoder, ["NaT", TWO[0]])
    assert z[0].tolist() == [0] * 8 + [1]
    assert z[1, -1] == 0
    assert encode(ALL, ["NaT"]).tolist() == [[0] * 8]


def test_a_weight_is_as_many_rows() -> None:
    moments, counts = ["2018-03-01", "2019-04-11", "2023-05-06"], np.array([1, 3, 2])
    weighted = DatetimeEncoder.fit("day", column(moments), Preprocessing(), counts.astype(np.float64))
    repeated = DatetimeEncoder.fit("day", column(np.repeat(moments, counts).tolist()), Preprocessing())
    np.testing.assert_allclose([*weighted.year, *weighted.day], [*repeated.year, *repeated.day], rtol=1e-12)


def test_without_any_date() -> None:
    encoder = DatetimeEncoder.fit("day", column(["NaT", "NaT"]), Preprocessing())
    assert encode(encoder, ["2020-01-01", "NaT"]).tolist() == [[0], [1]]


@pytest.mark.parametrize(
    "change",
    [
        {"name": 1}, {"parts": ["minute"]}, {"parts": ["day", "day"]}, {"parts": 4}, {"marked": 0},
        {"year mean": float("nan")}, {"year deviation": 0}, {"day deviation": -1.0}, {"day mean": None},
    ],
    ids=str,
)  # fmt: skip
def test_damaged_data_is_refused(change: dict[str, Any]) -> None:
    encoder = DatetimeEncoder.fit("day", column(TWO), Preprocessing())
    assert DatetimeEncoder.from_dict(encoder.to_dict()) == encoder
    with pytest.raises(FileError, match="the file was damaged or made by hand"):
        DatetimeEncoder.from_dict({**encoder.to_dict(), **change})
