"""Servers of uvicorn that listen from the beginning, say when they answer, and are ended from any thread."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from creche._system.listening import is_on_loopback

__all__ = ["ListeningServer", "UvicornServer"]


class UvicornServer(uvicorn.Server):
    """A server that says when it answers."""

    started_callback: Callable[[], object]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.prepare()
        self.started_callback()

    def prepare(self) -> None:
        """Do what has to be done before the server says that it answers."""


class ListeningServer:
    """A server that listens from the beginning and answers while it runs.

    Parameters
    ----------
    listener : socket
    server : UvicornServer
    link : str

    Attributes
    ----------
    link : str
        Where it is.

    """

    def __init__(self, listener: socket.socket, server: UvicornServer, link: str) -> None:
        self._listener, self._server, self.link = listener, server, link

    @property
    def is_on_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return is_on_loopback(self._listener)

    def run(self, started: Callable[[], object]) -> None:
        """Serve until `stop`, Ctrl-C or another signal that ends it. `started` is called once it answers."""
        self._server.started_callback = started
        try:
            self._server.run(sockets=[self._listener])
        finally:
            self._listener.close()

    def stop(self) -> None:
        """End the server soon. May be called from any thread."""
        self._server.should_exit = True
