"""Callbacks: functions that are told of each epoch as it ends, and may stop the run."""

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
    """What happened in one epoch.

    Attributes
    ----------
    epoch : int
        Counted from 1, so that it is also how many are completed.
    train_loss, validation_loss : float
        Validation is NaN where no rows were kept for it.
    train_metric, validation_metric : float
        Accuracy, or the root mean squared error; `metric` says which.
    learning_rate : float
        Of the epoch's first step.
    seconds : float
    metric : {"accuracy", "rmse"}
    run : Run
        The run itself, as it stands: `run.model` has the weights.

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
        """The record of the epoch that has just ended."""
        history = run.history
        numbers: dict[str, Any] = {name: float(getattr(history, name)[-1]) for name in COLUMNS}
        return cls(epoch=run.epoch, **numbers, metric=history.metric, run=run)


OnEpoch: TypeAlias = Callable[[EpochRecord], object]


def as_callbacks(given: OnEpoch | Sequence[OnEpoch] | None) -> tuple[OnEpoch, ...]:
    """One function or several as a tuple.

    Raises
    ------
    PlanError
        If something else was given.

    """
    several = given if isinstance(given, Iterable) else () if given is None else (given,)
    functions: tuple[Any, ...] = (given,) if callable(given) else tuple(several)
    for function in functions:
        if not callable(function):
            raise PlanError(f"on_epoch: got {function!r}; needs a function of an EpochRecord, or several")
    return functions


def call_callbacks(functions: Sequence[OnEpoch], run: Run) -> bool:
    """Tells all of them of the epoch that has just ended; whether one returned True."""
    record = EpochRecord.last_of(run) if functions else None
    answers = [function(record) for function in functions]  # type: ignore[arg-type]
    return any(isinstance(answer, bool | np.bool_) and bool(answer) for answer in answers)
