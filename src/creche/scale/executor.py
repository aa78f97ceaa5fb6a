"""Pieces on an executor: of `concurrent.futures`, submitit's for SLURM, Dask's, or any other with a `submit`."""

from __future__ import annotations

import os
import pickle
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED as FIRST
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from creche._advice import advise
from creche._system.resources import usable_cores
from creche.engine.hardware import Failure
from creche.errors import CrecheError, PlanError
from creche.scale.build import this_build
from creche.scale.handout import Handout
from creche.scale.network import address_of_this_machine, host_of
from creche.scale.worker import SharedFile, SharedValue, work

__all__ = ["ExecutorWorkers"]

SECONDS_BETWEEN_LOOKS = 0.1  # Ctrl-C is noticed as soon

JOBS_OF_SLURM = 256  # that submitit lets run at once, unless it is told otherwise

# Packages whose own errors tell that a worker or a job was lost, rather than what went wrong in a piece.
OF_EXECUTORS = ("distributed", "submitit")

# The line of a traceback with the error.
RAISED = re.compile(r"^[\w.]*(?:Error|Exception|Interrupt|Exit|Warning): .+")


class ExecutorWorkers:
    """Workers of an executor, which its owner makes and shuts down.

    Parameters
    ----------
    executor : object
        With ``submit(function, *arguments)``, which returns a future.

    Examples
    --------
    >>> from concurrent.futures import ThreadPoolExecutor
    >>> results = {}
    >>> with ThreadPoolExecutor(2) as pool:
    ...     ExecutorWorkers(pool).carry_out(pow, 2, [1, 2, 3], results.__setitem__)
    >>> sorted(results.items())
    [(0, 2), (1, 4), (2, 8)]

    """

    def __init__(self, executor: Any) -> None:
        self._executor = executor

    @property
    def slots(self) -> int:
        """How many pieces are carried out at once, if the executor tells; else as many as this machine has cores.

        A pool tells its workers, a client of Dask the threads of its workers, which may have come since, and submitit
        how many jobs of an array SLURM runs at once.
        """
        if self._client is not None:
            return sum(self._client.nthreads().values()) or usable_cores()
        if self._is_slurm:
            return self._parameter("array_parallelism", JOBS_OF_SLURM)
        return int(getattr(self._executor, "_max_workers", None) or usable_cores())

    @property
    def threads(self) -> int:
        """How many threads a piece may use: the processors of a job of SLURM, and one elsewhere."""
        return self._parameter("cpus_per_task", 1) if self._is_slurm else 1

    @property
    def retries(self) -> int:
        """Work that has lost its process is not begun anew: a pool that has lost one is broken."""
        return 0

    @property
    def _client(self) -> Any:
        """The client of Dask, if the executor is one or has one."""
        client = getattr(self._executor, "_client", self._executor)
        return client if hasattr(client, "nthreads") else None

    @property
    def _is_slurm(self) -> bool:
        return getattr(self._executor, "cluster", None) == "slurm"

    def _parameter(self, name: str, default: int) -> int:
        return int(self._executor._executor.parameters.get(name) or default)

    @property
    def _is_of_this_machine(self) -> bool:
        return isinstance(self._executor, ProcessPoolExecutor | ThreadPoolExecutor)

    def own_address(self) -> str:
        """Return the address at which the workers reach this machine, as far as it can be known."""
        if self._is_of_this_machine:
            return "127.0.0.1"
        client = self._client
        return address_of_this_machine("" if client is None else host_of(client.scheduler.address))

    def __str__(self) -> str:
        return type(self._executor).__name__

    def carry_out(
        self,
        function: Callable[[Any, Any], Any],
        shared: Any,
        pieces: Iterable[Any],
        on_done: Callable[[int, Any], object],
        lead: int | None = None,
    ) -> None:
        """Call ``function(shared, piece)`` for each piece, and `on_done` with its position and its result.

        Raises
        ------
        CrecheError
            If a worker dies, a job fails, or a worker has another build.
        KeyboardInterrupt
            On Ctrl-C; pieces that have not begun are cancelled.

        """
        handout = Handout(pieces, lead)
        running = handout.running
        with self._share(shared) as handed_over:
            try:
                while True:
                    for position, piece in handout.take(self.slots):
                        future = self._executor.submit(work, this_build(), function, handed_over, piece)
                        running[future] = position, piece
                    if not running:
                        return
                    for future in _wait(running):
                        position, piece = running.pop(future)
                        on_done(position, self._result(future, shared, piece))
            finally:
                for future in running:
                    future.cancel()

    def start(self, function: Callable[[Any, Any], Any], shared: Any, pieces: Sequence[Any]) -> _Futures:
        """Begin ``function(shared, piece)`` for all pieces, which must run at the same time.

        Raises
        ------
        PlanError
            If the executor is known to have fewer workers.

        """
        is_known = self._is_of_this_machine or self._client is not None
        if is_known and len(pieces) > self.slots:
            raise PlanError(
                f"cluster: {self} carries out {self.slots} at once, and {len(pieces)} processes besides this one are "
                f"wanted; give {advise('processes', self.slots + 1)} at most, or an executor with more workers",
                argument="cluster",
            )
        return _Futures(self, self._executor, function, shared, pieces)

    def _result(self, future: Any, shared: Any, piece: Any) -> Any:
        try:
            return future.result()
        except Exception as error:
            told = self.explain(error, _describe(shared, piece))
            if told is error:
                raise
            raise told from error

    def explain(self, error: Exception, what: str) -> Exception:
        """Return the error to raise for one of a future: the same, if the work itself has raised it.

        Parameters
        ----------
        error : Exception
        what : str
            The piece, for messages.

        """
        if isinstance(error, CancelledError):
            return CrecheError(f"cluster: {self} cancelled a piece, {what}; run it again")
        if isinstance(error, BrokenExecutor):
            return CrecheError(
                f"cluster: a process of {self} ended while it worked, perhaps on {what}; it may have been killed for "
                "lack of memory. Make a new executor, with fewer processes, and run it again"
            )
        if isinstance(error, ModuleNotFoundError):
            return CrecheError(
                f"cluster: a worker of {self} has no module {error.name!r}; install the same Creche on all machines"
            )
        if type(error).__module__.partition(".")[0] in OF_EXECUTORS:
            return CrecheError(
                f"cluster: {what} did not come back from {self}: {_reason(error)}. What was done before is kept"
            )
        return error

    @contextmanager
    def _share(self, shared: Any) -> Iterator[SharedValue | SharedFile]:
        """Hand over what all pieces have in common: by reference, by a file of this machine, or with each piece."""
        if not isinstance(self._executor, ProcessPoolExecutor):
            yield SharedValue(shared)
            return
        descriptor, name = tempfile.mkstemp(prefix="creche-", suffix=".pickle")
        try:
            with os.fdopen(descriptor, "wb") as file:
                pickle.dump(shared, file, protocol=pickle.HIGHEST_PROTOCOL)
            yield SharedFile(Path(name))
        finally:
            Path(name).unlink(missing_ok=True)


class _Futures:
    """Calls of an executor that are carried out side by side."""

    def __init__(
        self, workers: ExecutorWorkers, executor: Any, function: Callable[..., Any], shared: Any, pieces: Sequence[Any]
    ) -> None:
        self._workers = workers
        self._kept = ExitStack()
        handed_over = self._kept.enter_context(workers._share(shared))
        self._running = {
            executor.submit(work, this_build(), function, handed_over, piece): (position, piece)
            for position, piece in enumerate(pieces)
        }
        self._shared = shared

    def failures(self) -> list[Failure]:
        """Return the calls that have ended with an error so far."""
        found = []
        for future, (position, piece) in self._running.items():
            if not future.done():
                continue
            try:
                future.result()
            except Exception as error:
                told = self._workers.explain(error, _describe(self._shared, piece))
                found.append(Failure(position, told, told is not error))
        return found

    def check_room(self) -> str:
        """Return why they may not have begun."""
        waiting = sum(not (future.done() or _is_running(future)) for future in self._running)
        return f"{waiting} of {len(self._running)} processes have not begun on {self._workers}"

    def end(self, seconds: float) -> None:
        """Wait for all of them, and cancel those that have not ended by then."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not all(future.done() for future in self._running):
            time.sleep(SECONDS_BETWEEN_LOOKS)
        for future in self._running:
            future.cancel()
        self._kept.close()


def _is_running(future: Any) -> bool:
    """Whether a call has begun, as far as its future tells."""
    return bool(future.running()) if hasattr(future, "running") else getattr(future, "state", "") == "RUNNING"


def _wait(running: dict[Any, tuple[int, Any]]) -> list[Any]:
    """Return the futures that are done: at least one."""
    while True:
        if all(isinstance(future, Future) for future in running):
            done = list(wait(running, timeout=SECONDS_BETWEEN_LOOKS, return_when=FIRST).done)
        else:  # jobs of submitit and the like, which can only be asked
            done = [future for future in running if future.done()]
            if not done:
                time.sleep(SECONDS_BETWEEN_LOOKS)
        if done:
            return sorted(done, key=lambda future: running[future][0])


def _reason(error: Exception) -> str:
    """Return the line of an error that tells the most: of a traceback in it, the last error."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    raised = [line for line in lines if RAISED.match(line)]
    return (raised[-1] if raised else lines[0] if lines else type(error).__name__).rstrip(".")


def _describe(shared: Any, piece: Any) -> str:
    return str(piece.describe(shared)) if hasattr(piece, "describe") else "one of its pieces"
