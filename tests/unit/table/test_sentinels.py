"""Numbers that may stand for missing values."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest

import creche as cr
from creche.table.sentinels import find_sentinel
from creche.table.table import Column

AGES = [20.0 + i * 0.37 for i in range(100)]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([*AGES, -999, -999], (-999, 2)),
        ([*AGES, -9] * 3, (-9, 3)),
        ([*AGES, 999, 999, 999], (999, 3)),
        ([*AGES, -999], None),  # once: a slip, or the lowest value
        ([*AGES, -5, -999, -999], None),  # others are below zero, too
        ([*AGES, 400, 999, 999], None),  # not far from the others
        ([*AGES, -998, -998], None),
        ([-999.0, -999.0, 5.0], None),  # too few others
        (AGES, None),
    ],
)
def test_sentinels(values: list[float], expected: tuple[int, int] | None) -> None:
    assert find_sentinel(Column("number", np.array(values, dtype=np.float64))) == expected


def test_a_sentinel_is_asked_about_and_becomes_missing_if_named() -> None:
    table = {"age": [*AGES, -999.0, -999.0], "y": ["a", "b"] * 51}
    with pytest.warns(cr.CrecheWarning, match=r"column 'age' holds -999 in 2 rows.*missing_values=\['-999'\]"):
        asked = cr.train(table, label="y", epochs=1, threads=1).model
    assert asked.features.columns[0].inputs == ("age",)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.CrecheWarning)
        named = cr.train(
            table, label="y", epochs=1, threads=1, read_options=cr.ReadOptions(missing_values=["-999"])
        ).model
    assert named.features.columns[0].inputs == ("age", "age missing")
    assert (named.predict_proba({"age": [-999.0]}) == named.predict_proba({"age": [None]})).all()


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["9999-12-31"] * 3, ("9999-12-31", 3)),
        (["1900-01-01"] * 2, ("1900-01-01", 2)),
        (["9999-12-31"], None),  # once
        (["9999-12-30"] * 3, None),
        (["1970-01-01", "1970-01-01", "1980-01-01"], None),  # not far from the others
    ],
)
def test_dates_that_may_stand_for_missing_ones(dates: list[str], expected: tuple[str, int] | None) -> None:
    days = np.datetime64("2020-01-01") + np.arange(30)
    column = Column("datetime", np.append(days, np.array(dates, dtype="datetime64[D]")).astype("datetime64[us]"))
    assert find_sentinel(column) == expected


def test_the_option_takes_a_date_as_missing(tmp_path: Path) -> None:
    rows = [f"{'9999-12-31' if i % 20 == 0 else f'2020-01-{i % 28 + 1:02d}'},{i / 7},{'ab'[i % 2]}" for i in range(80)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["day,x,y", *rows]))
    with pytest.warns(cr.CrecheWarning, match="'day' holds 9999-12-31 in 4 rows.*missing_values=.'9999-12-31'"):
        cr.train(path, label="y", epochs=1, threads=1)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        cr.train(path, label="y", epochs=1, threads=1, read_options=cr.ReadOptions(missing_values=("9999-12-31",)))
