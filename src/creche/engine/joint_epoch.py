"""The best epoch of several networks together: the one in which the mean of their predictions is best.

An ensemble is best at another epoch than its members are alone, later as a rule, because the mean takes out the
variance by which each of them begins to overfit (Holzmüller et al. 2024, "Better by Default", arXiv 2407.04491: the
joint epoch of a bag). The engine trains the members from epoch to epoch, and between two epochs their mean is measured.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche.engine.introspection import predict_many, stack_weights
from creche.engine.native import Rows
from creche.engine.run_state import RunState
from creche.errors import PlanError
from creche.plan.heads import SIGMOID
from creche.plan.plan import Plan

if TYPE_CHECKING:
    from creche.engine.colony import Job, State

__all__ = ["JointBestEpoch", "RowLosses", "row_losses"]

Layers = list[tuple[NDArray[Any], NDArray[Any]]]

# The loss of each row, (n,), from predictions (n, classes or outputs) and labels: class numbers (n,), or targets.
RowLosses: TypeAlias = Callable[[NDArray[np.float64], NDArray[Any]], NDArray[np.float64]]

# Equal losses may differ in the last bits, by processor: so small a difference is none.
ROUNDING = 1e-12


def row_losses(predicted: NDArray[np.float64], labels: NDArray[Any]) -> NDArray[np.float64]:
    """Return the negative log-probability of each row's class, or the squared error of its numbers.

    Parameters
    ----------
    predicted : (n, classes) or (n, outputs) array
    labels : (n,) array of class numbers, or (n, outputs) array of targets

    Examples
    --------
    >>> row_losses(np.array([[0.5, 0.5], [0.75, 0.25]]), np.array([0, 1])).round(3).tolist()
    [0.693, 1.386]

    """
    if labels.ndim == 2:
        return np.asarray(((predicted - labels) ** 2).mean(axis=1))
    likely = predicted[np.arange(len(predicted)), labels]
    return np.asarray(-np.log(np.maximum(likely, np.finfo(np.float64).tiny)))


class JointBestEpoch:
    """Chooses the best epoch of a group of networks, and decides when all of them stop.

    Members with the same validation rows are averaged, in the order of their numbers. The loss of the group is the mean
    over all its validation rows, by weight: with folds, that of the ensemble's out-of-fold predictions. Of equally good
    epochs the last one is the best. A member that diverges leaves the group, whose best epoch is then sought anew.

    Parameters
    ----------
    jobs : dict of int to Job
        The jobs of the members, by their numbers in the crew: with validation rows, equally many epochs, no early
        stopping and ``keep="last"``.
    patience : int, optional
        Epochs without a better one after which training stops; None for never.
    losses : callable, optional
        The loss of each row from the mean of the predictions; see `row_losses`, the default.

    Attributes
    ----------
    values : list of float
        The loss of the group after each epoch.
    best : int
        The best epoch, from 0; -1 before the first.

    Raises
    ------
    PlanError
        If a job does not fit.

    """

    def __init__(self, jobs: Mapping[int, Job], patience: int | None = None, losses: RowLosses = row_losses) -> None:
        self._jobs = dict(sorted(jobs.items()))
        self._patience = math.inf if patience is None else patience
        self._losses = losses
        # Networks of one shape and loss are predicted together.
        self._shapes = {n: f"{job.plan.network!r} {job.plan.loss!r}" for n, job in self._jobs.items()}
        self.values: list[float] = []
        self.best = -1
        self._best_weights: dict[int, Layers] = {}
        epochs = {job.plan.epochs for job in self._jobs.values()}
        if len(epochs) != 1:
            raise PlanError(f"epochs: a joint best epoch needs equally many for all networks; got {sorted(epochs)}")
        for job in self._jobs.values():
            if job.validation is None or job.plan.early_stopping is not None or job.plan.keep != "last":
                raise PlanError(
                    "early_stopping: a joint best epoch needs validation rows, and networks that neither stop early "
                    "nor keep their own best epoch",
                    argument="early_stopping",
                )

    @property
    def members(self) -> list[int]:
        """The numbers of the members, in ascending order."""
        return list(self._jobs)

    def judge(self, weights: Mapping[int, Layers]) -> bool:
        """Judge the epoch that all members have completed, and return whether training ends with it.

        Parameters
        ----------
        weights : dict of int to list of (W, b)
            The weights of the members that have not diverged.

        """
        epoch, value = len(self.values), self._measure(weights)
        if weights.keys() != self._best_weights.keys():
            self.best = -1
        least = self.values[self.best] if self.best >= 0 else math.inf
        if self.best < 0 or value <= least + ROUNDING * abs(least):
            self.best, self._best_weights = epoch, dict(weights)
        self.values.append(value)
        total = next(iter(self._jobs.values())).plan.epochs
        return epoch - self.best >= self._patience or epoch + 1 >= total

    def final_state(self, number: int, state: State) -> State:
        """Return the state in which a member ends: with the weights of the joint best epoch."""
        kept = {
            f"network.{layer}.{kind}": array
            for layer, pair in enumerate(self._best_weights[number])
            for kind, array in zip(("weights", "bias"), pair, strict=True)
        }
        numbers = {"best_loss": self.values[self.best], "best_epoch": self.best, "early_stopped": True}
        if RunState(state).epoch >= self._jobs[number].plan.epochs:
            numbers["early_stopped"] = False
        return {**RunState(state).with_progress(**numbers).arrays, **kept}

    def _measure(self, weights: Mapping[int, Layers]) -> float:
        """Return the loss of the mean of the members' predictions."""
        numbers = sorted(weights)
        by_rows: dict[int, list[int]] = {}
        for number in numbers:
            by_rows.setdefault(id(self._jobs[number].validation), []).append(number)
        loss = weight = 0.0
        for same_rows in by_rows.values():
            rows = self._jobs[same_rows[0]].validation
            assert rows is not None
            total = np.zeros(1)
            predicted = self._predict(same_rows, weights, rows)
            for number in same_rows:
                total = total + predicted[number]
            task = self._jobs[same_rows[0]].plan.task
            losses = self._losses(total / len(same_rows), _labels(rows, task))
            of_rows = np.ones(len(rows)) if rows.weights is None else rows.weights.astype(np.float64)
            loss, weight = loss + float((losses * of_rows).sum()), weight + float(of_rows.sum())
        return loss / weight

    def _predict(
        self, numbers: Sequence[int], weights: Mapping[int, Layers], rows: Rows
    ) -> dict[int, NDArray[np.float64]]:
        """Return the predictions of each member. The rows are few: threads would mostly wait for each other."""
        shapes: dict[str, list[int]] = {}
        for number in numbers:
            shapes.setdefault(self._shapes[number], []).append(number)
        out: dict[int, NDArray[np.float64]] = {}
        for alike in shapes.values():
            plan = self._jobs[alike[0]].plan
            together = predict_many(plan, stack_weights([weights[n] for n in alike]), rows.x, 1)
            for number, predicted in zip(alike, together, strict=True):
                out[number] = _probabilities(plan, predicted.astype(np.float64))
        return out


def _labels(rows: Rows, task: str) -> NDArray[Any]:
    """Return class numbers, or the targets of a regression."""
    if rows.classes is not None:
        return rows.classes
    assert rows.targets is not None
    if task == "regression":
        return rows.targets
    classes = rows.targets[:, 0] > 0 if rows.targets.shape[1] == 1 else rows.targets.argmax(axis=1)
    return np.asarray(classes).astype(np.int64)


def _probabilities(plan: Plan, predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return one probability for each class, which a sigmoid for each output does not give; numbers as they are."""
    if plan.task == "regression" or plan.loss.head(plan.task) is not SIGMOID:
        return predicted
    if predicted.shape[1] == 1:
        return np.hstack([1 - predicted, predicted])
    return np.asarray(predicted / np.maximum(predicted.sum(axis=1, keepdims=True), np.finfo(np.float64).tiny))
