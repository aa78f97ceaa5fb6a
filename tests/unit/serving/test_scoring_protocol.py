"""The protocol of MLflow's scoring server: all layouts of rows, the columns of `creche predict`, and refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.model.model import Model
from creche.model.predict_file import predict_table
from creche.table.reading.read import read_table
from tests.unit.serving.serving import Client, running


def lay_out(rows: list[dict[str, Any]]) -> dict[str, Any]:
    names = list(reversed(rows[0]))
    columns = {name: [row[name] for row in rows] for name in names}
    return {
        "dataframe_records": rows,
        "dataframe_split": {"columns": names, "data": [[row[name] for name in names] for row in rows], "index": [7, 8]},
        "instances": [list(row.values()) for row in rows],
        "inputs": columns,
    }


def expect(model: Model, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    frame = pl.DataFrame(rows, infer_schema_length=None)
    columns = predict_table(model, read_table(frame, expected=model.features.expected)).columns
    cells = zip(*(column.to_objects().tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in cells]


@pytest.mark.parametrize("count", [1, 10])
@pytest.mark.parametrize("layout", ["dataframe_records", "dataframe_split", "instances", "inputs"])
def test_rows_in_each_layout_are_predicted(
    layout: str, count: int, client: Client, model: Model, rows: list[dict[str, Any]]
) -> None:
    body = {layout: lay_out(rows[:count])[layout], "params": {}}
    answer = client.post("/invocations", body)
    assert (answer.status, answer.data) == (200, {"predictions": expect(model, rows[:count])})
    assert client.post("/models/penguins/invocations", body).data == answer.data


def test_inputs_may_be_rows_or_columns_of_arrays_of_one_cell(
    client: Client, model: Model, rows: list[dict[str, Any]]
) -> None:
    nested = {name: [[cell] for cell in cells] for name, cells in lay_out(rows)["inputs"].items()}
    for body in ({"inputs": rows}, {"inputs": nested}, {"instances": rows}):
        assert client.post("/invocations", body).data["predictions"] == expect(model, rows)


def test_a_table_is_predicted_and_the_answer_may_be_one(
    client: Client, model: Model, rows: list[dict[str, Any]]
) -> None:
    frame = pl.DataFrame(rows, infer_schema_length=None)
    sent = frame.write_csv().encode()
    answer = client.ask("POST", "/invocations", sent, {"Content-Type": "text/csv"})
    assert answer.data["predictions"] == expect(model, rows)
    table = client.ask("POST", "/invocations", sent, {"Content-Type": "text/csv", "Accept": "text/csv"})
    assert pl.read_csv(table.body).columns == list(expect(model, rows)[0])


def test_several_labels_of_yes_or_no_are_booleans(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pl.DataFrame({"a": rng.normal(size=40), "x": rng.random(40) < 0.5, "y": rng.random(40) < 0.5})
    path = tmp_path / "two.creche"
    cr.train(table, label=["x", "y"], hidden=[2], epochs=1, threads=1).model.save(path)
    with running(path) as (_, client):
        (found,) = client.post("/invocations", {"instances": [[0.5]]}).data["predictions"]
    assert {name: type(value) for name, value in found.items()} == {
        "predicted_x": bool, "predicted_y": bool, "probability_x": float, "probability_y": float,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ([], "with one of dataframe_split, dataframe_records, instances, inputs"),
        ({"rows": []}, "with one of dataframe_split"),
        ({"inputs": {}, "instances": []}, "with one of dataframe_split"),
        ({"inputs": {}, "param": {}}, "'param': there is no such part of a request; did you mean 'params'?"),
        ({"inputs": {}, "params": {"a": 1}}, "params: the model takes none"),
        ({"inputs": {}}, "inputs: needs at least one column"),
        ({"inputs": {"sex": []}}, "inputs: 'sex' needs an array of at least one value"),
        ({"inputs": {"sex": [1], "island": [1, 2]}}, "inputs: 'island' has 2 values, those before have 1"),
        ({"instances": {}}, "instances: needs an array of at least one row"),
        ({"instances": [[1], 2]}, "instances: row 0 has 1 value; needs an array of 6 values"),
        ({"instances": [1]}, "instances: row 0 has no array; needs an array of"),
        ({"dataframe_records": [[1]]}, "row 0: got an array; needs an object"),
        ({"dataframe_split": [1]}, "dataframe_split: needs an object with columns and data"),
        ({"dataframe_split": {"columns": ["a"], "data": [[1]], "more": 1}}, "dataframe_split: needs an object"),
        ({"dataframe_split": {"columns": [1], "data": [[1]]}}, "columns needs an array of strings"),
        ({"dataframe_split": {"columns": ["a", "a"], "data": [[1, 2]]}}, "column 'a' comes twice"),
        ({"dataframe_split": {"columns": ["sex"], "data": [["male"], ["male", 1]]}}, "row 1 has 2 values"),
        ({"dataframe_split": {"columns": ["sex"], "data": [["male"]]}}, "row 0: column 'island' is missing"),
        ({"instances": [[[], {}, 1, 2, 3, 4]]}, "row 0, column 'island': got an array; needs a string"),
    ],
)
def test_what_is_wrong_is_told(body: Any, told: str, client: Client, model: Model) -> None:
    answer = client.post("/invocations", body)
    assert answer.status == 422
    assert told in answer.data["detail"]


def test_ping_answers_without_a_token(model_file: Path) -> None:
    with running(model_file, token="correct-horse-battery") as (_, client):
        assert (client.get("/ping").status, client.get("/ping").body) == (200, b"\n")
        assert client.post("/invocations", {}).status == 401
