"""How much a piece of work does, counted and not timed, so that neither the machine nor its load matters."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def lines_run(job: Callable[[], object]) -> int:
    """How many lines of Python the job runs, on this thread."""
    count = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        job()
    finally:
        sys.settrace(before)
    return count
