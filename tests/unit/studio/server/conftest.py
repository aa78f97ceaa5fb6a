from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.studio.server.serving import Client, EchoSession, running


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page that was built, as far as the server can tell."""
    folder = tmp_path / "page"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Creche</title>")
    (folder / "assets" / "index.js").write_text("export {};")
    (tmp_path / "secret.txt").write_text("secret")
    return folder


@pytest.fixture
def sessions() -> list[EchoSession]:
    return []


@pytest.fixture
def client(page: Path, sessions: list[EchoSession]) -> Iterator[Client]:
    def create() -> EchoSession:
        sessions.append(EchoSession())
        return sessions[-1]

    with running(create, page) as (_, client):
        yield client
