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
from creche.engine.hardware import Hardware, Workers, resolve_hardware
from creche.engine.processes.chain import Chain
from creche.engine.processes.link import Link
from creche.engine.processes.meeting import meet
from creche.engine.processes.place import Place, place_of_this_process
from creche.errors import DivergedError, PlanError, ProcessError
from creche.plan.arguments import check_whole_number

if TYPE_CHECKING:
    from collections.abc import Collection

    from creche.plan.words import DeviceName
    from creche.scale.cluster import ClusterChoice
    from creche.training.run import Run

__all__ = ["SECONDS_TO_END", "SECONDS_TO_EXPLAIN", "Crew", "choose_crew", "held_signals", "take_part", "together"]

MOST_PROCESSES = 1024
WORKER = "import sys; from {module} import main; sys.exit(main(sys.argv[1:]))"
HELD_SIGNALS = (signal.SIGINT, signal.SIGTERM)
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
        That of this process among those that were started together; None: the others are started for the time of the
        run, on this machine or by `workers`.
    workers : Workers, optional
        What starts the others on a cluster.

    """

    count: int = 1
    place: Place | None = None
    workers: Workers | None = None

    def __reduce__(self) -> tuple[type[Crew], tuple[Any, ...]]:
        # A run that is pickled does not take its cluster along: one process gives the same bits.
        return Crew, (self.count, self.place) if self.workers is None else ()

    @property
    def is_first(self) -> bool:
        """Whether this process writes files, calls back and reports."""
        return self.place is None or self.place.rank == 0

    @property
    def retries(self) -> int:
        """How often the run goes on by itself when one of them is lost."""
        return 0 if self.workers is None else self.workers.retries

    def share(self, hardware: Hardware, threads: int | None) -> Hardware:
        """Return the hardware of this process: each has a GPU of its own, and a share of the machine's threads."""
        if self.place is not None and self.place.on_this_machine > 1 and hardware.device.kind == "cuda":
            hardware = replace(hardware, device=resolve_device(f"cuda:{self.place.local_rank}"))
        if self.count == 1 or (self.place is not None and threads is not None):
            return hardware
        if self.workers is not None:
            # As many as each of the others has, whose share of the work is the same.
            fitting = hardware.threads if threads is not None else min(hardware.threads, self.workers.threads)
            return replace(hardware, threads=fitting)
        on_this_machine = self.count if self.place is None else self.place.on_this_machine
        return replace(hardware, threads=max(1, hardware.threads // on_this_machine))


def choose_crew(
    processes: int | None, shards: int, cluster: ClusterChoice | None = None, device: DeviceName | None = None
) -> Crew:
    """Return the processes that train a plan with this number of shards.

    Parameters
    ----------
    processes : int or None
        By default those that were started together with this one, if the plan has shards; otherwise this one alone.
    shards : int
    cluster : str, Cluster or executor, optional
        Where the others are started.
    device : str, optional
        What trains, which must be the processor on a cluster.

    Raises
    ------
    PlanError
        If the shards cannot be dealt evenly, or a cluster is given where none is needed.
    CrecheError
        If there is no such cluster.

    """
    if cluster is not None:
        return _choose_cluster_crew(processes, shards, cluster, device)
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
    _check_even(count, shards, "there are" if processes is None else "got")
    return Crew(count, place)


def _choose_cluster_crew(processes: int | None, shards: int, cluster: ClusterChoice, device: DeviceName | None) -> Crew:
    from creche.scale.cluster import with_workers

    place = place_of_this_process()
    if place is not None:
        raise PlanError(
            f"cluster: this process is one of {place.count} that were started together, as RANK and WORLD_SIZE say; "
            f"leave {advise('cluster')} out",
            argument="cluster",
        )
    wanted = advise("processes", shards if shards > 1 else 4)
    if processes is None:
        with_shards = "" if shards > 1 else f" and {advise('shards', 4)}"
        raise PlanError(
            f"cluster: one network is trained there by several processes; give {wanted}{with_shards}",
            argument="cluster",
        )
    count = check_whole_number("processes", processes, at_least=1, at_most=MOST_PROCESSES)
    if count == 1:
        raise PlanError(
            f"processes: got 1, which is this one, and needs no cluster; give {wanted}, or leave {advise('cluster')} "
            "out",
            argument="processes",
        )
    _check_even(count, shards, "got")
    return Crew(count, workers=with_workers(resolve_hardware(None, device), cluster).workers)


def _check_even(count: int, shards: int, got: str) -> None:
    """Raise an error if some processes cannot have as many shards each."""
    if shards % count == 0:
        return
    given, other = f"processes: {got} {count}", advise("shards", count * max(1, round(shards / count)))
    if shards == 1:
        raise PlanError(f"{given}, which need a shard each; give {other}", argument="processes")
    fitting = ", ".join(str(n) for n in range(1, shards + 1) if shards % n == 0)
    raise PlanError(
        f"{given}, which cannot share {advise('shards', shards)} evenly; choose one of {fitting} processes, or {other}",
        argument="processes",
    )


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
    if crew.workers is not None:
        from creche.training.cluster_processes import cluster_processes

        with cluster_processes(run, crew.workers, crew.count) as chain, take_part(run, chain, {}):
            yield True
        return
    with local_processes(run, crew.count) as (chain, job), take_part(run, chain, {}):
        job.unlink()  # all have opened it, and nothing of the table is left behind if this process is killed
        yield True


@contextmanager
def take_part(
    run: Run, chain: Chain, identity: dict[str, Any], held: Collection[signal.Signals] = HELD_SIGNALS
) -> Iterator[None]:
    """Take the steps of a run together with the other processes of a chain; these signals stop all of them."""
    with held_signals(chain, held):
        state = chain.begin(identity, run.state() if chain.is_first else {})
        if not chain.is_first:
            run.set_state(state)
        run.join(chain)
        try:
            yield
        except (ProcessError, DivergedError, KeyboardInterrupt):  # all processes know of it
            raise
        except BaseException as error:
            if isinstance(error, Exception) or not chain.is_first:
                chain.fail(error)
            raise
        finally:
            run.join(None)
            chain.end()


@contextmanager
def held_signals(chain: Chain, held: Collection[signal.Signals]) -> Iterator[None]:
    """Let Ctrl-C, and a request to end, stop all processes at the same step; one that comes later has its own effect.

    What starts processes tells them to end, too, so that each may get several signals at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in held}

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
