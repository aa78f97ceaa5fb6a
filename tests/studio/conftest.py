"""The studio as a person meets it: a real server, and Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from creche.errors import FileError
from creche.studio.page_files import page_folder
from creche.studio.session import Session
from creche.studio.table_source import TableSource, open_bundled
from tests.studio.driving import Screen
from tests.unit.studio.server.serving import running


@pytest.fixture(scope="session")
def built_page() -> Path:
    """The folder of the page; without it there is nothing to test."""
    try:
        return page_folder()
    except FileError as error:
        pytest.skip(f"the page is not built: {error}")


@pytest.fixture(scope="session")
def browser(built_page: Path, browser: Browser) -> Browser:
    """Chromium, once there is a page to show."""
    return browser


class Studio:
    """A server, and the sessions that it has begun for a test, the newest last."""

    def __init__(self) -> None:
        self.link = ""
        self.source: TableSource = open_bundled("penguins")
        self.label: tuple[str, ...] = ()
        self.sessions: list[Session] = []

    def create(self) -> Session:
        """Begin a session on the table that the test wants."""
        session = Session(self.source, self.label, threads=1)
        self.sessions.append(session)
        return session

    def forget(self) -> None:
        """End the sessions of a test, so that none trains on."""
        for session in self.sessions:
            session.close("The test is over.")
        self.sessions.clear()
        self.source, self.label = open_bundled("penguins"), ()


@pytest.fixture(scope="module")
def server(built_page: Path) -> Iterator[Studio]:
    """A server on a port of its own, for the tests of a file: each window of a test begins a session.

    It must not live longer: tests of other files fork the process, and a child can take its loop's events away.
    """
    studio = Studio()
    with running(studio.create, built_page) as (server, _):
        studio.link = server.link
        yield studio
        studio.forget()


@pytest.fixture
def studio(server: Studio) -> Iterator[Studio]:
    """The server, whose sessions end with the test."""
    yield server
    server.forget()


class Windows:
    """Opens windows, and knows what each complained of."""

    def __init__(self, browser: Browser, link: str) -> None:
        self._browser = browser
        self._link = link
        self.screens: list[Screen] = []

    def open(self, address: str | None = None, *, beside: Screen | None = None, **options: Any) -> Screen:
        """Open a window on a session of its own, or on another `address`; `beside` another, it shares its cookies."""
        settings = {"viewport": {"width": 1400, "height": 900}, "reduced_motion": "no-preference"} | options
        context = beside.page.context if beside else self._browser.new_context(**settings)
        screen = Screen.open(context, address or self._link)
        self.screens.append(screen)
        return screen

    def close(self) -> None:
        for screen in self.screens:
            screen.page.context.close()


@pytest.fixture
def windows(browser: Browser, studio: Studio) -> Iterator[Windows]:
    """Opens windows; the test fails if a page complains, or asks another machine for anything."""
    windows = Windows(browser, studio.link)
    yield windows
    windows.close()
    assert [fault for screen in windows.screens for fault in screen.faults] == []


@pytest.fixture
def screen(windows: Windows) -> Screen:
    """A window with a session on the penguins."""
    return windows.open()
