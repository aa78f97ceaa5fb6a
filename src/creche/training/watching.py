"""What early stopping watches, if that is a metric rather than the loss: its name checked, and how it is computed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche.engine.best_epoch import Measure
from creche.engine.native import Rows
from creche.engine.parameters import Parameters
from creche.errors import TableError
from creche.plan.losses import Loss
from creche.plan.plan import LOSS, Plan
from creche.plan.words import check_word
from creche.table.encoders.features import FeatureEncoder
from creche.table.labels import LabelEncoder
from creche.table.prepare import Prepared

if TYPE_CHECKING:
    from creche.evaluation.metrics import Metric
    from creche.model.model import Model

__all__ = ["check_watched", "create_measure", "true_classes"]


def check_watched(plan: Plan) -> Plan:
    """Return the plan with the name of the watched metric as the registry spells it.

    Raises
    ------
    PlanError
        If there is no such metric for the task.

    """
    stopping = plan.early_stopping
    if stopping is None or stopping.watches_loss:
        return plan
    from creche.evaluation.metrics import metrics_for

    known = metrics_for(plan.task, len(plan.loss.predicted_quantiles), is_ordered=plan.loss.orders_classes)
    keys = [metric.key for metric in known if metric.is_goal]
    key = check_word("EarlyStopping.watch", stopping.watch, [LOSS, *keys])
    return plan if key == stopping.watch else replace(plan, early_stopping=replace(stopping, watch=key))


def create_measure(plan: Plan, prepared: Prepared, rows: Rows, threads: int) -> Measure | None:
    """Return the function that computes the watched metric of a network's parameters; None if the loss is watched.

    Parameters
    ----------
    plan : Plan
        Checked by `check_watched`.
    prepared : Prepared
    rows : Rows
        The rows to watch: for validation, or, without any, for training.
    threads : int
        For predicting.

    """
    stopping = plan.early_stopping
    if stopping is None or stopping.watches_loss:
        return None
    return _WatchedMetric(stopping.watch, plan, prepared.features, prepared.labels, rows, threads)


@dataclass(frozen=True, slots=True, eq=False)
class _WatchedMetric:
    """Computes a metric of a network's parameters; another process can, too."""

    name: str
    plan: Plan
    features: FeatureEncoder
    labels: LabelEncoder
    rows: Rows
    threads: int

    def __call__(self, parameters: Parameters) -> float:
        from creche.evaluation.metrics import METRICS
        from creche.model.model import Model

        metric = METRICS[self.name]
        model = Model(self.plan, self.features, self.labels, parameters, self.threads)
        try:
            return (1.0 if metric.lower_is_better else -1.0) * _compute(metric, model, self.rows)
        except TableError:  # an output is not finite
            return math.inf


def _compute(metric: Metric, model: Model, rows: Rows) -> float:
    from creche.evaluation.metrics import predict_classes
    from creche.evaluation.scorers import ClassificationScorer, MultilabelScorer, RegressionScorer

    predicted = model.predict_encoded(rows.x).astype(np.float64)
    weights = np.ones((1, len(rows))) if rows.weights is None else rows.weights.astype(np.float64)[np.newaxis]
    if model.classes is not None:
        true = true_classes(rows, model.plan.loss)
        classes = ClassificationScorer(predicted, true, predict_classes(predicted, None), model.labels.is_ordered)
        return float(metric.compute(classes.measured(weights))[0])
    targets = rows.targets
    assert targets is not None
    if model.labels.is_multilabel:
        labels = MultilabelScorer(predicted, targets > 0, model.answers(predicted))
        return float(labels.mean(metric.compute(labels.measured(weights)))[0])
    numbers = model.labels.unscale(targets)
    scorer = RegressionScorer(predicted, numbers, model.quantiles, numbers.mean(axis=0))
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        return float(metric.compute(scorer.measured(weights)).mean())


def true_classes(rows: Rows, loss: Loss) -> NDArray[np.int64]:
    """Return the class of each row, by its number, from what the loss needs: class numbers, or targets of 0 and 1."""
    if rows.classes is not None:
        return rows.classes.astype(np.int64)
    assert rows.targets is not None
    return loss.target_classes(rows.targets)
