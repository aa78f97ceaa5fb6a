"""Who is let in: every refusal there must be, and the one way in."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from tests.patience import PATIENCE
from tests.unit.studio.server.serving import Client, EchoSession


def test_the_link_gives_a_cookie_and_leads_to_a_session_of_its_own(client: Client) -> None:
    status, headers, _ = client.get(f"/?{client.token_query}")
    (cookie,) = SimpleCookie(headers["set-cookie"]).values()
    assert status == 303
    assert headers["location"] == "/"
    assert cookie["httponly"]
    assert cookie["samesite"] == "strict"
    assert cookie.key == f"creche-{client.host.rpartition(':')[2]}"
    first, second = client.enter(), client.enter()
    assert first != second
    status, headers, body = client.get(f"/s/{first}/")
    assert status == 200
    assert b"Creche" in body


def test_every_answer_has_the_headers_that_keep_others_out(client: Client) -> None:
    client.enter()
    for path in ("/", "/health", "/assets/index.js", "/nothing", "/s/AAAAAAAAAAAAAAAA/"):
        _, headers, _ = client.get(path)
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers


@pytest.mark.parametrize("path", ["/", "/s/AAAAAAAAAAAAAAAA/", "/assets/index.js", "/nothing"])
def test_nothing_is_served_without_the_cookie(client: Client, path: str) -> None:
    assert client.get(path)[0] == 403
    client.cookie = "creche-1=" + client.token_query.partition("=")[2]  # of another port
    assert client.get(path)[0] == 403
    client.cookie = f"creche-{client.host.rpartition(':')[2]}=wrong"
    assert client.get(path)[0] == 403


def test_health_tells_nothing_and_needs_nothing(client: Client) -> None:
    status, _, body = client.get("/health")
    assert (status, body) == (200, b'{"status":"ok"}')
    assert client.get("/health", Host="evil.example")[0] == 403


@pytest.mark.parametrize("token", ["wrong", "", "é" * 43])
def test_a_wrong_token_is_refused(client: Client, token: str) -> None:
    from urllib.parse import quote

    status, headers, _ = client.get(f"/?token={quote(token)}")
    assert status == 403
    assert "set-cookie" not in headers


def test_a_token_leads_to_no_other_server(client: Client) -> None:
    _, headers, _ = client.get(f"//evil.example/?{client.token_query}")
    assert headers["location"] == "/evil.example/"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost.evil.example:80"])
def test_a_foreign_host_is_refused_even_with_the_cookie(client: Client, host: str) -> None:
    client.enter()
    assert client.get("/", Host=host)[0] == 403


def test_localhost_is_the_same_server(client: Client) -> None:
    client.enter()
    assert client.get("/", Host=client.host.replace("127.0.0.1", "localhost"))[0] == 303


def test_another_page_can_neither_read_nor_upload(client: Client, sessions: list[EchoSession]) -> None:
    address = client.enter()
    assert client.get("/", Origin="http://evil.example")[0] == 403
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", ""):
        assert client.ask("POST", f"/s/{address}/upload?name=a.csv", b"x", Origin=origin)[0] == 403
    assert sessions == []


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "http://evil.example"}, {"origin": "http://127.0.0.1:1"}, {"origin": None}, {"origin": "null"},
        {"headers": {"Cookie": ""}}, {"headers": {"Cookie": "creche-1=x"}}, {"subprotocols": None},
        {"subprotocols": ["creche.99"]},
    ],
)  # fmt: skip
def test_a_socket_is_refused(client: Client, sessions: list[EchoSession], changed: dict[str, Any]) -> None:
    address = client.enter()
    with pytest.raises(InvalidStatus) as refused, client.connect(address, **changed):
        pass
    assert refused.value.response.status_code == 403
    assert sessions == []


def test_a_socket_with_a_foreign_host_is_refused(client: Client, sessions: list[EchoSession]) -> None:
    import socket

    address = client.enter()
    host, port = client.host.split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as raw:
        raw.sendall(
            f"GET /s/{address}/ws HTTP/1.1\r\nHost: evil.example\r\nOrigin: http://evil.example\r\nCookie: "
            f"{client.cookie}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: creche.1\r\n\r\n".encode()
        )
        assert b" 403 " in raw.recv(4096).partition(b"\r\n")[0]
    assert sessions == []


@pytest.mark.parametrize(
    "path", ["/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt"]
)
def test_no_file_outside_the_page_is_served(client: Client, path: str) -> None:
    client.enter()
    status, _, body = client.get(path)
    assert status == 404
    assert b"secret" not in body
