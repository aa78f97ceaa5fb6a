"""Requests of many rows, which are checked and written column by column, are answered as rows one by one are."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import creche as cr
from creche.errors import TableError
from creche.serving.bodies import Limits, parse_json
from creche.serving.cells import CellChecker, CheckedRows
from creche.serving.columns import describe_columns
from creche.serving.predictions import Predictions, predict_rows
from creche.serving.problems import ProblemError

COLUMNS = ("size", "count", "colour", "is_open", "day")
CELL = st.sampled_from(
    [None, 0, 1, -3, 2.5, 1e39, -1e300, 10**400, True, False, "red", "blue", "", "NA", "true", "7", "2020-02-30",
     "2020-01-31", "2021-12-01T12:30:00Z", "\N{SNOWMAN}", [1], {"a": 1}]
)  # fmt: skip
USUAL = {
    "size": st.floats(-10, 10) | st.none(), "count": st.integers(-5, 5), "colour": st.sampled_from(["red", "blue"]),
    "is_open": st.booleans(), "day": st.sampled_from(["2020-01-31", "2020-03-01", "2020-02-30"]),
}  # fmt: skip
ROW = st.fixed_dictionaries({name: st.one_of(own, own, own, CELL) for name, own in USUAL.items()})
LESS = st.fixed_dictionaries(USUAL) | ROW.map(lambda row: {name: row[name] for name in COLUMNS[1:]})
NUMBER = st.floats(width=32) | st.sampled_from([0.1, -0.0, 1e-45, math.nan, math.inf])
NAME = st.text(st.characters(codec="utf-8"), max_size=3) | st.sampled_from(["%", "%b", '"', "\\", "a,b"])


@pytest.fixture(scope="module")
def model() -> cr.Model:
    """A model with a column of each role."""
    rng = np.random.default_rng(0)
    size = rng.normal(size=60)
    table = pl.DataFrame(
        {
            "size": [None if i % 9 == 0 else value for i, value in enumerate(size)], "count": rng.integers(0, 5, 60),
            "colour": rng.choice(["red", "blue"], 60), "is_open": rng.random(60) < 0.5,
            "day": [f"2020-{month:02}-{day:02}" for month, day in rng.integers(1, 13, (60, 2))],
            "kind": np.where(size > 0, "large", "small"),
        }
    )  # fmt: skip
    return cr.train(table, label="kind", hidden=[3], epochs=2, seed=0, threads=1).model


@pytest.fixture(scope="module")
def checker(model: cr.Model) -> CellChecker:
    return CellChecker(model, describe_columns(model))


def outcome(model: cr.Model, checker: CellChecker, rows: list[Any]) -> Any:
    """The predictions, or the errors with the number of the row in each."""
    try:
        data = checker.check(rows).data
        try:
            return orjson.loads(predict_rows(model, data).to_json())
        except TableError as error:
            raise checker.explain(data, error) from error
    except ProblemError as problem:
        return [(error.row, error.column, error.message) for error in problem.errors]


@settings(max_examples=300, deadline=None)
@given(rows=st.lists(ROW | LESS, min_size=2, max_size=6))
@example(rows=[{"size": 1.0, "count": 1, "colour": "red", "is_open": True, "day": "2020-01-31"}] * 2)
def test_rows_together_are_answered_as_rows_alone(model: cr.Model, checker: CellChecker, rows: list[Any]) -> None:
    together = outcome(model, checker, rows)
    alone = [outcome(model, checker, [row]) for row in rows]
    errors = [
        (place, column, message.replace("row 0", f"row {place}"))
        for place, found in enumerate(alone)
        for _, column, message in (found if type(found[0]) is tuple else [])
    ]
    if errors and type(together[0]) is tuple:
        # Types are checked before values: if one is wrong, only types are told.
        assert set(together) <= set(errors)
    else:
        assert not errors
        assert together == [prediction for found in alone for prediction in found]


@settings(max_examples=100, deadline=None)
@given(rows=st.lists(ROW, min_size=2, max_size=6))
def test_columns_are_checked_as_their_rows(model: cr.Model, checker: CellChecker, rows: list[Any]) -> None:
    columns = {name: [row[name] for row in rows] for name in reversed(COLUMNS)} | {"more": rows}
    ways: list[Any] = []
    for check in (lambda: checker.check(rows), lambda: checker.check_columns(columns, len(rows))):
        try:
            ways.append(check())
        except ProblemError as problem:
            ways.append([error.message for error in problem.errors])
    first, second = ways
    if isinstance(first, CheckedRows):
        assert (first.ignored, second.ignored) == ((), ("more",))
        assert predict_rows(model, first.data).to_json() == predict_rows(model, second.data).to_json()
    else:
        assert first == second


@settings(max_examples=200, deadline=None)
@given(data=st.data(), count=st.integers(1, 5))
def test_json_is_that_of_the_objects(data: st.DataObject, count: int) -> None:
    def draw(length: int) -> np.ndarray[Any, Any]:
        numbers = data.draw(st.lists(NUMBER, min_size=length, max_size=length))
        return np.array(numbers, dtype=data.draw(st.sampled_from(["float32", "float64"])))

    names, outcomes = (data.draw(st.lists(NAME, min_size=1, max_size=3, unique=True)) for _ in range(2))
    cell = data.draw(st.sampled_from([NAME, NUMBER, st.booleans(), NAME | NUMBER]))
    cells = st.lists(cell, min_size=count, max_size=count)
    predictions = Predictions(
        tuple(names),
        [data.draw(cells) for _ in names],
        tuple(outcomes),
        np.asfortranarray(draw(count * len(outcomes)).reshape(count, -1)) if data.draw(st.booleans()) else None,
        draw(count).astype(np.float64) if data.draw(st.booleans()) else None,
    )
    assert predictions.to_json() == orjson.dumps(predictions.to_list())


@pytest.mark.parametrize("digits", range(16, 24))
@pytest.mark.parametrize("place", range(6))
def test_numbers_of_many_digits_are_not_rounded(digits: int, place: int) -> None:
    number = int("9" * digits)
    rows = [{"n": 1, "text": "a" * 5000}, {" " * place: number}]
    assert parse_json(json.dumps({"rows": rows}).encode(), Limits()) == {"rows": rows}


def test_too_many_objects_are_refused_wherever_they_are() -> None:
    limits = Limits(max_rows=1)
    for pair in ("[]", "{}"):
        with pytest.raises(ProblemError, match="objects and arrays"):
            parse_json(b'{"rows": [' + b",".join([pair.encode()] * 65_600) + b"]}", limits)
    text = {"rows": [{"a": "(|{[" * 10_000 + "x;\xfb" * 40_000}]}
    assert parse_json(json.dumps(text, ensure_ascii=False).encode(), limits) == text
