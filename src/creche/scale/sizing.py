"""How large pieces are: long enough that handing them out costs little, short enough that all workers end together."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from creche.engine.choice import flops_per_row, new_run
from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.stored_rows import StoredRows

__all__ = ["PACK", "cut", "measure_seconds", "piece_sizes"]

PACK = 16  # the lanes of the widest register: fewer networks would leave some of them idle
SHORTEST, LONGEST = 5.0, 30.0  # seconds of a piece
PIECES_PER_SLOT = 4  # of work that is shorter than that many of the longest pieces
LAST = 0.5  # seconds of the last piece: a slot waits about as long for the others at the end
TRIAL_SECONDS = 0.2


def measure_seconds(examples: Sequence[Job], hardware: Hardware) -> tuple[float, float]:
    """Train a few networks for a moment.

    Parameters
    ----------
    examples : sequence of Job
    hardware : Hardware

    Returns
    -------
    creation, training : float
        Seconds for each network, on this hardware: to create it, and to train it for all of its epochs.

    """
    trial = [replace(job, plan=replace(job.plan, early_stopping=None)) for job in examples]
    if any(isinstance(job.rows, StoredRows) for job in trial):
        return 0.0, _measure_in_turn(trial, hardware)
    Crew(trial[:1], hardware)  # the engine is slower the first time
    start = time.monotonic()
    crew = Crew(trial, hardware)
    creation = (time.monotonic() - start) / len(trial)
    epochs, start = 0, time.monotonic()
    while time.monotonic() - start < TRIAL_SECONDS and epochs < max(job.plan.epochs for job in examples):
        epochs += 1
        crew.run(epoch=epochs)
    elapsed = time.monotonic() - start
    done = sum(min(epochs, job.plan.epochs) for job in examples)
    total = sum(job.plan.epochs for job in examples)
    return creation, elapsed * total / max(done, 1) / len(trial)


def _measure_in_turn(examples: Sequence[Job], hardware: Hardware) -> float:
    """Return the seconds of a network whose rows are in a file: of the first one for a moment, and the others like it.

    An epoch of such a network may take hours.
    """
    first = examples[0]
    run = new_run(first.plan, first.rows, first.validation, hardware)
    start = time.monotonic()
    run.run(steps=1)  # however long the disk takes
    run.run(seconds=TRIAL_SECONDS)
    elapsed = time.monotonic() - start
    steps = first.plan.steps_per_epoch(len(first.rows))
    done: float = max(run.epoch * steps + run.batch_in_epoch, 1) / steps
    run.release_rows()
    work = sum(flops_per_row(job.plan) * len(job.rows) * job.plan.epochs for job in examples) / len(examples)
    return elapsed / done * work / (flops_per_row(first.plan) * len(first.rows))


def piece_sizes(networks: int, seconds_each: float, slots: int) -> list[int]:
    """Return how many networks each piece should have.

    Towards the end each piece is a share of half of what is left, so that all slots end at about the same time although
    no piece takes exactly as long as expected.

    Parameters
    ----------
    networks : int
        The number of all networks.
    seconds_each : float
        The time of one network on one slot.
    slots : int
        How many pieces are trained at once.

    References
    ----------
    Hummel, Schonberg, Flynn: Factoring: a method for scheduling parallel loops (1992).

    Examples
    --------
    >>> piece_sizes(70_000, 0.001, 2)
    [8752, 8752, 8752, 8752, 8752, 6560, 4928, 3696, 2768, 2080, 1552, 1168, 880, 656, 512, 512, 512, 416]
    >>> piece_sizes(64, 0.001, 4), piece_sizes(40, 60.0, 4)
    ([16, 16, 16, 16], [16, 16, 8])

    """
    total = networks * seconds_each
    seconds = min(max(total / (PIECES_PER_SLOT * slots), SHORTEST), LONGEST)
    first = seconds / max(seconds_each, 1e-9)
    last = LAST / max(seconds_each, 1e-9)
    if first >= networks / slots:  # one piece for each slot, and all of them equal
        first = last = networks / slots
    sizes, left = list[int](), networks
    while left:
        size = min(first, max(last, left / (2 * slots)))
        sizes.append(min(left, max(PACK, math.ceil(size / PACK - 1e-9) * PACK)))
        left -= sizes[-1]
    return sizes


def cut(numbers: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    """Cut numbers of networks into pieces of a size.

    Examples
    --------
    >>> [piece.tolist() for piece in cut(np.arange(5), 2)]
    [[0, 1], [2, 3], [4]]

    """
    return [numbers[first : first + size] for first in range(0, len(numbers), size)]
