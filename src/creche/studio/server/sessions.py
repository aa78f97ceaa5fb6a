"""The sessions of a server, by their addresses: begun when a page asks, ended when no page has watched for long."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from creche.studio.connection import Receiver
from creche.studio.outbox import Outbox
from creche.studio.protocol.frames import PushedFrames
from creche.studio.uploads import Uploads

__all__ = ["CreateSession", "ServedSession", "Sessions", "TooManySessionsError"]

LOGGER = logging.getLogger(__name__)

MAX_SESSIONS = 32
GRACE = 3600.0
"""Seconds that a session lives on without a page: a laptop may sleep, and a run may go on without being watched."""

CreateSession: TypeAlias = Callable[[], "ServedSession"]

ADDRESS = re.compile(r"[A-Za-z0-9_-]{16}")


class ServedSession(Receiver, Protocol):
    """What the server needs of a session."""

    @property
    def uploads(self) -> Uploads:
        """Where its files are written."""

    def close(self, text: str) -> None:
        """End the session, and tell its pages why."""


class TooManySessionsError(RuntimeError):
    """No further session can begin."""


@dataclass(slots=True)
class _Served:
    session: ServedSession
    frames: PushedFrames = field(default_factory=PushedFrames)
    watchers: set[Outbox] = field(default_factory=set)
    ending: asyncio.TimerHandle | None = None


class Sessions:
    """Keeps the sessions of a server. Its methods belong to the thread of the event loop.

    Parameters
    ----------
    create : callable
        Makes a session.
    grace : float
        Seconds after which a session ends that no page watches.

    """

    def __init__(self, create: CreateSession, grace: float = GRACE) -> None:
        self._create = create
        self._grace = grace
        self._served: dict[str, _Served] = {}
        self._is_closed = False
        self._ending: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        """Return how many sessions there are."""
        return len(self._served)

    @staticmethod
    def new_address() -> str:
        """Return an address that no session has."""
        return secrets.token_urlsafe(12)

    @staticmethod
    def is_address(text: str) -> bool:
        """Return whether a text has the form of an address."""
        return ADDRESS.fullmatch(text) is not None

    async def open(self, address: str) -> ServedSession:
        """Return the session of an address; a new one if there is none, as after the server was started again.

        Raises
        ------
        TooManySessionsError
            If there are too many sessions, all of them watched, or the server ends.

        """
        if address not in self._served:
            await self._make_room()
        if address not in self._served:
            served = self._served[address] = _Served(self._create())
            self._end_later(address, served)
        return self._served[address].session

    def watch(self, address: str, watcher: Outbox) -> PushedFrames:
        """Note that a page watches a session, which then does not end.

        Returns
        -------
        PushedFrames
            Encodes what is pushed for all pages of the session.

        """
        served = self._served.get(address)
        if served is None:
            return PushedFrames()
        served.watchers.add(watcher)
        self._cancel_ending(served)
        return served.frames

    def unwatch(self, address: str, watcher: Outbox) -> None:
        """Note that a page left: without another, the session ends after the time of grace."""
        served = self._served.get(address)
        if served is not None:
            served.watchers.discard(watcher)
            if not served.watchers:
                self._end_later(address, served)

    async def close(self, text: str) -> None:
        """End all sessions; their pages are told why."""
        self._is_closed = True
        await asyncio.gather(*(self._end(address, text) for address in list(self._served)))

    async def _make_room(self) -> None:
        if self._is_closed:
            raise TooManySessionsError("The studio is ending.")
        unwatched = [address for address, served in self._served.items() if not served.watchers]
        if len(self._served) >= MAX_SESSIONS:
            if not unwatched:
                raise TooManySessionsError(
                    f"The studio already has {MAX_SESSIONS} sessions, all of them open in a browser; close one."
                )
            await self._end(unwatched[0], "There are too many sessions; this one ended because no page watched it.")

    def _end_later(self, address: str, served: _Served) -> None:
        self._cancel_ending(served)
        served.ending = asyncio.get_running_loop().call_later(self._grace, self._begin_to_end, address)

    def _begin_to_end(self, address: str) -> None:
        task = asyncio.ensure_future(self._end(address, "The session ended because no page watched it for long."))
        self._ending.add(task)  # the loop itself keeps no strong reference
        task.add_done_callback(self._ending.discard)

    @staticmethod
    def _cancel_ending(served: _Served) -> None:
        if served.ending is not None:
            served.ending.cancel()
            served.ending = None

    async def _end(self, address: str, text: str) -> None:
        served = self._served.pop(address, None)
        if served is None:
            return
        self._cancel_ending(served)
        try:
            await asyncio.to_thread(served.session.close, text)
        except Exception:
            LOGGER.exception("session %s could not be closed", address)
