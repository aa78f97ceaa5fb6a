"""What plots of an evaluation are drawn from: the evaluation itself, or a model and labelled rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, TableError
from creche.evaluation import ClassificationEvaluation, MultilabelEvaluation, RegressionEvaluation
from creche.plots.style import AXES_PARAMETER, AXES_RETURNED, Draw, extend_docstring
from creche.table.observations import Observations

if TYPE_CHECKING:
    from creche.model.predictor import Predictor
    from creche.plan.words import MissingLabel

__all__ = [
    "EvaluatedRows",
    "draws_classification",
    "draws_regression",
    "evaluate_rows",
    "resolve_classification",
    "resolve_regression",
]

NEEDED = "needs an evaluation (model.evaluate(data)), or a model and labelled rows"


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedRows:
    """An evaluation, with the names that plots need.

    Attributes
    ----------
    evaluation : ClassificationEvaluation, RegressionEvaluation or MultilabelEvaluation
    label : str
        The label's name; empty if it is unknown.
    row_numbers : (n,) int64
        The number of each row, as the user counts.

    """

    evaluation: Any
    label: str
    row_numbers: NDArray[np.int64]

    def of_label(self, label: str) -> EvaluatedRows:
        """Return the evaluation of one of several labels of yes or no, as of the classes no and yes."""
        return EvaluatedRows(self.evaluation.of_label(label), label, self.row_numbers)


def draws_classification(function: Draw) -> Draw:
    """Add to the docstring of a plot what all plots of a classifier's evaluation have in common."""
    return _draws_evaluation(function, "ClassificationEvaluation", "classification")


def draws_regression(function: Draw) -> Draw:
    """Add to the docstring of a plot what all plots of a regression's evaluation have in common."""
    return _draws_evaluation(function, "RegressionEvaluation", "regression")


def _draws_evaluation(function: Draw, kind: str, task: str) -> Draw:
    return extend_docstring(
        function,
        first=f"""evaluation : {kind} or Model
    The evaluation, or a model to evaluate on `data`.
data, y : optional
    With a model: rows with their labels, as for `Model.evaluate`.""",
        parameters=AXES_PARAMETER,
        returns=AXES_RETURNED,
        raises=f"""PlanError
    If `evaluation` is not the evaluation of a {task}.
TableError
    If the rows are missing or cannot be evaluated.""",
    )


def resolve_classification(evaluation: Any, data: Any = None, y: Any = None) -> EvaluatedRows:
    """Return the evaluation of a classification; a model is evaluated on the rows.

    Raises
    ------
    PlanError
        If it is something else, or the evaluation of a regression.
    TableError
        If a model comes without rows, or the rows cannot be evaluated.

    """
    evaluated = _resolve(evaluation, data, y)
    if not isinstance(evaluated.evaluation, ClassificationEvaluation):
        raise PlanError(
            f"evaluation: the label {evaluated.label!r} is a number, and this plot is for classification; "
            "use predicted_against_true or residuals"
        )
    return evaluated


def resolve_regression(evaluation: Any, data: Any = None, y: Any = None) -> EvaluatedRows:
    """Return the evaluation of a regression; a model is evaluated on the rows.

    Raises
    ------
    PlanError
        If it is something else, or the evaluation of a classification.
    TableError
        If a model comes without rows, or the rows cannot be evaluated.

    """
    evaluated = _resolve(evaluation, data, y)
    if not isinstance(evaluated.evaluation, RegressionEvaluation):
        raise PlanError(
            "evaluation: the label holds classes, and this plot is for regression; "
            "use confusion_matrix, reliability_diagram, roc_curves or precision_recall"
        )
    return evaluated


def evaluate_rows(
    model: Predictor, data: Any, y: Any = None, *, missing_label: MissingLabel = "error"
) -> EvaluatedRows:
    """Evaluate a model on labelled rows.

    Raises
    ------
    TableError
        If there are no rows, or they cannot be evaluated.

    """
    if data is None:
        raise TableError("data: is missing; a model does not store rows, so pass rows to evaluate it on")
    rows = data if isinstance(data, Observations) else model.read_observations(data, y, missing_label=missing_label)
    return EvaluatedRows(model.evaluate_rows(rows, n_resamples=0), model.labels.name, rows.row_numbers)


def _resolve(source: Any, data: Any, y: Any) -> EvaluatedRows:
    from creche.model.predictor import Predictor

    if isinstance(source, EvaluatedRows | ClassificationEvaluation | MultilabelEvaluation | RegressionEvaluation):
        if data is not None or y is not None:
            raise PlanError("data: an evaluation already has its rows; pass the evaluation alone, or a model and data")
        if isinstance(source, EvaluatedRows):
            return source
        _refuse_several(source)
        label = "" if isinstance(source, ClassificationEvaluation) else ", ".join(source.labels)
        return EvaluatedRows(source, label, np.arange(1, source.rows + 1))
    if not isinstance(source, Predictor):
        raise PlanError(f"evaluation: got {type(source).__name__}; {NEEDED}")
    evaluated = evaluate_rows(source, data, y)
    _refuse_several(evaluated.evaluation)
    return evaluated


def _refuse_several(evaluation: Any) -> None:
    if isinstance(evaluation, MultilabelEvaluation):
        raise PlanError(
            f"evaluation: has the labels {', '.join(evaluation.labels)}, and this plot shows one; give "
            "evaluation.of_label(name)"
        )
