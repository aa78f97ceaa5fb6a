"""The processes of a run on a cluster: this one is the first, and workers start the others for the time of the run."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from creche.engine.hardware import Failure, StartedCalls, Workers
from creche.engine.processes.chain import Chain
from creche.engine.processes.meeting import gather, invite
from creche.errors import ProcessError
from creche.table.checks import warn
from creche.training.processes import SECONDS_TO_END, SECONDS_TO_EXPLAIN

if TYPE_CHECKING:
    from creche.training.run import Run

__all__ = ["cluster_processes"]

SECONDS_BETWEEN_LOOKS = 0.1  # Ctrl-C is noticed as soon, while the others are waited for
SECONDS_BETWEEN_LOOKS_IN_TRAINING = 0.5
PATIENCE = 30.0  # until it is told what the others may be waiting for


@contextmanager
def cluster_processes(run: Run, workers: Workers, count: int) -> Iterator[Chain]:
    """Start the other processes of a run on a cluster; yield the chain of all.

    Raises
    ------
    ProcessError
        If one of them is lost, or fails.
    CrecheError
        If one of them cannot begin, or the cluster is too small.

    """
    from creche.training.worker import Job, join_run

    place, server = invite(workers.own_address(), count)
    with closing(server):
        job = Job(run.plan, run.prepared, run.rows, run.validation, workers.threads)
        calls = workers.start(join_run, job, [replace(place, rank=rank) for rank in range(1, count)])
        patience = 0.0
        try:
            with closing(gather(place, server, _Waiting(calls, count))) as chain, _watched(calls, chain):
                yield chain
            patience = SECONDS_TO_END
        finally:
            calls.end(patience)


class _Waiting:
    """How the first process waits for the others to come.

    Raises
    ------
    ProcessError
        If one of them is lost meanwhile.
    CrecheError
        If one of them fails, or there can never be room for it.

    """

    def __init__(self, calls: StartedCalls, count: int) -> None:
        self._calls, self._count = calls, count
        self._begin = time.monotonic()
        self._is_told = False

    def __call__(self, missing: int) -> float:
        failures = self._calls.failures()
        for lost in _lost_among(failures):
            raise lost
        for failure in failures:
            raise failure.error
        if not self._is_told and time.monotonic() - self._begin >= PATIENCE:
            self._is_told = True
            room = self._calls.check_room()
            warn(f"cluster: process {missing} of {self._count} has not begun; {room} (Ctrl-C ends the wait)")
        return SECONDS_BETWEEN_LOOKS


@contextmanager
def _watched(calls: StartedCalls, chain: Chain) -> Iterator[None]:
    """Let the cluster tell, too, that a process is lost: a machine that is silent may leave its connections open."""
    has_ended = threading.Event()

    def watch() -> None:
        while not has_ended.wait(SECONDS_BETWEEN_LOOKS_IN_TRAINING):
            for lost in _lost_among(calls.failures()):
                chain.lose(lost)
                return

    watcher = threading.Thread(target=watch, name="creche-cluster", daemon=True)
    watcher.start()
    try:
        yield
    except ProcessError as error:
        raise _explain(error, calls) from error
    finally:
        has_ended.set()
        watcher.join()


def _explain(error: ProcessError, calls: StartedCalls) -> ProcessError:
    """Return the error with what the cluster says of the process that is gone."""
    until = time.monotonic() + SECONDS_TO_EXPLAIN
    while error.is_lost and time.monotonic() < until:
        for lost in _lost_among(calls.failures()):
            lost.run = error.run
            return lost
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return error


def _lost_among(failures: Sequence[Failure]) -> list[ProcessError]:
    """Return an error for each process that was lost."""
    return [ProcessError(str(each.error), rank=each.position + 1, is_lost=True) for each in failures if each.is_lost]
