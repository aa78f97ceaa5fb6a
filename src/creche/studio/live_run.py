"""A run that is watched while it trains: it plays, pauses, steps, and knows how fast it is."""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable

from creche.errors import DivergedError
from creche.studio.protocol.views import Status
from creche.training.run import Run

__all__ = ["LiveRun"]

# The speed is that of the last seconds.
SPEED_WINDOW = 1.0


class LiveRun:
    """A run with what a player has: it runs to a goal, or pauses.

    Attributes
    ----------
    run : Run
    status : {"paused", "running", "finished", "diverged"}
    why : str
        In words, why it does not run; empty while it runs.

    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.status: Status = "paused"
        self.why = ""
        self._goal = math.inf  # the step at which it pauses
        self._pace: float | None = None  # epochs per second
        self._started = (0.0, 0.0)  # when it began to run at that pace, and at how many epochs
        self._marks: deque[tuple[float, float]] = deque()
        self._waiting: list[Callable[[], None]] = []

    @property
    def batches(self) -> int:
        """The number of batches of an epoch."""
        return self.run.plan.steps_per_epoch(len(self.run.rows))

    @property
    def epochs_done(self) -> float:
        """Completed epochs, with the part of the one at hand."""
        return self.run.epoch + self.run.batch / self.batches

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
        """Return how many steps may be taken now: to the goal, the end of the epoch, or as many as the pace allows."""
        due = min(self._goal - self.run.step, self.batches - self.run.batch)
        if self._pace is not None:
            started, epochs = self._started
            until = epochs + (time.monotonic() - started) * self._pace
            due = min(due, math.floor((until - self.epochs_done) * self.batches + 1e-9))
        return int(due)

    def _train(self, steps: int, seconds: float) -> None:
        try:
            self.run.resume(steps=steps, seconds=seconds, on_progress=False)
        except DivergedError as error:
            self._stop("diverged", str(error))
            return
        if self.run.status == "finished":
            self._stop("finished", f"all {self.run.plan.epochs:,} epochs are done")
        elif self.run.step >= self._goal:
            self.pause()

    @property
    def epochs_per_second(self) -> float:
        """The speed of the last second; 0 while it does not run."""
        if self.status != "running" or len(self._marks) < 2:
            return 0.0
        (begin, first), (end, last) = self._marks[0], self._marks[-1]
        return (last - first) / (end - begin) if end > begin else 0.0
