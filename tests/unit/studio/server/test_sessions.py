"""The life of sessions: begun by a page, kept while one watches, ended after a time of grace."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from creche.studio.outbox import Outbox
from creche.studio.server.sessions import MAX_SESSIONS, Sessions, TooManySessionsError
from tests.unit.studio.server.serving import EchoSession

ADDRESSES = [f"{number:016}" for number in range(MAX_SESSIONS + 1)]


def complete(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on a thread of its own: on the main one, a browser of other tests may have its event loop."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def watcher() -> Outbox:
    return Outbox(lambda: None)


class Ending(EchoSession):
    """A session that tells the event loop when it is closed."""

    def __init__(self) -> None:
        super().__init__()
        self.loop, self.ended = asyncio.get_running_loop(), asyncio.Event()

    def close(self, text: str) -> None:
        super().close(text)
        self.loop.call_soon_threadsafe(self.ended.set)


def test_an_address_keeps_its_session() -> None:
    async def run() -> None:
        sessions = Sessions(EchoSession)
        first, second = await sessions.open(ADDRESSES[0]), await sessions.open(ADDRESSES[1])
        assert first is not second
        assert await sessions.open(ADDRESSES[0]) is first
        await sessions.close("over")

    complete(run())


def test_a_session_that_no_page_watches_ends() -> None:
    async def run() -> None:
        sessions = Sessions(Ending, grace=0.01)
        session = await sessions.open(ADDRESSES[0])
        assert isinstance(session, Ending)
        await session.ended.wait()
        assert session.closed_with == "The session ended because no page watched it for long."
        assert len(sessions) == 0

    complete(run())


def test_a_watched_session_lives_until_the_last_page_leaves() -> None:
    async def run() -> None:
        sessions = Sessions(Ending, grace=0.01)
        watched = await sessions.open(ADDRESSES[0])
        pages = watcher(), watcher()
        for page in pages:
            sessions.watch(ADDRESSES[0], page)
        sessions.unwatch(ADDRESSES[0], pages[0])
        other = await sessions.open(ADDRESSES[1])  # begins its grace later, and ends
        assert isinstance(other, Ending)
        assert isinstance(watched, Ending)
        await other.ended.wait()
        assert watched.closed_with is None
        sessions.unwatch(ADDRESSES[0], pages[1])
        await watched.ended.wait()

    complete(run())


def test_the_oldest_unwatched_session_makes_room() -> None:
    async def run() -> None:
        sessions = Sessions(EchoSession)
        opened = [await sessions.open(address) for address in ADDRESSES[:-1]]
        sessions.watch(ADDRESSES[0], watcher())
        await sessions.open(ADDRESSES[-1])
        assert len(sessions) == MAX_SESSIONS
        closed = [session.closed_with for session in opened if isinstance(session, EchoSession)]
        assert [number for number, text in enumerate(closed) if text] == [1]
        for address in ADDRESSES:
            sessions.watch(address, watcher())
        with pytest.raises(TooManySessionsError, match=f"already has {MAX_SESSIONS} sessions"):
            await sessions.open("x" * 16)
        await sessions.close("over")
        assert len(sessions) == 0
        with pytest.raises(TooManySessionsError, match="ending"):
            await sessions.open(ADDRESSES[0])

    complete(run())


def test_a_session_that_fails_to_close_keeps_no_other_from_it(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(EchoSession):
        def close(self, text: str) -> None:
            raise ValueError("broken")

    async def run() -> None:
        kinds = iter([Broken, EchoSession])
        sessions = Sessions(lambda: next(kinds)())
        await sessions.open(ADDRESSES[0])
        whole = await sessions.open(ADDRESSES[1])
        await sessions.close("over")
        assert isinstance(whole, EchoSession)
        assert whole.closed_with == "over"

    complete(run())
    assert "could not be closed" in caplog.text
