"""What networks are trained on: the threads of the processor, a device, or other processes and machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from creche._phrases import format_count
from creche._system.resources import resolve_threads
from creche.engine.device import CPU, Device, resolve_device

__all__ = ["Failure", "Hardware", "StartedCalls", "Workers", "resolve_hardware"]


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that has ended with an error.

    Attributes
    ----------
    position : int
    error : Exception
    is_lost : bool
        Whether its process or machine was lost, rather than that the call itself has failed.

    """

    position: int
    error: Exception
    is_lost: bool


class StartedCalls(Protocol):
    """Calls that workers carry out side by side."""

    def failures(self) -> list[Failure]:
        """Return the calls that have ended with an error so far."""

    def check_room(self) -> str:
        """Return why they may not have begun, as a sentence without its end; raise an error if they never can."""

    def end(self, seconds: float) -> None:
        """Wait for all of them, and cancel those that have not ended by then."""


class Workers(Protocol):
    """Processes or machines that carry out pieces of work; `creche.scale` has several kinds.

    Attributes
    ----------
    threads : int
        Threads that a piece of work may use.
    retries : int
        How often work is begun anew that has lost its process or machine.

    """

    @property
    def threads(self) -> int: ...

    @property
    def retries(self) -> int: ...

    @property
    def slots(self) -> int:
        """How many pieces are carried out at once."""

    def own_address(self) -> str:
        """Return the address at which they reach this machine."""

    def start(self, function: Callable[[Any, Any], Any], shared: Any, pieces: Sequence[Any]) -> StartedCalls:
        """Begin ``function(shared, piece)`` for all pieces, which need each other and so must run at the same time."""

    def carry_out(
        self,
        function: Callable[[Any, Any], Any],
        shared: Any,
        pieces: Iterable[Any],
        on_done: Callable[[int, Any], object],
        lead: int | None = None,
    ) -> None:
        """Call ``function(shared, piece)`` for each piece, and `on_done` with its position and its result.

        No piece is handed out that is `lead` or more ahead of the oldest that is not done.
        """


@dataclass(frozen=True, slots=True)
class Hardware:
    """What networks are trained on.

    Attributes
    ----------
    threads : int
        Number of threads of the processor, which does the work where no other device does.
    device : Device
    workers : Workers, optional
        Other processes or machines, in place of this one.

    """

    threads: int
    device: Device = CPU
    workers: Workers | None = None

    def __str__(self) -> str:
        if self.workers is not None:
            return str(self.workers)
        return format_count(self.threads, "thread") if self.device.kind == "cpu" else str(self.device)


def resolve_hardware(threads: int | None = None, device: str | Device | None = None) -> Hardware:
    """Return the hardware of the arguments that functions take.

    Parameters
    ----------
    threads : int, optional
        By default ``CRECHE_NUM_THREADS``, or else the cores that this process may use.
    device : str, optional
        By default ``CRECHE_DEVICE``, or else the processor.

    Raises
    ------
    PlanError
        If the number of threads is out of range, or this machine lacks the device.

    Examples
    --------
    >>> resolve_hardware(threads=2, device="cpu").threads
    2

    """
    return Hardware(resolve_threads(threads), resolve_device(device))
