"""Callbacks: functions that are called after each epoch, and may stop the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from creche.errors import PlanError
from creche.model.history import COLUMNS

if TYPE_CHECKING:
    from creche.training.run import Run

__all__ = ["EpochRecord", "OnEpoch", "as_callbacks", "call_callbacks"]


@dataclass(frozen=True, slots=True, eq=False)
class EpochRecord:
    """The results of one epoch.

    Attributes
    ----------
    epoch : int
        Its number, counted from 1, which is also the number of completed epochs.
    train_loss, validation_loss : float
        Mean loss on the rows; that of validation is NaN if there are no validation rows.
    train_metric, validation_metric : float
        Accuracy, or root mean squared error: see `metric`.
    learning_rate : float
        The learning rate of the epoch's first step.
    seconds : float
        How long the epoch took.
    metric : {"accuracy", "rmse"}
        What the metrics are.
    run : Run
        The run itself; `run.model` has the current weights.

    """

    epoch: int
    train_loss: float
    validation_loss: float
    train_metric: float
    validation_metric: float
    learning_rate: float
    seconds: float
    metric: str
    run: Run

    @classmethod
    def last_of(cls, run: Run) -> Self:
        """Return the record of the epoch that has just ended.

        Parameters
        ----------
        run : Run

        """
        history = run.history_from(run.epoch - 1)
        numbers: dict[str, Any] = {name: float(getattr(history, name)[-1]) for name in COLUMNS}
        return cls(epoch=run.epoch, **numbers, metric=history.metric, run=run)


OnEpoch: TypeAlias = Callable[[EpochRecord], object]


def as_callbacks(functions: OnEpoch | Sequence[OnEpoch] | None) -> tuple[OnEpoch, ...]:
    """Return one function, or a sequence of functions, as a tuple.

    Raises
    ------
    PlanError
        If one of them cannot be called.

    """
    several = functions if isinstance(functions, Iterable) else () if functions is None else (functions,)
    callbacks: tuple[Any, ...] = (functions,) if callable(functions) else tuple(several)
    for function in callbacks:
        if not callable(function):
            raise PlanError(
                f"on_epoch: got {function!r}; needs a function of an EpochRecord, or a list of them",
                argument="on_epoch",
            )
    return callbacks


def call_callbacks(functions: Sequence[OnEpoch], run: Run) -> bool:
    """Call all functions with the record of the epoch that has just ended; return whether one returned True."""
    record = EpochRecord.last_of(run) if functions else None
    answers = [function(record) for function in functions]  # type: ignore[arg-type]
    return any(isinstance(answer, bool | np.bool_) and bool(answer) for answer in answers)
