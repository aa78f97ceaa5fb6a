"""The states of a run at the ends of its epochs, for going back in time; thinned where they would fill the memory."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._system.resources import available_memory

__all__ = ["Snapshots"]

State = dict[str, NDArray[Any]]

# All states together take at most this, and at most an eighth of the free memory.
BUDGET = 256_000_000
SHARE_OF_MEMORY = 8

# A slider has no room for more.
MOST = 1000

# The states' histories are all beginnings of one, which is kept once.
HISTORY = "history."


class Snapshots:
    """The states of a run by epoch: all of them, or those of every second, fourth, … epoch where there are too many.

    Parameters
    ----------
    budget : int, optional
        How many bytes they may take together.

    """

    def __init__(self, budget: int | None = None) -> None:
        free = available_memory()
        self._budget = budget or (BUDGET if free is None else min(BUDGET, free // SHARE_OF_MEMORY))
        self._states: dict[int, State] = {}
        self._stride = 1

    @property
    def epochs(self) -> list[int]:
        """The epochs whose states are kept, ascending."""
        return list(self._states)

    def is_due(self, epoch: int) -> bool:
        """Return whether the state at the end of this epoch is to be kept."""
        return epoch % self._stride == 0 and epoch not in self._states

    def next_due(self, epoch: int) -> int:
        """Return the first epoch after this one whose state may be due."""
        return (epoch // self._stride + 1) * self._stride

    def keep(self, epoch: int, state: Mapping[str, NDArray[Any]]) -> None:
        """Keep the state at the end of an epoch; others are dropped if they take too much memory."""
        self._states[epoch] = {name: array for name, array in state.items() if not name.startswith(HISTORY)}
        size = sum(array.nbytes for array in self._states[epoch].values())
        # The beginning and one more epoch are kept even of a huge network.
        while len(self._states) > min(MOST, max(2, self._budget // max(size, 1))):
            self._stride *= 2
            self._states = {each: kept for each, kept in self._states.items() if each % self._stride == 0}

    def drop_after(self, epoch: int) -> None:
        """Forget what came after this epoch."""
        self._states = {each: kept for each, kept in self._states.items() if each <= epoch}

    def nearest(self, epoch: int) -> int:
        """Return the kept epoch that is nearest to this one; the earlier of two."""
        epochs = np.array(self.epochs)
        return int(epochs[np.argmin(np.abs(epochs - epoch))])

    def restore(self, epoch: int, history: Mapping[str, NDArray[Any]]) -> State:
        """Return the whole state at the end of a kept epoch.

        Parameters
        ----------
        epoch : int
        history : dict of str to array
            A state of the run at that epoch or later, with its history.

        """
        columns = {name: array[:epoch] for name, array in history.items() if name.startswith(HISTORY)}
        return {**self._states[epoch], **columns}
