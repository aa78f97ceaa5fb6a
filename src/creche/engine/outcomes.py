"""What has become of networks that train together: arrays with an entry for each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["RUNNING", "STATUSES", "Divergence", "Outcomes"]

RUNNING = "running"
# In the order of their numbers in `Outcomes.status`, which the engine counts alike.
STATUSES = (RUNNING, "finished", "early_stopped", "stopped", "diverged")

Divergence = tuple[int, int, float]  # epoch and batch, from 0, and the learning rate

# What a history says of the epoch whose weights a network has.
NUMBERS = ("train_loss", "train_metric", "validation_loss", "validation_metric")

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """What has become of networks, by their numbers; NaN where one has no such number.

    Attributes
    ----------
    status : (n,) uint8 array
        Positions in `STATUSES`.
    epoch : (n,) int64 array
        Completed epochs.
    kept_epoch : (n,) int64 array
        The epoch, counted from 1, whose weights the network has; 0 before the first one ends.
    train_loss, train_metric, validation_loss, validation_metric : (n,) float64 array
        In that epoch. Root mean squared errors are in standard deviations of the label.
    divergence : (n, 3) float64 array
        Epoch and batch, from 0, and the learning rate of those that diverged.

    """

    status: NDArray[np.uint8]
    epoch: NDArray[np.int64]
    kept_epoch: NDArray[np.int64]
    train_loss: Numbers
    train_metric: Numbers
    validation_loss: Numbers
    validation_metric: Numbers
    divergence: Numbers

    @classmethod
    def empty(cls, count: int) -> Outcomes:
        """Return those of networks that have not begun."""
        status, epoch, kept_epoch = np.zeros(count, np.uint8), np.zeros(count, np.int64), np.zeros(count, np.int64)
        numbers = {name: np.full(count, np.nan) for name in NUMBERS}
        return cls(status, epoch, kept_epoch, **numbers, divergence=np.full((count, 3), np.nan))

    def __len__(self) -> int:
        return len(self.status)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the arrays by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def put(self, numbers: Any, others: Outcomes, chosen: Any = slice(None)) -> None:
        """Write some of other outcomes in the places of these networks."""
        for name, array in self.arrays().items():
            array[numbers] = others.arrays()[name][chosen]

    def put_history(self, number: int, history: dict[str, NDArray[np.float64]], kept_epoch: int) -> None:
        """Write what a history says of the epoch whose weights a network has."""
        self.kept_epoch[number] = kept_epoch
        for name in NUMBERS:
            getattr(self, name)[number] = history[name][kept_epoch - 1] if kept_epoch > 0 else np.nan

    def divergence_of(self, number: int) -> Divergence | None:
        """Return where the loss of a network stopped being finite; None if it did not."""
        epoch, batch, rate = self.divergence[number].tolist()
        return None if np.isnan(epoch) else (int(epoch), int(batch), rate)

    def select(self, numbers: Iterable[int] | slice | NDArray[Any]) -> Outcomes:
        """Return those of some networks."""
        chosen: Any = numbers if isinstance(numbers, slice | np.ndarray) else list(numbers)
        return Outcomes(**{name: array[chosen] for name, array in self.arrays().items()})
