"""Runs that take turns on one device, with the face of the compiled engine's colonies."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

__all__ = ["RunsInTurn"]


class RunsInTurn:
    """Runs of one device, trained one after the other: for networks that no colony of the device can train together.

    Parameters
    ----------
    runs : sequence of runs
        As `creche.engine.choice.new_run` returns them, at their beginning.

    """

    def __init__(self, runs: Sequence[Any]) -> None:
        self._runs = list(runs)
        self._statuses = ["running"] * len(self._runs)

    def __len__(self) -> int:
        return len(self._runs)

    def run(self, epoch: int = -1, seconds: float = -1.0, poll: Callable[[], bool] | None = None) -> str:
        """Train each until it has completed `epoch` epochs (-1: all of them), or until the seconds are over.

        Returns
        -------
        str
            "running", "finished" if all have ended, or "interrupted" by `poll`.

        """
        end = time.monotonic() + seconds if seconds >= 0 else math.inf
        for number, run in enumerate(self._runs):
            if self._statuses[number] != "running" or 0 <= epoch <= run.epoch:
                continue
            left = end - time.monotonic()
            if left <= 0:
                return "running"
            status = run.run(
                epochs=-1 if epoch < 0 else epoch - run.epoch, seconds=-1.0 if math.isinf(left) else left, poll=poll
            )
            if status == "interrupted":
                return "interrupted"
            self._statuses[number] = status
            if status != "running" or 0 <= epoch <= run.epoch:
                run.release_rows()
        return "running" if "running" in self._statuses else "finished"

    def status(self, member: int) -> str:
        """Return how a member is doing: "running", or how it ended."""
        return self._statuses[member]

    def position(self, member: int) -> tuple[int, int]:
        """Return the completed epochs, and the completed steps of the current epoch."""
        run = self._runs[member]
        return int(run.epoch), int(run.batch_in_epoch)

    def parameters(self, member: int) -> dict[str, NDArray[Any]]:
        """Return copies of all parameters of a member."""
        return self._runs[member].parameters()  # type: ignore[no-any-return]

    def history(self, member: int) -> dict[str, NDArray[Any]]:
        """Return one number per completed epoch of a member."""
        return self._runs[member].history()  # type: ignore[no-any-return]

    def state(self, member: int) -> dict[str, NDArray[Any]]:
        """Return everything that training of a member goes on from."""
        return self._runs[member].state()  # type: ignore[no-any-return]

    def set_state(self, member: int, state: Mapping[str, NDArray[Any]]) -> None:
        """Set the state of a member, which may have ended in it."""
        self._runs[member].set_state(dict(state))
        self._statuses[member] = self._runs[member].run(steps=0)

    def divergence(self, member: int) -> tuple[int, int, float] | None:
        """Return where the loss of a member stopped being finite; None if it did not."""
        return self._runs[member].divergence  # type: ignore[no-any-return]
