"""What the processes that serve together tell each other: one object of JSON on each line of a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import orjson

__all__ = ["Channel"]

LONGEST_LINE = 64 * 2**20


class Channel:
    """One end of the connection between the process that was started and one of its workers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, end: socket.socket) -> Channel:
        """Return the channel of a connected socket, in the loop that runs."""
        end.setblocking(False)
        return cls(*await asyncio.open_connection(sock=end, limit=LONGEST_LINE))

    def send(self, **message: Any) -> None:
        """Send a message; one to a process that has ended is lost."""
        if not self._writer.is_closing():
            self._writer.write(orjson.dumps(message) + b"\n")

    async def messages(self) -> AsyncIterator[dict[str, Any]]:
        """Yield what comes, until the other process ends."""
        with suppress(ConnectionError):
            while line := await self._reader.readline():
                yield orjson.loads(line)

    def close(self) -> None:
        """Close this end."""
        self._writer.close()
