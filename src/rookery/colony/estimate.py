"""What a sweep will take, said before it begins: how many networks, how much memory, how long."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rookery.engine.colony import Crew, Job, memory_of
from rookery.engine.native import gigabytes

__all__ = ["Estimate", "estimate"]

TRIED = 64
SECONDS_OF_TRIAL = 0.2


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a sweep will take.

    Attributes
    ----------
    networks : int
    memory : int
        Bytes, about.
    seconds : float
        Of training, as far as a short trial can tell.

    """

    networks: int
    memory: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.networks:,} networks, about {gigabytes(self.memory)} and {in_words(self.seconds)}"


def estimate(networks: int, some: Sequence[Job], threads: int) -> Estimate:
    """Trains some of the networks for a moment, and works out what all of them will take.

    Parameters
    ----------
    networks : int
        How many there are.
    some : sequence of Job
        A few of them, from everywhere among them.
    threads : int

    """
    memory = sum(memory_of(job.plan, len(job.rows)) for job in some) / len(some)
    epochs, begin = 0, time.monotonic()
    crew = Crew([replace(job, plan=replace(job.plan, early_stopping=None)) for job in some], threads)
    begin = time.monotonic()
    while time.monotonic() - begin < SECONDS_OF_TRIAL and epochs < max(job.plan.epochs for job in some):
        epochs += 1
        crew.run(epoch=epochs)
    spent = time.monotonic() - begin
    done = sum(min(epochs, job.plan.epochs) for job in some)
    wanted = sum(job.plan.epochs for job in some) / len(some) * networks
    return Estimate(networks, int(memory * networks), spent / max(done, 1) * wanted)


def in_words(seconds: float) -> str:
    """A time as people say it.

    Examples
    --------
    >>> in_words(0.4), in_words(75), in_words(9000)
    ('a second', '75 seconds', '2.5 hours')

    """
    for size, word in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.3g} {word}"
    return "a second" if seconds < 1.5 else f"{seconds:.0f} seconds"
