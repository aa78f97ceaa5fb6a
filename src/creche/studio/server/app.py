"""The web application of the studio."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket

from creche.studio.server.access import Access, refusal_page
from creche.studio.server.pages import begin_session, report_health, send_page, take_upload
from creche.studio.server.sessions import Sessions
from creche.studio.server.socket import serve_socket

__all__ = ["create_app"]


def create_app(sessions: Sessions, page: Path, *, token: str, hosts: Collection[str], port: int) -> Starlette:
    """Create the application.

    Parameters
    ----------
    sessions : Sessions
    page : Path
        The folder of the built page.
    token, hosts, port
        As `Access` takes them.

    Returns
    -------
    Starlette
        ``/`` begins a session and leads to its page, ``/s/ADDRESS/``; below it are ``ws``, its WebSocket, and
        ``upload``. ``/health`` is answered to everyone.

    """

    async def connect(socket: WebSocket) -> None:
        await serve_socket(socket, sessions)

    app = Starlette(
        routes=[
            Route("/", begin_session),
            Route("/health", report_health),
            Route("/s/{address}/", send_page),
            Route("/s/{address}/upload", take_upload, methods=["POST"]),
            WebSocketRoute("/s/{address}/ws", connect),
            Route("/{path:path}", StaticFiles(directory=page)),
        ],
        middleware=[Middleware(Access, token=token, hosts=hosts, port=port)],
        exception_handlers={404: _not_found},
    )
    app.state.sessions = sessions
    app.state.page = page
    return app


async def _not_found(request: Request, _: Exception) -> Response:
    return refusal_page("There is no such page; the studio begins at /.", 404)
