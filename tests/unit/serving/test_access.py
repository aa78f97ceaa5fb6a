"""Who may ask: this machine, those who have the token, and no page of the web."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from creche.errors import CrecheError, PlanError
from creche.serving.run import Server, ServerOptions, read_token
from creche.serving.served_model import Models
from tests.unit.serving.serving import Client, running

TOKEN = "correct-horse-battery"


@pytest.fixture(scope="module")
def guarded(model_file: Path) -> Iterator[Client]:
    with running(model_file, token=TOKEN) as (_, client):
        yield client


@pytest.mark.parametrize("path", ["/predict", "/models", "/models/penguins", "/openapi.json", "/fish"])
@pytest.mark.parametrize(
    "given", ["", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer", "Bearer caf\u00e9"]
)
def test_without_the_right_token_nothing_is_told(path: str, given: str, guarded: Client) -> None:
    headers = {"Authorization": given} if given else {}
    answer = guarded.ask("GET", path, None, headers)
    assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "Authorization: Bearer TOKEN" in answer.data["detail"]
    assert TOKEN not in answer.body.decode()


def test_a_large_body_without_the_token_is_answered(guarded: Client) -> None:
    assert guarded.post("/predict", b" " * (8 << 20)).status == 401


def test_the_token_opens_everything(guarded: Client, rows: list[dict[str, Any]]) -> None:
    assert guarded.post("/predict", {"rows": rows}, Authorization=f"Bearer {TOKEN}").status == 200
    assert guarded.get("/models", Authorization=f"bearer {TOKEN}").status == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
def test_health_and_metrics_need_no_token(path: str, guarded: Client) -> None:
    assert guarded.get(path).status == 200


def test_a_name_that_leads_here_by_chance_is_refused(client: Client) -> None:
    answer = client.get("/models", Host="attacker.example")
    assert (answer.status, "Host: is not an address of this server" in answer.data["detail"]) == (421, True)
    port = client.address[1]
    assert client.get("/models", Host=f"LOCALHOST:{port}").status == 200


def test_other_pages_may_not_ask(client: Client, rows: list[dict[str, Any]]) -> None:
    assert client.post("/predict", {"rows": rows}, Origin="https://attacker.example").status == 403
    assert client.post("/predict", {"rows": rows}, Origin="null").status == 403
    assert client.post("/predict", {"rows": rows}, Origin=f"http://{client.host}").status == 200


def test_other_machines_need_a_token(model_file: Path) -> None:
    models = Models([model_file], threads=1)
    with pytest.raises(PlanError, match="which other machines reach; set a token by token=…"):
        Server(models, ServerOptions(host="0.0.0.0", port=0))
    with running(model_file, host="0.0.0.0", is_open=True) as (server, client):
        assert not server.is_on_loopback
        client.name, client.address = "127.0.0.1", ("127.0.0.1", client.address[1])
        assert client.get("/models", Host="service.example").status == 200


def test_a_token_comes_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRECHE_TOKEN", raising=False)
    assert read_token(None) == ""
    monkeypatch.setenv("CRECHE_TOKEN", TOKEN)
    assert read_token(None) == TOKEN
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}-2\n")
    assert read_token(path) == f"{TOKEN}-2"
    for content, told in (
        (b"short", "needs one line of at least 16"), (b"two words, and many of them", "needs one line"),
        (b"\xff" * 20, "it is not text"),
    ):  # fmt: skip
        path.write_bytes(content)
        with pytest.raises(CrecheError, match=told):
            read_token(path)
    with pytest.raises(CrecheError, match="cannot be read"):
        read_token(tmp_path)
