"""A run that is watched while it trains: it plays, pauses, steps, changes, goes back, and knows how fast it is."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import DivergedError
from creche.model.history import History
from creche.plan.plan import Plan
from creche.studio.growing_history import GrowingHistory
from creche.studio.protocol.views import Status
from creche.studio.snapshots import Snapshots
from creche.training.run import Run

__all__ = ["LiveRun"]

# The speed is that of the last seconds.
SPEED_WINDOW = 1.0


class LiveRun:
    """A run with what a player has: it runs to a goal, pauses, and goes back to where it was.

    Attributes
    ----------
    run : Run
    snapshots : Snapshots
        The states at the ends of its epochs.
    status : {"paused", "running", "finished", "diverged"}
    why : str
        In words, why it does not run; empty while it runs.
    history_version : int
        Grows when recorded epochs are forgotten.

    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.snapshots = Snapshots()
        self.status: Status = "paused"
        self.why = ""
        self.history_version = 0
        self._goal = math.inf  # the step at which it pauses
        self._pace: float | None = None  # epochs per second
        self._started = (0.0, 0.0)  # when it began to run at that pace, and at how many epochs
        self._marks: deque[tuple[float, float]] = deque()
        self._waiting: list[Callable[[], None]] = []
        self._later: tuple[Plan, dict[str, NDArray[Any]], History] | None = None  # from where it went back
        self._epochs_of_steps: dict[int, float] = {}
        self._recorded: GrowingHistory | None = None  # None where the recorded epochs may have changed
        self._keep()
        if run.status != "running":
            self._judge()

    # -- where it is ---------------------------------------------------------------------------------------------------

    @property
    def batches(self) -> int:
        """The number of batches of an epoch."""
        return self.run.current_plan.steps_per_epoch(len(self.run.rows))

    @property
    def epochs_done(self) -> float:
        """Completed epochs, with the part of the one at hand."""
        return self.run.epoch + self.run.batch / self.batches

    @property
    def recorded(self) -> History:
        """The history up to the present epoch."""
        if self._recorded is None:
            self._recorded = GrowingHistory(self.run)
        return self._recorded.read()

    @property
    def history(self) -> History:
        """The history of all recorded epochs, those after the present one included if it went back."""
        return self.recorded if self._later is None else self._later[2]

    @property
    def changed_at(self) -> tuple[float, ...]:
        """After how many epochs each change of the plan was made, in their order."""
        return tuple(self._epochs_of_steps.get(change.step, self.epochs_done) for change in self.run.plan.changes)

    @property
    def epochs_per_second(self) -> float:
        """The speed of the last second; 0 while it does not run."""
        if self.status != "running" or len(self._marks) < 2:
            return 0.0
        (begin, first), (end, last) = self._marks[0], self._marks[-1]
        return (last - first) / (end - begin) if end > begin else 0.0

    # -- steering ------------------------------------------------------------------------------------------------------

    def play(self, epochs_per_second: float | None = None) -> None:
        """Run until the plan ends, as fast as it can or at this pace; it must not have ended already."""
        self._start(math.inf)
        self._pace = epochs_per_second
        self._started = (time.monotonic(), self.epochs_done)

    def step_to(self, step: int, then: Callable[[], None] | None = None) -> None:
        """Run until this step, and pause there; `then` is called when it pauses or ends, there or before."""
        self._start(step)
        self._pace = None
        if then is not None:
            self._waiting.append(then)

    def _start(self, goal: float) -> None:
        self._goal = goal
        self.status, self.why = "running", ""
        self._marks.clear()

    def pause(self) -> None:
        """Stop after the batch at hand, which has ended when this is called."""
        if self.status == "running":
            self._stop("paused", "paused")

    def _stop(self, status: Status, why: str) -> None:
        self.status, self.why = status, why
        waiting, self._waiting = self._waiting, []
        for function in waiting:
            function()

    def change(self, **changes: Any) -> None:
        """Change the plan from the next step on, as `Run.change` does; what came later is forgotten.

        Raises
        ------
        PlanError
            If a value is invalid; then nothing is changed.

        """
        self._recorded = None
        if self.status == "diverged":
            self.run.rewind(self.run.state())
        before = len(self.run.plan.changes)
        self.run.change(**changes)
        self.forget_later()
        for change in self.run.plan.changes[max(0, before - 1) :]:
            epochs = self.epochs_done if change.step == self.run.step else self.run.epoch + 1.0
            self._epochs_of_steps.setdefault(change.step, epochs)
        if self.status != "running" or self.run.status == "finished":
            self._stop("paused", "changed")
            self._judge()

    def take_over(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Go on from the state of another run of the same plan on the same table."""
        self.run.set_state(state)
        self._recorded = None
        self._keep()
        self._judge()

    def go_back(self, epoch: int) -> int:
        """Go back to the end of a recorded epoch, or forth to one that it came from; the nearest that is kept.

        Returns
        -------
        int
            The epoch that it went to.

        """
        self.pause()
        if self._later is None:
            self._later = self.run.plan, self.run.state(), self.run.history
        plan, state, history = self._later
        nearest = self.snapshots.nearest(epoch)
        self.run.rewind(self.snapshots.restore(nearest, state), plan)
        self._recorded = None
        if nearest == len(history) and plan == self.run.plan:
            self._later = None
        self._stop("paused", f"back at the end of epoch {nearest:,}" if nearest else "back at the start")
        self._judge()
        return nearest

    def go_back_to_finite(self) -> None:
        """Go on from the last finite weights after the loss has diverged."""
        self.run.rewind(self.run.state())
        self._recorded = None
        self._stop("paused", "back at the last finite weights")
        self._judge()

    def forget_later(self) -> None:
        """Forget the epochs after the present one, from which it went back."""
        if self._later is None:
            return
        self._later = None
        self.snapshots.drop_after(self.run.epoch)
        self.history_version += 1

    # -- training ------------------------------------------------------------------------------------------------------

    def seconds_to_wait(self) -> float:
        """Return how long it has to wait, by its pace, before the next step is due."""
        if self._pace is None:
            return 0.0
        started, epochs = self._started
        due = started + (self.epochs_done + 1 / self.batches - epochs) / self._pace
        return max(0.0, due - time.monotonic())

    def advance(self, seconds: float) -> None:
        """Train for about this long, or until the goal."""
        end = time.monotonic() + seconds
        while self.status == "running":
            left = end - time.monotonic()
            steps = self._steps_due()
            if left <= 0 or steps <= 0:
                break
            self._train(steps, left)
        self._marks.append((time.monotonic(), self.epochs_done))
        while len(self._marks) > 2 and self._marks[-1][0] - self._marks[0][0] > SPEED_WINDOW:
            self._marks.popleft()

    def _steps_due(self) -> int:
        """Return how many steps may be taken now: to the goal, the next snapshot, or as many as the pace allows."""
        whole = self.snapshots.next_due(self.run.epoch) - self.run.epoch
        due = min(self._goal - self.run.step, whole * self.batches - self.run.batch)
        if self._pace is not None:
            started, epochs = self._started
            until = epochs + (time.monotonic() - started) * self._pace
            due = min(due, math.floor((until - self.epochs_done) * self.batches + 1e-9))
        return int(due)

    def _train(self, steps: int, seconds: float) -> None:
        self.forget_later()
        try:
            self.run.resume(steps=steps, seconds=seconds, on_progress=False)
        except DivergedError as error:
            self._recorded = None  # it may have gone back to the last finite weights
            self._stop("diverged", f"{error}")
            return
        self._keep()
        self._judge()
        if self.status == "running" and self.run.step >= self._goal:
            self.pause()

    def _keep(self) -> None:
        """Keep the state at the end of an epoch."""
        if self.run.batch == 0 and self.snapshots.is_due(self.run.epoch):
            self.snapshots.keep(self.run.epoch, self.run.state())

    def _judge(self) -> None:
        """Stop if the plan has ended."""
        if self.run.status == "finished" or self.run.epoch >= self.run.current_plan.epochs:
            self._stop("finished", f"all {self.run.current_plan.epochs:,} epochs are done")

    def snapshot_epochs(self) -> NDArray[np.int32]:
        """Return the epochs to which it can go back."""
        return np.array(self.snapshots.epochs, dtype=np.int32)
