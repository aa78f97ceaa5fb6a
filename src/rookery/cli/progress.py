"""A progress bar for work that lasts: on standard error, and only where a person is watching."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

    from rookery.colony.colony import Colony
    from rookery.run import Run

__all__ = ["counting_progress", "sweep_progress", "training_progress"]

SECONDS_BEFORE_SHOWN = 0.5


@contextmanager
def training_progress(quiet: bool) -> Iterator[Callable[[Run], None] | None]:
    """What to give `rookery.train` as `on_progress`, or None where nobody is watching."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    bar = _Bar()
    try:
        yield bar.update
    finally:
        bar.close()


@contextmanager
def sweep_progress(quiet: bool) -> Iterator[Callable[[Colony], None] | None]:
    """What to give `rookery.sweep` as `on_progress`, or None where nobody is watching."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    bar = _ColonyBar()
    try:
        yield bar.update
    finally:
        bar.close()


@contextmanager
def counting_progress(what: str) -> Iterator[Callable[[int], None] | None]:
    """What to give as `on_progress` to work that says how much is done, but not of how much."""
    if not sys.stderr.isatty():
        yield None
        return
    counter = _Counter(what)
    try:
        yield counter.update
    finally:
        counter.close()


class _Display:
    """Begins only after half a second: most work is done by then, and rich takes a while to import."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._stop: Callable[[], None] | None = None

    def _is_time(self) -> bool:
        return self._stop is not None or time.monotonic() - self._begin >= SECONDS_BEFORE_SHOWN

    def _start(self, columns: Sequence[ProgressColumn | str], total: int | None, **fields: Any) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=total, **fields)
        self._progress.start()
        self._stop = self._progress.stop

    def close(self) -> None:
        if self._stop is not None:
            self._stop()


class _Bar(_Display):
    """Epochs done of those to do, and the loss."""

    def update(self, run: Run) -> None:
        if not self._is_time():
            return
        if self._stop is None:
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

            loss_column = TextColumn("{task.fields[loss]}")
            columns = ("epoch", MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(), loss_column)
            self._start(columns, run.plan.epochs, loss="")
        history = run.history
        loss = f"loss {history.watched_loss[-1]:.4f}" if len(history) else ""
        self._progress.update(self._task, completed=run.epoch, loss=loss)


class _ColonyBar(_Display):
    """Networks done of all, and how far all have come."""

    def __init__(self) -> None:
        super().__init__()
        self._next_look = 0.0

    def update(self, colony: Colony) -> None:
        if not self._is_time() or time.monotonic() < self._next_look:
            return
        crew, begin = colony.crew, time.monotonic()
        epochs = [job.plan.epochs for job in crew.jobs]
        if self._stop is None:
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

            done = TextColumn("{task.fields[done]}")
            self._start((done, BarColumn(), TaskProgressColumn(), TimeRemainingColumn()), sum(epochs), done="")
        goes_on = [crew.status(n) == "running" for n in range(len(crew))]
        # Whoever ended early has nothing left to do.
        come = sum(crew.epoch(n) if goes_on[n] else epochs[n] for n in range(len(crew)))
        said = f"{len(crew) - sum(goes_on):,} of {len(crew):,} networks"
        self._progress.update(self._task, completed=come, done=said)
        # Of very many networks, looking takes a while: it gets a twentieth of the time.
        self._next_look = time.monotonic() + 20 * (time.monotonic() - begin)


class _Counter(_Display):
    """How much is done, and how fast."""

    def __init__(self, what: str) -> None:
        super().__init__()
        self._what = what

    def update(self, done: int) -> None:
        if not self._is_time():
            return
        if self._stop is None:
            from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

            self._start((SpinnerColumn(), TextColumn("{task.fields[done]}"), TimeElapsedColumn()), None, done="")
        rate = done / max(time.monotonic() - self._begin, 1e-9)
        self._progress.update(self._task, done=f"{done:,} {self._what}, {rate:,.0f} a second")
