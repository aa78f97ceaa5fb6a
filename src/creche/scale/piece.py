"""A piece: some of many networks, trained by one call, wherever that is made."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.colony import Crew
from creche.engine.hardware import Hardware
from creche.engine.job import Job, JobColumns, Sample
from creche.engine.native import Rows, new_predictor
from creche.engine.outcomes import STATUSES, Outcomes
from creche.engine.state_arrays import join_states, split_states

__all__ = [
    "Kinds",
    "Piece",
    "PieceResult",
    "ProcessorTime",
    "evaluate_held_out",
    "losses_of",
    "rank_outcomes",
    "train_piece",
]

_counted_until: float | None = None  # processor seconds of this process, at the end of the piece before


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """What pieces have in common, which goes to each process once: plans and encoded tables.

    Attributes
    ----------
    bases : sequence of Job
        The jobs that the columns of a piece refer to.
    sample : callable, optional
        As for `JobColumns`.
    held_out : sequence of Rows or None
        For each base the rows on which its networks are evaluated at their end, in place of validation rows.
    hardware : Hardware
        What a piece is trained on, in the process that trains it.

    """

    bases: Sequence[Job]
    sample: Sample | None
    held_out: Sequence[Rows | None]
    hardware: Hardware


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Some networks, without what all pieces have in common.

    Attributes
    ----------
    places : (n,) int64 array
        The numbers of the networks among all.
    base, seeds, numbers
        As in `JobColumns`.
    until : int
        The epoch to train to; -1 for all epochs.
    states : dict of str to array, optional
        The states that the networks go on from, joined.
    keeps : int or None
        How many states to return, those of the lowest losses; None for all.
    at_most : float
        The largest loss of a network whose state is returned, if not all are.

    """

    places: NDArray[np.int64]
    base: NDArray[np.int32]
    seeds: NDArray[np.uint64]
    numbers: dict[str, NDArray[np.float64]]
    until: int = -1
    states: dict[str, NDArray[Any]] | None = None
    keeps: int | None = None
    at_most: float = math.inf

    @classmethod
    def of(cls, jobs: JobColumns, places: NDArray[np.int64], **others: Any) -> Piece:
        """Return the piece of the networks at some places."""
        chosen = jobs.take(places)
        return cls(places, chosen.base, chosen.seeds, dict(chosen.numbers), **others)

    def __len__(self) -> int:
        return len(self.places)

    def jobs(self, kinds: Kinds) -> JobColumns:
        """Return its jobs."""
        return JobColumns(kinds.bases, self.base, self.seeds, self.numbers, kinds.sample)

    def describe(self, kinds: Kinds) -> str:
        """Return which networks it has, and the plan of the first, for messages."""
        first, last = int(self.places[0]) + 1, int(self.places[-1]) + 1
        plan = self.jobs(kinds)[0].plan
        which = f"network {first:,}" if first == last else f"networks {first:,} to {last:,}"
        return f"{which} ({plan.network}, {plan.optimizer!r}, seed {plan.seed})"


@dataclass(frozen=True, slots=True)
class ProcessorTime:
    """How long the processors of workers were busy with pieces.

    Attributes
    ----------
    engine : float
        Seconds in which they created networks and trained them.
    all : float
        Seconds in all, since the piece before: also for fetching the piece and for sending its result.

    """

    engine: float = 0.0
    all: float = 0.0

    def __add__(self, other: ProcessorTime) -> ProcessorTime:
        return ProcessorTime(self.engine + other.engine, self.all + other.all)

    @property
    def share(self) -> float:
        """The part of the time that the engine had.

        Examples
        --------
        >>> (ProcessorTime(9.0, 10.0) + ProcessorTime(10.0, 10.0)).share
        0.95

        """
        return self.engine / self.all if self.all else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class PieceResult:
    """What has become of the networks of a piece.

    Attributes
    ----------
    outcomes : Outcomes
    kept : (k,) int64 array
        The positions in the piece of the networks whose states are returned.
    states : dict of str to array
        These states, joined.
    seconds : float
        The time it took.
    processor : ProcessorTime

    """

    outcomes: Outcomes
    kept: NDArray[np.int64]
    states: dict[str, NDArray[Any]]
    seconds: float
    processor: ProcessorTime

    def kept_states(self) -> list[dict[str, NDArray[Any]]]:
        """Return the states of the networks at `kept`."""
        return split_states(self.states, len(self.kept))


def train_piece(kinds: Kinds, piece: Piece) -> PieceResult:
    """Train the networks of a piece; each ends with the bytes it has alone."""
    global _counted_until
    start, start_of_engine = time.monotonic(), time.process_time()
    counted_from = start_of_engine if _counted_until is None else _counted_until
    crew = Crew(piece.jobs(kinds), kinds.hardware)
    if piece.states is not None:
        crew.restore(dict(enumerate(split_states(piece.states, len(piece)))), {})
    crew.run(piece.until)
    end_of_engine = time.process_time()
    outcomes = crew.outcomes()
    evaluate_held_out(kinds, piece.base, crew, outcomes)
    kept = np.arange(len(piece)) if piece.keeps is None else rank_outcomes(outcomes, piece.at_most)[: piece.keeps]
    states = join_states([crew.state(number) for number in kept.tolist()])
    _counted_until = time.process_time()
    processor = ProcessorTime(end_of_engine - start_of_engine, _counted_until - counted_from)
    return PieceResult(outcomes, kept, states, time.monotonic() - start, processor)


def evaluate_held_out(kinds: Kinds, base: NDArray[np.int32], crew: Crew, outcomes: Outcomes) -> None:
    """Put the loss and the metric of held-out rows in the place of those of the validation rows."""
    if all(rows is None for rows in kinds.held_out):
        return
    for number in np.flatnonzero(outcomes.kept_epoch > 0).tolist():
        if (rows := kinds.held_out[base[number]]) is not None:
            predictor = new_predictor(crew.jobs[number].plan, crew.parameters(number), 1)
            loss, metric = predictor.evaluate(rows.x, rows.classes, rows.targets, rows.weights)
            outcomes.validation_loss[number], outcomes.validation_metric[number] = loss, metric


def rank_outcomes(outcomes: Outcomes, at_most: float = math.inf) -> NDArray[np.int64]:
    """Return the positions of the networks that have a loss and did not diverge, the lowest loss first.

    Parameters
    ----------
    outcomes : Outcomes
    at_most : float
        Networks with a larger loss are left out.

    """
    loss = losses_of(outcomes)
    usable = np.flatnonzero(np.isfinite(loss) & (loss <= at_most) & (outcomes.status != STATUSES.index("diverged")))
    return usable[np.argsort(loss[usable], kind="stable")]


def losses_of(outcomes: Outcomes) -> NDArray[np.float64]:
    """Return the loss by which networks are compared: on the validation rows, or without them on the training rows."""
    return np.where(np.isnan(outcomes.validation_loss), outcomes.train_loss, outcomes.validation_loss)
