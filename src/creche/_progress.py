"""Who sees the progress of work: a function of the caller, or a bar where a person is watching.

Work that lasts opens `watch`. Work made of steps opens `watch_steps`, and the outermost loop inside counts them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

from creche.errors import PlanError

__all__ = ["OnProgress", "StepProgress", "Work", "count_steps", "is_notebook", "track", "watch", "watch_steps"]

T = TypeVar("T")
OnProgress: TypeAlias = Callable[[T], object] | bool | None
"""A function to call; by default a bar where a person is watching, and False for none."""

Work: TypeAlias = Literal["training", "sweep", "folds", "fit", "steps"]


@dataclass(frozen=True, slots=True)
class StepProgress:
    """How far work is that consists of steps: `on_progress` of evaluations, explanations and reports takes it.

    Attributes
    ----------
    done, total : int
        The number of steps done, and of all.
    counted : str
        What the steps are, such as "resamples".

    """

    done: int
    total: int
    counted: str


class _Watch:
    """The innermost work, with the function that its steps are reported to, if they are reported."""

    def __init__(self, report: Callable[[StepProgress], object] | None) -> None:
        self.report = report
        self.is_counting = False  # a loop counts its steps; those within it are parts of one of them


_WATCH: ContextVar[_Watch | None] = ContextVar("work that is watched", default=None)


@contextmanager
def watch(on_progress: OnProgress[Any], work: Work) -> Iterator[Callable[[Any], object] | None]:
    """Yield the function to call while work goes on, or None if no person is watching.

    Work within work shows no bar of its own.

    Parameters
    ----------
    on_progress : callable, bool or None
        A function of the user's is called itself. Otherwise a bar is shown in notebooks and terminals, once the work
        has taken half a second; False shows none.
    work : {"training", "sweep", "folds", "fit", "steps"}
        What the bar counts.

    Raises
    ------
    PlanError
        If `on_progress` is something else.

    """
    if on_progress is not None and not isinstance(on_progress, bool) and not callable(on_progress):
        raise PlanError(
            f"on_progress: got {on_progress!r}; needs a function, or False for no progress bar", argument="on_progress"
        )
    is_within = _WATCH.get() is not None
    with _enter(None):
        if callable(on_progress):
            yield on_progress
        elif on_progress is False or is_within or not _is_watched():
            yield None
        else:
            from creche import pages

            with pages.show_progress(work) as report:
                yield report


@contextmanager
def watch_steps(on_progress: OnProgress[StepProgress] = None) -> Iterator[None]:
    """Report the steps that a loop inside counts, as `watch` does; within work that is watched, report them to that."""
    if (on_progress is None or on_progress is True) and _WATCH.get() is not None:
        yield
        return
    with watch(on_progress, "steps") as report, _enter(report):
        yield


@contextmanager
def count_steps(total: int, counted: str) -> Iterator[Callable[[int], None]]:
    """Yield a function to call with the number of steps done. Loops within this one are not counted.

    Parameters
    ----------
    total : int
        The number of steps there are.
    counted : str
        What they are, such as "resamples".

    """
    current = _WATCH.get()
    if current is None or current.report is None or current.is_counting:
        yield _ignore
        return
    report = current.report

    def report_done(done: int) -> None:
        report(StepProgress(done, total, counted))

    current.is_counting = True
    try:
        yield report_done
    finally:
        current.is_counting = False


def _ignore(done: int) -> None:
    """Take a number of steps that are not reported."""


def track(items: Iterable[T], counted: str, total: int | None = None) -> Iterator[T]:
    """Yield items, and count each as a step when the next is asked for.

    Parameters
    ----------
    items : iterable
    counted : str
        What they are, such as "columns".
    total : int, optional
        How many there are, if ``len(items)`` does not tell.

    """
    if total is None:
        assert isinstance(items, Sized)
        total = len(items)
    done = 0
    with count_steps(total, counted) as report:
        for item in items:
            yield item
            done += 1
            report(done)


@contextmanager
def _enter(report: Callable[[StepProgress], object] | None) -> Iterator[None]:
    token = _WATCH.set(_Watch(report))
    try:
        yield
    finally:
        _WATCH.reset(token)


def is_notebook() -> bool:
    """Return whether this is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return shell is not None and hasattr(shell, "kernel")


def _is_watched() -> bool:
    """Return whether a person would see a bar: not in the processes that a program starts for its work."""
    multiprocessing = sys.modules.get("multiprocessing.process")
    if multiprocessing is not None and multiprocessing.parent_process() is not None:
        return False
    return is_notebook() or (sys.stderr is not None and sys.stderr.isatty())
