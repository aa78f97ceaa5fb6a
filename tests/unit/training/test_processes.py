"""Several processes that train one network: the same bits on any number of them, whatever ends one on the way."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.cli.main import main
from creche.training import processes

JOB: dict[str, Any] = {
    "label": "species", "hidden": [24, 12], "epochs": 6, "batch_size": 25, "shards": 4, "seed": 3, "dropout": 0.1,
    "threads": 1, "early_stopping": False, "keep": "last", "on_progress": False,
}  # fmt: skip
COMMAND = [
    "train", "penguins", "--label", "species", "--hidden", "24,12", "--epochs", "6", "--batch-size", "25", "--shards",
    "4", "--seed", "3", "--dropout", "0.1", "--early-stopping", "off", "--keep", "last", "--threads", "1",
]  # fmt: skip


def weights(trained: Any) -> bytes:
    return b"".join(array.tobytes() for array in trained.parameters.values())


@pytest.fixture(scope="module")
def alone() -> Any:
    return cr.train("penguins", **JOB)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch) -> list[subprocess.Popen[bytes]]:
    """The processes that are started meanwhile."""
    started: list[subprocess.Popen[bytes]] = []
    start = processes._start_worker

    def start_and_tell(*given: Any) -> subprocess.Popen[bytes]:
        started.append(start(*given))
        return started[-1]

    monkeypatch.setattr(processes, "_start_worker", start_and_tell)
    return started


def at_epoch(number: int, act: Callable[[], object]) -> Callable[[Any], None]:
    return lambda record: act() if record.epoch == number else None


def test_the_bits_of_one_process(alone: Any, workers: list[Any]) -> None:
    run = cr.train("penguins", **JOB, processes=4)
    assert (run.status, len(workers)) == ("finished", 3)
    assert weights(run) == weights(alone)
    assert run.history.train_loss.tolist() == alone.history.train_loss.tolist()
    assert [worker.returncode for worker in workers] == [0] * 3


def test_changes_and_a_watched_metric_on_the_way() -> None:
    """What decides is in Python here, in each process for itself; one change makes a new engine within an epoch."""
    job = {
        **JOB, "early_stopping": cr.EarlyStopping(2, watch="accuracy"), "keep": "best", "epochs": 12,
        "changes": [cr.Change(15, learning_rate=0.02), cr.Change(22, dropout=0.3)],
    }  # fmt: skip
    once, twice = cr.train("penguins", **job), cr.train("penguins", **job, processes=2)
    assert (once.epoch, once.status) == (twice.epoch, twice.status)
    assert weights(once) == weights(twice)


def test_it_stops_and_goes_on_with_another_number(alone: Any, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    first = cr.train("penguins", **JOB, steps=13, checkpoint=folder)
    assert (first.step, first.status) == (13, "running")
    again = cr.resume(folder, processes=2, threads=1, on_epoch=lambda record: record.epoch == 4)
    assert (again.epoch, again.status) == (4, "stopped")
    last = cr.resume(folder, processes=1, threads=1)
    assert (last.status, weights(last)) == ("finished", weights(alone))


def test_a_killed_process_is_named_and_nothing_is_lost(alone: Any, workers: list[Any], tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    kill = at_epoch(3, lambda: workers[0].kill())
    with pytest.raises(cr.ProcessError, match=r"^process 1 of 2 was ended by SIGKILL; if the machine ran") as failed:
        cr.train("penguins", **JOB, processes=2, checkpoint=folder, on_epoch=kill)
    assert (failed.value.rank, failed.value.run.epoch) == (1, 3)
    run = cr.resume(folder, threads=1)
    assert (run.status, weights(run)) == ("finished", weights(alone))


def test_ctrl_c_in_one_process_stops_all_at_one_step(alone: Any, workers: list[Any], tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    stop = at_epoch(2, lambda: workers[0].send_signal(signal.SIGTERM))
    job = {**JOB, "epochs": 2000}
    with pytest.raises(KeyboardInterrupt) as interrupt:
        cr.train("penguins", **job, processes=2, checkpoint=folder, on_epoch=stop)
    stopped = interrupt.value.run
    assert stopped.status == "interrupted"
    assert [worker.returncode for worker in workers] == [130]
    steps = cr.train("penguins", **job, steps=stopped.step)
    assert weights(steps) == weights(stopped)


def test_a_run_that_diverges_says_so() -> None:
    x = np.random.default_rng(0).standard_normal((90, 4))
    job = {**JOB, "label": None, "optimizer": "sgd", "learning_rate": 1e12}
    with pytest.raises(cr.DivergedError) as once:
        cr.train(x, x[:, 0], **job)
    with pytest.raises(cr.DivergedError, match=r"^training diverged in epoch 1") as twice:
        cr.train(x, x[:, 0], **job, processes=2)
    assert str(once.value) == str(twice.value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"processes": 3},
            r"^processes: got 3, which cannot share shards=4 evenly; choose one of 1, 2, 4 processes, or shards=3$",
        ),
        ({"processes": 2, "shards": 1}, r"^processes: got 2, which need a shard each; give shards=2$"),
        ({"processes": 0}, r"^processes: got 0; needs a whole number"),
    ],
)
def test_numbers_that_do_not_fit(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.PlanError, match=message) as refused:
        cr.train("penguins", **{**JOB, **arguments})
    assert refused.value.argument == "processes"


def free_port() -> int:
    """Return a port that is free, and that the system does not give to a program that asks for any."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port


def start_together(commands: list[list[str]]) -> list[tuple[int, str, str]]:
    """Run these commands as processes that were started together, and return their exit codes, output and errors."""
    port, running = free_port(), []
    for rank, command in enumerate(commands):
        place = {
            "RANK": str(rank), "WORLD_SIZE": str(len(commands)), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        }  # fmt: skip
        start = [sys.executable, "-c", "import sys; from creche.cli.main import main; sys.exit(main())", *command]
        running.append(subprocess.Popen(
            start, env={**os.environ, **place}, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ))  # fmt: skip
    ended = [process.communicate(timeout=120) for process in running]
    return [(process.returncode, *texts) for process, texts in zip(running, ended, strict=True)]


def test_processes_that_were_started_together(alone: Any, tmp_path: Path) -> None:
    """As torchrun and mpirun start them: the first one prints and writes, the others are silent."""
    ended = start_together([[*COMMAND, "-o", str(tmp_path / f"{rank}.creche")] for rank in range(2)])
    assert [code for code, _, _ in ended] == [0, 0]
    assert "batches of 25 rows in 4 shards" not in ended[1][1]
    assert ended[1][1:] == ("", "")
    assert "loss" in ended[0][1]
    assert not (tmp_path / "1.creche").exists()
    assert weights(cr.load(tmp_path / "0.creche")) == weights(alone)


def test_processes_with_other_arguments_are_refused() -> None:
    ended = start_together([COMMAND, [*COMMAND, "--learning-rate", "0.5"]])
    assert [code for code, _, _ in ended] == [1, 1]
    for _, _, errors in ended:
        assert "process 1 of 2 has another plan than process 0; start all processes with the same" in errors


def test_a_place_that_the_environment_names_in_part(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    assert main(COMMAND) == 2
    assert "MASTER_ADDR: is not set, and RANK and WORLD_SIZE are" in capsys.readouterr().err
    monkeypatch.setenv("RANK", "two")
    assert main(COMMAND) == 2
    assert "RANK: got 'two' in the environment; needs a whole number of at least 0" in capsys.readouterr().err
    assert main(COMMAND[:10]) == 0  # without shards, each process trains for itself
