"""Coroutines in tests: on a thread of their own, since Playwright's loop runs on that of a test's process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import anyio

__all__ = ["run_on_thread"]

T = TypeVar("T")


def run_on_thread(function: Callable[..., Awaitable[T]], *arguments: Any) -> T:
    """Return what a coroutine function returns, or raise what it raises."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, function, *arguments).result()
