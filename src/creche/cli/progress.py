"""Progress displays for work that takes a while: on standard error, and only if it is a terminal."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

    from creche.fitting.search import FitProgress
    from creche.model_selection.colony import Colony
    from creche.model_selection.fold_training import FoldNetworks
    from creche.training.run import Run

__all__ = [
    "fit_progress",
    "folds_progress",
    "pause_display",
    "show_activity",
    "show_count",
    "sweep_progress",
    "training_progress",
]

SECONDS_BEFORE_SHOWN = 0.5
UPDATE_SHARE = 20  # reading the progress of very many networks takes a while: it gets a twentieth of the time


@contextmanager
def show_activity(activity: str, quiet: bool = False) -> Iterator[None]:
    """Show what is being done while work of unknown length lasts."""
    with _show(_Display(activity), quiet):
        yield


@contextmanager
def training_progress(quiet: bool) -> Iterator[Callable[[Run], None] | None]:
    """Yield the `on_progress` for `creche.train`, or None if nothing is to be shown."""
    display = _TrainingDisplay("reading the table")
    with _show(display, quiet) as is_shown:
        yield display.update if is_shown else None


@contextmanager
def sweep_progress(quiet: bool) -> Iterator[Callable[[Colony], None] | None]:
    """Yield the `on_progress` for `creche.sweep`, or None if nothing is to be shown."""
    display = _SweepDisplay("reading the table")
    with _show(display, quiet) as is_shown:
        yield display.update if is_shown else None


@contextmanager
def folds_progress(quiet: bool) -> Iterator[Callable[[FoldNetworks], None] | None]:
    """Yield the `on_progress` for `creche.cross_validate`, or None if nothing is to be shown."""
    display = _FoldsDisplay("reading the table")
    with _show(display, quiet) as is_shown:
        yield display.update if is_shown else None


@contextmanager
def fit_progress(quiet: bool) -> Iterator[Callable[[FitProgress], None] | None]:
    """Yield the `on_progress` for `creche.fit`, or None if nothing is to be shown."""
    display = _FitDisplay("reading the table")
    with _show(display, quiet) as is_shown:
        yield display.update if is_shown else None


@contextmanager
def show_count(things: str) -> Iterator[Callable[[int], None] | None]:
    """Yield the `on_progress` for work that knows how much is done, but not how much there is; None if not shown."""
    display = _CountDisplay(things)
    with _show(display, quiet=False) as is_shown:
        yield display.update if is_shown else None


@contextmanager
def pause_display() -> Iterator[None]:
    """Show nothing while the user is asked a question."""
    display = _Display.current
    if display is not None:
        display.pause()
    yield
    if display is not None:
        display.begin()


@contextmanager
def _show(display: _Display, quiet: bool) -> Iterator[bool]:
    """Show the display until the work ends, if there is a terminal; yield whether there is."""
    if quiet or not sys.stderr.isatty():
        yield False
        return
    display.begin()
    _Display.current = display
    try:
        yield True
    finally:
        _Display.current = None
        display.close()


class _Display:
    """A display that begins after half a second: most work is done by then, and rich takes a while to import.

    Until the work reports its progress, a thread shows the activity.
    """

    current: ClassVar[_Display | None] = None  # the one on the screen

    def __init__(self, activity: str) -> None:
        self._activity = activity
        self._began_at = time.monotonic()
        self._stop: Callable[[], None] | None = None
        self._is_waiting = True
        self._lock = threading.Lock()
        self._timer = threading.Timer(SECONDS_BEFORE_SHOWN, self._show_activity)

    def begin(self) -> None:
        self._began_at = time.monotonic()
        self._is_waiting = True
        self._timer = threading.Timer(SECONDS_BEFORE_SHOWN, self._show_activity)
        self._timer.daemon = True
        self._timer.start()

    def pause(self) -> None:
        """Remove the display until it begins again."""
        self._timer.cancel()
        with self._lock:
            self._is_waiting = False
            if self._stop is not None:
                self._stop()
                self._stop = None

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._is_waiting = False
            if self._stop is not None:
                self._stop()

    def _show_activity(self) -> None:
        from rich.progress import SpinnerColumn, TimeElapsedColumn

        with self._lock:
            if self._is_waiting:
                self._start((SpinnerColumn(), self._activity, TimeElapsedColumn()), None)

    def _is_due(self) -> bool:
        return time.monotonic() - self._began_at >= SECONDS_BEFORE_SHOWN

    def _stop_waiting(self) -> bool:
        """Remove the activity, and return whether this is the first report of progress."""
        with self._lock:
            if not self._is_waiting:
                return False
            self._is_waiting = False
            self._timer.cancel()
            if self._stop is not None:
                self._stop()
            return True

    def _start(self, columns: Sequence[ProgressColumn | str], total: int | None, **fields: Any) -> None:
        from rich.console import Console
        from rich.progress import Progress

        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("", total=total, **fields)
        self._progress.start()
        self._stop = self._progress.stop


class _TrainingDisplay(_Display):
    """Epochs done of all, and the loss."""

    def update(self, run: Run) -> None:
        if not self._is_due():
            return
        if self._stop_waiting():
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

            loss_column = TextColumn("{task.fields[loss]}")
            columns = ("epoch", MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(), loss_column)
            self._start(columns, run.plan.epochs, loss="")
        history = run.history
        loss = f"loss {history.watched_loss[-1]:.4f}" if len(history) else ""
        self._progress.update(self._task, completed=run.epoch, loss=loss)


class _NetworksDisplay(_Display):
    """Networks done of all, and the epochs done by all of them together."""

    _next_update = 0.0

    def _is_due(self) -> bool:
        return super()._is_due() and time.monotonic() >= self._next_update

    def _show(self, completed: int, total: int, networks: str, began_at: float) -> None:
        if self._stop_waiting():
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

            networks_column = TextColumn("{task.fields[networks]}")
            columns = (networks_column, BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
            self._start(columns, total, networks="")
        self._progress.update(self._task, completed=completed, total=total, networks=networks)
        self._next_update = time.monotonic() + UPDATE_SHARE * (time.monotonic() - began_at)


class _SweepDisplay(_NetworksDisplay):
    def update(self, colony: Colony) -> None:
        if not self._is_due():
            return
        crew, began_at = colony.crew, time.monotonic()
        epochs = [job.plan.epochs for job in crew.jobs]
        is_running = [crew.status(n) == "running" for n in range(len(crew))]
        # A network that ended early counts as having done all its epochs.
        completed = sum(crew.epoch(n) if is_running[n] else epochs[n] for n in range(len(crew)))
        networks = f"{len(crew) - sum(is_running):,} of {len(crew):,} networks"
        self._show(completed, sum(epochs), networks, began_at)


class _FoldsDisplay(_NetworksDisplay):
    def update(self, networks: FoldNetworks) -> None:
        if not self._is_due():
            return
        began_at = time.monotonic()
        completed, total = networks.epochs
        done = f"{networks.done:,} of {len(networks):,} networks, {networks.rate:,.3g} a second"
        self._show(completed, total, done, began_at)


class _FitDisplay(_Display):
    """The share of the budget, what has been tried, the best so far, and the time left."""

    def update(self, progress: FitProgress) -> None:
        if not self._is_due():
            return
        if self._stop_waiting():
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn

            self._start((TextColumn("{task.fields[tried]}"), BarColumn(), TaskProgressColumn()), 100, tried="")
        best = "" if progress.best is None else f", best {progress.best:.4g}"
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:,.0f} s left"
        tried = f"{progress.tried:,} tried, {progress.training:,} in training{best}{left}"
        self._progress.update(self._task, completed=100 * progress.share, tried=tried)


class _CountDisplay(_Display):
    """The number of things done, and how many a second."""

    def update(self, done: int) -> None:
        if not self._is_due():
            return
        if self._stop_waiting():
            from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

            self._start((SpinnerColumn(), TextColumn("{task.fields[count]}"), TimeElapsedColumn()), None, count="")
        rate = done / max(time.monotonic() - self._began_at, 1e-9)
        self._progress.update(self._task, count=f"{done:,} {self._activity}, {rate:,.0f} a second")
