"""The cost of a sweep, estimated before it begins: networks, memory and time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from creche._advice import advise
from creche._system.resources import available_memory
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.memory_checks import network_memory
from creche.engine.native import Rows, format_gigabytes, rows_memory
from creche.errors import PlanError
from creche.model_selection.jobs import Jobs
from creche.model_selection.search_space import Combinations
from creche.model_selection.successive_halving import Halving
from creche.scale.crew import MOST_STATES, holds_arrays
from creche.scale.sizing import measure_seconds

__all__ = ["Estimate", "check_cost", "estimate_cost"]

TRIAL_NETWORKS = 64
BYTES_OF_OUTCOME = 400  # of a network whose state is not kept: its entries in all arrays


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
    each = sum(network_memory(job.plan, job.rows) for job in examples) // len(examples)
    each_table = {id(job.rows): job.rows for job in examples}.values()
    tables = sum(rows_memory(rows) for rows in each_table if isinstance(rows, Rows))
    memory = networks * each + (seeds * jobs.n_splits * tables if jobs.bootstrap else 0)
    if holds_arrays(networks, waits=halving is not None):
        at_once = min(networks, MOST_STATES)
        memory = networks * BYTES_OF_OUTCOME + at_once * (each + (tables if jobs.bootstrap else 0))
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
    if hardware.workers is None:
        seconds = sum(measure_seconds(examples, hardware)) * networks
    else:
        seconds = sum(measure_seconds(examples, Hardware(1, hardware.device))) * networks / hardware.workers.slots
    return Estimate(networks, int(memory * networks), seconds)


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
