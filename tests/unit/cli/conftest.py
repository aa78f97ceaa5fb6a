"""Fixtures of the command line's tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.commands import QUICK, main


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Children begin with the usual meaning of Ctrl-C, even where the tests run in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the penguins, kept by the command line."""
    path = tmp_path_factory.mktemp("models") / "penguins.creche"
    assert main([*QUICK, "-o", str(path), "--json"]) == 0
    return path
