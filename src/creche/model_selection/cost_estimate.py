"""The cost of a sweep, estimated before it begins: networks, memory and time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from creche._advice import advise
from creche._system.resources import available_memory
from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.memory_checks import network_memory
from creche.engine.native import format_gigabytes, rows_memory
from creche.engine.stored_rows import require_memory
from creche.errors import PlanError
from creche.model_selection.jobs import Jobs
from creche.model_selection.search_space import Combinations
from creche.model_selection.successive_halving import Halving

__all__ = ["Estimate", "check_cost", "estimate_cost"]

TRIAL_NETWORKS = 64
TRIAL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Estimate:
    """The estimated cost of a sweep.

    Attributes
    ----------
    networks : int
        The number of networks.
    memory : int
        Bytes of memory.
    seconds : float
        The time to create and train the networks, extrapolated from a short trial.

    """

    networks: int
    memory: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.networks:,} networks, about {format_gigabytes(self.memory)} and {format_duration(self.seconds)}"


def check_cost(
    combinations: Combinations,
    seeds: int,
    jobs: Jobs,
    halving: Halving | None,
    confirm: Callable[[Estimate], bool] | None,
    hardware: Hardware,
) -> None:
    """Refuse a sweep that needs too much memory before any network is created, and ask whether to begin.

    Raises
    ------
    PlanError
        If a plan is invalid, the networks need more memory than there is, or `confirm` returns False.

    """
    networks = combinations.number * seeds * jobs.n_splits
    examples = [
        jobs.create_job(jobs.create_plan(choice)[0], choice) for choice in combinations.select_examples(TRIAL_NETWORKS)
    ]
    memory = networks * sum(network_memory(job.plan, job.rows) for job in examples) // len(examples)
    if jobs.bootstrap:
        tables = {id(job.rows): require_memory(job.rows, "bagging") for job in examples}.values()
        memory += seeds * jobs.n_splits * sum(rows_memory(rows) for rows in tables)
    available = available_memory()
    exceeds_memory = available is not None and memory > available
    if confirm is None and not exceeds_memory:
        return
    estimate = replace(estimate_cost(networks, examples, hardware), memory=memory)
    if halving is not None:
        share = halving.trained_share(max(job.plan.epochs for job in examples), networks)
        estimate = replace(estimate, seconds=estimate.seconds * share)
    if exceeds_memory:
        raise PlanError(
            f"a sweep of {networks:,} networks needs about {format_gigabytes(memory)}, more than "
            f"{format_gigabytes(available or 0)} available, and about {format_duration(estimate.seconds)}; give fewer "
            f"values, seeds or folds, or draw some combinations with {advise('samples', 1000)}"
        )
    if confirm is not None and not confirm(estimate):
        raise PlanError(f"nothing was trained: {networks:,} networks were not confirmed")


def estimate_cost(networks: int, examples: Sequence[Job], hardware: Hardware) -> Estimate:
    """Train a few of the networks for a moment, and extrapolate to all of them.

    Parameters
    ----------
    networks : int
        The number of all networks.
    examples : sequence of Job
        A few of them, spread over all.
    hardware : Hardware

    """
    memory = sum(network_memory(job.plan, job.rows) for job in examples) / len(examples)
    trial = [replace(job, plan=replace(job.plan, early_stopping=None)) for job in examples]
    Crew(trial[:1], hardware)  # the engine is slower the first time
    start = time.monotonic()
    crew = Crew(trial, hardware)
    creation = (time.monotonic() - start) / len(examples) * networks
    epochs, start = 0, time.monotonic()
    while time.monotonic() - start < TRIAL_SECONDS and epochs < max(job.plan.epochs for job in examples):
        epochs += 1
        crew.run(epoch=epochs)
    elapsed = time.monotonic() - start
    done = sum(min(epochs, job.plan.epochs) for job in examples)
    total = sum(job.plan.epochs for job in examples) / len(examples) * networks
    return Estimate(networks, int(memory * networks), creation + elapsed / max(done, 1) * total)


def format_duration(seconds: float) -> str:
    """Format a duration in words, in the largest unit that it is at least twice as long as.

    Examples
    --------
    >>> format_duration(0.4), format_duration(75), format_duration(9000)
    ('a second', '75 seconds', '2.5 hours')

    """
    for length, unit in ((31_557_600, "years"), (86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * length:
            return f"{seconds / length:,.3g} {unit}"
    return "a second" if seconds < 1.5 else f"{seconds:.0f} seconds"
