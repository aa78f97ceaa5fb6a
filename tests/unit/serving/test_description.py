"""The description of the server agrees with what it takes and answers."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import polars as pl
import pytest

import creche as cr
from creche.serving.columns import describe_columns, example_row
from tests.unit.serving.serving import Client, running


def validator(description: dict[str, Any], schema: dict[str, Any]) -> jsonschema.Draft202012Validator:
    whole = copy.deepcopy(schema) | {"components": description["components"]}
    return jsonschema.Draft202012Validator(whole)


def schemas_of(operation: dict[str, Any], status: str) -> dict[str, Any]:
    found: dict[str, Any] = next(iter(operation["responses"][status]["content"].values()))["schema"]
    return found


@pytest.fixture(scope="module")
def of_all_kinds(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """A server with a model whose columns are of all kinds."""
    table = pl.DataFrame(
        {
            "length": [None if i % 4 == 2 else i + 0.5 for i in range(40)],
            "count": [1, 2, 3, 1000] * 10,
            "fresh": [True, False, True, True] * 10,
            "kind": ["a", "b", "a", "c/d~e"] * 10,
            "day": ["2024-01-02", "2024-05-03", "2023-12-31", "2024-02-29"] * 10,
            "price": [1.5 * i for i in range(40)],
        }
    ).with_columns(pl.col("day").str.to_date())
    path = tmp_path_factory.mktemp("kinds") / "all kinds.creche"
    cr.train(table, label="price", task="regression", hidden=[2], epochs=2, threads=1).model.save(path)
    with running(path) as (_, client):
        yield client


def test_each_get_of_the_description_answers_as_it_says(client: Client) -> None:
    described = client.get("/openapi.json").data
    assert described["openapi"] == "3.1.0"
    for path, operations in described["paths"].items():
        if "get" in operations:
            answer = client.get(path)
            assert answer.status == 200, path
            if answer.headers["content-type"] == "application/json":
                validator(described, schemas_of(operations["get"], "200")).validate(answer.data)


def test_the_example_is_predicted_and_the_answer_is_as_described(of_all_kinds: Client) -> None:
    described = of_all_kinds.get("/openapi.json").data
    for path in ("/predict", "/models/all%20kinds/predict"):
        operation = described["paths"][path]["post"]
        content = operation["requestBody"]["content"]["application/json"]
        validator(described, content["schema"]).validate(content["example"])
        answer = of_all_kinds.post(path, content["example"])
        assert answer.status == 200
        validator(described, schemas_of(operation, "200")).validate(answer.data)
        refused = of_all_kinds.post(path, {"rows": [{}]})
        validator(described, schemas_of(operation, "422")).validate(refused.data)


def test_columns_are_described_by_the_training_rows(of_all_kinds: Client) -> None:
    columns = {c["name"]: c for c in of_all_kinds.get("/models/all%20kinds").data["columns"]}
    assert columns["count"]["training_range"][0] == 1
    assert columns["length"]["missing_in_training"]
    assert columns["fresh"]["type"] == "boolean"
    assert columns["kind"]["categories"] == ["a", "b", "c/d~e"]
    assert columns["day"]["training_range"] == ["2023-12-31", "2024-05-03"]
    assert columns["day"]["example"] in ("2024-01-02", "2024-02-29")


# Patterns are those of ECMAScript, where $ is the end and digits are those of ASCII.
OTHERWISE_IN_PYTHON = ("2024-01-01\n", "٢٠٢٤-01-01")


@pytest.mark.parametrize(
    ("changed", "is_right"),
    [
        ({"length": None}, True), ({"length": 3}, True), ({"length": "3"}, False), ({"length": True}, False),
        ({"length": 1e30}, True), ({"count": -(10**29)}, True), ({"count": 2e30}, False),
        ({"fresh": 1}, True), ({"fresh": 2}, False),
        ({"fresh": "yes"}, False), ({"fresh": None}, True), ({"kind": "new"}, True), ({"kind": 7}, True),
        ({"kind": []}, False), ({"day": "2024-02-29T12:30:00.5Z"}, True), ({"day": "2024-02-29 12:30"}, True),
        ({"day": "29.2.2024"}, False), ({"day": "2024-13-01"}, False), ({"day": ""}, False), ({"day": 7}, False),
        ({"day": "2024-01-01T00:00:00+02:00"}, True), ({"day": "2024-01-01\n"}, False), ({"day": "٢٠٢٤-01-01"}, False),
    ],
)  # fmt: skip
def test_cells_are_taken_if_and_only_if_the_description_allows_them(
    changed: dict[str, Any], is_right: bool, of_all_kinds: Client
) -> None:
    described = of_all_kinds.get("/openapi.json").data
    content = described["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]
    for count in (1, 2):
        body = {"rows": [content["example"]["rows"][0] | changed] * count}
        answer = of_all_kinds.post("/predict", body)
        assert (answer.status == 200) == is_right, answer.data
        if next(iter(changed.values())) not in OTHERWISE_IN_PYTHON:
            assert validator(described, content["schema"]).is_valid(body) == is_right


def test_with_a_token_only_open_paths_need_none(model_file: Path) -> None:
    with running(model_file, token="correct-horse-battery") as (_, client):
        described = client.get("/openapi.json", Authorization="Bearer correct-horse-battery").data
    assert described["security"] == [{"token": []}]
    for path, operations in described["paths"].items():
        for operation in operations.values():
            assert (operation.get("security") == []) == (path in ("/health", "/ready")), path


def test_a_model_of_an_array_has_columns_too(tmp_path: Path) -> None:
    x = cr.datasets.penguins_four().drop_nulls().select(pl.col(pl.Float64)).to_numpy()
    model = cr.train(x, x[:, 0] > 40, hidden=[2], epochs=2, threads=1).model
    path = tmp_path / "x.creche"
    model.save(path)
    row = example_row(describe_columns(model))
    assert list(row) == [f"x{i}" for i in range(x.shape[1])]
    with running(path) as (_, client):
        for count in (1, 2):
            answer = client.predict(*[row] * count).data["predictions"]
            expected = model.predict_proba([list(row.values())] * count)
            assert [list(own["probabilities"].values()) for own in answer] == expected.astype(float).tolist()
        refused = client.predict(row | {"x1": None})
        assert (refused.status, refused.data["errors"][0]["message"]) == (
            422, "row 0, column 'x1': got null; needs a number",
        )  # fmt: skip


def test_the_page_of_documentation_is_true(client: Client) -> None:
    page = (Path(__file__).parents[3] / "docs" / "serving.md").read_text("utf-8")
    bodies = re.findall(r"--json '(.*?)'\n```", page, re.DOTALL)
    assert len(bodies) == 3
    first, second, scored = (
        client.post(path, body) for path, body in zip(("/predict", "/predict", "/invocations"), bodies, strict=True)
    )
    shown, *_, scores = map(json.loads, re.findall(r"```json\n(.*?)```", page, re.DOTALL))
    assert scored.data["predictions"][0].keys() == scores["predictions"][0].keys()
    assert first.data.keys() == shown.keys()
    assert first.data["predictions"][0].keys() == shown["predictions"][0].keys()
    assert "centimetres? (× 10 = 46.1)" in second.data["warnings"][0]["message"]
    assert "explanation" in second.data["predictions"][0]
    for path in re.findall(r"`GET (/[\w./]*)`", page):
        assert client.get(path.replace("NAME", "penguins")).status == 200, path
