from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.studio.server.serving import Client, EchoSession, running


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page that was built, as far as the server can tell."""
    folder = tmp_path_factory.mktemp("built")
    page = folder / "page"
    (page / "assets").mkdir(parents=True)
    (page / "index.html").write_text("<!doctype html><title>Creche</title>")
    (page / "assets" / "index.js").write_text("export {};")
    (folder / "secret.txt").write_text("secret")
    return page


@pytest.fixture(scope="module")
def echo(page: Path) -> Iterator[tuple[str, list[EchoSession]]]:
    """The link of a server for the tests of a file, and the sessions that it has begun.

    It must not live longer: tests of other files fork the process, and a child can take its loop's events away.
    """
    sessions: list[EchoSession] = []

    def create() -> EchoSession:
        sessions.append(EchoSession())
        return sessions[-1]

    with running(create, page) as (server, _):
        yield server.link, sessions


@pytest.fixture
def sessions(echo: tuple[str, list[EchoSession]]) -> list[EchoSession]:
    """The sessions that the test has begun."""
    _, sessions = echo
    sessions.clear()
    return sessions


@pytest.fixture
def client(echo: tuple[str, list[EchoSession]], sessions: list[EchoSession]) -> Client:
    return Client(echo[0])
