"""The protocol of MLflow's scoring server, which SageMaker's containers speak, too: POST /invocations and GET /ping.

https://mlflow.org/docs/latest/genai/serving/ and "Container Inference" of SageMaker. The answer holds the columns that
`creche predict` writes, as does a model that was logged to MLflow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from creche._phrases import format_count
from creche.errors import nearest
from creche.serving.answers import Wanted, check_count
from creche.serving.bodies import Limits
from creche.serving.cells import CheckedRows
from creche.serving.metrics import Metrics
from creche.serving.problems import ProblemError
from creche.serving.served_model import ServedModel
from creche.serving.tables import predict_rows

__all__ = ["read_scoring", "score_rows"]

LAYOUTS = ("dataframe_split", "dataframe_records", "instances", "inputs")
PARTS = (*LAYOUTS, "params")
SPLIT_PARTS = ("columns", "data", "index")


def read_scoring(served: ServedModel, asked: Any, limits: Limits) -> tuple[CheckedRows, Wanted]:
    """Return the rows of a request, in whichever of the four layouts they come.

    Raises
    ------
    ProblemError
        If it is not a request, or the model cannot take the rows.

    """
    found = [name for name in LAYOUTS if type(asked) is dict and name in asked]
    if len(found) != 1:
        raise ProblemError(422, f"the body must be an object with one of {', '.join(LAYOUTS)}")
    for name in asked:
        if name not in PARTS:
            raise ProblemError(422, f"{name!r}: there is no such part of a request; {nearest(name, PARTS)}")
    if asked.get("params"):
        raise ProblemError(422, "params: the model takes none; leave them out")
    name, given = found[0], asked[found[0]]
    if name == "dataframe_split":
        rows = _read_split(served, given, limits)
    elif name == "inputs" and type(given) is dict:
        rows = _read_columns(served, given, limits)
    else:
        rows = _read_rows(served, name, given, limits)
    return rows, Wanted()


def score_rows(served: ServedModel, rows: CheckedRows, wanted: Wanted, metrics: Metrics) -> dict[str, Any]:
    """Return the predictions of rows: an object for each, with the columns that `creche predict` writes.

    Raises
    ------
    ProblemError
        If a value is not one of its column.

    """
    answers = predict_rows(served, rows)
    metrics.count_rows(served.name, rows.count)
    kinds: dict[str, Callable[[Any], Any]] = {"boolean": bool}
    columns = [
        list(map(kinds.get(column.kind, _same), column.to_objects().tolist())) for column in answers.columns.values()
    ]
    names = list(answers.columns)
    return {"predictions": [dict(zip(names, cells, strict=True)) for cells in zip(*columns, strict=True)]}


def _same(value: Any) -> Any:
    return value


def _read_split(served: ServedModel, given: Any, limits: Limits) -> CheckedRows:
    """Return the rows of names and lists of cells, as pandas writes a frame with ``orient="split"``."""
    if type(given) is not dict or not {"columns", "data"} <= given.keys() <= set(SPLIT_PARTS):
        raise ProblemError(422, "dataframe_split: needs an object with columns and data, and index if need be")
    names, data = given["columns"], given["data"]
    if type(names) is not list or not all(type(name) is str for name in names):
        raise ProblemError(422, "dataframe_split: columns needs an array of strings")
    if len(set(names)) < len(names):
        twice = next(name for i, name in enumerate(names) if name in names[:i])
        raise ProblemError(422, f"dataframe_split: column {twice!r} comes twice; send each column once")
    return _read_rows(served, "dataframe_split", data, limits, names)


def _read_rows(
    served: ServedModel, place: str, given: Any, limits: Limits, names: list[str] | None = None
) -> CheckedRows:
    """Return rows that are objects, or arrays of cells in the order of the names or of the model's columns."""
    if type(given) is not list or not given:
        raise ProblemError(422, f"{place}: needs an array of at least one row")
    check_count(len(given), limits)
    if names is None and (place == "dataframe_records" or type(given[0]) is dict):
        return served.checker.check(given)
    wanted = [column.name for column in served.columns] if names is None else names
    for number, cells in enumerate(given):
        if type(cells) is not list or len(cells) != len(wanted):
            got = format_count(len(cells), "value") if type(cells) is list else "no array"
            needed = format_count(len(wanted), "value")
            raise ProblemError(422, f"{place}: row {number} has {got}; needs an array of {needed}")
    columns = {name: [cells[i] for cells in given] for i, name in enumerate(wanted)}
    return served.checker.check_columns(columns, len(given))


def _read_columns(served: ServedModel, given: dict[str, Any], limits: Limits) -> CheckedRows:
    """Return the rows of columns, each an array of cells, or of arrays with one cell each."""
    columns: dict[str, list[Any]] = {}
    count = -1
    for name, cells in given.items():
        if type(cells) is not list or not cells:
            raise ProblemError(422, f"inputs: {name!r} needs an array of at least one value")
        if count not in (-1, len(cells)):
            got = format_count(len(cells), "value")
            raise ProblemError(422, f"inputs: {name!r} has {got}, those before have {count:,}")
        count = len(cells)
        check_count(count, limits)
        is_nested = all(type(cell) is list and len(cell) == 1 for cell in cells)
        columns[name] = [cell[0] for cell in cells] if is_nested else cells
    if count < 1:
        raise ProblemError(422, "inputs: needs at least one column")
    return served.checker.check_columns(columns, count)
