"""A process that `creche.train` starts, on this machine or on a cluster, to train a network together with it.

On this machine the job is a file of the process that starts this one: only that user can have written it.
"""

from __future__ import annotations

import mmap
import pickle
import signal
import socket
import struct
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from creche.engine.hardware import Hardware
from creche.engine.native import Rows
from creche.engine.processes.chain import Chain
from creche.engine.processes.link import Link
from creche.engine.processes.meeting import join_first
from creche.engine.processes.place import Place
from creche.engine.stored_rows import StoredRows
from creche.errors import DivergedError, ProcessError
from creche.plan.plan import Plan
from creche.table.prepare import Prepared
from creche.training.processes import take_part
from creche.training.run import Run

__all__ = ["Job", "join_run", "main", "read_job", "write_job"]

ALIGNMENT = 64
SIZE = struct.Struct("<Q")


@dataclass(frozen=True, slots=True)
class Job:
    """What a process needs of a run besides its state."""

    plan: Plan
    prepared: Prepared
    rows: Rows | StoredRows
    validation: Rows | StoredRows | None
    threads: int


def write_job(path: Path, job: Job) -> None:
    """Write a job to a file: the arrays after the rest, so that all processes share one copy of them in memory."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(job, protocol=5, buffer_callback=buffers.append)
    views = [buffer.raw() for buffer in buffers]
    with path.open("xb") as file:
        for size in (len(pickled), len(views), *(len(view) for view in views)):
            file.write(SIZE.pack(size))
        file.write(pickled)
        for view in views:
            file.write(b"\0" * (-file.tell() % ALIGNMENT))
            file.write(view)


def read_job(path: Path) -> Job:
    """Return the job in a file, whose arrays are read as they are needed."""
    with path.open("rb") as file:
        content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    pickled, count = (SIZE.unpack_from(content, SIZE.size * i)[0] for i in range(2))
    sizes = [SIZE.unpack_from(content, SIZE.size * (2 + i))[0] for i in range(count)]
    at = SIZE.size * (2 + count)
    job, at = content[at : at + pickled], at + pickled
    buffers = []
    for size in sizes:
        at += -at % ALIGNMENT
        buffers.append(content[at : at + size])
        at += size
    found = pickle.loads(job, buffers=buffers)
    assert isinstance(found, Job)
    return found


def create_run(job: Job) -> Run:
    """Return the run of a job, before its first step."""
    return Run(job.plan, job.prepared, Hardware(job.threads), (job.rows, job.validation))


def join_run(job: Job, place: Place) -> None:
    """Take part, on a cluster, in a run that the process of rank 0 has begun, until it ends.

    A process that is told to exit is lost, and does not stop the others as Ctrl-C does: its machine may be taken away.

    Raises
    ------
    ProcessError
        If another process ends or fails.

    """
    run = create_run(job)  # may take long, while nothing is sent
    chain = join_first(place)
    try:
        with take_part(run, chain, {}, held=(signal.SIGINT,)):
            run.train_along()
    except (DivergedError, KeyboardInterrupt):  # the first process tells it
        return
    finally:
        chain.close()


def main(arguments: Sequence[str]) -> int:
    """Take part in a run until the first process ends it: the file of the job, rank, count and sockets."""
    path, rank, count, *links = arguments
    before = Link(socket.socket(fileno=int(links[0])), int(rank) - 1)
    after = Link(socket.socket(fileno=int(links[1])), int(rank) + 1) if len(links) > 1 else None
    chain = Chain(int(rank), int(count), before, after)
    try:
        run = create_run(read_job(Path(path)))
        with take_part(run, chain, {}):
            run.train_along()
    except ProcessError as error:  # the first process tells it
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        chain.fail(error)
        raise
    finally:
        chain.close()
    return 0
