"""A crew whose networks other processes or machines train, piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.colony import Crew
from creche.engine.crew_member import State, StoredMember
from creche.engine.hardware import Hardware, Workers
from creche.engine.job import Job, JobColumns
from creche.engine.outcomes import RUNNING, STATUSES, Divergence
from creche.engine.parameters import Parameters
from creche.engine.state_arrays import join_states
from creche.scale.piece import Kinds, Piece, PieceResult, ProcessorTime, train_piece
from creche.scale.sizing import measure_seconds, piece_sizes

__all__ = ["PiecewiseCrew", "as_columns", "pieces_of"]

EXAMPLES = 16  # networks that are trained for a moment, to know how long a piece takes


class _WaitingMember:
    """A member that no worker has begun to train: the engine makes it when it is looked at."""

    def __init__(self, job: Job, hardware: Hardware) -> None:
        self._job = job
        self._hardware = hardware

    def _crew(self) -> Crew:
        return Crew([self._job], Hardware(1, self._hardware.device))

    def status(self) -> str:
        return RUNNING

    def position(self) -> tuple[int, int]:
        return 0, 0

    def history(self) -> State:
        return self._crew().history(0)

    def parameters(self) -> Parameters:
        return self._crew().parameters(0)

    def state(self) -> State:
        return self._crew().state(0)

    def divergence(self) -> Divergence | None:
        return None


class PiecewiseCrew(Crew):
    """Networks that workers train in pieces; their states come back, with the bytes that training here gives.

    Parameters
    ----------
    jobs : sequence of Job
    hardware : Hardware
        With workers.

    Attributes
    ----------
    processor_time : ProcessorTime
        That of the workers, for the pieces that have come back.

    """

    processor_time = ProcessorTime()

    def _begin(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            self._members[number] = _WaitingMember(self.jobs[number], self.hardware)

    def begun_state(self, number: int) -> State:
        return {} if isinstance(self._members[number], _WaitingMember) else self.state(number)

    def run(self, epoch: int = -1, on_progress: Callable[[], object] | None = None) -> None:
        """Train each active member until it has completed `epoch` epochs (all, if negative).

        Raises
        ------
        CrecheError
            If workers are lost; members of the pieces that have come back are kept.
        KeyboardInterrupt
            On Ctrl-C; likewise.

        """
        workers = self.hardware.workers
        assert workers is not None
        due = [n for n in range(len(self)) if self.status(n) == RUNNING and not 0 <= epoch <= self.epoch(n)]
        if not due:
            return
        columns = as_columns(self.jobs)
        pieces = [
            Piece.of(columns, places, until=epoch, states=self._join(places))
            for places in pieces_of(columns, np.array(due), self.hardware, workers)
        ]
        kinds = Kinds(columns.bases, columns.sample, [None] * len(columns.bases), Hardware(1, self.hardware.device))

        def take(position: int, result: PieceResult) -> None:
            self._take(pieces[position], result)
            self.processor_time += result.processor
            if on_progress is not None:
                on_progress()

        workers.carry_out(train_piece, kinds, pieces, take)

    def _join(self, places: NDArray[np.int64]) -> dict[str, NDArray[Any]] | None:
        """Return the states that networks go on from; None if they have not begun."""
        members = [self._members[place] for place in places.tolist()]
        if all(isinstance(member, _WaitingMember) for member in members):
            return None
        return join_states([member.state() for member in members])

    def _take(self, piece: Piece, result: PieceResult) -> None:
        outcomes = result.outcomes
        for place, (number, state) in enumerate(zip(piece.places.tolist(), result.kept_states(), strict=True)):
            status = STATUSES[outcomes.status[place]]
            self._members[number] = StoredMember(status, state, outcomes.divergence_of(place))

    def _restart(self, states: Mapping[int, State]) -> None:
        for number, state in states.items():
            self._members[number] = StoredMember(RUNNING, state)


def as_columns(jobs: Sequence[Job]) -> JobColumns:
    """Return jobs as columns, each with a base of its own if they are not columns already."""
    if isinstance(jobs, JobColumns):
        return jobs
    return JobColumns(
        jobs, np.arange(len(jobs), dtype=np.int32), np.array([job.plan.seed for job in jobs], dtype=np.uint64)
    )


def pieces_of(
    jobs: JobColumns, numbers: NDArray[np.int64], hardware: Hardware, workers: Workers
) -> list[NDArray[np.int64]]:
    """Return the numbers of the networks of each piece."""
    chosen = numbers[np.linspace(0, len(numbers) - 1, min(EXAMPLES, len(numbers))).astype(np.int64)]
    creation, training = measure_seconds(list(jobs.take(chosen)), Hardware(1, hardware.device))
    sizes = piece_sizes(len(numbers), creation + training, workers.slots)
    return np.split(numbers, np.cumsum(sizes)[:-1])
