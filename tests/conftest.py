"""Fixtures that several folders of tests share."""

from __future__ import annotations

import importlib
from types import ModuleType

import pytest

from rookery import _core


@pytest.fixture(scope="session", params=_core.levels())
def level(request: pytest.FixtureRequest) -> str:
    """The name of each instruction-set level this machine runs."""
    return str(request.param)


@pytest.fixture(scope="session")
def engine(level: str) -> ModuleType:
    """The compiled engine of each level."""
    return _core.load(level)


@pytest.fixture(scope="session")
def native(level: str) -> ModuleType:
    """Single kernels of each level, for tests alone (built with ROOKERY_TESTING)."""
    return importlib.import_module(f"rookery._core._testing_{level.replace('-', '_')}")
