"""One network whose other processes an executor starts: the same bits, also when one of them is lost on the way."""

from __future__ import annotations

import copy
import multiprocessing
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import creche as cr
from creche.cli.main import main
from creche.engine.hardware import Failure
from creche.errors import CrecheError
from creche.scale import executor as executors
from creche.scale.executor import ExecutorWorkers
from creche.training import cluster_processes
from creche.training.processes import Crew
from tests.unit.training.test_processes import JOB, at_epoch, weights


@pytest.fixture(scope="module")
def alone() -> Any:
    return cr.train("penguins", **JOB)


class FreshProcesses:
    """An executor with a new process for each call, as a cluster has one in place of one that was lost."""

    def __init__(self) -> None:
        self.pools: list[ProcessPoolExecutor] = []

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        self.pools.append(ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")))
        return self.pools[-1].submit(function, *arguments)

    def kill(self, number: int) -> None:
        """Kill the process of a call."""
        next(iter(self.pools[number]._processes.values())).kill()


@pytest.fixture
def fresh() -> Iterator[FreshProcesses]:
    made = FreshProcesses()
    yield made
    for pool in made.pools:
        pool.shutdown()


def test_the_bits_of_one_process_on_threads_and_processes(alone: Any, fresh: FreshProcesses) -> None:
    with ThreadPoolExecutor(3) as pool:
        run = cr.train("penguins", **JOB, processes=4, cluster=pool)
        assert (run.status, weights(run)) == ("finished", weights(alone))
        assert run.history.train_loss.tolist() == alone.history.train_loss.tolist()
        assert pool.submit(int).result() == 0  # its threads are free again
    other = cr.train("penguins", **JOB, processes=2, cluster=fresh)
    assert (len(fresh.pools), weights(other)) == (1, weights(alone))


def test_it_goes_on_there_from_a_checkpoint(alone: Any, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    cr.train("penguins", **JOB, steps=13, checkpoint=folder)
    with ThreadPoolExecutor(1) as pool:
        run = cr.resume(folder, processes=2, cluster=pool, threads=1)
    assert (run.status, weights(run)) == ("finished", weights(alone))


def test_another_process_takes_the_place_of_one_that_is_lost(
    alone: Any, fresh: FreshProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ExecutorWorkers, "retries", 2)
    epochs: list[int] = []

    def kill(record: Any) -> None:
        epochs.append(record.epoch)
        if record.epoch in (2, 4):
            fresh.kill(-1)

    with pytest.warns(cr.CrecheWarning, match=r"Training goes on after step \d+, with another process in its place"):
        run = cr.train("penguins", **JOB, processes=2, cluster=fresh, on_epoch=kill)
    assert (len(fresh.pools), run.status, weights(run)) == (3, "finished", weights(alone))
    assert epochs == [1, 2, 3, 4, 5, 6]  # each once


def test_a_process_that_is_lost_too_often_is_named_and_nothing_is_lost(
    alone: Any, fresh: FreshProcesses, tmp_path: Path
) -> None:
    folder = tmp_path / "checkpoints"
    kill = at_epoch(3, lambda: fresh.kill(0))
    with pytest.raises(cr.ProcessError, match=r"^cluster: a process of FreshProcesses ended .* process 1 of 2") as lost:
        cr.train("penguins", **JOB, processes=2, cluster=fresh, checkpoint=folder, on_epoch=kill)
    assert (lost.value.rank, lost.value.is_lost, lost.value.run.epoch) == (1, True, 3)
    run = cr.resume(folder, threads=1)
    assert (run.status, weights(run)) == ("finished", weights(alone))


def test_what_a_cluster_knows_to_be_lost_is_given_up_though_it_is_silent(
    alone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connections of a machine that has stopped stay open."""
    monkeypatch.setattr(cluster_processes, "SECONDS_BETWEEN_LOOKS_IN_TRAINING", 0.01)
    is_lost = threading.Event()

    def failures(calls: Any) -> list[Failure]:
        return [Failure(0, CrecheError("cluster: process 1 of 2 did not come back"), True)] if is_lost.is_set() else []

    monkeypatch.setattr(executors._Futures, "failures", failures)
    with ThreadPoolExecutor(1) as pool, pytest.raises(cr.ProcessError, match="process 1 of 2 did not come") as told:
        cr.train("penguins", **{**JOB, "epochs": 100_000}, processes=2, cluster=pool, on_epoch=at_epoch(2, is_lost.set))
    stopped = told.value.run
    assert stopped.epoch >= 2
    assert weights(cr.train("penguins", **{**JOB, "epochs": 100_000}, steps=stopped.step)) == weights(stopped)


def test_ctrl_c_stops_all_and_keeps_what_is_done(fresh: FreshProcesses) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        cr.train("penguins", **JOB, processes=2, cluster=fresh, on_epoch=at_epoch(2, interrupt))
    run = stopped.value.run  # type: ignore[attr-defined]
    assert (run.status, run.epoch) == ("interrupted", 2)
    assert weights(run) == weights(cr.train("penguins", **JOB, steps=run.step))


def test_ctrl_c_while_others_are_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is on its way then: the run has not begun."""

    class Full:
        def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
            return Future()

    monkeypatch.setattr(cluster_processes, "PATIENCE", 0.0)

    def interrupt(warning: str) -> None:
        assert warning == (
            "cluster: process 1 of 2 has not begun; 1 of 1 processes have not begun on Full (Ctrl-C ends the wait)"
        )
        raise KeyboardInterrupt

    monkeypatch.setattr(cluster_processes, "warn", interrupt)
    with pytest.raises(KeyboardInterrupt) as stopped:
        cr.train("penguins", **JOB, processes=2, cluster=Full())
    assert stopped.value.run.epoch == 0  # type: ignore[attr-defined]


def test_a_call_that_fails_before_the_first_step_comes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(job: Any) -> None:
        raise cr.FileError("rows.bin: is not there")

    monkeypatch.setattr("creche.training.worker.create_run", fail)
    with ThreadPoolExecutor(1) as pool, pytest.raises(cr.FileError, match=r"^rows\.bin: is not there") as failed:
        cr.train("penguins", **JOB, processes=2, cluster=pool)
    assert failed.value.run.epoch == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, r"^cluster: one network is trained there by several processes; give processes=4$"),
        ({"shards": 1}, r"^cluster: one network .* processes; give processes=4 and shards=4$"),
        ({"processes": 1}, r"^processes: got 1, which is this one, and needs no cluster; give processes=4, or leave"),
        ({"processes": 3}, r"^processes: got 3, which cannot share shards=4 evenly"),
        ({"processes": 4}, r"^cluster: ThreadPoolExecutor carries out 1 at once, and 3 .* wanted; give processes=2 at"),
        ({"processes": 2, "device": "auto"}, r"^device: got 'auto' with cluster; what a cluster trains is trained on"),
    ],
)
def test_arguments_that_do_not_fit(arguments: dict[str, Any], message: str) -> None:
    with ThreadPoolExecutor(1) as pool, pytest.raises(cr.PlanError, match=message):
        cr.train("penguins", **{**JOB, **arguments}, cluster=pool)


def test_processes_that_were_started_together_have_no_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    with ThreadPoolExecutor(1) as pool, pytest.raises(cr.PlanError, match=r"^cluster: this process is one of 2 that"):
        cr.train("penguins", **JOB, processes=2, cluster=pool)


def test_the_command_line_hands_it_over(capsys: pytest.CaptureFixture[str]) -> None:
    small = ["train", "penguins", "--label", "species", "--epochs", "1", "--shards", "2"]
    assert main([*small, "--cluster", "auto"]) == 2
    assert "--cluster: one network is trained there by several processes; give --processes 2" in capsys.readouterr().err
    assert main([*small, "--cluster", "head", "--processes", "2"]) == 2
    assert "--cluster: got the address 'head'" in capsys.readouterr().err


def test_a_copy_of_a_run_leaves_the_cluster(alone: Any) -> None:
    with ThreadPoolExecutor(1) as pool:
        run = cr.train("penguins", **JOB, processes=2, cluster=pool, steps=5)
        assert (run.crew.count, run.crew.retries) == (2, 0)
        other = copy.deepcopy(run)
    assert other.crew == Crew()
    assert weights(other.resume()) == weights(alone)


def test_an_address_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    workers = ExecutorWorkers(object())
    monkeypatch.setenv("CRECHE_ADDRESS", "10.0.0.9")
    assert workers.own_address() == "10.0.0.9"
    with ThreadPoolExecutor(1) as pool:
        assert ExecutorWorkers(pool).own_address() == "127.0.0.1"
