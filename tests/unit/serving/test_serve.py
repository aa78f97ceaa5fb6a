"""`creche.serve`: models and files that answer on a thread of this program, and the calls that it refuses."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import creche as cr
from creche.errors import FileError, PlanError
from creche.model.model import Model
from tests.unit.cli.commands import wait_until
from tests.unit.serving.serving import Client

TOKEN = "correct-horse-battery"


def test_a_model_in_memory_answers_as_it_predicts(model: Model, rows: list[dict[str, Any]]) -> None:
    with cr.serve(model, port=0) as server:
        answer = Client(server.link).post("/models/model/predict", {"rows": rows})
        assert (repr(server), server.is_running) == (f"ModelServer('{server.link}')", True)
    found = [list(row["probabilities"].values()) for row in answer.data["predictions"]]
    assert found == model.predict_proba(rows).astype(float).tolist()
    assert (repr(server), server.is_running) == ("ModelServer(stopped)", False)
    with pytest.raises(ConnectionRefusedError):
        Client(server.link).get("/health")


def test_models_and_files_have_the_names_of_a_dict(model: Model, model_file: Path, masses: Path) -> None:
    with cr.serve({"a": model, "b c": str(model_file), "d": masses}, port=0, token=TOKEN) as server:
        client = Client(server.link)
        assert client.get("/models").status == 401
        served = client.get("/models", Authorization=f"Bearer {TOKEN}").data["models"]
    assert [one["name"] for one in served] == ["a", "b c", "d"]
    with cr.serve([model_file, masses], port=0) as server:
        assert [one["name"] for one in Client(server.link).get("/models").data["models"]] == ["penguins", "masses"]


def test_a_file_is_loaded_again_when_it_is_told_to(model_file: Path, tmp_path: Path) -> None:
    path, log = tmp_path / "penguins.creche", list[str]()
    path.write_bytes(model_file.read_bytes())
    with cr.serve(path, port=0, log=log.append) as server:
        path.write_bytes(b"garbage")
        server.reload()
        assert Client(server.link).get("/health").status == 200
    assert log[0].startswith("penguins: cannot be loaded again, and goes on as it is")


def test_waiting_ends_when_the_server_is_stopped(model: Model) -> None:
    server = cr.serve(model, port=0)
    waiting = threading.Thread(target=server.wait)
    waiting.start()
    server.stop()
    waiting.join()
    wait_until(lambda: not server.is_running)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"models": []}, "models: got none; give a model, or the name of its file"),
        ({"models": {"a/b": "m.creche"}}, "models: got the name 'a/b'; needs text without a slash"),
        ({"models": {"a": 1}}, "models: 'a' is a int; needs a model, or the name of its file"),
        ({"models": 1}, "models: got 1; needs a model, the name of a file, several of them, or a dict"),
        ({"models": ["x/m.creche", "y/m.creche"]}, "have the same name, 'm'; name them by a dict"),
        ({"models": [3]}, "models: got a int in a list; needs the names of files; name models by a dict"),
        ({"models": "m.creche", "token": "short"}, "token: holds no token"),
        ({"models": "m.creche", "token": 12345678901234567}, "token: holds no token"),
        ({"models": "m.creche", "max_rows": 0}, "max_rows"),
        ({"models": "m.creche", "port": -1}, "port"),
    ],
)
def test_a_wrong_call_is_refused(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(PlanError) as error:
        cr.serve(**arguments)
    assert told in str(error.value)


def test_other_machines_need_a_token(model: Model) -> None:
    with pytest.raises(PlanError, match="set a token by token=…, or let everyone ask by without_token=True"):
        cr.serve(model, port=0, host="0.0.0.0")


@pytest.mark.parametrize("host", [3, "a\0b", "ü" * 300])
def test_what_is_no_address_of_this_machine_is_told(host: Any, model: Model) -> None:
    with pytest.raises(PlanError, match="which is not an address of this machine"):
        cr.serve(model, port=0, host=host)


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(FileError, match=r"no-such\.creche"):
        cr.serve("no-such.creche", port=0)
