"""Clients that are slow, many, or gone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from pathlib import Path
from typing import Any

from creche.serving.bodies import Limits
from tests.event_loops import run_on_thread
from tests.patience import PATIENCE
from tests.unit.cli.commands import wait_until
from tests.unit.serving.serving import Client, read_to_end, running

HASTY = Limits(receive_seconds=0.2, answer_seconds=0.2)


def request_of(client: Client, rows: list[dict[str, Any]]) -> bytes:
    body = json.dumps({"rows": rows}).encode()
    head = f"POST /predict HTTP/1.1\r\nHost: {client.host}\r\nContent-Type: application/json\r\n"
    return head.encode() + b"Content-Length: %d\r\n\r\n" % len(body) + body


def ask_in_vain(client: Client, sent: bytes) -> bytes:
    """Send the beginning of a request, and return what comes until the server closes the connection."""
    with client.connect() as connection:
        with contextlib.suppress(OSError):  # on a busy machine, it may be closed by then
            connection.sendall(sent)
        return read_to_end(connection)


def test_clients_that_do_not_go_on_are_cut_off(model_file: Path, rows: list[dict[str, Any]]) -> None:
    with running(model_file, limits=HASTY) as (_, client):
        whole = request_of(client, rows)
        assert ask_in_vain(client, b"") == b""
        assert ask_in_vain(client, whole[:30]) == b""
        # Again where the machine was so busy that the headers came too late.
        wait_until(lambda: ask_in_vain(client, whole[:-30]).startswith(b"HTTP/1.1 408 "))
        wait_until(lambda: ask_in_vain(client, whole).startswith(b"HTTP/1.1 200 "))


def test_a_connection_that_was_used_is_not_kept_for_ever(model_file: Path, rows: list[dict[str, Any]]) -> None:
    with running(model_file, limits=HASTY) as (_, client):
        whole = request_of(client, rows)
        wait_until(lambda: ask_in_vain(client, whole * 2).count(b"HTTP/1.1 200 ") == 2)


def test_a_client_that_does_not_read_is_cut_off(model_file: Path, rows: list[dict[str, Any]]) -> None:
    limits = Limits(receive_seconds=0.2, answer_seconds=0.2, max_bytes=2**26)
    with running(model_file, limits=limits) as (server, client), client.connect() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        with contextlib.suppress(OSError):  # once the answers fill all buffers, requests do, too
            for _ in range(100):
                connection.sendall(request_of(client, rows * 500))
        wait_until(lambda: not server.open_connections)


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(client: Client, rows: list[dict[str, Any]]) -> None:
    whole = request_of(client, rows)
    for end in (1, 40, len(whole) - 1, len(whole)):
        with client.connect() as connection:
            connection.sendall(whole[:end])
    assert client.predict(*rows).status == 200


def test_more_connections_than_allowed_are_told_that_the_server_is_busy(
    model_file: Path, rows: list[dict[str, Any]]
) -> None:
    with running(model_file, limits=Limits(max_connections=5)) as (_, client):
        with contextlib.ExitStack() as stack:
            for _ in range(10):
                stack.enter_context(client.connect())
            assert client.predict(*rows).status == 503
        wait_until(lambda: client.predict(*rows).status == 200)


def test_hundreds_at_once_are_answered(client: Client, rows: list[dict[str, Any]]) -> None:
    whole = request_of(client, rows[:1]).replace(b"Content-Type", b"Connection: close\r\nContent-Type")

    async def ask() -> bytes:
        reader, writer = await asyncio.open_connection(*client.address)
        writer.write(whole)
        answer = await reader.read()
        writer.close()
        return answer.partition(b"\r\n\r\n")[2]

    async def ask_all() -> list[bytes]:
        return await asyncio.wait_for(asyncio.gather(*(ask() for _ in range(300))), PATIENCE)

    answers = run_on_thread(ask_all)
    assert set(answers) == {client.predict(rows[0]).body}
