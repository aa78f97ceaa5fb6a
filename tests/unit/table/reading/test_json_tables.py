"""JSON documents as pandas and others write them."""

from __future__ import annotations

import io
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from creche.errors import CrecheWarning, TableError
from creche.table.reading.options import ReadOptions
from creche.table.reading.read import read_batches, read_table
from tests.unit.table.tables import kinds, values

FRAME = pd.DataFrame(
    {
        "mass": [3750.5, np.nan, 4300.0],
        "count": [1, 2, 3],
        "ringed": [True, False, True],
        "island": ["Biscoe", None, "Ørnøya"],
        "day": ["2021-11-03", "2021-11-20", None],
    }
)


def read(text: str) -> dict[str, list[Any]]:
    return values(read_table(io.BytesIO(text.encode())))


@pytest.mark.parametrize("orient", ["records", "columns", "index", "split"])
@pytest.mark.parametrize("indent", [None, 2])
def test_what_pandas_writes(orient: Any, indent: int | None) -> None:
    content = FRAME.to_json(orient=orient, indent=indent).encode()
    table = read_table(io.BytesIO(content))
    lines = read_table(io.BytesIO(FRAME.to_json(orient="records", lines=True).encode()))
    assert values(table) == values(lines)
    assert kinds(table) == kinds(lines)
    assert sum(len(batch.table) for batch in read_batches(io.BytesIO(content), rows=2)) == 3


def test_pandas_table_orient() -> None:
    assert read(FRAME[["mass", "count"]].to_json(orient="table", index=False)) == {
        "mass": [3750.5, None, 4300.0], "count": [1, 2, 3]
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[{"a": 1}, {"b": "x"}]', {"a": [1, None], "b": [None, "x"]}),
        ('\n [\n {"a": 1.5}\n]\n', {"a": [1.5]}),
        ('{"a": [1, 2], "b": ["x", "y"]}', {"a": [1, 2], "b": ["x", "y"]}),
        ('{"a": {"0": 1, "1": 2}, "b": {"1": "y"}}', {"a": [1, 2], "b": [None, "y"]}),
        ('{"a": 1, "b": "x"}', {"a": [1], "b": ["x"]}),  # one JSON line
        ('{"a": 1}\n{"a": 2}\n', {"a": [1, 2]}),
        ('[{"a": 9007199254740993}, {"a": 1}]', {"a": [9007199254740993, 1]}),
        ('[{"a": NaN}, {"a": 1.5}]', {"a": [None, 1.5]}),
        ('[{"a": -Infinity}, {"a": 1.5}]', {"a": [-math.inf, 1.5]}),
        ('[{"a": "00123"}, {"a": "7"}]', {"a": ["00123", "7"]}),
        ('{"data": [{"a": 1}, {"a": 2}]}', {"a": [1, 2]}),
        ('[["a", "b"], [1, "x"], [2, "y"]]', {"a": [1, 2], "b": ["x", "y"]}),
    ],
)
def test_forms(text: str, expected: dict[str, list[Any]]) -> None:
    assert read(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[1, 2], [3, 4]]", "is a JSON array of arrays, which have no column names"),
        ("[1, 2]", 'row 1 is a int; needs an object: {"column": value}'),
        ('[{"a": 1}, 3]', "row 2 is a int; needs an object"),
        ("[]", "is an empty JSON array"),
        ('[{"a": 1},\n {"a": }]', "line 2, character 8 is not valid JSON"),
        ('[{"a": 1, "a": 2}]', "the key 'a' occurs twice in one object"),
        ('{"a": [1, 2], "b": [1]}', "its columns differ in length"),
        ('{"meta": {"n": 2}, "rows": [{"a": 1}]}', "the array of its key 'rows' may be the table"),
        ('{"columns": ["a"], "index": [0], "data": [[1, 2]]}', "row 1 of 'data' does not hold 1 values"),
        ("[" * 100_000, "cannot be read as JSON"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(TableError, match=message):
        read(text)


def test_the_format_can_be_set(tmp_path: Any) -> None:
    path = tmp_path / "table.csv"
    path.write_text(json.dumps([{"a": 1}, {"a": 2}]))
    assert values(read_table(path, ReadOptions(format="json"))) == {"a": [1, 2]}
    path.write_text("[a],b\n1,2\n")
    assert values(read_table(path)) == {"[a]": [1], "b": [2]}


@pytest.mark.parametrize("text", ['[{"a": {"b": 1}}]', '[{"a": [1]}, {"a": [2]}]'])
def test_a_column_of_several_values_a_cell_is_read_but_not_learnt_from(text: str) -> None:
    assert "it holds a" in read_table(io.BytesIO(text.encode())).columns["a"].doubt


@pytest.mark.parametrize("indent", [None, 2])
def test_the_rows_in_the_answer_of_a_service(indent: int | None, tmp_path: Any) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps({"count": 2, "next": None, "results": [{"a": 1}, {"a": 2}]}, indent=indent))
    with pytest.warns(CrecheWarning, match="read the array of its key 'results'; dropped 'count', 'next'"):
        assert values(read_table(path)) == {"a": [1, 2]}


def test_objects_may_be_the_cells_of_a_column() -> None:
    assert read('{"a": [1, 2], "b": [{"x": 1}, {"x": 2}]}') == {"a": [1, 2], "b": [None, None]}
