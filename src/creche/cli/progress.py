"""A progress bar for work that lasts: on standard error, and only where a person is watching."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from rich.progress import ProgressColumn

    from creche.model_selection.colony import Colony
    from creche.model_selection.fold_training import FoldNetworks
    from creche.training.run import Run

__all__ = ["folds_progress", "pause_display", "show_activity", "show_count", "sweep_progress", "training_progress"]

SECONDS_BEFORE_SHOWN = 0.5


@contextmanager
def show_activity(what: str, quiet: bool = False) -> Iterator[None]:
    """Says that work goes on of which nobody knows how much there is."""
    with _shown(_Display(what), quiet):
        yield


@contextmanager
def training_progress(quiet: bool) -> Iterator[Callable[[Run], None] | None]:
    """What to give `creche.train` as `on_progress`, or None where nobody is watching."""
    bar = _Bar("reading the table")
    with _shown(bar, quiet) as is_shown:
        yield bar.update if is_shown else None


@contextmanager
def sweep_progress(quiet: bool) -> Iterator[Callable[[Colony], None] | None]:
    """What to give `creche.sweep` as `on_progress`, or None where nobody is watching."""
    bar = _ColonyBar("reading the table")
    with _shown(bar, quiet) as is_shown:
        yield bar.update if is_shown else None


@contextmanager
def folds_progress(quiet: bool) -> Iterator[Callable[[FoldNetworks], None] | None]:
    """What to give `creche.cross_validate` as `on_progress`, or None where nobody is watching."""
    bar = _FoldsBar("reading the table")
    with _shown(bar, quiet) as is_shown:
        yield bar.update if is_shown else None


@contextmanager
def show_count(what: str) -> Iterator[Callable[[int], None] | None]:
    """What to give as `on_progress` to work that says how much is done, but not of how much."""
    counter = _Counter(what)
    with _shown(counter, quiet=False) as is_shown:
        yield counter.update if is_shown else None


@contextmanager
def pause_display() -> Iterator[None]:
    """Nothing moves on the screen while a person is asked something."""
    display = _Display.now
    if display is not None:
        display.pause()
    yield
    if display is not None:
        display.begin()


@contextmanager
def _shown(display: _Display, quiet: bool) -> Iterator[bool]:
    """Whether the display is to be seen; it is, from the time on that is worth it, until the work ends."""
    if quiet or not sys.stderr.isatty():
        yield False
        return
    display.begin()
    _Display.now = display
    try:
        yield True
    finally:
        _Display.now = None
        display.close()


class _Display:
    """Begins only after half a second: most work is done by then, and rich takes a while to import.

    Until the work tells how far it is, a thread shows what is being done.
    """

    now: ClassVar[_Display | None] = None  # the one on the screen

    def __init__(self, what: str) -> None:
        self._what = what
        self._begin = time.monotonic()
        self._stop: Callable[[], None] | None = None
        self._is_waiting = True
        self._lock = threading.Lock()
        self._timer = threading.Timer(SECONDS_BEFORE_SHOWN, self._wait)

    def begin(self) -> None:
        self._begin = time.monotonic()
        self._is_waiting = True
        self._timer = threading.Timer(SECONDS_BEFORE_SHOWN, self._wait)
        self._timer.daemon = True
        self._timer.start()

    def pause(self) -> None:
        """Away with what is shown, until it begins again."""
        self._timer.cancel()
        with self._lock:
            self._is_waiting = False
            if self._stop is not None:
                self._stop()
                self._stop = None

    def _wait(self) -> None:
        from rich.progress import SpinnerColumn, TimeElapsedColumn

        with self._lock:
            if self._is_waiting:
                self._start((SpinnerColumn(), self._what, TimeElapsedColumn()), None)

    def _is_time(self) -> bool:
        return time.monotonic() - self._begin >= SECONDS_BEFORE_SHOWN

    def _begins_to_tell(self) -> bool:
        """Whether the work tells how far it is for the first time; what was shown while waiting goes."""
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

    def close(self) -> None:
        self._timer.cancel()
        with self._lock:
            self._is_waiting = False
            if self._stop is not None:
                self._stop()


class _Bar(_Display):
    """Epochs done of those to do, and the loss."""

    def update(self, run: Run) -> None:
        if not self._is_time():
            return
        if self._begins_to_tell():
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

            loss_column = TextColumn("{task.fields[loss]}")
            columns = ("epoch", MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(), loss_column)
            self._start(columns, run.plan.epochs, loss="")
        history = run.history
        loss = f"loss {history.watched_loss[-1]:.4f}" if len(history) else ""
        self._progress.update(self._task, completed=run.epoch, loss=loss)


class _ColonyBar(_Display):
    """Networks done of all, and how far all have come."""

    _next_look = 0.0

    def update(self, colony: Colony) -> None:
        if not self._is_time() or time.monotonic() < self._next_look:
            return
        crew, begin = colony.crew, time.monotonic()
        epochs = [job.plan.epochs for job in crew.jobs]
        if self._begins_to_tell():
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

            done = TextColumn("{task.fields[done]}")
            self._start((done, BarColumn(), TaskProgressColumn(), TimeRemainingColumn()), sum(epochs), done="")
        goes_on = [crew.status(n) == "running" for n in range(len(crew))]
        # Whoever ended early has nothing left to do.
        come = sum(crew.epoch(n) if goes_on[n] else epochs[n] for n in range(len(crew)))
        said = f"{len(crew) - sum(goes_on):,} of {len(crew):,} networks"
        self._progress.update(self._task, completed=come, total=sum(epochs), done=said)
        # Of very many networks, looking takes a while: it gets a twentieth of the time.
        self._next_look = time.monotonic() + 20 * (time.monotonic() - begin)


class _FoldsBar(_Display):
    """Networks done of all, how many a second, and how far all have come."""

    _next_look = 0.0

    def update(self, networks: FoldNetworks) -> None:
        if not self._is_time() or time.monotonic() < self._next_look:
            return
        begin = time.monotonic()
        come, wanted = networks.epochs
        if self._begins_to_tell():
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

            done = TextColumn("{task.fields[done]}")
            self._start((done, BarColumn(), TaskProgressColumn(), TimeRemainingColumn()), wanted, done="")
        said = f"{networks.done:,} of {len(networks):,} networks, {networks.rate:,.3g} a second"
        self._progress.update(self._task, completed=come, done=said)
        self._next_look = time.monotonic() + 20 * (time.monotonic() - begin)


class _Counter(_Display):
    """How much is done, and how fast."""

    def update(self, done: int) -> None:
        if not self._is_time():
            return
        if self._begins_to_tell():
            from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

            self._start((SpinnerColumn(), TextColumn("{task.fields[done]}"), TimeElapsedColumn()), None, done="")
        rate = done / max(time.monotonic() - self._begin, 1e-9)
        self._progress.update(self._task, done=f"{done:,} {self._what}, {rate:,.0f} a second")
