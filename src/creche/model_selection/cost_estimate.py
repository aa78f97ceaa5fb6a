"""What a sweep will take, said before it begins: how many networks, how much memory, how long."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from creche._system.resources import available_memory
from creche.engine.colony import Crew, Job, network_memory
from creche.engine.native import format_gigabytes, rows_memory
from creche.errors import PlanError
from creche.model_selection.jobs import Jobs
from creche.model_selection.search_space import Combinations
from creche.model_selection.successive_halving import Halving

__all__ = ["Estimate", "check_cost", "estimate_cost"]

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
        Of making the networks and training them, as far as a short trial can tell.

    """

    networks: int
    memory: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.networks:,} networks, about {format_gigabytes(self.memory)} and {format_duration(self.seconds)}"


def check_cost(
    choices: Combinations,
    seeds: int,
    jobs: Jobs,
    halving: Halving | None,
    confirm: Callable[[Estimate], bool] | None,
    threads: int,
) -> None:
    """Refuses what cannot be, before anything is made of it, and asks whether to begin.

    Raises
    ------
    PlanError
        If a plan cannot be, the networks would need more memory than there is, or `confirm` says no.

    """
    networks = choices.number * seeds * jobs.splits
    tried = choices.some(TRIED)
    some = [jobs.job(jobs.planned(choice)[0], choice) for choice in tried]
    needed = networks * sum(network_memory(job.plan, len(job.rows)) for job in some) // len(some)
    if jobs.bootstrap:
        tables = {id(job.rows): job.rows for job in some}.values()
        needed += seeds * jobs.splits * sum(rows_memory(rows) for rows in tables)
    free = available_memory()
    too_many = free is not None and needed > free
    if confirm is None and not too_many:
        return
    expected = replace(estimate_cost(networks, some, threads), memory=needed)
    if halving is not None:
        share = halving.share(max(job.plan.epochs for job in some), networks)
        expected = replace(expected, seconds=expected.seconds * share)
    if too_many:
        raise PlanError(
            f"a sweep of {networks:,} networks needs about {format_gigabytes(needed)}, more than "
            f"{format_gigabytes(free or 0)} available, and about {format_duration(expected.seconds)}; give fewer "
            "values, seeds or folds, or draw some with samples=1000"
        )
    if confirm is not None and not confirm(expected):
        raise PlanError(f"nothing was trained: {networks:,} networks were not confirmed")


def estimate_cost(networks: int, some: Sequence[Job], threads: int) -> Estimate:
    """Trains some of the networks for a moment, and works out what all of them will take.

    Parameters
    ----------
    networks : int
        How many there are.
    some : sequence of Job
        A few of them, from everywhere among them.
    threads : int

    """
    memory = sum(network_memory(job.plan, len(job.rows)) for job in some) / len(some)
    trial = [replace(job, plan=replace(job.plan, early_stopping=None)) for job in some]
    Crew(trial[:1], threads)  # the engine is slower the first time
    begin = time.monotonic()
    crew = Crew(trial, threads)
    making = (time.monotonic() - begin) / len(some) * networks
    epochs, begin = 0, time.monotonic()
    while time.monotonic() - begin < SECONDS_OF_TRIAL and epochs < max(job.plan.epochs for job in some):
        epochs += 1
        crew.run(epoch=epochs)
    spent = time.monotonic() - begin
    done = sum(min(epochs, job.plan.epochs) for job in some)
    wanted = sum(job.plan.epochs for job in some) / len(some) * networks
    return Estimate(networks, int(memory * networks), making + spent / max(done, 1) * wanted)


def format_duration(seconds: float) -> str:
    """A time as people say it.

    Examples
    --------
    >>> format_duration(0.4), format_duration(75), format_duration(9000)
    ('a second', '75 seconds', '2.5 hours')

    """
    for size, word in ((31_557_600, "years"), (86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:,.3g} {word}"
    return "a second" if seconds < 1.5 else f"{seconds:.0f} seconds"
