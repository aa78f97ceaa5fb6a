"""Fixtures that several folders of tests share."""

from __future__ import annotations

import importlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from creche import _core
from tests.patience import PATIENCE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# The same examples each time, so that a change never fails for what chance found elsewhere. To look for new ones:
# HYPOTHESIS_PROFILE=searching make test
# With sanitizers each example takes many times as long.
EXAMPLES = {"max_examples": 34 if "CRECHE_SANITIZED" in os.environ else 60}
settings.register_profile("steady", derandomize=True, deadline=None, **EXAMPLES)
settings.register_profile("searching", max_examples=1000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Have each worker import the tests from another one on.

    In a fresh checkout Python compiles each module that is imported first: all workers would compile the same ones.
    """
    worker, workers = os.environ.get("PYTEST_XDIST_WORKER"), int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if worker is None:
        return
    files = sorted(path for given in session.config.args for path in Path(given).rglob("test_*.py"))
    first = len(files) * int(worker.removeprefix("gw")) // workers
    for path in files[first:] + files[:first]:
        module = ".".join(path.resolve().relative_to(session.config.rootpath).with_suffix("").parts)
        with suppress(Exception, pytest.skip.Exception):  # collecting it will tell
            importlib.import_module(module)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that run at every instruction-set level by themselves: `make test-levels` leaves them out."""
    for item in items:
        if "level" in getattr(item, "fixturenames", ()):
            item.add_marker("every_level")


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
    """Single kernels of each level, for tests alone (built with CRECHE_TESTING)."""
    return importlib.import_module(f"creche._core._testing_{level.replace('-', '_')}")


CHROMIUM = os.environ.get("CRECHE_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-quic", "--no-first-run",
]  # fmt: skip


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, one for each process of the test run: Playwright begins only once in a thread."""
    from playwright.sync_api import expect, sync_playwright

    if not Path(CHROMIUM).exists():
        pytest.skip(f"there is no Chromium at {CHROMIUM}; set CRECHE_CHROMIUM")
    expect.set_options(timeout=1000 * PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def reports_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Training calls `on_progress` every millisecond: many times before its end."""
    monkeypatch.setattr("creche.training.run.REPORT_INTERVAL", 0.001)
    monkeypatch.setattr("creche.engine.colony.SECONDS_BETWEEN_REPORTS", 0.001)


@pytest.fixture
def without_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are put together but not turned into files, which is nearly all of the time that a page takes."""
    from creche.plots import inline_svg, save

    content = b'<svg xmlns="http://www.w3.org/2000/svg" width="9pt" height="9pt"/>'

    def drawn(draw: Callable[[], Any], *_: Any, **__: Any) -> bytes:
        from matplotlib import pyplot as plt

        plt.close(draw().figure)
        return content

    for module in (inline_svg, save):
        monkeypatch.setattr(module, "render_picture", drawn)
