"""Who may use the server: the person who started it, from the page that it serves, and no other page."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import URL, Headers, MutableHeaders
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["OPEN_PATHS", "TOKEN", "Access", "refusal_page"]

OPEN_PATHS = ("/health",)
"""What is answered without the cookie; it tells nothing."""

TOKEN = "token"
"""The parameter of the link that holds the secret."""
MONTH = 30 * 24 * 3600

# The page may load only what this server sends, runs no code from a text, and cannot be shown inside another page.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "manifest-src 'self'; connect-src 'self' {sockets}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class Access:
    """Middleware that lets requests and WebSockets through only with the right Host, Origin and cookie.

    The Host must be one of the server's: a foreign name that leads to this machine (DNS rebinding) is refused. The
    Origin must be that of the page where a browser tells one, and must be told for a WebSocket and for everything that
    is not only read. A request with the token in its address gets the cookie, and is sent on to the address without it.

    Parameters
    ----------
    app : ASGI application
    token : str
    hosts : collection of str
        Names and addresses of the server, with the port, as they appear in the header Host.
    port : int
        Cookies are shared by all ports of a host, so the name of the cookie has it.

    """

    def __init__(self, app: ASGIApp, *, token: str, hosts: Collection[str], port: int) -> None:
        self._app = app
        self._token = token
        self._hosts = frozenset(host.lower() for host in hosts)
        self._cookie = f"creche-{port}"
        self._policy = POLICY.format(sockets=" ".join(sorted(f"ws://{host}" for host in self._hosts)))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in (("Content-Security-Policy", self._policy), *HEADERS.items()):
                    headers.setdefault(name, value)
            await send(message)

        answer = self._check(scope)
        if answer is None:
            await self._app(scope, receive, send_with_headers)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the browser gets a 403
        else:
            await answer(scope, receive, send_with_headers)

    def _check(self, scope: Scope) -> Response | None:
        """Return the answer to a request that is not passed on."""
        headers = Headers(scope=scope)
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return refusal_page("This address is not one of the studio's; open the link that it printed.")
        reads_only = scope["type"] == "http" and scope["method"] in ("GET", "HEAD")
        if origins != [f"http://{hosts[0].lower()}"] and (origins or not reads_only):
            return refusal_page("The request comes from another page; open the link that the studio printed.")
        if scope["type"] == "http" and scope["path"] in OPEN_PATHS:
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in query if name == TOKEN]
        if given and reads_only:
            if not self._is_token(given[0]):
                return refusal_page("The link is not that of this server; open the one that it printed last.")
            return self._welcome(scope, [pair for pair in query if pair[0] != TOKEN])
        if not self._is_token(self._read_cookie(headers)):
            return refusal_page("The studio needs the link that it printed, with its token.")
        return None

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(errors="replace"), self._token.encode())

    def _read_cookie(self, headers: Headers) -> str:
        jar: SimpleCookie = SimpleCookie()
        try:
            jar.load("; ".join(headers.getlist("cookie")))
        except CookieError:
            return ""
        return jar[self._cookie].value if self._cookie in jar else ""

    def _welcome(self, scope: Scope, query: list[tuple[str, str]]) -> Response:
        # Only the path of the address that was asked for, so that it cannot lead to another server.
        path = "/" + URL(scope=scope).path.lstrip("/")
        response = RedirectResponse(f"{path}?{urlencode(query)}" if query else path, status_code=303)
        response.headers["Cache-Control"] = "no-store"
        response.set_cookie(self._cookie, self._token, max_age=MONTH, path="/", httponly=True, samesite="strict")
        return response


def refusal_page(text: str, status: int = 403) -> HTMLResponse:
    """Return a page that says in one sentence why there is no other."""
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Creche</title><link rel="icon" href="data:,">'
        f"<h1>Creche</h1><p>{text}</p></html>"
    )
    return HTMLResponse(page, status, headers={"Cache-Control": "no-store"})
