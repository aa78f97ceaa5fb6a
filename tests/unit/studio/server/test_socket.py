"""The WebSocket: requests and views, floods, slow readers, many watchers, and the end."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed

from creche.studio import outbox
from creche.studio.connection import MAX_REQUEST_BYTES, REQUESTS_PER_SECOND, Connection
from creche.studio.protocol.views import KeptFile
from creche.studio.server import socket as server_socket
from tests.patience import PATIENCE
from tests.unit.studio.server.serving import Client, EchoSession, running
from tests.unit.studio.test_outbox import tick


def test_requests_are_answered(client: Client) -> None:
    address = client.enter()
    with client.connect(address) as talk:
        welcome = talk.ask("Connect", version=1)
        assert welcome["type"] == "Welcome"
        assert talk.ask("Play")["body"]["text"] == "Play"


def test_two_tabs_watch_one_session_and_other_addresses_others(client: Client, sessions: list[EchoSession]) -> None:
    address = client.enter()
    with client.connect(address) as first, client.connect(address) as second, client.connect(client.enter()) as other:
        for talk in (first, second, other):
            talk.ask("Connect", version=1)
        assert len(sessions) == 2
        sessions[0].push(tick(1))
        assert first.receive()["type"] == second.receive()["type"] == "Tick"
        assert other.ask("Play")["type"] == "Done"  # and no tick before it


def test_twenty_watchers_get_the_ticks(client: Client, sessions: list[EchoSession]) -> None:
    address = client.enter()
    with ExitStack() as stack:
        talks = [stack.enter_context(client.connect(address)) for _ in range(20)]
        for talk in talks:
            talk.ask("Connect", version=1)
        for number in range(1, 4):
            sessions[0].push(tick(number))
            for talk in talks:
                assert talk.receive()["body"]["sequence"] == number
                talk.send("Acknowledge", sequence=number)
                assert talk.until("Done")


def test_at_most_two_ticks_are_sent_ahead(
    client: Client, sessions: list[EchoSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "ACKNOWLEDGEMENT_TIMEOUT", PATIENCE)
    with client.connect(client.enter()) as talk:
        talk.ask("Connect", version=1)
        for number in (1, 2):
            sessions[0].push(tick(number))
            assert talk.receive()["body"]["sequence"] == number
        for number in range(3, 50):
            sessions[0].push(tick(number))
        assert talk.ask("Play")["type"] == "Done"
        talk.send("Acknowledge", sequence=2)
        assert talk.until("Tick")["body"]["sequence"] == 49


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"type":"Play"}', '{"id":1,"type":"Nothing"}', "[" * 10_000])
def test_what_is_no_request_is_refused_and_the_connection_lives_on(client: Client, text: str) -> None:
    with client.connect(client.enter()) as talk:
        talk.socket.send(text)
        assert talk.receive()["body"]["code"] == "bad_request"
        talk.socket.send(text.encode())
        assert talk.receive()["body"]["code"] == "bad_request"
        assert talk.ask("Play")["type"] == "Done"


def test_a_request_that_is_too_long_is_refused(client: Client, sessions: list[EchoSession]) -> None:
    with client.connect(client.enter()) as talk:
        talk.socket.send(json.dumps({"type": "Play", "id": 1, "x": "y" * MAX_REQUEST_BYTES}))
        failure = talk.receive()["body"]
        assert failure["code"] == "too_large"
        assert talk.ask("Play")["type"] == "Done"
        assert len(sessions[0].requests) == 1


def test_a_giant_message_ends_only_its_connection(client: Client) -> None:
    address = client.enter()
    with client.connect(address) as other, client.connect(address) as talk:
        talk.socket.send("x" * 2_000_000)
        with pytest.raises(ConnectionClosed):
            talk.receive()
        assert other.ask("Play")["type"] == "Done"


def test_a_flood_is_refused_and_the_connection_lives_on(
    client: Client, sessions: list[EchoSession], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The clock does not move, so that the flood comes within a second."""
    monkeypatch.setattr(server_socket, "Connection", partial(Connection, clock=lambda: 0.0))
    monkeypatch.setattr(server_socket, "PAUSE", 0)
    flood = 2 * REQUESTS_PER_SECOND
    with client.connect(client.enter()) as talk:
        for _ in range(flood):
            talk.send("Play")
        answers = [talk.receive() for _ in range(flood)]
        assert [answer["reply"] for answer in answers] == list(range(1, flood + 1))
        refused = [answer for answer in answers if answer["type"] == "Failure"]
        assert {answer["body"]["code"] for answer in refused} == {"busy"}
        assert len(sessions[0].requests) == flood - len(refused) == REQUESTS_PER_SECOND
        assert talk.ask("Pause")["type"] == "Failure"


def test_a_page_that_does_not_read_is_not_read_either(page: Path) -> None:
    """Answers of a megabyte, 150 of them: only a few are made, until the page reads on; all arrive."""
    made = threading.Semaphore(0)

    class Generous(EchoSession):
        def submit(self, watcher, received) -> None:  # type: ignore[no-untyped-def]
            self.requests.append(received.request)
            watcher.send(KeptFile("a", "b", np.zeros(1_000_000, dtype=np.uint8), ""), received.id)
            made.release()

    sessions: list[EchoSession] = []

    def create() -> EchoSession:
        sessions.append(Generous())
        return sessions[-1]

    with running(create, page) as (_, client), client.connect(client.enter(), max_queue=1) as talk:
        for _ in range(150):
            talk.send("Play")
        for _ in range(100):
            assert made.acquire(timeout=PATIENCE)
        with client.connect(client.enter()) as other:  # the server still answers
            other.ask("Play")
        assert len(sessions[0].requests) < 150
        assert [talk.receive()["reply"] for _ in range(150)] == list(range(1, 151))


def test_a_page_that_comes_back_finds_its_session(client: Client, sessions: list[EchoSession]) -> None:
    address = client.enter()
    with client.connect(address) as talk:
        talk.ask("Play")
    talk.socket.socket.close()
    with client.connect(address) as talk:
        talk.ask("Pause")
    assert len(sessions) == 1
    assert len(sessions[0].requests) == 2


def test_the_pages_are_told_when_the_server_ends(page: Path) -> None:
    sessions: list[EchoSession] = []

    def create() -> EchoSession:
        sessions.append(EchoSession())
        return sessions[-1]

    with running(create, page) as (server, client), client.connect(client.enter()) as talk:
        talk.ask("Connect", version=1)
        server.stop()
        assert talk.receive()["type"] == "Closing"
        with pytest.raises(ConnectionClosed) as closed:
            talk.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code in (1001, 1012)
    assert sessions[0].closed_with


def test_a_server_that_was_started_again_is_found_with_the_same_token(
    page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRECHE_STUDIO_TOKEN", "0123456789abcdef")
    with running(EchoSession, page) as (_, client):
        address = client.enter()
        port = int(client.host.rpartition(":")[2])
        with client.connect(address) as talk:
            talk.ask("Connect", version=1)
    with running(EchoSession, page, port=port), client.connect(address) as talk:
        assert talk.ask("Connect", version=1)["type"] == "Welcome"
