"""Files that a page uploads through HTTP."""

from __future__ import annotations

import pytest

from tests.unit.studio.server.serving import Client, EchoSession


def test_a_file_arrives_in_its_session(client: Client, sessions: list[EchoSession]) -> None:
    first, second = client.enter(), client.enter()
    content = bytes(range(256)) * 2000
    status, answer = client.upload(first, "a.bin", content)
    assert status == 200
    client.upload(second, "a.bin", b"other")
    assert sessions[0].uploads.path(answer["upload"]).read_bytes() == content


def test_a_file_that_is_too_large_is_refused_with_a_sentence(client: Client, sessions: list[EchoSession]) -> None:
    status, answer = client.upload(client.enter(), "a.csv", bytes(20_000_000))
    assert status == 413
    assert answer["code"] == "too_large"
    assert answer["text"].startswith("a.csv: is larger than 1 MiB")


@pytest.mark.parametrize("address", ["x", "A" * 17, "../../etc"])
def test_an_address_of_no_session_is_refused(client: Client, sessions: list[EchoSession], address: str) -> None:
    client.enter()
    status, _, _ = client.ask("POST", f"/s/{address}/upload", b"x", Origin=f"http://{client.host}")
    assert status in (404, 405)
    assert sessions == []
