"""A server of models in a thread, and clients that speak HTTP to it, rightly or not."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from creche.serving.run import Server, ServerOptions
from creche.serving.served_model import Models
from tests.patience import PATIENCE

JSON = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def data(self) -> Any:
        return json.loads(self.body)


class Client:
    """Asks a server, each time on a new connection."""

    def __init__(self, link: str) -> None:
        self.host = urlsplit(link).netloc
        self.name, port = self.host.split(":")
        self.address = (self.name, int(port))

    def ask(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] = {}) -> Answer:
        connection = http.client.HTTPConnection(*self.address, timeout=PATIENCE)
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, data: Any, **headers: str) -> Answer:
        body = data if isinstance(data, bytes | str) else json.dumps(data)
        return self.ask("POST", path, body, JSON | {name.replace("_", "-"): value for name, value in headers.items()})

    def predict(self, *rows: Any, **more: Any) -> Answer:
        return self.post("/predict", {"rows": rows, **more})

    def count(self, metric: str) -> float:
        """Return what a line of the metrics counts."""
        lines = self.get("/metrics").body.decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric)), 0.0)

    @contextmanager
    def connect(self) -> Iterator[socket.socket]:
        """Connect, to send whatever one likes."""
        with socket.create_connection(self.address, timeout=PATIENCE) as connection:
            yield connection


def read_to_end(connection: socket.socket) -> bytes:
    """Return all that the server sends until it closes the connection."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


@contextmanager
def running(*paths: Path, log: list[str] | None = None, **options: Any) -> Iterator[tuple[Server, Client]]:
    """Serve in a thread on a free port until the block ends."""
    told: list[str] = [] if log is None else log
    server = Server(Models(paths, threads=1), replace(ServerOptions(port=0), **options), log=told.append)
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
