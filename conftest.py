"""For the examples in docstrings, which are tests too."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def close_figures(request: pytest.FixtureRequest) -> Iterator[None]:
    """Close the figures of an example: examples leave them open, and matplotlib warns of more than twenty."""
    yield
    if isinstance(request.node, pytest.DoctestItem) and (pyplot := sys.modules.get("matplotlib.pyplot")):
        pyplot.close("all")
