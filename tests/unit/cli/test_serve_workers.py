"""`creche serve --workers`: processes that count, load models again, start again and end together."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

import creche as cr
from tests.patience import PATIENCE
from tests.unit.cli.commands import wait_until
from tests.unit.cli.test_serve import is_listening, started
from tests.unit.serving.conftest import model, model_file, rows  # noqa: F401
from tests.unit.serving.serving import Client

WORKERS = ("--workers", "2")
TOKEN = "correct-horse-battery"


def list_workers(run: subprocess.Popen[str]) -> list[int]:
    return [int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def predict_on(client: Client, rows: list[dict[str, object]], count: int) -> None:  # noqa: F811
    """Ask on as many connections, which the system divides among the workers."""
    for _ in range(count):
        assert client.predict(*rows).status == 200


def count_rows(client: Client) -> float:
    return client.count('creche_rows_total{model="penguins"}')


def test_all_workers_count_together(model_file: Path, rows: list[dict[str, object]]) -> None:  # noqa: F811
    with started(str(model_file), *WORKERS) as (run, client):
        assert len(list_workers(run)) == 2
        predict_on(client, rows, 20)
        assert [count_rows(client) for _ in range(10)] == [200] * 10
        assert client.count('creche_requests_total{endpoint="show_metrics",status="200"}') == 10
        assert client.count('creche_request_seconds_count{endpoint="predict"}') == 20
        assert client.count("creche_requests_in_progress") == 1


def test_all_workers_load_a_new_model_and_tell_it_once(model_file: Path, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "penguins.creche"
    path.write_bytes(model_file.read_bytes())

    def digests() -> set[str]:
        return {client.get("/models/penguins").data["digest"] for _ in range(20)}

    with started(str(path), *WORKERS) as (run, client):
        old = digests()
        cr.train("penguins", label="species", hidden=[2], epochs=2, seed=9, threads=1).model.save(path)
        run.send_signal(signal.SIGHUP)
        wait_until(lambda: len(new := digests()) == 1 and new != old)
        assert client.count('creche_reloads_total{model="penguins",outcome="loaded"}') == 1
        path.write_bytes(b"garbage")
        run.send_signal(signal.SIGHUP)
        wait_until(lambda: client.count('creche_reloads_total{model="penguins",outcome="failed"}') == 1)
        assert digests() != old
        run.send_signal(signal.SIGTERM)
        _, error = run.communicate(timeout=PATIENCE)
    assert error.count("was loaded again from") == 1
    assert error.count("cannot be loaded again, and goes on as it is") == 1


def test_a_worker_that_is_killed_is_replaced_and_its_connections_wait(
    model_file: Path,  # noqa: F811
    rows: list[dict[str, object]],  # noqa: F811
) -> None:
    with started(str(model_file), *WORKERS) as (run, client):
        predict_on(client, rows, 10)
        assert count_rows(client) == 100
        lost, kept = list_workers(run)
        os.kill(lost, signal.SIGKILL)
        predict_on(client, rows, 20)
        assert count_rows(client) == 300
        assert run.stderr is not None
        assert run.stderr.readline() == "creche: worker 1 has ended (exit status -9), and is started again\n"
        wait_until(lambda: len(list_workers(run)) == 2)
        assert kept in list_workers(run)


def test_all_workers_drain_until_a_second_signal(model_file: Path) -> None:  # noqa: F811
    with started(str(model_file), *WORKERS, "--drain", "1000") as (run, client):
        run.send_signal(signal.SIGTERM)
        wait_until(lambda: all(client.get("/ready").status == 503 for _ in range(20)))
        run.send_signal(signal.SIGINT)
        out, error = run.communicate(timeout=PATIENCE)
    assert (out, error, run.returncode) == ("The server has ended.\n", "", 0)


def test_workers_end_with_the_process_that_started_them(model_file: Path) -> None:  # noqa: F811
    with started(str(model_file), *WORKERS) as (run, client):
        workers = list_workers(run)
        run.kill()
        run.wait(PATIENCE)
        wait_until(lambda: not is_listening(client))
        wait_until(lambda: not any(map(is_alive, workers)))


def test_the_token_is_not_among_the_arguments_of_workers(
    model_file: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CRECHE_TOKEN", TOKEN)
    with started(str(model_file), *WORKERS) as (run, client):
        answers = [client.get("/models", Authorization=f"Bearer {given}").status for given in [TOKEN, "wrong"] * 5]
        assert answers == [200, 401] * 5
        for pid in list_workers(run):
            assert TOKEN.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
