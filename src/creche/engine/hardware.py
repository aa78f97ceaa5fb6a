"""What networks are trained on: the threads of the processor, and a device."""

from __future__ import annotations

from dataclasses import dataclass

from creche._phrases import format_count
from creche._system.resources import resolve_threads
from creche.engine.device import CPU, Device, resolve_device

__all__ = ["Hardware", "resolve_hardware"]


@dataclass(frozen=True, slots=True)
class Hardware:
    """What networks are trained on.

    Attributes
    ----------
    threads : int
        Number of threads of the processor, which does the work where no other device does.
    device : Device

    """

    threads: int
    device: Device = CPU

    def __str__(self) -> str:
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
