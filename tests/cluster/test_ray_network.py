"""One network on the machines of a cluster of Ray: the bytes of one process, whatever is lost on the way."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tools.ray_nodes import Nodes

import creche as cr
from creche.cli.main import main
from creche.training import cluster_processes, worker
from tests.cluster.nodes import note_place, running_nodes, wait_for_place
from tests.unit.training.test_processes import COMMAND, JOB, at_epoch, weights

pytestmark = [pytest.mark.cluster]

GOES_ON = r"Training goes on after step \d+, with another process in its place \(1 of at most 3 times\)"


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    with running_nodes(3, pickled=sys.modules[__name__]) as made:
        yield made


@pytest.fixture(scope="module")
def alone() -> Any:
    return cr.train("penguins", **JOB)


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the process of rank 2 notes its place: its machine and itself."""
    path = tmp_path / "place"

    def join_and_note(job: worker.Job, place: Any) -> None:
        from creche.training.worker import join_run

        if place.rank == 2 and not path.exists():
            note_place(path)
        join_run(job, place)

    monkeypatch.setattr(worker, "join_run", join_and_note)
    return path


def train_and_lose(lose: Callable[[], object]) -> Any:
    """Train by four processes, and lose one after two epochs."""
    with pytest.warns(cr.CrecheWarning, match=GOES_ON):
        return cr.train("penguins", **JOB, processes=4, cluster="auto", on_epoch=at_epoch(2, lose))


def test_the_bits_of_one_process(nodes: Nodes, alone: Any) -> None:
    run = cr.train("penguins", **JOB, processes=4, cluster="auto")
    assert (run.status, weights(run)) == ("finished", weights(alone))
    assert run.history.train_loss.tolist() == alone.history.train_loss.tolist()
    assert weights(cr.train("penguins", **JOB, processes=2, cluster=nodes.cluster.address)) == weights(alone)


def test_the_command_line(nodes: Nodes, alone: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, folder = str(tmp_path / "p.creche"), str(tmp_path / "checkpoints")
    there = ["--processes", "2", "--cluster", "auto"]
    assert main([*COMMAND, *there, "--steps", "20", "--checkpoint", folder]) == 0
    assert main(["resume", folder, *there, "-o", file]) == 0
    assert weights(cr.load(file)) == weights(alone)


def test_a_killed_process_is_replaced(nodes: Nodes, alone: Any, second: Path) -> None:
    run = train_and_lose(lambda: os.kill(wait_for_place(second)[1], signal.SIGKILL))
    assert (run.status, weights(run)) == ("finished", weights(alone))


def test_a_process_that_is_told_to_exit_is_replaced(nodes: Nodes, alone: Any, second: Path) -> None:
    """As where a machine is taken away; Ctrl-C alone stops all."""
    run = train_and_lose(lambda: os.kill(wait_for_place(second)[1], signal.SIGTERM))
    assert (run.status, weights(run)) == ("finished", weights(alone))


def test_a_machine_is_lost_and_another_joins(nodes: Nodes, alone: Any, second: Path) -> None:
    def lose() -> None:
        nodes.lose(nodes.of(wait_for_place(second)[0]))
        nodes.add()

    run = train_and_lose(lose)
    assert (run.status, weights(run)) == ("finished", weights(alone))


def test_a_machine_that_falls_silent_is_given_up(nodes: Nodes, alone: Any, second: Path) -> None:
    """As if its cable was cut; the connections to its processes stay open, so that Ray has to tell."""
    silenced: list[Any] = []

    def silence() -> None:
        silenced.append(nodes.silence(wait_for_place(second)[0]))
        nodes.add()

    run = train_and_lose(silence)
    assert (run.status, weights(run)) == ("finished", weights(alone))
    assert not nodes.is_alive(silenced[0])
    nodes.lose(silenced[0])


def test_what_is_lost_too_often_keeps_what_is_done(nodes: Nodes, alone: Any, second: Path, tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    kill = at_epoch(3, lambda: os.kill(wait_for_place(second)[1], signal.SIGKILL))
    with pytest.raises(cr.ProcessError, match=r"process 2 of 4") as lost:
        cr.train("penguins", **JOB, processes=4, cluster=cr.Cluster(retries=0), checkpoint=folder, on_epoch=kill)
    assert (lost.value.rank, lost.value.run.epoch) == (2, 3)
    run = cr.resume(folder, processes=2, cluster="auto", threads=1)
    assert (run.status, weights(run)) == ("finished", weights(alone))


def test_ctrl_c_keeps_what_is_done(nodes: Nodes, alone: Any) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as stopped:
        cr.train("penguins", **JOB, processes=4, cluster="auto", on_epoch=at_epoch(2, interrupt))
    run = stopped.value.run  # type: ignore[attr-defined]
    assert (run.status, run.epoch) == ("interrupted", 2)
    assert weights(run.resume()) == weights(alone)  # on the same cluster, which is free again


def test_a_cluster_without_room_says_so(nodes: Nodes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster_processes, "PATIENCE", 0.0)
    with pytest.raises(
        cr.PlanError, match=r"too little for 15 processes besides this one, of 1 processor each; give"
    ) as told:
        cr.train("penguins", **{**JOB, "shards": 16}, processes=16, cluster="auto")
    assert told.value.run.epoch == 0  # type: ignore[attr-defined]
