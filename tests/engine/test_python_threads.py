"""One object of the engine in the hands of several Python threads: they take turns; none sees work half done."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from creche import _core
from tests.engine.small_plans import Job, digest, weights_of


@pytest.fixture(scope="module")
def best() -> ModuleType:
    return _core.load(_core.levels()[0])


def all_at_once(*jobs: Callable[[], None]) -> None:
    """Runs each in a thread of its own; what goes wrong in one is raised here."""
    failures: list[BaseException] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except BaseException as error:
            failures.append(error)

    workers = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]


@pytest.mark.parametrize("threads", [1, 2])
def test_one_network_predicts_for_all(best: ModuleType, threads: int) -> None:
    job = Job(sizes=(8, 64, 64, 3), rows=3000, epochs=1)
    solo = job.solo(best)
    solo.run()
    x = job.table()[0]
    predictor = best.Predictor32(job.plan(best), solo.parameters(), threads)
    expected = predictor.predict(x)

    def ask(begin: int) -> None:
        for i in range(200):
            rows = slice(begin + 7 * i, begin + 7 * i + 300)
            assert np.array_equal(predictor.predict(x[rows]), expected[rows])

    all_at_once(*(lambda begin=begin: ask(begin) for begin in (0, 300, 600, 900)))


def test_a_run_that_is_watched_ends_as_one_that_is_not(best: ModuleType) -> None:
    job = Job(sizes=(8, 48, 3), rows=600, epochs=60, batch_size=20, validation=100)
    alone = job.solo(best)
    after_each_epoch = {weights_of(alone): 0}
    while alone.run(epochs=1) == "running":
        after_each_epoch[weights_of(alone)] = alone.epoch
    after_each_epoch[weights_of(alone)] = alone.epoch
    solo = job.solo(best)
    over = threading.Event()

    def train() -> None:
        while solo.run(epochs=1) == "running":
            pass
        over.set()

    def watch() -> None:
        while not over.is_set():
            state = solo.state()
            assert len(state["history.train_loss"]) == int(state["progress"][0])
            assert weights_of(solo) in after_each_epoch
            assert np.isfinite(solo.history()["train_loss"]).all()

    all_at_once(train, watch, watch)
    assert digest(solo) == digest(alone)


def test_a_run_asked_for_by_two_threads_is_run_once(best: ModuleType) -> None:
    job = Job(sizes=(8, 48, 3), rows=2000, epochs=10)
    alone = job.solo(best)
    alone.run()
    solo = job.solo(best, threads=2)
    all_at_once(solo.run, solo.run, solo.run)
    assert digest(solo) == digest(alone)


def test_a_colony_that_is_watched_ends_as_one_that_is_not(best: ModuleType) -> None:
    job = Job(sizes=(4, 10, 3), rows=200, epochs=40, batch_size=20)
    members = [(job.plan(best), 0, -1) for _ in range(20)]
    alone = best.Colony32(members, [job.table()], 2)
    alone.run()
    colony = best.Colony32(members, [job.table()], 2)
    over = threading.Event()

    def train() -> None:
        for epoch in range(1, 41):
            colony.run(epoch=epoch)
        over.set()

    def watch() -> None:
        while not over.is_set():
            state = colony.state(19)
            assert len(state["history.train_loss"]) == int(state["progress"][0])

    all_at_once(train, watch)
    assert [digest_of_member(colony, m) for m in range(20)] == [digest_of_member(alone, m) for m in range(20)]


def digest_of_member(colony: Any, member: int) -> bytes:
    return b"".join(array.tobytes() for array in colony.parameters(member).values())


def test_a_colony_is_not_read_while_it_trains(best: ModuleType) -> None:
    job = Job(sizes=(4, 10, 3), rows=2000, epochs=100_000, batch_size=20)
    colony = best.Colony32([(job.plan(best), 0, -1)] * 20, [job.table()], 1)
    with pytest.raises(RuntimeError, match="in the middle of a step"):
        colony.run(poll=lambda: colony.state(0) is None)


def test_a_loss_cannot_run_the_run_it_is_of(best: ModuleType) -> None:
    job = Job(sizes=(4, 8, 3), rows=40, epochs=2)

    def loss(outputs: Any, labels: Any) -> tuple[Any, Any]:
        assert len(solo.parameters()) == 4  # reading is possible
        solo.run()
        return np.zeros(len(outputs), np.float32), np.zeros_like(outputs)

    solo = best.Solo32(job.plan(best), *job.table(), None, 1, loss)
    with pytest.raises(RuntimeError, match="in the middle of a step"):
        solo.run()
    assert solo.step == 0


def test_the_child_of_a_fork_can_use_what_a_thread_of_its_parent_was_busy_with(best: ModuleType) -> None:
    # Out of a process of its own: forking one in which other threads run is what pytest's workers must not do.
    done = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["predicted", "0"]


FORKED = """
import os, threading, warnings
import numpy as np
from creche import _core
from tests.engine.small_plans import Job

warnings.simplefilter("ignore", DeprecationWarning)
engine = _core.load()
inside, go_on = threading.Event(), threading.Event()

def loss(outputs, labels):
    inside.set()
    go_on.wait()
    return np.zeros(len(outputs), outputs.dtype), np.zeros_like(outputs)

job = Job(sizes=(4, 8, 3))
x, classes, targets, weights = job.table()
solo = engine.Solo32(job.plan(engine), x, classes, targets, weights, None, 1, loss)
busy = threading.Thread(target=solo.run)
busy.start()
inside.wait()
child = os.fork()
if child == 0:
    assert len(solo.parameters()) == 4
    solo.set_parameters(solo.parameters())
    print("predicted", flush=True)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
go_on.set()
busy.join()
"""
