"""The history of a run that trains on: only its newest epochs are read from the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche.model.history import COLUMNS, History

if TYPE_CHECKING:
    from creche.training.run import Run

__all__ = ["GrowingHistory"]

# The number of epochs that there is room for at first.
ROOM = 64


class GrowingHistory:
    """The epochs of a run so far; `read` adds those that are new.

    A history that `read` has returned never changes. Whoever changes the recorded epochs of the run, by going back,
    makes a new `GrowingHistory`.

    Parameters
    ----------
    run : Run

    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._columns: dict[str, NDArray[np.float64]] = {name: np.empty(ROOM) for name in COLUMNS}
        self._newest = run.history_from(0)
        self._count = 0
        self._append(self._newest)

    def read(self) -> History:
        """Return the history up to the present epoch."""
        if self._count < self._run.epoch:
            self._append(self._run.history_from(self._count))
        columns = {name: column[: self._count] for name, column in self._columns.items()}
        return History.of(columns, self._newest.metric, self._newest.library)

    def _append(self, new: History) -> None:
        end = self._count + len(new)
        for name, column in self._columns.items():
            if end > len(column):
                column = self._columns[name] = np.concatenate([column, np.empty(2 * end)])
            column[self._count : end] = getattr(new, name)
        self._newest, self._count = new, end
