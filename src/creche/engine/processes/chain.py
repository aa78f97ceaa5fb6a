"""The processes of a run in a row, each connected to the one before and the one after: sums in the order of shards.

In a step, the sums of the gradients go from the first process to the last, and each adds those of its shards; the whole
sum comes back from the last to the first. Both happen piece by piece at the same time, so that a process sends and
receives each number once in either direction, however many shards and processes there are.
"""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from creche._version import __version__
from creche.engine.processes.link import Link, LinkLostError
from creche.errors import ProcessError

__all__ = ["COMPLETE", "NOT_FINITE", "STOPPED", "Chain"]

COMPLETE, NOT_FINITE, STOPPED = 0, 1, 2  # StepEnd of core/engines/processes.hpp
PIECE = 1 << 18  # bytes
STEP = struct.Struct("!bdd")  # how it ends, the sums of losses and metrics

Arrays = Mapping[str, NDArray[Any]]
T = TypeVar("T")


class Chain:
    """The place of this process among those that train a network together.

    Parameters
    ----------
    rank, count : int
    before, after : Link or None
        The connections to the process before, which the first one lacks, and to the one after, which the last one
        lacks.

    Attributes
    ----------
    stop_asked : bool
        Set it to stop all processes before their next update.
    is_interrupted : bool
        Whether some process has asked all to stop.
    has_ended : bool
        Whether the first process has ended the run.

    """

    def __init__(self, rank: int, count: int, before: Link | None, after: Link | None) -> None:
        self.rank, self.count = rank, count
        self._before, self._after = before, after
        if before is not None and after is not None:
            before.beside, after.beside = after, before
        self._failing = threading.Lock()
        self._failure: ProcessError | None = None
        self._pool = ThreadPoolExecutor(1, "creche-exchange") if after is not None else None
        self.stop_asked = self.is_interrupted = self.has_ended = False

    @property
    def is_first(self) -> bool:
        """Whether this process writes files, calls back and reports."""
        return self.rank == 0

    @property
    def is_broken(self) -> bool:
        """Whether a process has failed, so that these connections cannot be used again."""
        return self._failure is not None

    @property
    def sent(self) -> int:
        """The bytes that this process has sent."""
        return sum(link.sent for link in self._links())

    def begin(self, identity: Mapping[str, Any], state: Arrays) -> Arrays:
        """Begin a run: check that all processes have the same, and return the state of the first.

        Parameters
        ----------
        identity : dict
            What all processes must have in common, as plain data.
        state : dict of str to array
            The state of the run here, which only that of the first process matters.

        Raises
        ------
        ProcessError

        """
        self.stop_asked = self.is_interrupted = self.has_ended = False
        return self._guarded(lambda: self._begin({"creche": __version__, **identity}, state))

    def _begin(self, identity: Mapping[str, Any], state: Arrays) -> Arrays:
        before, after = self._before, self._after
        if before is not None:
            theirs = json.loads(self._next_run(before))
            self._check_same(theirs["identity"], json.loads(json.dumps(identity)))
            state = {name: receive_array(before, dtype, shape) for name, dtype, shape in theirs["state"]}
        if after is not None:
            arrays = {name: np.ascontiguousarray(array) for name, array in state.items()}
            index = [(name, array.dtype.str, array.shape) for name, array in arrays.items()]
            after.send_json("hello", {"identity": identity, "state": index})
            for array in arrays.values():
                after.send_array("array", array)
            after.receive("ready")
        if before is not None:
            before.send("ready")
        return state

    @staticmethod
    def _next_run(before: Link) -> bytes:
        """Return the hello of a run, after the end of the one before."""
        while True:
            frame, content = before.receive("hello", "end")
            if frame == "hello":
                return content

    def _check_same(self, theirs: Mapping[str, Any], here: Mapping[str, Any]) -> None:
        different = [name for name in {**theirs, **here} if theirs.get(name) != here.get(name)]
        if not different:
            return
        names = {"creche": "version of Creche"}
        what = ", ".join(f"another {names.get(name, name)}" for name in different)
        versions = f" ({here['creche']}, not {theirs['creche']})" if "creche" in different else ""
        raise ProcessError(
            f"process {self.rank} of {self.count} has {what}{versions} than process {self.rank - 1}; start all "
            "processes with the same Creche, arguments and table",
            rank=self.rank,
        )

    def exchange(
        self, end: int, gradients: Sequence[NDArray[Any]], sums: Sequence[tuple[float, float]], total: NDArray[Any]
    ) -> tuple[int, float, float]:
        """Add the gradients of this process's shards to those before, and write the sum of all to `total`.

        Parameters
        ----------
        end : int
            How the step ends here.
        gradients : sequence of array
            Those of the shards that have rows.
        sums : sequence of (float, float)
            The sums of the losses and of the metrics of each.
        total : array

        Returns
        -------
        end, loss, metric

        Raises
        ------
        ProcessError
            If a process has ended, or failed.

        """
        here = STOPPED if self.stop_asked else end
        result = self._guarded(lambda: self._exchange(here, gradients, sums, total))
        if result[0] == STOPPED and not self.has_ended:
            self.is_interrupted = True
        return result

    def _exchange(
        self, end: int, gradients: Sequence[NDArray[Any]], sums: Sequence[tuple[float, float]], total: NDArray[Any]
    ) -> tuple[int, float, float]:
        before, after = self._before, self._after
        added = [np.array(of_shard) for of_shard in sums]
        has_begun = False  # whether sums of shards come from the process before
        if before is not None:
            frame, content = before.receive("step", "end")
            if frame == "end":
                self._hear_end()
                return STOPPED, 0.0, 0.0
            ended, *of_shards = STEP.unpack(content)
            has_begun, end = ended == COMPLETE, max(end, ended)
            added.insert(0, np.array(of_shards))
        loss, metric = add_in_order(added) if end == COMPLETE else (0.0, 0.0)
        step = STEP.pack(end, loss, metric)
        coming_back: Future[tuple[int, float, float]] | None = None
        if after is not None:
            after.send("step", step)
            after.receive("go")  # it may be computing for minutes, and would not read what is sent meanwhile
        if before is not None:
            before.send("go")
        if after is not None:
            assert self._pool is not None
            coming_back = self._pool.submit(self._guarded, lambda: self._bring_back(after, total))
        elif before is not None:
            before.send("done", step)
        for piece in pieces_of(total):
            part = total[piece]
            if before is not None and has_begun:
                before.receive_into("sums", part)
            if end != COMPLETE:
                continue
            for number, gradient in enumerate(gradients):
                if number == 0 and not has_begun:
                    part[:] = gradient[piece]
                else:
                    part += gradient[piece]
            towards = after or before
            assert towards is not None
            towards.send_array("sums", part)
        return (end, loss, metric) if coming_back is None else coming_back.result()

    def _bring_back(self, after: Link, total: NDArray[Any]) -> tuple[int, float, float]:
        """Receive what all have agreed on, and the whole sum, and send them to the process before."""
        before = self._before
        _, content = after.receive("done")
        if before is not None:
            before.send("done", content)
        end, loss, metric = STEP.unpack(content)
        for piece in pieces_of(total) if end == COMPLETE else ():
            after.receive_into("sums", total[piece])
            if before is not None:
                before.send_array("sums", total[piece])
        return end, loss, metric

    def end(self) -> None:
        """End the run: the first process ends that of the others, which wait for it."""
        if self._failure is None and not self.has_ended:
            with suppress(ProcessError):
                self._guarded(self._end)

    def _end(self) -> None:
        if self._before is not None:
            self._before.receive("end")
        self._hear_end()

    def _hear_end(self) -> None:
        self.has_ended = True
        if self._after is not None:
            self._after.send("end")

    def fail(self, error: BaseException) -> None:
        """Tell the other processes that this one fails, or, if it is asked to exit, that it is lost."""
        message = f"process {self.rank} of {self.count} failed: {type(error).__name__}: {error}"
        self._give_up(ProcessError(message, rank=self.rank, is_lost=not isinstance(error, Exception)))

    def lose(self, error: ProcessError) -> None:
        """Give up a process that is known to be lost, although its connections may not show it."""
        self._give_up(error, error.rank)

    def close(self) -> None:
        """Close the connections."""
        for link in self._links():
            link.shut()
        if self._pool is not None:
            self._pool.shutdown()
        for link in self._links():
            link.close()

    def _links(self) -> Iterator[Link]:
        for link in (self._before, self._after):
            if link is not None:
                yield link

    def _guarded(self, work: Callable[[], T]) -> T:
        """Do some work with the connections; if it fails, tell the other processes and give up."""
        if self._failure is not None:
            raise self._failure
        try:
            return work()
        except LinkLostError as lost:
            message = f"process {lost.rank} of {self.count} is gone: {lost.reason}"
            gone = ProcessError(message, rank=lost.rank, is_lost=True)
            told = next(link for link in self._links() if link.rank == lost.rank).last_words()
            raise self._give_up(told or gone, lost.rank) from lost
        except ProcessError as error:
            raise self._give_up(error) from error

    def _give_up(self, error: ProcessError, lost: int | None = None) -> ProcessError:
        """Return the failure that was noticed first, after it has been told to the neighbours."""
        with self._failing:
            if self._failure is None:
                self._failure = error
                for link in self._links():
                    if link.rank == lost:
                        link.shut()
                    else:
                        link.tell_failure(error)
        return self._failure


def add_in_order(sums: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Return the sums of pairs, one after the other."""
    total = sums[0]
    for of_shard in sums[1:]:
        total = total + of_shard
    return float(total[0]), float(total[1])


def pieces_of(array: NDArray[Any]) -> Iterator[slice]:
    """Yield the parts of an array that are sent at once."""
    numbers = PIECE // array.itemsize
    for begin in range(0, len(array), numbers):
        yield slice(begin, min(begin + numbers, len(array)))


def receive_array(link: Link, dtype: str, shape: Sequence[int]) -> NDArray[Any]:
    """Return an array that the process at the other end sends."""
    array = np.empty(tuple(shape), np.dtype(dtype))
    link.receive_into("array", array)
    return array
