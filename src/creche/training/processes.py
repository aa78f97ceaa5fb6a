"""A run that several processes carry out together: which they are, and how they begin and end it."""

from __future__ import annotations

import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from creche._advice import advise
from creche.engine.device import resolve_device
from creche.engine.hardware import Hardware
from creche.engine.processes.chain import Chain
from creche.engine.processes.link import Link
from creche.engine.processes.meeting import Place, meet, place_of_this_process
from creche.errors import DivergedError, PlanError, ProcessError
from creche.plan.arguments import check_whole_number

if TYPE_CHECKING:
    from creche.training.run import Run

__all__ = ["Crew", "choose_crew", "held_signals", "take_part", "together"]

MOST_PROCESSES = 1024
WORKER = "import sys; from {module} import main; sys.exit(main(sys.argv[1:]))"
SECONDS_TO_STOP = 5.0
SECONDS_TO_END = 10.0
SECONDS_TO_EXPLAIN = 2.0  # for a process that is gone to be seen to have ended


@dataclass(frozen=True, slots=True)
class Crew:
    """The processes that carry out a run.

    Attributes
    ----------
    count : int
    place : Place or None
        That of this process among those that were started together; None: the others are started on this machine for
        the time of the run.

    """

    count: int = 1
    place: Place | None = None

    @property
    def is_first(self) -> bool:
        """Whether this process writes files, calls back and reports."""
        return self.place is None or self.place.rank == 0

    def share(self, hardware: Hardware, threads: int | None) -> Hardware:
        """Return the hardware of this process: each has a GPU of its own, and a share of the machine's threads."""
        if self.place is not None and self.place.on_this_machine > 1 and hardware.device.kind == "cuda":
            hardware = replace(hardware, device=resolve_device(f"cuda:{self.place.local_rank}"))
        if self.count == 1 or (self.place is not None and threads is not None):
            return hardware
        on_this_machine = self.count if self.place is None else self.place.on_this_machine
        return replace(hardware, threads=max(1, hardware.threads // on_this_machine))


def choose_crew(processes: int | None, shards: int) -> Crew:
    """Return the processes that train a plan with this number of shards.

    Parameters
    ----------
    processes : int or None
        By default those that were started together with this one, if the plan has shards; otherwise this one alone.
    shards : int

    Raises
    ------
    PlanError
        If the shards cannot be dealt evenly.

    """
    place = place_of_this_process() if shards > 1 or processes is not None else None
    if processes is not None:
        count = check_whole_number("processes", processes, at_least=1, at_most=MOST_PROCESSES)
        if place is not None and count not in (1, place.count):
            raise PlanError(
                f"processes: got {count}, and this process is one of {place.count} that were started together; leave "
                f"{advise('processes')} out",
                argument="processes",
            )
        place = place if place is not None and count > 1 else None
    else:
        count = 1 if place is None else place.count
    if shards % count != 0:
        fitting = ", ".join(str(n) for n in range(1, shards + 1) if shards % n == 0)
        given = f"processes: {'there are' if processes is None else 'got'} {count}"
        other = advise("shards", count * max(1, round(shards / count)))
        if shards == 1:
            raise PlanError(f"{given}, which need a shard each; give {other}", argument="processes")
        raise PlanError(
            f"{given}, which cannot share {advise('shards', shards)} evenly; choose one of {fitting} processes, or "
            f"{other}",
            argument="processes",
        )
    return Crew(count, place)


@contextmanager
def together(run: Run) -> Iterator[bool]:
    """Train with the other processes of a run, which end up in the same state; yield whether this is the first.

    Raises
    ------
    ProcessError
        If a process ends or fails, or does not fit the others.
    KeyboardInterrupt
        If one is asked to stop.

    """
    crew = run.crew
    if crew.count == 1:
        yield True
        return
    if crew.place is None and not run.device.is_native:
        raise PlanError(
            f"processes: got {crew.count} on {run.device}; those that are started here train on the processor; start "
            f"them by torchrun, give {advise('device', 'cpu')}, or leave {advise('processes')} out",
            argument="processes",
        )
    if crew.place is not None:
        from creche.training.checkpoint import describe_run

        chain = meet(crew.place)
        with take_part(run, chain, describe_run(run)):
            yield chain.is_first
        return
    with local_processes(run, crew.count) as (chain, job), take_part(run, chain, {}):
        job.unlink()  # all have opened it, and nothing of the table is left behind if this process is killed
        yield True


@contextmanager
def take_part(run: Run, chain: Chain, identity: dict[str, Any]) -> Iterator[None]:
    """Take the steps of a run together with the other processes of a chain."""
    with held_signals(chain):
        state = chain.begin(identity, run.state() if chain.is_first else {})
        if not chain.is_first:
            run.set_state(state)
        run.join(chain)
        try:
            yield
        except (ProcessError, DivergedError):  # all processes know of it
            raise
        except Exception as error:
            chain.fail(error)
            raise
        finally:
            run.join(None)
            chain.end()


@contextmanager
def held_signals(chain: Chain) -> Iterator[None]:
    """Let Ctrl-C, and a request to end, stop all processes at the same step; one that comes later has its own effect.

    What starts processes tells them to end, too, so that each may get several signals at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    asked = math.inf

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        chain.stop_asked = True
        now = time.monotonic()
        asked = min(asked, now)
        handler = before[signal.Signals(number)]
        if now - asked > SECONDS_TO_STOP:
            signal.signal(number, handler)
            signal.raise_signal(number)

    for number in before:
        signal.signal(number, ask)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if chain.stop_asked and not chain.is_interrupted:  # too late for a step
        raise KeyboardInterrupt


@contextmanager
def local_processes(run: Run, count: int) -> Iterator[tuple[Chain, Path]]:
    """Start the other processes of a run on this machine; yield the chain of all, and the file of the job."""
    from creche.training.worker import Job, write_job

    pairs = [socket.socketpair() for _ in range(count - 1)]
    with tempfile.TemporaryDirectory(prefix="creche-") as folder:
        write_job(Path(folder) / "job", Job(run.plan, run.prepared, run.rows, run.validation, run.threads))
        workers = []
        try:
            for rank in range(1, count):
                before, after = pairs[rank - 1][1], pairs[rank][0] if rank + 1 < count else None
                workers.append(_start_worker(Path(folder), rank, count, before, after))
            for pair in pairs:
                pair[1].close()
            for before, _ in pairs[1:]:
                before.close()
            chain = Chain(0, count, None, Link(pairs[0][0], 1))
            try:
                yield chain, Path(folder) / "job"
            except ProcessError as error:
                raise _explain(error, workers, Path(folder), count) from error
            finally:
                chain.close()
        finally:
            for pair in pairs:
                for end in pair:
                    end.close()
            _end(workers)


def _start_worker(
    folder: Path, rank: int, count: int, before: socket.socket, after: socket.socket | None
) -> subprocess.Popen[bytes]:
    from creche.training.worker import main

    links = [connection.fileno() for connection in (before, after) if connection is not None]
    command = [sys.executable, "-c", WORKER.format(module=main.__module__), str(folder / "job"), str(rank), str(count)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)}
    with (folder / f"errors-{rank}").open("wb") as errors:
        return subprocess.Popen(
            [*command, *map(str, links)], pass_fds=links, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=errors,
        )  # fmt: skip


def _explain(error: ProcessError, workers: list[subprocess.Popen[bytes]], folder: Path, count: int) -> ProcessError:
    """Return the error with how the process ended that is gone."""
    if error.rank is None or not 1 <= error.rank < count:
        return error
    with suppress(subprocess.TimeoutExpired):
        workers[error.rank - 1].wait(SECONDS_TO_EXPLAIN)
    code = workers[error.rank - 1].returncode
    said = (folder / f"errors-{error.rank}").read_text(errors="replace").strip().splitlines()
    if code is not None and code < 0:
        how = f"was ended by {signal.Signals(-code).name}; if the machine ran out of memory, train with fewer processes"
    elif code and said and " is gone: " in str(error):
        how = f"failed: {said[-1]}"
    else:
        return error
    explained = ProcessError(f"process {error.rank} of {count} {how}", rank=error.rank)
    explained.run = error.run
    return explained


def _end(workers: list[subprocess.Popen[bytes]]) -> None:
    for worker in workers:
        try:
            worker.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
