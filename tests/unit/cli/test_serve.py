"""`creche serve`: started as a process, ended by signals, and the calls that it refuses."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from creche.serving import open as open_serving
from tests.patience import PATIENCE
from tests.unit.cli.commands import COMMAND, environment, main, wait_until
from tests.unit.serving.conftest import model, model_file  # noqa: F401
from tests.unit.serving.serving import Client, read_to_end


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], Client]]:
    """The program, once it answers."""
    pipe = subprocess.PIPE
    command = [*COMMAND, "serve", "--port", "0", *arguments]
    with subprocess.Popen(command, env=environment(), text=True, stdout=pipe, stderr=pipe) as run:
        try:
            assert run.stdout is not None
            pattern = r"Serving [\w, ]+ at (http://127\.0\.0\.1:\d+/)(, by \d workers)?\n"
            found = re.fullmatch(pattern, run.stdout.readline())
            assert found is not None
            yield run, Client(found[1])
        finally:
            run.kill()


def is_listening(client: Client) -> bool:
    try:
        with client.connect():
            return True
    except ConnectionRefusedError:
        return False


@pytest.mark.parametrize("workers", [(), ("--workers", "2")], ids=["alone", "workers"])
def test_a_request_that_has_begun_is_answered_before_the_server_ends(
    workers: tuple[str, ...],
    model_file: Path,  # noqa: F811
) -> None:
    with started(str(model_file), *workers) as (run, client):
        columns = client.get("/models/penguins").data["columns"]
        body = json.dumps({"rows": [{column["name"]: column["example"] for column in columns}]}).encode()
        head = b"POST /predict HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n" % client.host.encode()
        with client.connect() as connection:
            connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body[:-1])
            wait_until(lambda: client.count("creche_requests_in_progress") == 2)
            run.send_signal(signal.SIGTERM)
            wait_until(lambda: not is_listening(client))
            connection.sendall(body[-1:])
            answer = read_to_end(connection)
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b'"predicted":{"species":' in answer
        assert b"connection: close" in answer
        out, error = run.communicate(timeout=PATIENCE)
    assert (out, error, run.returncode) == ("The server has ended.\n", "", 0)


def test_a_draining_server_says_so_and_answers_until_a_second_signal(model_file: Path) -> None:  # noqa: F811
    with started(str(model_file), "--drain", "1000") as (run, client):
        assert client.get("/ready").data == {"status": "ready"}
        run.send_signal(signal.SIGTERM)
        wait_until(lambda: client.get("/ready").status == 503)
        answer = client.get("/models")
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        run.send_signal(signal.SIGINT)
        out, error = run.communicate(timeout=PATIENCE)
    assert (out, error, run.returncode) == ("The server has ended.\n", "", 0)


def test_sighup_loads_models_again_and_garbage_is_told(model_file: Path, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "penguins.creche"
    path.write_bytes(model_file.read_bytes())
    with started(str(path)) as (run, client):
        before = client.get("/models").data
        path.write_bytes(b"garbage")
        run.send_signal(signal.SIGHUP)
        assert run.stderr is not None
        assert run.stderr.readline().startswith(
            f"creche: penguins: cannot be loaded again, and goes on as it is: {path}: "
        )
        assert client.get("/models").data == before


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["no-such.creche"], "no-such.creche: cannot be read: there is no such file"),
        (["{model}", "{copy}"], "have the same name, 'penguins'; rename one file"),
        (["{model}", "--port", "70000"], "--port: got 70000; needs a number from 0 to 65535"),
        (["{model}", "--port", "0", "--host", "192.0.2.77"], "--host: got '192.0.2.77'"),
        (["{model}", "--port", "0", "--host", "0.0.0.0"], "which other machines reach; set a token by --token-file or"),
        (["{model}", "--max-rows", "0"], "--max-rows: got 0; needs a number above 0"),
        (["{model}", "--timeout", "-1"], "--timeout: got -1; needs a number above 0"),
        (["{model}", "--threads", "-1"], "--threads: got -1"),
        (["{model}", "--workers", "0"], "--workers: got 0; needs a number from 1 to 256"),
        (["{model}", "--workers", "2", "--port", "0", "--host", "0.0.0.0"], "set a token by --token-file or"),
        (["{model}", "--drain", "-1"], "--drain: got -1; needs a number of seconds from 0 to 86,400"),
        (["{model}", "--drain", "1e10"], "--drain: got 1e+10; needs a number of seconds from 0 to 86,400"),
        (["{model}", "--drain", "nan"], "--drain: got nan; needs a number of seconds from 0 to 86,400"),
        (["{model}", "--max-bytes", "99999999999999"], "--max-bytes: got 99999999999999; needs at most 1,048,576 MiB"),
        (["{model}", "--token-file", "{copy}"], "holds no token"),
    ],
)
def test_a_wrong_call_is_refused(
    arguments: list[str],
    told: str,
    model_file: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.delenv("CRECHE_TOKEN", raising=False)
    copy = tmp_path / "penguins.creche"
    copy.write_bytes(model_file.read_bytes())
    if "--token-file" in arguments:
        copy.write_text("short")
    assert main(["serve", *(word.format(model=model_file, copy=copy) for word in arguments)]) == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_taken_port_is_told(workers: str, model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:  # noqa: F811
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", str(model_file), "--port", str(port), "--workers", workers]) == 2
    assert f"--port: {port} is taken by another program" in capsys.readouterr().err


def test_missing_libraries_are_told(
    model_file: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(open_serving, "find_spec", lambda _: None)
    assert main(["serve", str(model_file)]) == 2
    assert 'pip install "creche[serve]"' in capsys.readouterr().err
