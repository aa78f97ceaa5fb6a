"""A crew of very many networks: results as arrays, and the states of the best; the others are trained again."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from creche.engine.colony import Crew
from creche.engine.crew_member import CrewMember, State, StoredMember
from creche.engine.hardware import Hardware
from creche.engine.job import Job, JobColumns
from creche.engine.memory_checks import check_networks, network_memory
from creche.engine.native import Rows
from creche.engine.outcomes import RUNNING, STATUSES, Divergence, Outcomes
from creche.engine.parameters import Parameters
from creche.engine.run_state import RunState
from creche.engine.state_arrays import join_states, split_states
from creche.errors import PlanError
from creche.scale.piece import (
    Kinds,
    Piece,
    PieceResult,
    ProcessorTime,
    evaluate_held_out,
    losses_of,
    rank_outcomes,
    train_piece,
)
from creche.scale.piecewise_crew import pieces_of
from creche.scale.sizing import cut

__all__ = ["ArrayCrew"]

KEPT_STATES = 256  # of the networks with the lowest losses
REMEMBERED_STATES = 64  # of networks that were trained again
# A piece on this machine: packs for all threads several times over, and not too much memory.
NETWORKS_PER_THREAD, PIECE_MEMORY = 4_096, 256_000_000


class ArrayCrew(Crew):
    """Very many networks, trained piece by piece, here or by workers.

    What has become of each is an entry of `outcomes`, and only the networks with the lowest losses keep their states.
    Any other is trained again when its weights or its history are asked for: it has the same bytes.

    Parameters
    ----------
    jobs : JobColumns
    hardware : Hardware
    held_out : sequence of Rows or None
        As for `Kinds`.

    Attributes
    ----------
    processor_time : ProcessorTime
        That of workers, for the pieces that have come back.

    """

    jobs: JobColumns
    processor_time = ProcessorTime()

    def __init__(self, jobs: JobColumns, hardware: Hardware, held_out: Sequence[Rows | None]) -> None:
        self._outcomes = Outcomes.empty(len(jobs))
        self._totals = np.array([job.plan.epochs for job in jobs.bases], dtype=np.int64)[jobs.base]
        self._kept: dict[int, State] = {}
        self._remembered: OrderedDict[int, State] = OrderedDict()
        self._current: Crew | None = None  # the piece in training on this machine
        super().__init__(jobs, hardware)
        self._kinds = Kinds(jobs.bases, jobs.sample, held_out, Hardware(hardware.threads, self.device))

    def _check_memory(self, kinds: Sequence[tuple[Job, int]]) -> None:
        largest = max(network_memory(job.plan, job.rows) for job, _ in kinds)
        check_networks(1, largest)
        wanted = NETWORKS_PER_THREAD * self.hardware.threads
        self._size = max(1, min(wanted, PIECE_MEMORY * self.hardware.threads // largest))

    def _begin(self, numbers: Sequence[int]) -> None:
        """Begin nothing: a piece is made when it is its turn."""

    def _member(self, number: int) -> CrewMember:
        return _ArrayMember(self, number)

    @property
    def done(self) -> int:
        ended = int(np.count_nonzero(self._outcomes.status))
        return ended if self._current is None else ended + self._current.done

    @property
    def epochs(self) -> tuple[int, int]:
        running = self._outcomes.status == STATUSES.index(RUNNING)
        done = int(np.where(running, self._outcomes.epoch, self._totals).sum())
        inside = 0 if self._current is None else self._current.epochs[0]
        return done + inside, int(self._totals.sum())

    def outcomes(self, numbers: Iterable[int] | None = None) -> Outcomes:
        return self._outcomes

    def kept_epoch(self, number: int) -> int:
        return int(self._outcomes.kept_epoch[number])

    def run(self, epoch: int = -1, on_progress: Callable[[], object] | None = None) -> None:
        """Train all networks that have not ended, from their beginning to their end.

        Raises
        ------
        PlanError
            If `epoch` is not -1: networks do not wait for each other.
        KeyboardInterrupt
            On Ctrl-C; what has become of the networks is kept.

        """
        if epoch >= 0:
            raise PlanError(f"epoch: got {epoch}; networks that are held as arrays are trained to their end")
        due = np.flatnonzero(self._outcomes.status == STATUSES.index(RUNNING))
        if len(due):
            self._outcomes.put(due, Outcomes.empty(len(due)))
            if self.hardware.workers is None:
                self._run_here(due, on_progress)
            else:
                self._run_elsewhere(due, on_progress)

    def _run_here(self, due: NDArray[np.int64], on_progress: Callable[[], object] | None) -> None:
        for places in cut(due, self._size):
            jobs = self.jobs.take(places)
            crew = Crew(jobs, self._kinds.hardware, checks_memory=False)  # a piece is small
            self._current = crew
            try:
                crew.run(-1, on_progress)
            finally:  # on Ctrl-C, too
                self._current = None
                outcomes = crew.outcomes()
                evaluate_held_out(self._kinds, jobs.base, crew, outcomes)
                self._take(places, outcomes, places, crew.state)

    def _run_elsewhere(self, due: NDArray[np.int64], on_progress: Callable[[], object] | None) -> None:
        workers = self.hardware.workers
        assert workers is not None
        kinds = Kinds(self._kinds.bases, self._kinds.sample, self._kinds.held_out, Hardware(1, self.device))
        pieces = list[Piece]()

        def cut_pieces() -> Iterator[Piece]:
            for places in pieces_of(self.jobs, due, self.hardware, workers):
                pieces.append(Piece.of(self.jobs, places, keeps=KEPT_STATES, at_most=self._largest_kept_loss()))
                yield pieces[-1]

        def take(position: int, result: PieceResult) -> None:
            piece, states = pieces[position], result.kept_states()
            self.processor_time += result.processor
            self._take(piece.places, result.outcomes, piece.places[result.kept], states.__getitem__)
            if on_progress is not None:
                on_progress()

        workers.carry_out(train_piece, kinds, cut_pieces(), take)

    def _largest_kept_loss(self) -> float:
        """Return the loss that a network must not exceed for its state to be kept."""
        kept = self._outcomes.select(np.array([*self._kept], dtype=np.int64))
        ranked = rank_outcomes(kept)
        return math.inf if len(ranked) < KEPT_STATES else float(losses_of(kept)[ranked[-1]])

    def _take(
        self,
        places: NDArray[np.int64],
        outcomes: Outcomes,
        candidates: NDArray[np.int64],
        state_of: Callable[[int], State],
    ) -> None:
        """Take over what has become of a piece, with the states of those candidates that are among the best so far."""
        self._outcomes.put(places, outcomes)
        known = np.union1d(np.array([*self._kept], dtype=np.int64), candidates)
        best = known[rank_outcomes(self._outcomes.select(known))[:KEPT_STATES]]
        new = best[np.isin(best, candidates)]
        order = np.argsort(candidates)
        positions = order[np.searchsorted(candidates, new, sorter=order)]
        fresh = dict(zip(new.tolist(), positions.tolist(), strict=True))
        self._kept = {n: state_of(fresh[n]) if n in fresh else self._kept[n] for n in best.tolist()}

    def state_of(self, number: int) -> State:
        """Return the state of a network, which is trained again if its state is not kept."""
        for states in (self._kept, self._remembered):
            if number in states:
                return states[number]
        crew = Crew(self.jobs.take(np.array([number])), self._kinds.hardware)
        is_running = self._outcomes.status[number] == STATUSES.index(RUNNING)
        crew.run(int(self._outcomes.epoch[number]) if is_running else -1)
        while len(self._remembered) >= REMEMBERED_STATES:
            self._remembered.popitem(last=False)
        self._remembered[number] = crew.state(0)
        return self._remembered[number]

    def to_arrays(self) -> dict[str, NDArray[Any]]:
        """Return what has become of all networks, and the states that are kept, for a file."""
        numbers = np.array(sorted(self._kept), dtype=np.int64)
        states = join_states([self._kept[number] for number in numbers.tolist()])
        outcomes = {f"outcomes.{name}": array for name, array in self._outcomes.arrays().items()}
        return {**outcomes, "kept": numbers, **states}

    def restore_arrays(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Restore what `to_arrays` gave.

        Raises
        ------
        PlanError
            If it does not fit these networks.

        """
        read = {name.removeprefix("outcomes."): array for name, array in arrays.items() if name.startswith("outcomes.")}
        outcomes = Outcomes(**{name: np.array(array) for name, array in read.items()})
        for name, array in self._outcomes.arrays().items():
            found = outcomes.arrays()[name]
            if found.shape != array.shape or found.dtype != array.dtype:
                raise PlanError(f"{name} has shape {found.shape}, not {array.shape}")
        if outcomes.status.max() >= len(STATUSES) or (outcomes.epoch > self._totals).any():
            raise PlanError("a network has another status or more epochs than any can have")
        numbers, states = arrays["kept"], split_states(arrays, len(arrays["kept"]))
        for number, state in zip(numbers.tolist(), states, strict=True):
            self._check_state(number, state)
        self._outcomes = outcomes
        self._kept = dict(zip(numbers.tolist(), states, strict=True))

    def _check_state(self, number: int, state: State) -> None:
        """Let the engine check that a state fits its network."""
        if not 0 <= number < len(self):
            raise PlanError(f"it has a state of network {number + 1:,} of {len(self):,}")
        Crew(self.jobs.take(np.array([number])), Hardware(1)).restore({0: state}, {})
        if RunState(state).epoch > self._totals[number]:
            raise PlanError(f"network {number + 1:,} has more epochs than its plan")

    def stop(self, numbers: Iterable[int]) -> None:
        """Refuse to stop some networks, which would need the states of all others."""
        if list(numbers):
            self._refuse("stopped")

    def restore(self, states: Mapping[int, State], ended: Mapping[int, StoredMember]) -> None:
        """Refuse states of single networks; see `restore_arrays`."""
        self._refuse("restored one by one")

    def _refuse(self, what: str) -> NoReturn:
        raise PlanError(f"{len(self):,} networks cannot be {what}; train fewer at once")


class _ArrayMember:
    """A member of an `ArrayCrew`."""

    def __init__(self, crew: ArrayCrew, number: int) -> None:
        self._crew = crew
        self._number = number

    def status(self) -> str:
        return STATUSES[self._crew.outcomes().status[self._number]]

    def position(self) -> tuple[int, int]:
        return int(self._crew.outcomes().epoch[self._number]), 0

    def history(self) -> State:
        return RunState(self.state()).history

    def parameters(self) -> Parameters:
        return RunState(self.state()).parameters

    def state(self) -> State:
        return self._crew.state_of(self._number)

    def divergence(self) -> Divergence | None:
        return self._crew.outcomes().divergence_of(self._number)
