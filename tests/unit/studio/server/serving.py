"""A server of the studio in a thread, and a page that talks to it without a browser."""

from __future__ import annotations

import http.client
import json
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import ClientConnection, connect

from creche.studio.outbox import Outbox
from creche.studio.protocol.frames import ReceivedRequest
from creche.studio.protocol.requests import Connect
from creche.studio.protocol.views import Closing, Done
from creche.studio.server.run import Server, ServerOptions
from creche.studio.server.sessions import CreateSession
from creche.studio.uploads import Uploads
from tests.patience import PATIENCE
from tests.unit.studio.watching import empty_welcome


class EchoSession:
    """A session that answers each request with its kind."""

    def __init__(self) -> None:
        self.uploads = Uploads(limit=1_000_000)
        self.watchers: list[Outbox] = []
        self.requests: list[Any] = []
        self.closed_with: str | None = None

    def attach(self, watcher: Outbox) -> None:
        self.watchers.append(watcher)

    def detach(self, watcher: Outbox) -> None:
        self.watchers.remove(watcher)

    def submit(self, watcher: Outbox, received: ReceivedRequest) -> None:
        self.requests.append(received.request)
        if isinstance(received.request, Connect):
            view: object = empty_welcome(str(id(self)), self.uploads.limit)
        else:
            view = Done(type(received.request).__name__)
        watcher.send(view, received.id)

    def push(self, view: object) -> None:
        for watcher in list(self.watchers):
            watcher.send(view)

    def close(self, text: str) -> None:
        self.closed_with = text
        self.uploads.close()
        self.push(Closing(text))


class Client:
    """A browser, as far as the server can tell."""

    def __init__(self, link: str) -> None:
        self.link = link
        parts = urlsplit(link)
        self.host, self.token_query = parts.netloc, parts.query
        self.cookie = ""

    def get(self, path: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        return self.ask("GET", path, None, **headers)

    def ask(self, method: str, path: str, body: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = http.client.HTTPConnection(self.host, timeout=PATIENCE)
        sent = {"Host": self.host} | ({"Cookie": self.cookie} if self.cookie else {})
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, {name: value for name, value in sent.items() if value})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    def enter(self) -> str:
        """Open the link as a browser does, and return the address of the session."""
        status, headers, _ = self.get(f"/?{self.token_query}")
        assert (status, headers["location"]) == (303, "/")
        self.cookie = headers["set-cookie"].partition(";")[0]
        status, headers, _ = self.get("/")
        assert status == 303
        return headers["location"].strip("/").partition("/")[2]

    def upload(self, address: str, name: str, content: bytes) -> tuple[int, dict[str, Any]]:
        status, _, body = self.ask(
            "POST", f"/s/{address}/upload?name={name}", content, Origin=f"http://{self.host}"
        )  # fmt: skip
        return status, json.loads(body)

    @contextmanager
    def connect(self, address: str, **changed: Any) -> Iterator[Talk]:
        """Connect as a page of this server does, or with something `changed`."""
        headers = {"Cookie": self.cookie} | changed.pop("headers", {})
        options = {
            "origin": f"http://{self.host}", "subprotocols": ["creche.1"], "max_size": None,
            "close_timeout": 0,  # a page that goes away does not wait for the server
        } | changed  # fmt: skip
        target = f"ws://{self.host}/s/{address}/ws"
        with connect(target, additional_headers=headers, compression=None, proxy=None, **options) as socket:
            yield Talk(socket)


class Talk:
    """A WebSocket on which requests are numbered and frames decoded."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.next = 1

    def send(self, type_: str, **fields: Any) -> int:
        number, self.next = self.next, self.next + 1
        self.socket.send(json.dumps({"type": type_, "id": number, **fields}))
        return number

    def receive(self) -> dict[str, Any]:
        """Return the header of the next frame."""
        frame = self.socket.recv(timeout=PATIENCE)
        assert isinstance(frame, bytes)
        (size,) = struct.unpack_from("<I", frame)
        header: dict[str, Any] = json.loads(frame[4 : 4 + size])
        return header

    def ask(self, type_: str, **fields: Any) -> dict[str, Any]:
        """Send a request and return the header of its answer."""
        number = self.send(type_, **fields)
        return next(header for header in iter(self.receive, None) if header["reply"] == number)

    def until(self, type_: str) -> dict[str, Any]:
        return next(header for header in iter(self.receive, None) if header["type"] == type_)


@contextmanager
def running(create: CreateSession, page: Path, port: int = 0) -> Iterator[tuple[Server, Client]]:
    """Serve in a thread on a free port until the block ends."""
    server = Server(create, page, ServerOptions(port=port))
    started = threading.Event()
    thread = threading.Thread(target=server.run, args=(started.set,))
    thread.start()
    try:
        assert started.wait(PATIENCE)
        yield server, Client(server.link)
    finally:
        server.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()
