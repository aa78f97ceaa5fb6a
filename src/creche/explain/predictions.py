"""Columns, classes and labels by the names that users give, and predictions as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, nearest
from creche.model.predictor import Predictor
from creche.table.table import Table

__all__ = ["Encoder", "find_encoder", "find_outcome", "outcome_names", "predict_array", "unique_column_name"]

Encoder = Any  # NumericEncoder, CategoricalEncoder or DatetimeEncoder


def find_encoder(model: Predictor, table: Table, name: Any, argument: str) -> Encoder:
    """Return the encoder of a column; `argument` is where the user named it.

    Raises
    ------
    PlanError
        If the network was not trained on a column of that name; the error lists those it was trained on.

    """
    encoders = {column.name: column for column in model.features.columns}
    if name in encoders:
        return encoders[name]
    if name in model.labels.names:
        raise PlanError(f"{argument}: {name!r} is the label; {nearest(name, encoders)}")
    if name in table.columns:
        raise PlanError(
            f"{argument}: {name!r} is a column of the table, but the network was not trained on it; "
            f"{nearest(name, encoders)}"
        )
    raise PlanError(f"{argument}: got {name!r}; {nearest(name, encoders)}")


def outcome_names(model: Predictor) -> tuple[Any, ...]:
    """Return the classes of a classification, or the labels of a regression."""
    return model.labels.outcomes


def find_outcome(outcomes: tuple[Any, ...], target: Any, argument: str = "target") -> int:
    """Return the place of a class or label.

    Raises
    ------
    PlanError
        If there is none of that name; the error lists those there are.

    """
    names = [str(outcome) for outcome in outcomes]
    if target in outcomes:
        return outcomes.index(target)
    if str(target) not in names:
        raise PlanError(f"{argument}: got {target!r}; {nearest(target, names)}")
    return names.index(str(target))


def predict_array(model: Predictor, table: Table) -> NDArray[np.float64]:
    """Return probabilities, (n, classes) or (n, labels), or predictions in the labels' units, (n, labels)."""
    predicted = model.predict(table) if model.labels.task == "regression" else model.predict_proba(table)
    return np.asarray(predicted, dtype=np.float64).reshape(len(table), -1)


def unique_column_name(name: str, others: tuple[str, ...]) -> str:
    """Return the name for a column of a result; changed if the user's own columns have it already."""
    while name in others:
        name = f"{name} (result)"
    return name
