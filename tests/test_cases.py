"""Tables as people bring them, from file to prediction: nothing is silently wrong, and what is doubtful is told.

Each file is read by the reader of small files and by that of large ones.
"""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

import creche as cr
from creche.table.reading import contents
from creche.table.reading.read import read_table

ROWS = 120


@pytest.fixture(params=["small", "large"], autouse=True)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "large":
        monkeypatch.setattr(contents.Contents, "small_table", lambda self, rules: None)


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """A function that writes lines to a file in an empty folder."""
    count = iter(range(100))

    def write(lines: list[str], suffix: str = "csv") -> Path:
        path = tmp_path / f"table{next(count)}.{suffix}"
        path.write_text("\n".join(lines) + "\n")
        return path

    return write


def train(data: Any, label: str, **options: Any) -> tuple[cr.Run, list[str]]:
    """Train, and return the run and the warnings of how the table was read."""
    defaults = {"hidden": [16], "epochs": 60, "learning_rate": 0.02, "threads": 1, "seed": 1}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = cr.train(data, label=label, **{**defaults, **options})
    return run, [text for text in (str(w.message) for w in caught) if "leakage" not in text and "epoch" not in text]


def accuracy(run: cr.Run) -> float:
    return float(run.evaluation.accuracy)  # type: ignore[union-attr]


@pytest.mark.parametrize("separator", ["\t", ";", "|"])
@pytest.mark.parametrize(("mark", "argument"), [(",", "decimal_comma=True"), (".", "decimal_comma=False")])
def test_thousands_where_no_comma_separates_cells(
    separator: str, mark: str, argument: str, write: Callable[..., Path]
) -> None:
    prices = [332, 815, *(1000 + 70 * i for i in range(ROWS))]
    lines = [f"{p // 90}{separator}{f'{p:,}'.replace(',', mark)}" for p in prices]
    path = write([f"area{separator}price", *lines])
    _, told = train(path, "price", epochs=1)
    assert [int(value) for value in read_table(path).columns["price"].values] == prices
    assert any("label 'price'" in text and "two ways" in text and argument in text for text in told)
    # Decimals, if the user says so.
    options = cr.ReadOptions(decimal_comma=mark == ",")
    assert [round(1000 * value) for value in read_table(path, options).columns["price"].values[2:]] == prices[2:]
    assert train(path, "price", epochs=1, read_options=options)[1] == []


def test_the_decimal_mark_of_the_training_table_holds_for_new_rows(write: Callable[..., Path]) -> None:
    random = np.random.default_rng(0)
    sales = random.integers(300, 9_000, ROWS)
    rows = [
        f"{f'{s:,}'.replace(',', '.')};0,{i % 90:02d};{'big' if s > 4000 else 'small'}" for i, s in enumerate(sales)
    ]
    run, told = train(write(["sales;discount;kind", *rows]), "kind", epochs=150)
    assert told == []
    for discounts in (("1", "0", "0"), ("1,0", "0,0", "0,0")):
        new = [f"{s};{d}" for s, d in zip(("8.500", "7.250", "1.100"), discounts, strict=True)]
        assert run.model.predict(write(["sales;discount", *new])).tolist() == ["big", "big", "small"]
    with pytest.raises(cr.TableError, match=r"row 2, column 'sales' is '7.25'; needs a number"):
        run.model.predict(write(["sales;discount", "8.500;1", "7.25;0"]))


def test_true_and_false_in_any_type_are_the_same_category(write: Callable[..., Path]) -> None:
    lines = [f"{('True', 'False', 'Unknown')[i % 3]},{20 + i % 40},{('yes', 'no', 'no')[i % 3]}" for i in range(ROWS)]
    run, _ = train(write(["member,age,answer", *lines]), "answer")
    expected = run.model.predict_proba(write(["member,age", "True,40", "False,40"]))
    assert expected[0, 1] > 0.9
    assert expected[1, 1] < 0.1
    for members in ([True, False], [1, 0], [1.0, 0.0], ["TRUE", "false"], ["1", "0"]):
        for kind in (pd.DataFrame, pl.DataFrame, dict):
            new = kind({"member": members, "age": [40, 40]})
            np.testing.assert_array_equal(run.model.predict_proba(new), expected)
    new = [{"member": True, "age": 40}, {"member": False, "age": 40}]
    np.testing.assert_array_equal(run.model.predict_proba(new), expected)


def test_the_order_of_day_and_month_holds_for_new_rows(write: Callable[..., Path]) -> None:
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=5 * i) for i in range(150)]
    lines = [f"{day:%d/%m/%Y},{'summer' if 4 <= day.month < 10 else 'winter'}" for day in days]
    run, told = train(write(["day,kind", *lines]), "kind", epochs=200)
    assert told == []
    for new in (["05/12/2021", "07/06/2021"], ["5/12/2021", "7/6/2021"], ["2021-12-05", "2021-06-07"]):
        assert run.model.predict(write(["day,x", *(f"{day},1" for day in new)])).tolist() == ["winter", "summer"]
    assert run.model.predict(pd.DataFrame({"day": ["05/12/2021"]})).tolist() == ["winter"]
    assert run.model.predict({"day": [dt.date(2021, 12, 5)]}).tolist() == ["winter"]
    assert run.model.predict(write(["day", "05/12/2021"])).tolist() == ["winter"]
    with pytest.raises(cr.TableError, match="row 3, column 'day' is '03/25/2021', but the day comes first"):
        run.model.predict(write(["day", "05/12/2021", "07/06/2021", "03/25/2021"]))


DATES = {
    "Excel": "{d.month}/{d.day}/{d.year} {d.hour}:{d.minute:02d}",
    "AM and PM": "{d.month}/{d.day}/{d.year} {d:%I}:{d.minute:02d} {d:%p}",
    "unpadded": "{d.year}-{d.month}-{d.day}",
    "name of the month": "{d.day} {d:%b} {d.year}",
    "long name of the month": "{d:%B} {d.day} {d.year}",
    "two digits": "{d:%d.%m.%y}",
    "compact": "{d:%Y%m%d}",
    "ISO with a zone": "{d:%Y-%m-%dT%H:%M:%S}+00:00",
}


@pytest.mark.parametrize("how", DATES)
def test_dates_are_dates(how: str, write: Callable[..., Path]) -> None:
    days = [dt.datetime(2020, 1, 1, 4, 14) + dt.timedelta(days=5 * i, hours=7 * i) for i in range(ROWS)]
    words = [DATES[how].format(d=day) for day in days]
    kinds = ["summer" if 4 <= day.month < 10 else "winter" for day in days]
    path = write(["day,kind", *map(",".join, zip(words, kinds, strict=True))])
    run, told = train(path, "kind", epochs=100)
    assert accuracy(run) > 0.85
    assert all("two digits" in text or "is read as dates" in text for text in told)
    expected = run.model.predict_proba(path)
    np.testing.assert_array_equal(run.model.predict_proba(pd.DataFrame({"day": words})), expected)
    if how == "compact":
        np.testing.assert_array_equal(run.model.predict_proba({"day": [int(word) for word in words]}), expected)


def test_one_date_of_zeros_is_missing_and_told(write: Callable[..., Path]) -> None:
    days = [dt.date(2020, 1, 1) + dt.timedelta(days=5 * i) for i in range(ROWS)]
    lines = [f"{'0000-00-00' if i == 50 else day},{'a' if day.month < 7 else 'b'}" for i, day in enumerate(days)]
    run, told = train(write(["day,kind", *lines]), "kind")
    assert told == ["column 'day' has '0000-00-00' in 1 row (the first is row 51), read as missing"]
    assert accuracy(run) > 0.8


def test_dates_with_an_open_order_name_the_option(write: Callable[..., Path]) -> None:
    days = [dt.date(2020 + i // 60, 1 + i // 5 % 12, 1 + 2 * (i % 5)) for i in range(ROWS)]
    lines = [f"{day:%d/%m/%Y},{i % 7},{'a' if 4 <= day.month < 10 else 'b'}" for i, day in enumerate(days)]
    path = write(["day,x,kind", *lines])
    _, told = train(path, "kind", epochs=1)
    (message,) = told
    assert message.startswith("dropped column 'day': its dates, such as '01/01/2020', are not clear")
    assert "ReadOptions(day_first=True) or ReadOptions(day_first=False)" in message
    run, told = train(path, "kind", epochs=150, read_options=cr.ReadOptions(day_first=True))
    assert told == []
    assert accuracy(run) > 0.85


SIGNS = {
    "${v:,}": "'$'", "{v} EUR": "'EUR'", "{v:,} €": "'€'", "{v}%": "'%'", "{v} kg": "'kg'", "£{v:,}.00": "'£'",
    "{v:,} km": "'km'",
}  # fmt: skip


@pytest.mark.parametrize("sign", SIGNS)
def test_numbers_with_signs_are_numbers_and_told(sign: str, write: Callable[..., Path]) -> None:
    values = [1000 + 97 * i % 9000 for i in range(ROWS)]
    cells = [sign.format(v=value) for value in values]
    kinds = ["big" if value > 5000 else "small" for value in values]
    path = write(["price,kind", *(f'"{cell}",{kind}' for cell, kind in zip(cells, kinds, strict=True))])
    run, told = train(path, "kind", epochs=100)
    assert any(text.startswith("column 'price'") and f"without {SIGNS[sign]}" in text for text in told)
    assert accuracy(run) > 0.85
    expected = run.model.predict_proba(path)
    np.testing.assert_array_equal(run.model.predict_proba(pd.DataFrame({"price": cells})), expected)
    if sign != "{v}%":
        np.testing.assert_array_equal(run.model.predict_proba({"price": values}), expected)


def test_accounting_parentheses_and_hard_spaces(write: Callable[..., Path]) -> None:
    values = [50 * (37 * i % ROWS - 60) + i % 7 for i in range(ROWS)]
    cells = [f"({-value / 1000})" if value < 0 else f"{value / 1000}" for value in values]
    grouped = [f"{20_000 + value:,}".replace(",", "\u00a0") for value in values]
    kinds = ["up" if value > 0 else "down" for value in values]
    path = write(["change,grouped,kind", *map(",".join, zip(cells, grouped, kinds, strict=True))])
    run, told = train(path, "kind", epochs=100)
    assert len(told) == 1
    assert told[0].startswith("column 'change' is read as numbers")
    assert "parentheses" in told[0]
    same = pd.DataFrame({"change": [v / 1000 for v in values], "grouped": [20_000 + v for v in values]})
    np.testing.assert_array_equal(run.model.predict_proba(path), run.model.predict_proba(same))


def test_mixed_currencies_stay_words_and_that_is_told(write: Callable[..., Path]) -> None:
    lines = [f"{'$€'[i % 2]}{i % 20},{i},{'ab'[i % 2]}" for i in range(ROWS)]
    _, told = train(write(["price,x,kind", *lines]), "kind", epochs=1)
    assert any("column 'price' is read as words" in text and "'$' and '€'" in text for text in told)


def test_a_dash_among_numbers_is_missing_and_told(write: Callable[..., Path]) -> None:
    lines = [line for i in range(1, 41) for line in (f"{i},a", f"{2 * i},b")]
    run, told = train(write(["v,y", *lines, "-,a"]), "y", epochs=1)
    assert told == ["column 'v' has '-' in 1 row (the first is row 81), read as missing"]
    assert run.model.features.names == ("v",)
    run.model.predict(write(["v", "-", "5"]))
    with pytest.raises(cr.TableError, match="row 2, column 'v' is 'soon'; needs a number, or an empty cell"):
        run.model.predict(write(["v", "-", "soon"]))


def test_a_new_word_in_a_category_of_whole_numbers(write: Callable[..., Path]) -> None:
    codes = [10115, 20095, 50667, 80331]
    lines = [f"{codes[i % 4]},{i % 9},{'north' if i % 4 < 2 else 'south'}" for i in range(ROWS)]
    run, _ = train(write(["zip,x,kind", *lines]), "kind", schema={"zip": "categorical"})
    new = run.model.predict_proba(write(["zip,x", "10115,1", "SW1A 1AA,1", "99999,1", "80331,1"]))
    np.testing.assert_array_equal(new[1], new[2])
    for zips in ([10115, 99999, 99999, 80331], [10115.0, 99999.0, 99999.0, 80331.0], ["10115", "x", "99999", "80331"]):
        np.testing.assert_array_equal(run.model.predict_proba({"zip": zips, "x": [1] * 4}), new)


def test_words_for_missing_values_are_classes_where_the_user_says_so(write: Callable[..., Path]) -> None:
    lines = [f"{i % 10},{('Heavy', 'Light', 'None')[i % 3]}" for i in range(ROWS)]
    path = write(["x,use", *lines])
    frame = pd.DataFrame({"x": [i % 10 for i in range(ROWS)], "use": [line.split(",")[1] for line in lines]})
    run, _ = train(frame, "use", epochs=1)
    assert list(run.model.classes or ()) == ["Heavy", "Light", "None"]
    options = cr.ReadOptions(default_missing=False)
    run, _ = train(path, "use", epochs=1, read_options=options)
    assert list(run.model.classes or ()) == ["Heavy", "Light", "None"]
    with pytest.raises(cr.TableError, match="row 3 is empty"):
        train(path, "use", epochs=1)
    options = cr.ReadOptions(missing_values=("Light",))
    run, _ = train(frame, "use", epochs=1, read_options=options, missing_label="drop")
    assert list(run.model.classes or ()) == ["Heavy", "None"]


def test_a_file_without_names(write: Callable[..., Path]) -> None:
    random = np.random.default_rng(0)
    rows = [f"{x:.3f},{z:.3f},{'good' if x > 0 else 'bad'}" for x, z in random.normal(size=(ROWS, 2))]
    path = write(rows, "data")
    with pytest.warns(cr.CrecheWarning, match=r"looks like a row.*ReadOptions\(names=\['a', 'b', 'c'\]\)"):
        run = cr.train(path, label="column 3", epochs=1, threads=1)
    assert len(run.model.features.names) == 2
    run, told = train(path, "grade", read_options=cr.ReadOptions(names=("a", "b", "grade")))
    assert told == []
    assert run.model.features.names == ("a", "b")
    assert accuracy(run) > 0.85


def test_lines_and_columns_around_the_table(write: Callable[..., Path]) -> None:
    random = np.random.default_rng(0)
    rows = [f"{x:.3f},{z:.3f},{'good' if x > 0 else 'bad'}" for x, z in random.normal(size=(ROWS, 2))]
    plain = ["a,b,grade", *rows]
    expected = train(write(plain), "grade")[0].model
    variants: dict[str, tuple[list[str], int]] = {
        "comment": (["# exported", "# unit: mm", *plain], 0),
        "title": (["Quarterly report", "", *plain], 1),
        "sep": (["sep=;", *(line.replace(",", ";") for line in plain)], 0),
        "footer": ([*plain, "", "120 rows"], 1),
        "totals": ([*plain, "Total,5,"], 1),
        "trailing comma": ([line + "," for line in plain], 0),
        "index": ([f"{'' if i == 0 else i - 1},{line}" for i, line in enumerate(plain)], 1),
        "spaces": ([line.replace(",", "   ") for line in plain], 0),
    }
    for how, (lines, remarks) in variants.items():
        run, told = train(write(lines), "grade")
        assert len(told) == remarks, (how, told)
        assert run.model.features.names == ("a", "b"), how
        for one, other in zip(run.model.weights, expected.weights, strict=True):
            np.testing.assert_array_equal(one[0], other[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is left out is told again
            actual = run.model.predict_proba(write(lines))
        np.testing.assert_array_equal(actual, expected.predict_proba(write(plain)))


def test_codes_that_begin_with_zeros_keep_them_and_match_their_numbers(write: Callable[..., Path]) -> None:
    x = np.random.default_rng(0).normal(size=ROWS)
    zips, labels = np.where(x > 0, 501, 10115), np.where(x > 0, 7, 42)
    rows = [f"{a},{b:05d},{c:03d}" for a, b, c in zip(x, zips, labels, strict=True)]
    path = write(["x,zip,y", *rows])
    run, told = train(path, "y")
    assert run.model.classes == ("007", "042")
    assert [text for text in told if "begin with zeros" in text and "'zip'" in text]
    expected = run.model.predict_proba(path)
    for values in (zips, zips.astype(float), [f"{value:05d}" for value in zips]):
        np.testing.assert_array_equal(run.model.predict_proba(pd.DataFrame({"x": x, "zip": values})), expected)


def test_a_column_of_booleans_is_the_same_as_words_and_numbers(write: Callable[..., Path]) -> None:
    flag = np.arange(ROWS) % 2
    x = np.random.default_rng(0).normal(size=ROWS)
    run, _ = train(pd.DataFrame({"x": x, "flag": flag, "y": np.where(flag, "p", "q")}), "y")
    expected = run.model.predict_proba(pd.DataFrame({"x": x, "flag": flag == 1}))
    for words in (("False", "True"), ("false", "true"), ("0", "1"), ("0.0", "1.0")):
        path = write(["x,flag", *(f"{a},{words[b]}" for a, b in zip(x, flag, strict=True))])
        np.testing.assert_array_equal(run.model.predict_proba(path), expected)


def test_a_label_whose_words_may_stand_for_missing_values_is_told(write: Callable[..., Path]) -> None:
    path = write(["x,y", *(f"{i / 7},{('NA', 'EU', 'AS')[i % 3]}" for i in range(ROWS))])
    with pytest.raises(
        cr.TableError, match=r"row 1 is empty .* such as NA or None is a class, set .*default_missing=F"
    ):
        cr.train(path, label="y")
    numbers = write(["x,y", *(f"{i / 7},{'<0.1' if i == 5 else i / 9}" for i in range(ROWS))])
    with (
        pytest.warns(cr.CrecheWarning, match="has '<0.1' in 1 row"),
        pytest.raises(cr.TableError, match=r"row 6 is empty .*; the column has '<0.1' in 1 row .* read as missing"),
    ):
        cr.train(numbers, label="y")
    assert train(path, "y", read_options=cr.ReadOptions(default_missing=False))[0].model.classes == ("AS", "EU", "NA")


def test_a_structured_array_is_a_table() -> None:
    rows = np.zeros(ROWS, dtype=[("x", "f8"), ("kind", "U3"), ("place", "S4"), ("day", "M8[D]"), ("flag", "?")])
    rows["x"] = np.random.default_rng(0).normal(size=ROWS)
    rows["kind"], rows["place"] = np.where(rows["x"] > 0, "up", "low"), np.where(rows["x"] > 0, b"a", b"b")
    rows["day"], rows["flag"] = np.datetime64("2024-01-01") + np.arange(ROWS) % 50, np.arange(ROWS) % 2
    frame = pd.DataFrame({name: rows[name] for name in rows.dtype.names}).assign(
        place=np.where(rows["x"] > 0, "a", "b"), day=rows["day"].astype("datetime64[us]")
    )
    run, _ = train(rows, "kind")
    for data in (rows, np.rec.array(rows), frame):
        np.testing.assert_array_equal(run.model.predict_proba(data), run.model.predict_proba(rows))
