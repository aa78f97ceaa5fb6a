"""Progress displays for work that takes a while: on standard error, and only if it is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

from creche._progress import watch_steps
from creche.pages.progress import (
    CountDisplay,
    Display,
    EncodingDisplay,
    FitDisplay,
    FoldsDisplay,
    StepsDisplay,
    SweepDisplay,
    TrainingDisplay,
    show_display,
)

if TYPE_CHECKING:
    from creche.fitting.search import FitProgress
    from creche.model_selection.colony import Colony
    from creche.model_selection.fold_training import FoldNetworks
    from creche.table.block_encoding import EncodingProgress
    from creche.training.run import Run

__all__ = [
    "encoding_progress",
    "fit_progress",
    "folds_progress",
    "pause_display",
    "show_activity",
    "show_count",
    "sweep_progress",
    "training_progress",
]


@contextmanager
def show_activity(activity: str, quiet: bool = False) -> Iterator[None]:
    """Show what is being done while work lasts, and how far it is once its steps are counted."""
    display = StepsDisplay(activity)
    with _show(display, quiet) as is_shown, watch_steps(display.update if is_shown else False):
        yield


@contextmanager
def training_progress(quiet: bool) -> Iterator[Callable[[Run], None] | Literal[False]]:
    """Yield the `on_progress` for `creche.train`, or False if nothing is to be shown."""
    display = TrainingDisplay("reading the table")
    with _show(display, quiet) as is_shown:
        yield display.update if is_shown else False


@contextmanager
def sweep_progress(quiet: bool) -> Iterator[Callable[[Colony], None] | Literal[False]]:
    """Yield the `on_progress` for `creche.sweep`, or False if nothing is to be shown."""
    display = SweepDisplay("reading the table")
    with _show(display, quiet) as is_shown:
        yield display.update if is_shown else False


@contextmanager
def folds_progress(quiet: bool) -> Iterator[Callable[[FoldNetworks], None] | Literal[False]]:
    """Yield the `on_progress` for `creche.cross_validate`, or False if nothing is to be shown."""
    display = FoldsDisplay("reading the table")
    with _show(display, quiet) as is_shown:
        yield display.update if is_shown else False


@contextmanager
def fit_progress(quiet: bool) -> Iterator[Callable[[FitProgress], None] | Literal[False]]:
    """Yield the `on_progress` for `creche.fit`, or False if nothing is to be shown."""
    display = FitDisplay("reading the table")
    with _show(display, quiet) as is_shown:
        yield display.update if is_shown else False


@contextmanager
def show_count(things: str) -> Iterator[Callable[[int], None] | None]:
    """Yield the `on_progress` for work that knows how much is done, but not how much there is; None if not shown."""
    display = CountDisplay(things)
    with _show(display, quiet=False) as is_shown:
        yield display.update if is_shown else None


@contextmanager
def encoding_progress() -> Iterator[Callable[[EncodingProgress], None] | None]:
    """Yield the `on_progress` for `creche.encode`; None if it is not shown."""
    display = EncodingDisplay("reading the table")
    with _show(display, quiet=False) as is_shown:
        yield display.update if is_shown else None


@contextmanager
def pause_display() -> Iterator[None]:
    """Show nothing while the user is asked a question."""
    display = Display.current
    if display is not None:
        display.pause()
    yield
    if display is not None:
        display.begin()


@contextmanager
def _show(display: Display, quiet: bool) -> Iterator[bool]:
    """Show the display until the work ends, if there is a terminal; yield whether there is."""
    if quiet or not sys.stderr.isatty():
        yield False
        return
    with show_display(display):
        yield True
