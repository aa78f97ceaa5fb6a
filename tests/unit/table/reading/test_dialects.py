"""A table that others wrote in any supported way reads back as the values written, or is refused or told of."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from creche.errors import CrecheError, CrecheWarning
from tests.unit.table.tables import read, values

WORDS = ["up", "down", "not yet", "größer", "O'Neil", "a;b", "1st, 2nd", 'so-called "x"', "x|y"]

DATES = ["%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d %b %Y", "%Y-%m-%d %H:%M", "%m/%d/%Y %I:%M %p"]

MARKS = [(".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (",", "\u202f"), (".", "'")]

ABOVE = ["", "Quarterly report\n\n", "# exported\n", "Report\nof the office\n"]

BELOW = ["", "\n60 rows\n", "Source: the office\n"]


@dataclass(frozen=True)
class Written:
    """A table and how it was written."""

    values: dict[str, list[Any]]
    text: bytes
    how: str


@st.composite
def written_tables(draw: st.DrawFn) -> Written:
    """Draw a table, and the text of it by Python's own writer."""
    rows = draw(st.integers(4, 15))
    lists = {
        "size": st.lists(st.integers(-99_999, 99_999_999), min_size=rows, max_size=rows),
        "mass": st.lists(st.decimals(-10_000, 10_000_000, places=2).map(float), min_size=rows, max_size=rows),
        "length": st.lists(st.integers(1, 9_999).map(lambda n: n / 1000), min_size=rows, max_size=rows),
        "word": st.lists(st.sampled_from(WORDS), min_size=rows, max_size=rows),
        "day": st.lists(
            st.datetimes(dt.datetime(1990, 1, 1), dt.datetime(2030, 1, 1)).map(
                lambda moment: moment.replace(second=0, microsecond=0)
            ),
            min_size=rows,
            max_size=rows,
        ),
        "flag": st.lists(st.booleans(), min_size=rows, max_size=rows),
    }  # fmt: skip
    names = draw(st.lists(st.sampled_from(list(lists)), min_size=2, max_size=6, unique=True))
    table: dict[str, list[Any]] = {name: draw(lists[name]) for name in names}
    decimal, thousands = draw(st.sampled_from(MARKS))
    date = draw(st.sampled_from(DATES))
    missing = draw(st.sampled_from(["", "NA", "-", "n.a.", "null"]))
    gaps = draw(st.sets(st.tuples(st.sampled_from(names), st.integers(0, rows - 1)), max_size=3))
    for name, row in gaps:
        table[name][row] = None
    separator = draw(st.sampled_from(",;\t| "))
    quoting = draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]))
    has_header, has_index = draw(st.booleans()), draw(st.booleans())
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    above, below = draw(st.sampled_from(ABOVE)), draw(st.sampled_from(BELOW))

    def cell(name: str, value: Any) -> str:
        if value is None:
            return missing
        if name in ("size", "mass", "length"):
            places = {"size": 0, "mass": 2, "length": 3}[name]
            return f"{value:,.{places}f}".translate({ord(","): thousands, ord("."): decimal})
        if name == "day":
            return str(value.strftime(date))
        return str(value).lower() if name == "flag" else str(value)

    if separator == " " and (missing == "" or " " in thousands or "\u202f" in thousands):
        separator = "\t"
    if separator == " " and not {"size", "mass", "length"}.intersection(names):
        separator = "\t"  # a word and a date may also be one text
    if separator == " " and decimal == ",":
        has_header = True  # 0 0,5 up may also be two cells
    if separator == " " and " " in above + below:
        above, below = "", ""  # whose words would be cells
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, quoting=quoting, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
    if has_header:
        writer.writerow([*([""] if has_index else []), *names])
    for row in range(rows):
        writer.writerow([*([row] if has_index else []), *(cell(name, table[name][row]) for name in names)])
    text = above.replace("\n", "\r\n" if "\r\n" in out.getvalue() else "\n") + out.getvalue() + below
    if "day" in table and "H" not in date and "I" not in date:
        table["day"] = [day and day.replace(hour=0, minute=0) for day in table["day"]]
    return Written(table, text.encode(encoding), f"{decimal}{thousands} {date} {missing!r} {separator!r} {encoding}")


def agrees(expected: Any, actual: Any) -> bool:
    """Whether a value was read as it was written; a missing one may be read as any marker for it."""
    if expected is None or actual is None:
        return expected is None and (actual is None or actual in ("NA", "-", "n.a.", "null"))
    if isinstance(expected, str):
        return str(actual) == expected
    if isinstance(expected, bool):
        return bool(actual is expected)
    if isinstance(expected, dt.datetime):
        return bool(actual == expected)
    return isinstance(actual, int | float) and float(actual) == float(expected)


def has_values(written: Written) -> bool:
    """Whether some column tells a row from names: one of numbers or dates, with a value in the first row."""
    return any(written.values[name][0] is not None for name in written.values if name not in ("word", "flag"))


@given(written_tables(), st.booleans())
def test_what_pythons_writer_wrote(tmp_path_factory: Any, written: Written, small: bool) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            table = read(written.text, tmp_path_factory.getbasetemp(), small=small)
        except CrecheError:
            return  # refused
    told = " ".join(str(warning.message) for warning in caught)
    columns, found = table.columns, values(table)
    assert len(found) >= len(written.values), (written.text, found)
    by_name = set(written.values) <= set(found)
    assert by_name or "first line" in told or not has_values(written), (written.text, found)
    names = list(found)[-len(written.values) :]
    for name, read_name in zip(written.values, names, strict=True):
        expected, actual, column = written.values[name], found[read_name], columns[read_name]
        if len(actual) == len(expected) and all(map(agrees, expected, actual)):
            continue
        is_told = column.note or column.doubt or "first line" in told or "dropped" in told
        is_words = column.kind == "words" and name != "word"  # which is shown, and never a wrong number
        assert is_told or is_words, (written.how, name, expected, actual, written.text)


@pytest.mark.parametrize("first", [',"1,000.00"', ',"1.000,00"', ",", "NA,mass", "size,-"])
def test_names_that_may_be_values_are_told(tmp_path: Any, first: str) -> None:
    with pytest.warns(CrecheWarning, match=r"the first line of .* is read as column names, though .*header=False"):
        read(f"{first}\n0,0.5\n1,0.7\n2,0.25\n3,0.1\n".encode(), tmp_path)


NUMBERS = st.lists(st.floats(-1e6, 1e6).map(lambda x: round(x, 4)), min_size=4, max_size=12)


@pytest.mark.parametrize("small", [True, False])
@pytest.mark.parametrize(
    "options",
    [
        dict(zip(["sep", "decimal", "index", "na_rep", "date_format", "quoting"], combination, strict=True))
        for combination in itertools.chain(
            itertools.product([",", ";", "\t", "|"], ["."], [True, False], ["", "NA"], [None, "%d.%m.%Y"], [0, 1]),
            itertools.product([";", "\t", "|"], [","], [True, False], ["", "nan"], ["%d/%m/%Y", "%m/%d/%Y"], [0, 2]),
        )
    ],
    ids=lambda options: " ".join(map(str, options.values())),
)
def test_what_pandas_wrote(options: dict[str, Any], small: bool, tmp_path: Any) -> None:
    random = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "mass": random.normal(size=40).round(3),
            "count": random.integers(0, 10**6, 40),
            "gap": [None if i % 7 == 3 else i / 4 for i in range(40)],
            "word": [("Biscoe", "Dream, east", "Ørnøya; west")[i % 3] for i in range(40)],
            "day": pd.date_range("2020-01-01", periods=40),
        }
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error", CrecheWarning)
        table = read(frame.to_csv(**options), tmp_path, small=small)
    found = values(table)
    assert table.names == [*(["column 1"] if options["index"] else []), *frame.columns]
    for name in ("mass", "count", "word"):
        assert found[name] == frame[name].tolist()
    assert found["gap"] == [None if value != value else value for value in frame["gap"]]
    assert found["day"] == frame["day"].dt.to_pydatetime().tolist()
