"""Starting the server, opening a browser, and ending both in order."""

from __future__ import annotations

import errno
import ipaddress
import logging
import os
import secrets
import socket
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from creche.errors import PlanError
from creche.studio.connection import MAX_REQUEST_BYTES
from creche.studio.server.access import TOKEN
from creche.studio.server.app import create_app
from creche.studio.server.sessions import CreateSession, Sessions

__all__ = ["DEFAULT_PORT", "Server", "ServerOptions", "serve"]

DEFAULT_PORT = 8450
LOOPBACK = "127.0.0.1"
ENDING = "The studio was ended where it had been started."
TOKEN_VARIABLE = "CRECHE_STUDIO_TOKEN"
SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """How the studio is served.

    Attributes
    ----------
    host : str
        The address to listen on.
    port : int, optional
        By default 8450, or a free one if that is taken.

    """

    host: str = LOOPBACK
    port: int | None = None


class Server:
    """The server of the studio, which listens from the beginning and answers while it runs.

    Parameters
    ----------
    create : callable
        Makes a session.
    page : Path
        The folder of the built page.
    options : ServerOptions

    Raises
    ------
    PlanError
        If the port is taken, or the address is none of this machine's.

    Attributes
    ----------
    link : str
        What a browser opens, with the token.

    """

    def __init__(self, create: CreateSession, page: Path, options: ServerOptions = ServerOptions()) -> None:
        token = _choose_token()
        self._options = options
        self._listener = _listen(options)
        port = self._listener.getsockname()[1]
        hosts = _own_hosts(options.host, port)
        self._sessions = Sessions(create)
        app = create_app(self._sessions, page, token=token, hosts=hosts, port=port)
        config = uvicorn.Config(
            app, ws="websockets-sansio", ws_max_size=16 * MAX_REQUEST_BYTES, ws_per_message_deflate=False,
            log_level=logging.WARNING, access_log=False, server_header=False, lifespan="off",
            timeout_graceful_shutdown=5,
        )  # fmt: skip
        self._server = _UvicornServer(config, self._sessions)
        self.link = f"http://{hosts[0]}/?{TOKEN}={token}"

    @property
    def is_on_loopback(self) -> bool:
        """Whether only this machine reaches it."""
        return ipaddress.ip_address(self._listener.getsockname()[0]).is_loopback

    def run(self, started: Callable[[], None]) -> None:
        """Serve until `stop` or Ctrl-C; the pages are told then. `started` is called once it answers."""
        self._server.started_callback = started
        try:
            self._server.run(sockets=[self._listener])
        finally:
            self._listener.close()

    def stop(self) -> None:
        """End the server soon. May be called from any thread."""
        self._server.should_exit = True


class _UvicornServer(uvicorn.Server):
    """A server that says when it answers, and that ends the sessions when it ends."""

    started_callback: Callable[[], None]

    def __init__(self, config: uvicorn.Config, sessions: Sessions) -> None:
        super().__init__(config)
        self._sessions = sessions

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.started_callback()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._sessions.close(ENDING)
        await super().shutdown(sockets)


def serve(server: Server, opens_browser: bool) -> None:
    """Serve the studio until Ctrl-C, print its link, and open it in a browser."""

    def tell() -> None:
        _say(f"The studio is at {server.link}")
        if not server.is_on_loopback:
            _say("It listens on the network, without encryption: all who have the link can use it.")
        if opens_browser and not _open_browser(server.link):
            _say("No browser was found on this machine; open the link in one that reaches it.")
        _say("Ctrl-C ends it.")

    try:
        server.run(tell)
    except KeyboardInterrupt:
        _say("The studio has ended.")


def _say(text: str) -> None:
    print(text, flush=True)


def _choose_token() -> str:
    """Return a random token, or the one that the environment sets, with which a page finds a restarted server."""
    token = os.environ.get(TOKEN_VARIABLE, "")
    if token and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isalnum()):
        raise PlanError(f"{TOKEN_VARIABLE}: needs at least {SHORTEST_TOKEN} letters and digits")
    return token or secrets.token_urlsafe(32)


def _listen(options: ServerOptions) -> socket.socket:
    if options.port is None:
        try:
            return _bind(options.host, DEFAULT_PORT)
        except PlanError as error:
            if not isinstance(error.__cause__, OSError) or error.__cause__.errno != errno.EADDRINUSE:
                raise
        return _bind(options.host, 0)
    if not 0 <= options.port <= 65535:
        raise PlanError(f"port: got {options.port}; needs a number from 0 to 65535", argument="port")
    return _bind(options.host, options.port)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise PlanError(f"host: got {host!r}, which is not an address of this machine", argument="host") from error
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            message = f"port: {port} is taken by another program; choose another, or leave it out for a free one"
            raise PlanError(message, argument="port") from error
        if error.errno in (errno.EACCES, errno.EPERM):
            message = f"port: got {port}, which only the administrator may use; choose one from 1024 on"
            raise PlanError(message, argument="port") from error
        raise PlanError(f"host: got {host!r}, which is not an address of this machine", argument="host") from error
    return listener


def _own_hosts(host: str, port: int) -> list[str]:
    """Return what the header Host of a request may be; the first is that of the link."""
    names = [host, LOOPBACK, "localhost"]
    if host in ("localhost", LOOPBACK):
        names = [LOOPBACK, "localhost"]
    elif host in ("0.0.0.0", "::", ""):
        names = [socket.gethostname(), *_own_addresses(), LOOPBACK, "localhost"]
    brackets = [f"[{name}]" if ":" in name else name for name in names]
    return [f"{name}:{port}" for name in dict.fromkeys(brackets)]


def _own_addresses() -> list[str]:
    """Return the addresses under which other machines may reach this one."""
    found = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        with socket.socket(family, socket.SOCK_DGRAM) as probe, suppress(OSError):
            probe.connect((elsewhere, 9))  # sends nothing, but chooses the address from which it would be sent
            found.append(str(probe.getsockname()[0]))
    return found


def _open_browser(link: str) -> bool:
    """Open a browser with a screen of its own; one that runs in the terminal could not show the page."""
    if os.name == "posix" and os.uname().sysname == "Linux" and not _has_screen():
        return False
    try:
        return webbrowser.open(link)
    except webbrowser.Error:
        return False


def _has_screen() -> bool:
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY") or os.environ.get("BROWSER"))
