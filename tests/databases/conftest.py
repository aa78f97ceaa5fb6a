"""The server of PostgreSQL that these tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from benchmarks._postgres import PASSWORD, Server, start_server

__all__ = ["PASSWORD", "Server", "server"]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with start_server() as started:
        yield started
