"""Calls on a cluster of Ray that need each other, and so run side by side: the processes of one network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from creche._advice import advise
from creche._phrases import format_count
from creche.engine.hardware import Failure
from creche.errors import CrecheError, PlanError
from creche.scale.build import this_build
from creche.scale.ray_errors import cause_of, first_line
from creche.scale.worker import work

__all__ = ["RayCalls", "Room"]


@dataclass(frozen=True, slots=True)
class Room:
    """The processors of a cluster.

    Attributes
    ----------
    machines : tuple of float
        Those of each machine.
    free : float
        How many of all are not in use.

    """

    machines: tuple[float, ...]
    free: float

    @classmethod
    def of(cls, ray: Any) -> Room:
        """Return what the cluster has that this process is connected to."""
        each = [node["Resources"].get("CPU", 0) for node in ray.nodes() if node["Alive"]]
        return cls(tuple(each), ray.available_resources().get("CPU", 0))

    def __str__(self) -> str:
        return (
            f"the cluster has {sum(self.machines):g} processors, {self.free:g} of them free, and at most "
            f"{self.largest:g} on a machine"
        )

    @property
    def largest(self) -> float:
        """The processors of the machine that has the most."""
        return max(self.machines, default=0)

    def count_fitting(self, cpus: int) -> int:
        """Return for how many pieces there would be room if nothing was in use, each with some processors of a machine.

        Examples
        --------
        >>> Room((3, 2, 0), free=0).count_fitting(2)
        2

        """
        return sum(int(each // cpus) for each in self.machines)


class Caller:
    """An actor that carries out one call. Ray tells at once that it is lost, with its process or its machine.

    Of a task it would not know that for minutes, if the machine is silent and no connection to it is closed.
    """

    def call(self, *arguments: Any) -> Any:
        """Carry out a piece."""
        return work(*arguments)


class RayCalls:
    """Calls of a function that run side by side, on as many machines as there are; none is begun again by Ray.

    Parameters
    ----------
    ray : module
    cpus : int
        Processors that Ray reserves for each.
    function : callable
    shared : object
        What they have in common, which goes to each machine once.
    pieces : sequence

    """

    def __init__(
        self, ray: Any, cpus: int, function: Callable[[Any, Any], Any], shared: Any, pieces: Sequence[Any]
    ) -> None:
        self._ray, self._cpus, self._shared = ray, cpus, shared
        actor = ray.remote(num_cpus=cpus, max_restarts=0, max_task_retries=0, scheduling_strategy="SPREAD")(Caller)
        stored = ray.put(shared)
        self._actors = [actor.remote() for _ in pieces]
        self._running = {
            caller.call.remote(this_build(), function, stored, piece): (position, piece)
            for position, (caller, piece) in enumerate(zip(self._actors, pieces, strict=True))
        }

    def failures(self) -> list[Failure]:
        """Return the calls that have ended with an error so far."""
        found = []
        references, errors = [*self._running], self._ray.exceptions
        done, _ = self._ray.wait(references, num_returns=len(references), timeout=0)
        for reference in done:
            position, piece = self._running[reference]
            try:
                self._ray.get(reference)
            except errors.RayTaskError as error:  # raised by the call itself
                found.append(Failure(position, cause_of(error), False))
            except errors.RayError as error:
                reason = f"cluster: {piece.describe(self._shared)} did not come back: {first_line(error)}"
                found.append(Failure(position, CrecheError(reason), True))
        return found

    def check_room(self) -> str:
        """Return what the cluster has and what the calls want.

        Raises
        ------
        PlanError
            If it is too small.

        """
        count, room = len(self._running), Room.of(self._ray)
        processes = "1 process" if count == 1 else f"{count} processes"
        wanted = f"{processes} besides this one, of {format_count(self._cpus, 'processor')} each"
        fitting = room.count_fitting(self._cpus)
        if fitting < count:
            fewer = f"give {advise('processes', fitting + 1)} at most, or " if fitting else ""
            raise PlanError(
                f"cluster: {room}, which is too little for {wanted}; {fewer}lower cpus_per_piece, or add machines",
                argument="cluster",
            )
        return f"{room}; {wanted} are wanted"

    def end(self, seconds: float) -> None:
        """Wait for all of them, and cancel those that have not ended by then."""
        references = [*self._running]
        self._ray.wait(references, num_returns=len(references), timeout=seconds)
        for actor in self._actors:
            with suppress(Exception):
                self._ray.kill(actor)
