"""The Open Inference Protocol, asked as its specification tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.model.model import Model
from tests.unit.serving.serving import Answer, Client, running

INFER = "/v2/models/penguins/infer"


def tensors(rows: list[dict[str, Any]], metadata: Any) -> list[dict[str, Any]]:
    """The rows as the inputs that the metadata of the model describe."""
    return [
        {key: one[key] for key in ("name", "datatype")}
        | {"shape": [len(rows)], "data": [row[one["name"]] for row in rows]}
        for one in metadata["inputs"]
    ]


def outputs(answer: Answer) -> dict[str, Any]:
    assert answer.status == 200, answer.body
    return {one["name"]: np.array(one["data"]).reshape(one["shape"]) for one in answer.data["outputs"]}


def test_the_server_and_its_models_describe_themselves(client: Client) -> None:
    assert client.get("/v2").data.keys() >= {"name", "version", "extensions"}
    assert client.get("/v2/health/live").data == {"live": True}
    assert client.get("/v2/health/ready").data == {"ready": True}
    for path in ("/v2/models/penguins", "/v2/models/penguins/versions/1"):
        assert client.get(f"{path}/ready").data == {"name": "penguins", "ready": True}
        found = client.get(path).data
        assert (found["name"], found["versions"], found["platform"]) == ("penguins", ["1"], "creche")
        assert {"name": "island", "datatype": "BYTES", "shape": [-1]} in found["inputs"]
        assert {"name": "bill_length_mm", "datatype": "FP64", "shape": [-1]} in found["inputs"]
        assert found["outputs"] == [
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
            {"name": "probabilities", "datatype": "FP64", "shape": [-1, 3]},
        ]


def test_tensors_are_predicted(client: Client, model: Model, rows: list[dict[str, Any]]) -> None:
    inputs = tensors(rows, client.get("/v2/models/penguins").data)
    answer = client.post(INFER, {"id": "seven", "inputs": inputs})
    found = outputs(answer)
    assert (answer.data["model_name"], answer.data["model_version"], answer.data["id"]) == ("penguins", "1", "seven")
    assert np.array_equal(found["probabilities"], model.predict_proba(rows).astype(float))
    assert found["label"].tolist() == model.predict(rows).tolist()
    column = [tensor | {"shape": [len(rows), 1], "data": [[cell] for cell in tensor["data"]]} for tensor in inputs]
    assert client.post(INFER, {"inputs": column}).data["outputs"] == answer.data["outputs"]
    only = client.post("/v2/models/penguins/versions/1/infer", {"inputs": inputs, "outputs": [{"name": "label"}]})
    assert list(outputs(only)) == ["label"]


def test_a_regression_of_several_networks_is_predicted(masses: Path) -> None:
    ensemble = cr.load(masses, threads=1)
    assert isinstance(ensemble, cr.Ensemble)
    rows = cr.datasets.penguins_four().head(3).select(ensemble.features.names).to_dicts()
    with running(masses) as (_, client):
        metadata = client.get("/v2/models/masses").data
        found = outputs(client.post("/v2/models/masses/infer", {"inputs": tensors(rows, metadata)}))
    assert found["prediction"].tolist() == ensemble.predict(rows).tolist()
    assert found["disagreement"].tolist() == ensemble.disagreement(rows).tolist()


def test_a_model_of_an_array_takes_one_matrix(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 3))
    model = cr.train(x, x[:, 0] > 0, hidden=[2], epochs=2, threads=1).model
    model.save(tmp_path / "x.creche")
    tensor = {"name": "X", "datatype": "FP64", "shape": [2, 3], "data": x[:2].tolist()}
    with running(tmp_path / "x.creche") as (_, client):
        found = outputs(client.post("/v2/models/x/infer", {"inputs": [tensor]}))
    assert np.array_equal(found["probabilities"], model.predict_proba(x[:2]).astype(float))


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"data": [1.0]}, "has 1 value, and shape [2]"),
        ({"shape": [1], "data": [1.0]}, "has 1 row, those before have 2"),
        ({"shape": [2, 2], "data": [1.0] * 4}, "needs [2], with one value for each row"),
        ({"shape": [-2]}, "needs a shape such as [2], and data, an array"),
        ({"shape": [1, 1, 2]}, "needs a shape such as [2]"),
        ({"datatype": "FP46"}, "the datatype of 'bill_length_mm' is unknown; did you mean 'FP64'?"),
        ({"datatype": 64}, "is unknown; choose one of BOOL"),
        ({"data": ["a", 1.0]}, "row 0, column 'bill_length_mm': got 'a'; needs a number"),
        ({"name": "bill"}, "column 'bill_length_mm' is missing"),
        ({"name": "island"}, "'island' comes twice; send each column once"),
        ({"name": 5}, "tensor 1 needs a name"),
    ],
)  # fmt: skip
def test_wrong_tensors_are_told(changed: dict[str, Any], told: str, client: Client, rows: list[dict[str, Any]]) -> None:
    inputs = tensors(rows[:2], client.get("/v2/models/penguins").data)
    assert inputs[1]["name"] == "bill_length_mm"
    inputs[1] |= changed
    answer = client.post(INFER, {"inputs": inputs})
    assert (answer.status, told in answer.data["error"]) == (422, True), answer.data


def test_an_id_comes_back_whatever_it_holds(client: Client, rows: list[dict[str, Any]]) -> None:
    inputs = tensors(rows[:1], client.get("/v2/models/penguins").data)
    for given, returned in (("é 1", "é 1"), ("half \ud800", "half ?")):
        answer = client.post(INFER, {"inputs": inputs, "id": given})
        assert (answer.status, answer.data["id"]) == (200, returned)


@pytest.mark.parametrize(
    ("path", "body", "status", "told"),
    [
        (INFER, "{", 400, "the body is not valid JSON"),
        (INFER, {}, 422, "the body must be an object with inputs"),
        (INFER, {"inputs": []}, 422, "needs at least one row"),
        (INFER, {"inputs": [], "input": 1}, 422, "did you mean 'inputs'?"),
        (INFER, {"inputs": [], "id": 7}, 422, "id: needs a string"),
        (INFER, {"inputs": [], "outputs": [{"name": "labels"}]}, 422, "did you mean 'label'?"),
        ("/v2/models/fish/infer", {}, 404, "there is no such model"),
        ("/v2/models/penguins/versions/2/infer", {}, 404, "there is only '1'"),
    ],
)
def test_errors_are_those_of_the_protocol(path: str, body: Any, status: int, told: str, client: Client) -> None:
    answer = client.post(path, body)
    assert (answer.status, told in answer.data["error"]) == (status, True), answer.data


def test_binary_tensors_are_refused(client: Client) -> None:
    answer = client.post(INFER, "{}", Inference_Header_Content_Length="2")
    assert (answer.status, answer.data["error"]) == (415, "tensors in binary are not read; send their data as JSON")
