"""What the pictures of an evaluation are of: the evaluation itself, or a model and labelled rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, TableError
from creche.evaluation import ClassificationEvaluation, RegressionEvaluation
from creche.table.observations import Observations

if TYPE_CHECKING:
    from creche.model.predictor import Predictor

__all__ = ["EvaluatedRows", "evaluate_classes", "evaluate_numbers", "evaluate_rows"]

NEEDED = "needs an evaluation (model.evaluate(data)), or a model and the rows to judge it by"


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedRows:
    """An evaluation, and what it is called.

    Attributes
    ----------
    evaluation : ClassificationEvaluation or RegressionEvaluation
    label : str
        The label's name; empty where it is not known.
    row_numbers : (n,) int64
        What the user calls each row.

    """

    evaluation: Any
    label: str
    row_numbers: NDArray[np.int64]


def evaluate_classes(what: Any, data: Any = None, y: Any = None) -> EvaluatedRows:
    """An evaluation of classes.

    Raises
    ------
    PlanError
        If it is something else, or the evaluation of numbers.
    TableError
        If a model is given without rows, or these cannot be judged.

    """
    judged = _judged(what, data, y)
    if not isinstance(judged.evaluation, ClassificationEvaluation):
        raise PlanError(
            f"this picture is of classes, and the label {judged.label!r} is a number; "
            "predicted_against_true and residuals are for numbers"
        )
    return judged


def evaluate_numbers(what: Any, data: Any = None, y: Any = None) -> EvaluatedRows:
    """An evaluation of numbers.

    Raises
    ------
    PlanError
        If it is something else, or the evaluation of classes.
    TableError
        If a model is given without rows, or these cannot be judged.

    """
    judged = _judged(what, data, y)
    if not isinstance(judged.evaluation, RegressionEvaluation):
        raise PlanError(
            "this picture is of predicted numbers, and the label holds classes; "
            "confusion_matrix, reliability_diagram, roc_curves and precision_recall are for classes"
        )
    return judged


def evaluate_rows(model: Predictor, data: Any, y: Any = None, *, missing_label: str = "error") -> EvaluatedRows:
    """A model judged by rows whose label is known.

    Raises
    ------
    TableError
        If there are no rows, or they cannot be judged.

    """
    if data is None:
        raise TableError("data: is missing; a model keeps no rows, so give those to judge it by")
    rows = data if isinstance(data, Observations) else model.read_observations(data, y, missing_label=missing_label)
    return EvaluatedRows(model.evaluate_rows(rows, n_resamples=0), model.labels.name, rows.row_numbers)


def _judged(what: Any, data: Any, y: Any) -> EvaluatedRows:
    from creche.model.predictor import Predictor

    if isinstance(what, EvaluatedRows | ClassificationEvaluation | RegressionEvaluation):
        if data is not None or y is not None:
            raise PlanError("data: is given beside an evaluation, which has its rows; give one of the two")
        if isinstance(what, EvaluatedRows):
            return what
        label = "" if isinstance(what, ClassificationEvaluation) else ", ".join(what.labels)
        return EvaluatedRows(what, label, np.arange(1, what.rows + 1))
    if not isinstance(what, Predictor):
        raise PlanError(f"evaluation: got {type(what).__name__}; {NEEDED}")
    return evaluate_rows(what, data, y)
