"""What every test and every example in a docstring leaves behind as it was, and how tests are collected."""

from __future__ import annotations

import gc
import sys
from collections.abc import Generator, Iterator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the thousands of tests and the modules that they import out of the search for garbage: they stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    """Close the figures of a test or an example: pyplot keeps them, and warns from the 21st on."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")
