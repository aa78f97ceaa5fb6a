"""Pieces on an executor: of `concurrent.futures`, submitit's for SLURM, Dask's, or any other with a `submit`."""

from __future__ import annotations

import os
import pickle
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED as FIRST
from concurrent.futures import BrokenExecutor, CancelledError, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from creche._system.resources import usable_cores
from creche.errors import CrecheError
from creche.scale.build import this_build
from creche.scale.handout import Handout
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
        executor = self._executor
        client = getattr(executor, "_client", executor)
        if hasattr(client, "nthreads"):
            return sum(client.nthreads().values()) or usable_cores()
        if getattr(executor, "cluster", None) == "slurm":
            return int(executor._executor.parameters.get("array_parallelism", JOBS_OF_SLURM))
        return int(getattr(executor, "_max_workers", None) or usable_cores())

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

    def _result(self, future: Any, shared: Any, piece: Any) -> Any:
        try:
            return future.result()
        except CancelledError as error:
            raise CrecheError(f"cluster: {self} cancelled a piece, {_describe(shared, piece)}; run it again") from error
        except BrokenExecutor as error:
            raise CrecheError(
                f"cluster: a process of {self} ended while it worked, perhaps on {_describe(shared, piece)}; it may "
                "have been killed for lack of memory. Make a new executor, with fewer processes, and run it again"
            ) from error
        except ModuleNotFoundError as error:
            raise CrecheError(
                f"cluster: a worker of {self} has no module {error.name!r}; install the same Creche on all machines"
            ) from error
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in OF_EXECUTORS:
                raise
            raise CrecheError(
                f"cluster: {_describe(shared, piece)} did not come back from {self}: {_reason(error)}. What was done "
                "before is kept"
            ) from error

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
