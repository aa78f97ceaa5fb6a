"""Many runs at once, on the native engine: begun, trained on, stopped, their states read and taken up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from creche import _core
from creche._system.resources import available_memory
from creche.engine.native import Rows, format_gigabytes, translate
from creche.engine.run_state import RunState
from creche.errors import PlanError
from creche.plan.losses import CustomLoss
from creche.plan.plan import Plan

__all__ = [
    "RUNNING",
    "STATUSES",
    "Crew",
    "Divergence",
    "EndedMember",
    "Job",
    "State",
    "check_networks",
    "check_tables",
    "network_memory",
]

SECONDS_BETWEEN_REPORTS = 0.05
RUNNING = "running"
STATUSES = (RUNNING, "finished", "early_stopped", "stopped", "diverged")

State = dict[str, NDArray[Any]]
Divergence = tuple[int, int, float]  # epoch and batch, from 0; the learning rate there


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What one network is to do: a plan whose lengths are resolved, and the rows it is trained and validated on."""

    plan: Plan
    rows: Rows
    validation: Rows | None


class _Place(Protocol):
    """Where a member is."""

    def status(self) -> str: ...
    def where(self) -> tuple[int, int]: ...
    def history(self) -> State: ...
    def parameters(self) -> list[tuple[NDArray[Any], NDArray[Any]]]: ...
    def state(self) -> State: ...
    def divergence(self) -> Divergence | None: ...


class _InEngine:
    """A member of one of the engine's colonies."""

    def __init__(self, colony: Any, member: int) -> None:
        self.colony = colony
        self._member = member

    def status(self) -> str:
        return str(self.colony.status(self._member))

    def where(self) -> tuple[int, int]:
        return self.colony.position(self._member)  # type: ignore[no-any-return]

    def history(self) -> State:
        return self.colony.history(self._member)  # type: ignore[no-any-return]

    def parameters(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        return self.colony.parameters(self._member)  # type: ignore[no-any-return]

    def state(self) -> State:
        return self.colony.state(self._member)  # type: ignore[no-any-return]

    def set_state(self, state: State) -> None:
        self.colony.set_state(self._member, state)

    def divergence(self) -> Divergence | None:
        return self.colony.divergence(self._member)  # type: ignore[no-any-return]


class EndedMember:
    """A member that goes no further; the engine has forgotten it.

    Parameters
    ----------
    status : str
    state : dict of str to array
    divergence : (int, int, float), optional

    """

    def __init__(self, status: str, state: State, divergence: Divergence | None = None) -> None:
        self._status = status
        self._state = state
        self._divergence = divergence

    def status(self) -> str:
        return self._status

    def where(self) -> tuple[int, int]:
        state = RunState(self._state)
        return state.epoch, state.batch

    def history(self) -> State:
        return RunState(self._state).history

    def parameters(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        return RunState(self._state).layers

    def state(self) -> State:
        return self._state

    def divergence(self) -> Divergence | None:
        return self._divergence


class Crew:
    """Networks in training together, known by their numbers; each gets the bytes it would get alone.

    Parameters
    ----------
    jobs : sequence of Job
        Of one precision.
    threads : int

    Raises
    ------
    PlanError
        If they would not fit in memory, or the engine cannot train one of them in a colony.

    """

    def __init__(self, jobs: Sequence[Job], threads: int) -> None:
        self.jobs = list(jobs)
        self.threads = threads
        for job in self.jobs:
            if isinstance(job.plan.loss, CustomLoss):
                raise PlanError(
                    f"loss: {job.plan.loss.name!r} is a function of Python, which cannot be called for many networks "
                    "at once; use a loss of Creche's, or train one by one"
                )
        check_networks(len(self.jobs), sum(network_memory(job.plan, len(job.rows)) for job in self.jobs))
        self._translated: dict[tuple[Any, ...], Any] = {}
        self._places: list[_Place] = []
        self._places += self._begun(range(len(self.jobs)))

    @classmethod
    def joined(cls, crews: Sequence[Crew]) -> Crew:
        """The members of several crews as those of one; they stay where the engine has them."""
        one = cls.__new__(cls)
        one.jobs = [job for crew in crews for job in crew.jobs]
        one.threads = crews[0].threads
        one._translated = {}
        one._places = [place for crew in crews for place in crew._places]
        return one

    def __len__(self) -> int:
        return len(self.jobs)

    def run(self, epoch: int = -1, on_progress: Callable[[], object] | None = None) -> None:
        """Trains everyone who goes on until they have completed `epoch` epochs (all there are, if negative).

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, within a tenth of a second; what was done is kept.

        """
        seconds = SECONDS_BETWEEN_REPORTS if on_progress else -1.0
        for colony, members in self._colonies():
            on_the_way = True
            while on_the_way:
                # Python looks for Ctrl-C as the engine calls back, on this thread.
                colony.run(epoch=epoch, seconds=seconds, poll=lambda: False)
                if on_progress:
                    on_progress()
                on_the_way = any(m.status() == RUNNING and not 0 <= epoch <= m.where()[0] for m in members)

    def _colonies(self) -> list[tuple[Any, list[_Place]]]:
        found: dict[int, tuple[Any, list[_Place]]] = {}
        for place in self._places:
            if isinstance(place, _InEngine):
                found.setdefault(id(place.colony), (place.colony, []))[1].append(place)
        return list(found.values())

    def stop(self, numbers: Iterable[int]) -> None:
        """These go no further; the others are packed anew, so that no lane of a pack runs for nobody."""
        for number in numbers:
            if self.status(number) == RUNNING:
                self._places[number] = EndedMember("stopped", self.state(number))
        states = {}
        for number, place in enumerate(self._places):
            if place.status() == RUNNING:
                states[number] = place.state()
            elif isinstance(place, _InEngine):
                self._places[number] = EndedMember(place.status(), place.state(), place.divergence())
        self._take_up(states)

    def restore(self, states: Mapping[int, State], ended: Mapping[int, EndedMember]) -> None:
        """Takes up members of another crew of the same jobs: those that go on, and those that have ended.

        Raises
        ------
        PlanError
            If a state is not one of such a job.

        """
        try:
            for number, place in ended.items():
                self._admit(number, place)
            self._take_up(states)
        except (ValueError, RuntimeError, KeyError) as error:
            raise PlanError(f"{error}; needs the states of members of the same sweep") from error
        begin = [n for n in range(len(self)) if n not in states and n not in ended]
        for number, begun in zip(begin, self._begun(begin) if begin else [], strict=True):
            self._places[number] = begun

    def _admit(self, number: int, ended: EndedMember) -> None:
        """An ended member in its place, after the engine has checked that its state is one of such a member."""
        place = self._places[number]
        if isinstance(place, _InEngine):
            place.set_state(ended.state())
        self._places[number] = ended

    def _take_up(self, states: Mapping[int, State]) -> None:
        # A pack takes its steps together, so only members that stand at the same one can share it.
        at: dict[tuple[int, int, int], list[int]] = {}
        for number, arrays in states.items():
            state = RunState(arrays)
            at.setdefault((state.epoch, state.step, state.batch), []).append(number)
        for together in at.values():
            places = self._begun(together)
            for member, number in enumerate(together):
                places[member].set_state(states[number])
                self._places[number] = places[member]

    def status(self, number: int) -> str:
        return self._places[number].status()

    def epoch(self, number: int) -> int:
        """Completed epochs."""
        return self._places[number].where()[0]

    def history(self, number: int) -> State:
        return self._places[number].history()

    def parameters(self, number: int) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        return self._places[number].parameters()

    def state(self, number: int) -> State:
        return self._places[number].state()

    def divergence(self, number: int) -> Divergence | None:
        """Where the loss stopped being finite, if it did."""
        return self._places[number].divergence()

    def _begun(self, numbers: Sequence[int]) -> list[_InEngine]:
        """These members in a colony of the engine's, not begun."""
        engine = _core.load()
        tables: dict[int, int] = {}
        given: list[tuple[Any, ...]] = []

        def table(rows: Rows | None) -> int:
            if rows is None:
                return -1
            if id(rows) not in tables:
                tables[id(rows)] = len(given)
                given.append((rows.x, rows.classes, rows.targets, rows.weights))
            return tables[id(rows)]

        members = []
        for number in numbers:
            job = self.jobs[number]
            members.append((self._translate(job.plan), table(job.rows), table(job.validation)))
        kind = engine.Colony32 if self.jobs[0].plan.precision == "float32" else engine.Colony64
        colony = kind(members, given, self.threads)
        return [_InEngine(colony, member) for member in range(len(members))]

    def _translate(self, plan: Plan) -> Any:
        """The plan for the engine, translated once for all that differ by their seed alone and so share their parts."""
        parts = (plan.network, plan.loss, plan.optimizer, plan.schedule, plan.early_stopping)
        key = (*map(id, parts), plan.batch_size, plan.epochs, plan.shuffle, plan.task)
        if key not in self._translated:
            self._translated[key] = translate(_core.load(), plan)
        return self._translated[key].with_seed(plan.seed)


def check_networks(count: int, needed: int) -> None:
    """Refuses more networks than memory; `needed` is in bytes.

    Raises
    ------
    PlanError

    """
    free = available_memory()
    if free is not None and needed > free:
        raise PlanError(
            f"{count:,} networks need about {format_gigabytes(needed)}, more than {format_gigabytes(free)} available; "
            "train fewer at once"
        )


def network_memory(plan: Plan, rows: int) -> int:
    """About how many bytes a network takes in a colony: weights and their like, its order of rows, its history."""
    itemsize = 4 if plan.precision == "float32" else 8
    # Weights, gradients and optimizer state, each with its copy from the beginning of the epoch; two orders of rows.
    return plan.network.parameters * itemsize * 8 + rows * 8 + plan.epochs * 48 + 4096


def check_tables(rows: Rows, validation: Rows | None, folds: int) -> None:
    """Refuses more encoded tables than there is memory: each fold has encoders, and so a table, of its own.

    Raises
    ------
    PlanError

    """
    needed = folds * (rows.x.nbytes + (0 if validation is None else validation.x.nbytes))
    free = available_memory()
    if free is not None and needed > free:
        raise PlanError(
            f"folds, repeats: {folds:,} folds need about {format_gigabytes(needed)} for their rows, more than "
            f"{format_gigabytes(free)} available; give fewer repeats or folds"
        )
