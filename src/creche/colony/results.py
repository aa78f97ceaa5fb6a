"""What became of the members of a colony, as arrays: one number for each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche.colony.member import Member
from creche.engine.native import Rows, new_predictor
from creche.history import History
from creche.plan.plan import Plan

if TYPE_CHECKING:
    from creche.colony.colony import Colony

__all__ = ["Results", "results_of"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Of each member, by number; NaN where there is none.

    Attributes
    ----------
    status : (members,) array of str
    epochs : (members,) int64
        Completed.
    train_loss, validation_loss, train_metric, validation_metric : (members,) float64
        Of the epoch whose weights the member has. On folds, validation is of the fold's rows, also where others were
        watched to stop early.
    metric_name : {"accuracy", "rmse"}
    watched : {"validation", "train"}

    """

    status: NDArray[np.str_]
    epochs: NDArray[np.int64]
    train_loss: Numbers
    validation_loss: Numbers
    train_metric: Numbers
    validation_metric: Numbers
    metric_name: str
    watched: str

    @property
    def loss(self) -> Numbers:
        """The loss by which members are compared."""
        return self.validation_loss if self.watched == "validation" else self.train_loss

    @property
    def metric(self) -> Numbers:
        """The metric on the same rows."""
        return self.validation_metric if self.watched == "validation" else self.train_metric

    @property
    def error(self) -> Numbers:
        """The metric as something that is better the lower it is."""
        return 1 - self.metric if self.metric_name == "accuracy" else self.metric

    @property
    def diverged(self) -> NDArray[np.bool_]:
        return np.asarray(self.status == "diverged")

    @property
    def done(self) -> NDArray[np.bool_]:
        """Who goes no further."""
        return np.asarray(self.status != "running")


COLUMNS = ("train_loss", "validation_loss", "train_metric", "validation_metric")


def results_of(colony: Colony) -> Results:
    """Reads what the engine has recorded of each member."""
    status, epochs = [], np.zeros(len(colony), dtype=np.int64)
    numbers = np.full((len(COLUMNS), len(colony)), np.nan)
    metric = "accuracy"
    for i, member in enumerate(colony):
        history = member.history
        metric = history.metric
        status.append(member.status)
        epochs[i] = len(history)
        held = _held_epoch(member.plan, status[-1], history)
        if held >= 0:
            numbers[:, i] = [getattr(history, name)[held] for name in COLUMNS]
            rows = None if colony.folded is None else colony.folded.held_out[i]
            if rows is not None:
                numbers[[1, 3], i] = _on(member, rows)
    train_loss, validation_loss, train_metric, validation_metric = numbers
    return Results(
        np.array(status), epochs, train_loss, validation_loss, train_metric, validation_metric, metric, colony.watched
    )


def _on(member: Member, rows: Rows) -> tuple[float, float]:
    """Loss and metric on rows, as a history has them."""
    loss, metric = new_predictor(member.plan, member.parameters, 1).evaluate(
        rows.x, rows.classes, rows.targets, rows.weights
    )
    scale = member.prepared.labels.scale
    return loss, metric * scale[0] if member.plan.task == "numbers" and len(scale) == 1 else metric


def _held_epoch(plan: Plan, status: str, history: History) -> int:
    """The epoch, from 0, whose weights a network has: the last, or the best where early stopping brings it back."""
    stopping = plan.early_stopping
    restores = stopping is not None and stopping.restore_best and status in ("finished", "early_stopped")
    return history.best_epoch if restores else len(history) - 1
