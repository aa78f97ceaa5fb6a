"""Answers to rows of a request: predictions, what is unusual in the rows, and, if asked for, what explains each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from creche.errors import CrecheError, TableError, nearest
from creche.serving.bodies import Limits
from creche.serving.cells import CheckedRows
from creche.serving.metrics import Metrics
from creche.serving.predictions import Predictions, as_json_value, predict_rows
from creche.serving.problems import CellError, ProblemError
from creche.serving.served_model import ServedModel
from creche.table.table import Table

__all__ = ["MOST_EXPLAINED", "Wanted", "answer_rows", "check_count", "predict_checked", "read_request"]

MOST_EXPLAINED = 100
"""Rows of a request that are explained, which takes thousands of predictions of each."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an answer is to hold besides predictions.

    Attributes
    ----------
    disagreement : bool
        How much the networks of an ensemble disagree about each row.
    explain : bool
        How much each column contributed to each prediction.

    """

    disagreement: bool = False
    explain: bool = False


PARTS = ("rows", "disagreement", "explain")


def read_request(served: ServedModel, asked: Any, limits: Limits) -> tuple[CheckedRows, Wanted]:
    """Return the rows of a request, and what is wanted for them.

    Raises
    ------
    ProblemError
        If it is not a request, or the model cannot take the rows.

    """
    if type(asked) is not dict or "rows" not in asked:
        raise ProblemError(422, 'the body must be an object with rows: {"rows": [{"COLUMN": VALUE, …}, …]}')
    for name in asked:
        if name not in PARTS:
            raise ProblemError(422, f"{name!r}: there is no such part of a request; {nearest(name, PARTS)}")
    rows = asked["rows"]
    if type(rows) is not list or not rows:
        raise ProblemError(422, "rows: needs an array of at least one object")
    check_count(len(rows), limits)
    wanted = Wanted(_read_flag(asked, "disagreement"), _read_flag(asked, "explain"))
    return served.checker.check(rows), wanted


def check_count(count: int, limits: Limits) -> None:
    """Check that a request has no more rows than it may."""
    if count > limits.max_rows:
        raise ProblemError(422, f"rows: got {count:,}; at most {limits.max_rows:,} are answered at a time")


def answer_rows(served: ServedModel, rows: CheckedRows, wanted: Wanted, metrics: Metrics) -> dict[str, Any]:
    """Return the answer to rows, as plain data in which JSON may be written already.

    Raises
    ------
    ProblemError
        If the model cannot take them.

    """
    if wanted.explain and rows.count > MOST_EXPLAINED:
        raise ProblemError(422, f"explain: got {rows.count:,} rows; at most {MOST_EXPLAINED} are explained at a time")
    found = predict_checked(served, rows, with_disagreement=wanted.disagreement)
    metrics.count_rows(served.name, rows.count)
    predictions: list[dict[str, Any]] | orjson.Fragment
    if wanted.explain:
        both = zip(found.to_list(), _explain(served, rows), strict=True)
        predictions = [prediction | {"explanation": explanation} for prediction, explanation in both]
    else:
        predictions = found.to_list() if rows.count == 1 else orjson.Fragment(found.to_json())
    answer: dict[str, Any] = {"model": served.name, "predictions": predictions}
    unusual = served.unusual.find(rows)
    if unusual:
        for finding in unusual:
            metrics.count_unusual(served.name, finding.column, finding.kind, finding.count)
        answer["warnings"] = [
            {"column": found.column, "kind": found.kind, "count": found.count, "message": found.message}
            for found in unusual
        ]
    if rows.ignored:
        answer["ignored"] = rows.ignored
    return answer


def predict_checked(served: ServedModel, rows: CheckedRows, *, with_disagreement: bool = False) -> Predictions:
    """Return the predictions for rows.

    Raises
    ------
    ProblemError
        If a value is not one of its column, or the network's outputs are not finite.

    """
    try:
        return predict_rows(served.model, rows.data, with_disagreement=with_disagreement)
    except TableError as error:
        raise served.checker.explain(rows.data, error) from error
    except CrecheError as error:
        raise ProblemError.of_cells([CellError(None, None, str(error))]) from error


def _explain(served: ServedModel, rows: CheckedRows) -> list[dict[str, Any]]:
    """Return the contributions of the columns to the prediction of each row, by integrated gradients."""
    from creche.explain.integrated_gradients import integrated_gradients

    data = rows.data
    table = data if isinstance(data, Table) else served.checker.make_table({name: [data[name]] for name in data})
    labels = served.model.labels
    target = labels.outcomes[0] if labels.classes is None and len(labels.outcomes) > 1 else None
    found = integrated_gradients(served.model, table, target=target, on_progress=False)
    return [
        {
            "target": as_json_value(found.targets[i]),
            "unit": found.unit,
            "baseline": float(found.baselines[i]),
            "contributions": dict(zip(found.columns, own, strict=True)),
        }
        for i, own in enumerate(found.attributions.tolist())
    ]


def _read_flag(asked: Mapping[str, Any], name: str) -> bool:
    flag = asked.get(name, False)
    if type(flag) is not bool:
        raise ProblemError(422, f"{name}: needs true or false")
    return flag
