"""What every request goes through: who may ask, what is counted, and what every answer carries."""

from __future__ import annotations

import hmac
import time
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from creche.serving.metrics import Metrics
from creche.serving.problems import ProblemError, problem_response

__all__ = ["OPEN_PATHS", "Access", "Gate", "ServerState"]

OPEN_PATHS = frozenset(
    {"/", "/page.js", "/page.css", "/health", "/ready", "/ping", "/metrics", "/v2/health/live", "/v2/health/ready"}
)
"""What is answered without the token; it tells nothing of the models but their names and digests."""

HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
CLOSE = (b"connection", b"close")


@dataclass(slots=True)
class ServerState:
    """What the server is doing.

    Attributes
    ----------
    is_ready : bool
        Whether new requests are welcome; not while the server ends.

    """

    is_ready: bool = True


@dataclass(frozen=True, slots=True)
class Access:
    """Who may ask.

    Attributes
    ----------
    token : str
        What requests must carry; empty for none.
    hosts : collection of str
        What the header Host may be, and with ``http://`` before it the header Origin: a page on the web could otherwise
        ask through the browser of someone on this machine. Empty if a token, or the one who started the server, takes
        care of that.

    """

    token: str = ""
    hosts: Collection[str] = ()

    def find_problem(self, scope: Scope) -> ProblemError | None:
        """Return why a request is refused; None if it is not."""
        headers = Headers(scope=scope)
        if self.hosts:
            if headers.get("host", "").lower() not in self.hosts:
                detail = "Host: is not an address of this server; use the one that it printed"
                return ProblemError(421, detail, is_early=True)
            origin = headers.get("origin")
            if origin is not None and origin.removeprefix("http://") not in self.hosts:
                detail = "Origin: the request comes from another page; open that of this server"
                return ProblemError(403, detail, is_early=True)
        if not self.token or scope["path"] in OPEN_PATHS:
            return None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode("latin-1"), self.token.encode()):
            return None
        problem = "is not that of this server" if given else "is missing"
        detail = f"the token {problem}; send the header 'Authorization: Bearer TOKEN'"
        return ProblemError(401, detail, headers={"WWW-Authenticate": "Bearer"}, is_early=True)


class Gate:
    """Middleware around the application.

    Parameters
    ----------
    app : ASGI application
    access : Access
    metrics : Metrics
    state : ServerState

    """

    def __init__(self, app: ASGIApp, *, access: Access, metrics: Metrics, state: ServerState) -> None:
        self._app = app
        self._access, self._metrics, self._state = access, metrics, state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, start, is_ready = 500, time.perf_counter(), self._state.is_ready

        async def send_counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                nonlocal status
                status = message["status"]
                message["headers"] = [*message["headers"], *HEADERS, *(() if is_ready else (CLOSE,))]
            await send(message)

        metrics = self._metrics
        metrics.in_progress += 1
        try:
            problem = self._access.find_problem(scope)
            app = self._app if problem is None else problem_response(problem)
            await app(scope, receive, send_counted)
        finally:
            metrics.in_progress -= 1
            endpoint = scope.get("endpoint")
            name = "none" if endpoint is None else getattr(endpoint, "__name__", "other")
            metrics.count_request(name, status, time.perf_counter() - start)
