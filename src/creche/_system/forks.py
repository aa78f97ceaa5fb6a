"""What a forked process cannot use: the threads of Polars, if its parent has started them."""

from __future__ import annotations

import os
import sys

__all__ = ["check_polars", "is_polars_usable"]

THREADS = "/proc/self/task"

# The beginnings of the names of workers.
WORKERS = ("polars-", "async-executor")

# It runs from the import on, and nothing waits for it.
CLEANER = "polars-ooc"

_state = {"has_dead_threads": False}


def is_polars_usable() -> bool:
    """Whether Polars works in this process: not in one forked from a process that had used it."""
    return not _state["has_dead_threads"]


def check_polars(what: str, instead: str = "") -> None:
    """Refuse to use Polars where it would wait for ever.

    Parameters
    ----------
    what : str
        What needs Polars, for the message.
    instead : str, optional
        What needs no Polars.

    Raises
    ------
    CrecheError
        If Polars is not usable.

    """
    if is_polars_usable():
        return
    from creche.errors import CrecheError

    raise CrecheError(
        f"{what}: needs Polars, whose threads do not survive a fork, and the process that this one was forked from had "
        f'used Polars; start processes by multiprocessing.get_context("spawn"){", or " if instead else ""}{instead}'
    )


def _has_polars_threads() -> bool:
    """Whether Polars runs threads in this process; True if it is loaded and the system does not tell."""
    if "polars" not in sys.modules:
        return False
    try:
        for thread in os.listdir(THREADS):
            with open(f"{THREADS}/{thread}/comm", encoding="utf-8", errors="replace") as name:
                text = name.read()
            if text.startswith(WORKERS) and not text.startswith(CLEANER):
                return True
    except OSError:
        return True
    return False


def _before_fork() -> None:
    _state["had_threads"] = _has_polars_threads()


def _after_fork() -> None:
    _state["has_dead_threads"] |= _state.pop("had_threads", False)


os.register_at_fork(before=_before_fork, after_in_child=_after_fork)
