"""Predictions of a model for the rows of a request, as plain data for JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from creche.model.ensemble import Ensemble
from creche.model.model import Model
from creche.model.thresholds import choose_classes, class_threshold

__all__ = ["Predictions", "as_json_value", "predict_rows"]


@dataclass(frozen=True, slots=True, eq=False)
class Predictions:
    """What a model predicts for some rows.

    Attributes
    ----------
    names : tuple of str
        The names of what is predicted: the label, several labels, or quantiles of one.
    predicted : list of list
        For each name the prediction of each row: a class, a number, or a boolean.
    outcomes : tuple of str
        The names of the classes, or of several labels of yes or no; empty in a regression.
    probabilities : (n, outcomes) array or None
        None in a regression.
    disagreement : (n,) array or None
        None unless it was asked for.

    """

    names: tuple[str, ...]
    predicted: list[list[Any]]
    outcomes: tuple[str, ...] = ()
    probabilities: NDArray[Any] | None = None
    disagreement: NDArray[np.float64] | None = None

    def to_list(self) -> list[dict[str, Any]]:
        """Return a dict for each row."""
        names, outcomes = self.names, self.outcomes
        # `dict(zip())` takes most of the time of a large answer, and `strict` would double it: names and cells are as
        # many by construction.
        if len(names) == 1:
            found: list[dict[str, Any]] = [{"predicted": {names[0]: cell}} for cell in self.predicted[0]]
        else:
            found = [{"predicted": dict(zip(names, own))} for own in zip(*self.predicted, strict=True)]  # noqa: B905
        if self.probabilities is not None:
            for row, shares in zip(found, self.probabilities.tolist(), strict=True):
                row["probabilities"] = dict(zip(outcomes, shares))  # noqa: B905
        if self.disagreement is not None:
            for row, disagreement in zip(found, self.disagreement.tolist(), strict=True):
                row["disagreement"] = disagreement
        return found

    def to_json(self) -> bytes:
        """Return `to_list` as JSON, written column by column, without an object for each row in between."""
        cells = [_write_cells(own) for own in self.predicted]
        template = b'{"predicted":' + _write_template(self.names)
        if self.probabilities is not None:
            template += b',"probabilities":' + _write_template(self.outcomes)
            shares, width = _write_numbers(self.probabilities), len(self.outcomes)
            cells += [shares[i::width] for i in range(width)]
        if self.disagreement is not None:
            template += b',"disagreement":%b'
            cells.append(_write_numbers(self.disagreement))
        return b"[" + b",".join(map((template + b"}").__mod__, zip(*cells, strict=True))) + b"]"


def predict_rows(model: Model | Ensemble, data: Any, *, with_disagreement: bool = False) -> Predictions:
    """Predict rows, going through the networks once.

    Parameters
    ----------
    model : Model or Ensemble
    data : dict or Table
        One row, or a table.
    with_disagreement : bool, default False
        Whether to measure how much the networks of an ensemble disagree, too.

    """
    labels = model.labels
    disagreement = model.disagreement(data) if with_disagreement and isinstance(model, Ensemble) else None
    if labels.task == "regression":
        numbers = model.predict(data)
        columns = numbers.reshape(len(numbers), -1).T.tolist()
        return Predictions(labels.predicted_names, columns, disagreement=disagreement)
    probabilities = model.predict_proba(data)
    outcomes = tuple(map(str, labels.outcomes))
    if labels.classes is None:
        answers = model.answers(probabilities)
        return Predictions(labels.predicted_names, answers.T.tolist(), outcomes, probabilities, disagreement)
    classes = [as_json_value(value) for value in labels.classes]
    chosen = choose_classes(probabilities, class_threshold(model.threshold)).tolist()
    predicted = [[classes[i] for i in chosen]]
    return Predictions(labels.predicted_names, predicted, outcomes, probabilities, disagreement)


def _write_template(names: Sequence[str]) -> bytes:
    """Return an object of JSON with these keys, with a place for each value."""
    return b"{" + b",".join(orjson.dumps(name).replace(b"%", b"%%") + b":%b" for name in names) + b"}"


def _write_cells(cells: list[Any]) -> list[bytes]:
    """Return each cell as JSON."""
    types = set(map(type, cells))
    if types == {str}:
        texts = {cell: orjson.dumps(cell) for cell in set(cells)}
        return [texts[cell] for cell in cells]
    if str in types:
        return list(map(orjson.dumps, cells))
    return orjson.dumps(cells)[1:-1].split(b",")


def _write_numbers(numbers: NDArray[Any]) -> list[bytes]:
    """Return each number as JSON, one row after another; as float64, which is how `tolist` gives them."""
    flat = np.ascontiguousarray(numbers.ravel(), dtype=np.float64)
    return orjson.dumps(flat, option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].split(b",")


def as_json_value(value: Any) -> str | int | float | bool:
    """Return a class as JSON has it; what JSON does not have, such as a date, as text."""
    plain = value.item() if isinstance(value, np.generic) else value
    return plain if isinstance(plain, str | int | float | bool) else str(value)
