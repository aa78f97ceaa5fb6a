"""Displays of work that takes a while: a line on standard error in a terminal, a bar in a notebook.

The command line shows them, and `creche._progress` where Python is used interactively.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from creche._phrases import write_number
from creche._progress import is_notebook
from creche.engine.stored_rows import StoredRows
from creche.scale.array_crew import ArrayCrew
from creche.scale.piecewise_crew import PiecewiseCrew

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from creche._progress import StepProgress, Work
    from creche.fitting.search import FitProgress
    from creche.model_selection.colony import Colony
    from creche.model_selection.fold_training import FoldNetworks
    from creche.table.block_encoding import EncodingProgress
    from creche.training.run import Run

__all__ = [
    "CountDisplay",
    "Display",
    "EncodingDisplay",
    "FitDisplay",
    "FoldsDisplay",
    "NotebookBar",
    "StepsDisplay",
    "SweepDisplay",
    "TrainingDisplay",
    "describe_encoding",
    "describe_limit",
    "show_display",
    "show_progress",
]

SECONDS_BEFORE_SHOWN = 0.5
UPDATE_SHARE = 20  # reading the progress of very many networks takes a while: it gets a twentieth of the time
LIMIT_SHARE = 0.5  # of the time, for which training waits
SECONDS_BETWEEN_UPDATES = 0.2  # of a notebook, which is sent each


@contextmanager
def show_progress(work: Work) -> Iterator[Callable[[Any], None] | None]:
    """Yield a function to call while work goes on; None if another display is on the screen already."""
    if Display.current is not None:
        yield None
        return
    display = DISPLAYS[work]("")
    with show_display(display):
        yield display.update


@contextmanager
def show_display(display: Display) -> Iterator[None]:
    """Show the display until the work ends."""
    display.begin()
    Display.current = display
    try:
        yield
    finally:
        Display.current = None
        display.close()


class Display:
    """A display that begins after half a second: most work is done by then, and rich takes a while to import.

    Until the work reports its progress, a thread shows the activity.
    """

    current: ClassVar[Display | None] = None  # the one on the screen
    counted: ClassVar[str] = ""  # what the numbers of done and total count, if a person cares
    stays: ClassVar[bool] = True  # in a notebook, when the work is done: the numbers are worth keeping

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
        if self._activity:
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
        self._progress: Any = NotebookBar(self.counted, self.stays) if is_notebook() else _create_rich_bar(columns)
        self._task = self._progress.add_task("", total=total, **fields)
        self._progress.start()
        self._stop = self._progress.stop


def describe_limit(waited: float, seconds: float) -> str:
    """Write whether training waits for the disk or for the processor.

    Examples
    --------
    >>> describe_limit(waited=6.0, seconds=8.0), describe_limit(waited=0.1, seconds=8.0)
    ('the disk is the limit: 75% of the time', 'the processor is the limit')

    """
    share = waited / seconds if seconds > 0 else 0.0
    return f"the disk is the limit: {share:.0%} of the time" if share > LIMIT_SHARE else "the processor is the limit"


def describe_workers(share: float) -> str:
    """Write how much of their processor time workers train.

    Examples
    --------
    >>> describe_workers(0.968)
    'workers train 97% of their processor time'

    """
    return f"workers train {share:.0%} of their processor time"


class TrainingDisplay(Display):
    """Epochs done of all, the loss, and, with rows in a file, whether the disk or the processor is the limit."""

    counted = "epochs"
    _first: tuple[float, float] | None = None  # when it was first updated, and how long the run had waited until then

    def update(self, run: Run) -> None:
        if self._first is None:
            self._first = time.monotonic(), run.seconds_waited
        if not self._is_due():
            return
        if self._stop_waiting():
            from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

            loss_column = TextColumn("{task.fields[loss]}")
            columns = ("epoch", MofNCompleteColumn(), BarColumn(), TimeRemainingColumn(), loss_column)
            self._start(columns, run.plan.epochs, loss="")
        history = run.history
        texts = [f"loss {history.watched_loss[-1]:.4f}"] if len(history) else []
        if isinstance(run.rows, StoredRows):
            began_at, waited = self._first
            texts.append(describe_limit(run.seconds_waited - waited, time.monotonic() - began_at))
        self._progress.update(self._task, completed=run.epoch, loss=", ".join(texts))


class NetworksDisplay(Display):
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


class SweepDisplay(NetworksDisplay):
    def update(self, colony: Colony) -> None:
        if not self._is_due():
            return
        crew, began_at = colony.crew, time.monotonic()
        texts = [f"{crew.done:,} of {len(crew):,} networks"]
        spent = crew.processor_time if isinstance(crew, PiecewiseCrew | ArrayCrew) else None
        if spent is not None and spent.all:
            texts.append(describe_workers(spent.share))
        self._show(*crew.epochs, ", ".join(texts), began_at)


class FoldsDisplay(NetworksDisplay):
    def update(self, networks: FoldNetworks) -> None:
        if not self._is_due():
            return
        began_at = time.monotonic()
        completed, total = networks.epochs
        done = f"{networks.done:,} of {len(networks):,} networks, {networks.rate:,.3g} a second"
        self._show(completed, total, done, began_at)


class FitDisplay(Display):
    """The share of the budget, what has been tried, the best so far, and the time left."""

    def update(self, progress: FitProgress) -> None:
        if not self._is_due():
            return
        if self._stop_waiting():
            from rich.progress import BarColumn, TaskProgressColumn, TextColumn

            self._start((TextColumn("{task.fields[tried]}"), BarColumn(), TaskProgressColumn()), 100, tried="")
        best = "" if progress.best is None else f", best {write_number(progress.best, 4)}"
        left = "" if progress.seconds_left is None else f", {progress.seconds_left:,.0f} s left"
        tried = f"{progress.tried:,} tried, {progress.training:,} in training{best}{left}"
        self._progress.update(self._task, completed=100 * progress.share, tried=tried)


class StepsDisplay(Display):
    """Steps done of all: resamples, shuffled columns, networks, sections."""

    stays = False

    def update(self, steps: StepProgress) -> None:
        if not self._is_due():
            return
        if self._stop_waiting():
            from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

            self._start((TextColumn("{task.fields[counts]}"), BarColumn(), TimeRemainingColumn()), None, counts="")
        counts = f"{steps.done:,} of {steps.total:,} {steps.counted}"
        self._progress.update(self._task, completed=steps.done, total=steps.total, counts=counts)


class CountDisplay(Display):
    """The number of things done, and how many a second."""

    def update(self, done: int) -> None:
        if not self._is_due():
            return
        if self._stop_waiting():
            from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

            self._start((SpinnerColumn(), TextColumn("{task.fields[count]}"), TimeElapsedColumn()), None, count="")
        rate = done / max(time.monotonic() - self._began_at, 1e-9)
        self._progress.update(self._task, count=f"{done:,} {self._activity}, {rate:,.0f} a second")


class EncodingDisplay(Display):
    """How many rows have been read or encoded, how many a second, and whether the disk or the processor limits it."""

    def update(self, done: EncodingProgress) -> None:
        if not self._is_due():
            return
        if self._stop_waiting():
            from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

            self._start((SpinnerColumn(), TextColumn("{task.fields[told]}"), TimeElapsedColumn()), None, told="")
        self._progress.update(self._task, told=describe_encoding(done))


def describe_encoding(done: EncodingProgress) -> str:
    """Write how far an encoding has come.

    Examples
    --------
    >>> from creche.table.block_encoding import EncodingProgress
    >>> describe_encoding(EncodingProgress("encoding", 500_000, 2_000_000, 2.0, 60_000_000, 1.5))
    'encoding: 500,000 of 2,000,000 rows, 250,000 a second, limited by the disk'

    """
    total = f" of {done.total:,}" if done.total else ""
    limit = f", limited by the {done.limit}" if done.stage == "encoding" else ""
    return f"{done.stage}: {done.rows:,}{total} rows, {done.rows_per_second:,.0f} a second{limit}"


def _create_rich_bar(columns: Sequence[ProgressColumn | str]) -> Progress:
    from rich.console import Console
    from rich.progress import Progress

    return Progress(*columns, console=Console(stderr=True), transient=True)


class NotebookBar:
    """A bar in the output of a notebook's cell.

    It has the methods of `rich.progress.Progress` that displays use.

    Parameters
    ----------
    counted : str
        What done and total count, such as "epochs"; empty to show the bar alone.
    stays : bool
        Whether it stays with the last numbers when the work is done, or is removed.

    """

    def __init__(self, counted: str, stays: bool) -> None:
        self._counted = counted
        self._stays = stays
        self._done = 0.0
        self._total: float | None = None
        self._texts: dict[str, str] = {}
        self._next_update = 0.0
        self._handle: Any = None

    def add_task(self, _: str, total: float | None, **texts: str) -> int:
        """Set what there is to do, and the texts beside the bar."""
        self._total, self._texts = total, texts
        return 0

    def start(self) -> None:
        """Show the bar."""
        output: Any = import_module("IPython.display")
        self._handle = output.display(output.HTML(self._html()), display_id=True)

    def update(self, _: int, *, completed: float | None = None, total: float | None = None, **texts: str) -> None:
        """Show what is done; too soon after the last time, only remember it."""
        self._done = self._done if completed is None else completed
        self._total = self._total if total is None else total
        self._texts |= texts
        if time.monotonic() >= self._next_update:
            self._next_update = time.monotonic() + SECONDS_BETWEEN_UPDATES
            self._send(self._html())

    def stop(self) -> None:
        """Show the last numbers, or remove the bar."""
        self._send(self._html() if self._stays else "")

    def _send(self, html: str) -> None:
        if self._handle is not None:
            output: Any = import_module("IPython.display")
            self._handle.update(output.HTML(html))

    def _html(self) -> str:
        from creche.render.html import tag  # only now: the command line shows no HTML

        bar = tag("progress", max=self._total, value=None if self._total is None else self._done)
        counts = f"{self._done:,.0f} of {self._total:,.0f} {self._counted}" if self._counted and self._total else ""
        words = ", ".join(filter(None, [counts, *self._texts.values()]))
        return tag("div", bar, f" {words}", style="font: 13px system-ui, sans-serif")


DISPLAYS: dict[Work, Callable[[str], Any]] = {
    "training": TrainingDisplay, "sweep": SweepDisplay, "folds": FoldsDisplay, "fit": FitDisplay,
    "steps": StepsDisplay,
}  # fmt: skip
