"""A progress bar for work that lasts: on standard error, and only where a person is watching."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rookery.run import Run

__all__ = ["training_progress"]

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


class _Bar:
    """Begins only after half a second: most networks are trained by then, and rich takes a while to import."""

    def __init__(self) -> None:
        self._begin = time.monotonic()
        self._stop: Callable[[], None] | None = None

    def update(self, run: Run) -> None:
        if self._stop is None:
            if time.monotonic() - self._begin < SECONDS_BEFORE_SHOWN:
                return
            self._start(run.plan.epochs)
        history = run.history
        loss = f"loss {history.watched_loss[-1]:.4f}" if len(history) else ""
        self._progress.update(self._task, completed=run.epoch, loss=loss)

    def _start(self, epochs: int) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("epoch"),
            MofNCompleteColumn(),
            BarColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[loss]}"),
        )
        self._progress = Progress(*columns, console=Console(stderr=True), transient=True)
        self._task = self._progress.add_task("training", total=epochs, loss="")
        self._progress.start()
        self._stop = self._progress.stop

    def close(self) -> None:
        if self._stop is not None:
            self._stop()
