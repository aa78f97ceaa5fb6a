"""Starting the server, opening a browser, and ending both in order."""

from __future__ import annotations

import logging
import os
import secrets
import socket
import webbrowser
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from creche._system.http_server import ListeningServer, UvicornServer
from creche._system.listening import LOOPBACK, is_taken, list_own_hosts, listen
from creche.errors import PlanError
from creche.studio.connection import MAX_REQUEST_BYTES
from creche.studio.server.access import TOKEN
from creche.studio.server.app import create_app
from creche.studio.server.sessions import CreateSession, Sessions

__all__ = ["DEFAULT_PORT", "Server", "ServerOptions", "serve"]

DEFAULT_PORT = 8450
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


class Server(ListeningServer):
    """The server of the studio, which listens from the beginning and answers while it runs.

    The pages are told when it ends.

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
        listener = _listen(options)
        port = listener.getsockname()[1]
        hosts = list_own_hosts(options.host, port)
        sessions = Sessions(create)
        app = create_app(sessions, page, token=token, hosts=hosts, port=port)
        config = uvicorn.Config(
            app, ws="websockets-sansio", ws_max_size=16 * MAX_REQUEST_BYTES, ws_per_message_deflate=False,
            log_level=logging.WARNING, access_log=False, server_header=False, lifespan="off",
            timeout_graceful_shutdown=5,
        )  # fmt: skip
        super().__init__(listener, _ServerOfSessions(config, sessions), f"http://{hosts[0]}/?{TOKEN}={token}")


class _ServerOfSessions(UvicornServer):
    """A server that ends the sessions when it ends."""

    def __init__(self, config: uvicorn.Config, sessions: Sessions) -> None:
        super().__init__(config)
        self._sessions = sessions

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
    if options.port is not None:
        return listen(options.host, options.port)
    try:
        return listen(options.host, DEFAULT_PORT)
    except PlanError as error:
        if not is_taken(error):
            raise
    return listen(options.host, 0)


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
