"""The Open Inference Protocol, version 2, which KServe, Triton and others speak: one tensor for each column.

https://github.com/kserve/open-inference-protocol/blob/main/specification/protocol/inference_rest.md. A missing value is
null in the data of a tensor, which the protocol does not mention.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from creche._phrases import format_count
from creche._version import __version__
from creche.errors import nearest
from creche.serving.answers import check_count, predict_checked
from creche.serving.bodies import Limits
from creche.serving.cells import CheckedRows
from creche.serving.columns import InputRole
from creche.serving.metrics import Metrics
from creche.serving.predictions import Predictions
from creche.serving.problems import ProblemError
from creche.serving.served_model import ServedModel

__all__ = ["VERSION", "answer_inference", "describe_protocol_server", "describe_tensors"]

VERSION = "1"
"""The only version of each model."""

DATATYPES: dict[InputRole, str] = {"numeric": "FP64", "boolean": "BOOL", "categorical": "BYTES", "datetime": "BYTES"}
KNOWN_TYPES = (
    "BOOL", "BYTES", "FP16", "FP32", "FP64", "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64",
)  # fmt: skip
PARTS = ("id", "parameters", "inputs", "outputs")
MOST_DIMENSIONS = 2


def describe_protocol_server() -> dict[str, Any]:
    """Return the metadata of the server."""
    return {"name": "creche", "version": __version__, "extensions": []}


def describe_tensors(served: ServedModel) -> dict[str, Any]:
    """Return the metadata of a model."""
    inputs = [{"name": column.name, "datatype": DATATYPES[column.role], "shape": [-1]} for column in served.columns]
    outputs = [{"name": name, "datatype": kind, "shape": shape} for name, kind, shape, _ in _list_outputs(served)]
    return {"name": served.name, "versions": [VERSION], "platform": "creche", "inputs": inputs, "outputs": outputs}


def answer_inference(served: ServedModel, asked: Any, limits: Limits, metrics: Metrics) -> dict[str, Any]:
    """Return the answer to the body of a request for inference.

    Raises
    ------
    ProblemError
        If it is not one, or the model cannot take the rows.

    """
    if type(asked) is not dict or type(asked.get("inputs")) is not list:
        raise ProblemError(422, "the body must be an object with inputs, an array of tensors")
    for name in asked:
        if name not in PARTS:
            raise ProblemError(422, f"{name!r}: there is no such part of a request; {nearest(name, PARTS)}")
    if "id" in asked and type(asked["id"]) is not str:
        raise ProblemError(422, "id: needs a string")
    wanted = _read_wanted(served, asked.get("outputs"))
    rows = _read_rows(served, asked["inputs"], limits)
    needs_disagreement = any(name == "disagreement" for name, *_ in wanted)
    predictions = predict_checked(served, rows, with_disagreement=needs_disagreement)
    metrics.count_rows(served.name, rows.count)
    outputs = [
        {"name": name, "datatype": kind, "shape": [rows.count, *shape[1:]], "data": read(predictions)}
        for name, kind, shape, read in wanted
    ]
    answer: dict[str, Any] = {"model_name": served.name, "model_version": VERSION, "outputs": outputs}
    return answer | {"id": asked["id"]} if "id" in asked else answer


Output = tuple[str, str, list[int], Callable[[Predictions], list[Any]]]


def _list_outputs(served: ServedModel) -> Iterator[Output]:
    """Yield name, type, shape and content of each output, the content row by row."""
    labels = served.model.labels
    width = len(labels.predicted_names)
    shape = [-1] if width == 1 else [-1, width]
    if labels.task == "regression":
        yield "prediction", "FP64", shape, _flatten
    else:
        if labels.classes is None:
            yield "label", "BOOL", shape, _flatten
        else:
            yield "label", "BYTES", shape, lambda predictions: [str(value) for value in _flatten(predictions)]
        yield "probabilities", "FP64", [-1, len(labels.outcomes)], _flatten_probabilities
    if served.is_ensemble:
        yield "disagreement", "FP64", [-1], _list_disagreement


def _flatten(predictions: Predictions) -> list[Any]:
    return [cell for row in zip(*predictions.predicted, strict=True) for cell in row]


def _flatten_probabilities(predictions: Predictions) -> list[Any]:
    assert predictions.probabilities is not None
    found: list[Any] = predictions.probabilities.ravel().tolist()
    return found


def _list_disagreement(predictions: Predictions) -> list[Any]:
    assert predictions.disagreement is not None
    found: list[Any] = predictions.disagreement.tolist()
    return found


def _read_wanted(served: ServedModel, asked: Any) -> list[Output]:
    outputs = {output[0]: output for output in _list_outputs(served)}
    if asked is None:
        return list(outputs.values())
    if type(asked) is not list or not all(type(one) is dict and type(one.get("name")) is str for one in asked):
        raise ProblemError(422, "outputs: needs an array of objects with a name")
    for one in asked:
        if one["name"] not in outputs:
            raise ProblemError(422, f"outputs: got {one['name']!r}; {nearest(one['name'], outputs)}")
    return [outputs[one["name"]] for one in asked]


def _read_rows(served: ServedModel, tensors: list[Any], limits: Limits) -> CheckedRows:
    """Return the rows of tensors, one for each column; or of one, for a model of an array."""
    columns: dict[str, list[Any]] = {}
    count = -1
    for place, tensor in enumerate(tensors):
        name, shape, data = _read_tensor(place, tensor)
        if count not in (-1, shape[0]):
            detail = f"inputs: {name!r} has {format_count(shape[0], 'row')}, those before have {count:,}"
            raise ProblemError(422, detail)
        count = shape[0]
        check_count(count, limits)
        if len(shape) == 1 or shape[1] == 1:
            named: Mapping[str, list[Any]] = {name: data}
        elif not served.model.features.has_column_names and shape[1] == len(served.columns):
            named = {column.name: data[i :: shape[1]] for i, column in enumerate(served.columns)}
        else:
            raise ProblemError(422, f"inputs: {name!r} has shape {shape}; needs [{count}], with one value for each row")
        for own, cells in named.items():
            if own in columns:
                raise ProblemError(422, f"inputs: {own!r} comes twice; send each column once")
            columns[own] = cells
    if count < 1:
        raise ProblemError(422, "inputs: needs at least one row")
    return served.checker.check_columns(columns, count)


def _read_tensor(place: int, tensor: Any) -> tuple[str, list[int], list[Any]]:
    """Return name, shape and data of a tensor, the data as a flat list."""
    if type(tensor) is not dict or type(tensor.get("name")) is not str:
        raise ProblemError(422, f"inputs: tensor {place} needs a name")
    name, shape, datatype, data = (tensor.get(key) for key in ("name", "shape", "datatype", "data"))
    if datatype not in KNOWN_TYPES:
        choices = nearest(datatype, KNOWN_TYPES) if type(datatype) is str else f"choose one of {', '.join(KNOWN_TYPES)}"
        raise ProblemError(422, f"inputs: the datatype of {name!r} is unknown; {choices}")
    is_shape = type(shape) is list and all(type(n) is int and n >= 0 for n in shape)
    if not is_shape or not 1 <= len(shape or ()) <= MOST_DIMENSIONS or type(data) is not list:
        raise ProblemError(422, f"inputs: {name!r} needs a shape such as [2], and data, an array")
    assert type(shape) is list
    assert type(name) is str
    assert type(data) is list
    if data and all(type(row) is list for row in data):
        data = [cell for row in data for cell in row]
    if len(data) != math.prod(shape):
        raise ProblemError(422, f"inputs: {name!r} has {format_count(len(data), 'value')}, and shape {shape}")
    return name, shape, data
