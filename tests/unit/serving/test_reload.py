"""Model files that are replaced while their models are served, by others or by garbage."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

import creche as cr
from tests.unit.cli.commands import wait_until
from tests.unit.serving.serving import Client, running

Row = dict[str, Any]


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of another model of the same rows."""
    path = tmp_path_factory.mktemp("other") / "penguins.creche"
    cr.train("penguins", label="species", hidden=[2], epochs=3, seed=9, threads=1).model.save(path)
    return path


@pytest.fixture
def served(model_file: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(model_file, tmp_path / "penguins.creche"))


def replace(path: Path, content: bytes) -> None:
    new = path.with_suffix(".new")
    new.write_bytes(content)
    os.replace(new, path)


def predict(client: Client, rows: list[Row]) -> Any:
    answer = client.predict(*rows)
    assert answer.status == 200
    return answer.data["predictions"]


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, None])
def test_a_file_that_is_no_model_leaves_the_old_one(content: bytes | None, served: Path, rows: list[Row]) -> None:
    log: list[str] = []
    with running(served, log=log) as (server, client):
        before = predict(client, rows)
        if content is None:
            served.unlink()
        else:
            replace(served, content)
        server.reload()
        assert predict(client, rows) == before
        assert client.count('creche_reloads_total{model="penguins",outcome="failed"}') == 1
    assert len(log) == 1
    assert log[0].startswith(f"penguins: cannot be loaded again, and goes on as it is: {served}: ")


def test_a_damaged_file_leaves_the_old_model_and_a_whole_one_replaces_it(
    served: Path, other: Path, rows: list[Row]
) -> None:
    log: list[str] = []
    with running(served, log=log) as (server, client):
        before, digest = predict(client, rows), client.get("/models/penguins").data["digest"]
        whole = other.read_bytes()
        for end in (10, len(whole) // 2, len(whole) - 1):
            replace(served, whole[:end])
            server.reload()
            assert predict(client, rows) == before
        replace(served, whole)
        server.reload()
        assert predict(client, rows) != before
        assert client.get("/models/penguins").data["digest"] != digest
        assert client.count('creche_reloads_total{model="penguins",outcome="failed"}') == 3
        assert client.count('creche_reloads_total{model="penguins",outcome="loaded"}') == 1
    assert "was loaded again from" in log[-1]


def test_no_request_is_dropped_while_models_change(
    served: Path, model_file: Path, other: Path, rows: list[Row]
) -> None:
    with running(served) as (server, client):
        old = predict(client, rows)
        ended, answers = threading.Event(), list[Any]()

        def ask_on() -> None:
            while not ended.is_set():
                answers.append(predict(client, rows))

        threads = [threading.Thread(target=ask_on) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(6):
            replace(served, (model_file if number % 2 else other).read_bytes())
            server.reload()
            seen = len(answers)
            wait_until(lambda seen=seen: len(answers) > seen + 2)
            if not number:
                new = predict(client, rows)
        ended.set()
        for thread in threads:
            thread.join()
        assert old != new
        assert all(answer in (old, new) for answer in answers)
        assert old in answers
        assert new in answers


def test_a_watched_file_is_loaded_when_it_was_replaced(served: Path, other: Path, rows: list[Row]) -> None:
    with running(served, watches=True) as (_, client):
        before = predict(client, rows)
        replace(served, b"garbage")
        wait_until(lambda: client.count('creche_reloads_total{model="penguins",outcome="failed"}') == 1)
        assert predict(client, rows) == before
        replace(served, other.read_bytes())
        wait_until(lambda: predict(client, rows) != before)
