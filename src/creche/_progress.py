"""Who sees the progress of work: a function of the caller, or a bar where a person is watching."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, TypeAlias, TypeVar

from creche.errors import PlanError

__all__ = ["OnProgress", "Work", "is_notebook", "watch"]

T = TypeVar("T")
OnProgress: TypeAlias = Callable[[T], object] | bool | None
"""A function to call; by default a bar where a person is watching, and False for none."""

Work: TypeAlias = Literal["training", "sweep", "folds", "fit"]


def watch(on_progress: OnProgress[T], work: Work) -> AbstractContextManager[Callable[[T], object] | None]:
    """Return a context that yields the function to call while work goes on, or None if no person is watching.

    Parameters
    ----------
    on_progress : callable, bool or None
        A function of the user's is called itself. Otherwise a bar is shown in notebooks and terminals, once the work
        has taken half a second; False shows none.
    work : {"training", "sweep", "folds", "fit"}
        What the bar counts.

    Raises
    ------
    PlanError
        If `on_progress` is something else.

    """
    if on_progress is False:
        return nullcontext()
    if callable(on_progress):
        return nullcontext(on_progress)
    if on_progress is not None and on_progress is not True:
        raise PlanError(
            f"on_progress: got {on_progress!r}; needs a function, or False for no progress bar", argument="on_progress"
        )
    if not _is_watched():
        return nullcontext()
    from creche import pages

    return pages.show_progress(work)


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
