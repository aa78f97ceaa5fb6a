"""Many runs at once on the native engine: creating, training and stopping them, and restoring their states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from numpy.typing import NDArray

from creche import _core
from creche.engine.best_epoch import BestEpoch, Measure
from creche.engine.device import Device, check_precision
from creche.engine.hardware import Hardware
from creche.engine.memory_checks import check_networks, network_memory
from creche.engine.native import Rows, translate
from creche.engine.parameters import Parameters
from creche.engine.run_state import RunState
from creche.errors import PlanError
from creche.plan.arguments import NUMBER_SCHEDULES
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
]

SECONDS_BETWEEN_REPORTS = 0.05
RUNNING = "running"
STATUSES = (RUNNING, "finished", "early_stopped", "stopped", "diverged")

State = dict[str, NDArray[Any]]
Divergence = tuple[int, int, float]  # epoch and batch, from 0, and the learning rate


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """The job of one network.

    Attributes
    ----------
    plan : Plan
        Its lengths are resolved.
    rows : Rows
        The rows to train on.
    validation : Rows or None
        The rows to validate on.
    measure : callable, optional
        The metric that early stopping watches, if that is not the loss.

    """

    plan: Plan
    rows: Rows
    validation: Rows | None
    measure: Measure | None = None

    def best_epoch(self) -> BestEpoch | None:
        """Return what chooses the best epoch; None if the engine does."""
        stopping = self.plan.early_stopping
        if stopping is None or stopping.watches_loss:
            return None
        assert self.measure is not None
        return BestEpoch(self.plan, self.measure)


class _Member(Protocol):
    """A member of a crew, in the engine or ended."""

    def status(self) -> str: ...
    def position(self) -> tuple[int, int]: ...
    def history(self) -> State: ...
    def parameters(self) -> Parameters: ...
    def state(self) -> State: ...
    def divergence(self) -> Divergence | None: ...


class _ActiveMember:
    """A member of one of the engine's colonies."""

    def __init__(self, colony: Any, member: int) -> None:
        self.colony = colony
        self._member = member

    def status(self) -> str:
        return str(self.colony.status(self._member))

    def position(self) -> tuple[int, int]:
        return self.colony.position(self._member)  # type: ignore[no-any-return]

    def history(self) -> State:
        return self.colony.history(self._member)  # type: ignore[no-any-return]

    def parameters(self) -> Parameters:
        return Parameters(self.colony.parameters(self._member))

    def state(self) -> State:
        return self.colony.state(self._member)  # type: ignore[no-any-return]

    def set_state(self, state: State) -> None:
        self.colony.set_state(self._member, state)

    def divergence(self) -> Divergence | None:
        return self.colony.divergence(self._member)  # type: ignore[no-any-return]


class EndedMember:
    """A member that is not trained any further, and that the engine no longer holds.

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

    def position(self) -> tuple[int, int]:
        state = RunState(self._state)
        return state.epoch, state.batch

    def history(self) -> State:
        return RunState(self._state).history

    def parameters(self) -> Parameters:
        return RunState(self._state).parameters

    def state(self) -> State:
        return self._state

    def divergence(self) -> Divergence | None:
        return self._divergence


def _choose_device(hardware: Hardware, jobs: Sequence[Job]) -> Device:
    if hardware.device.kind != "auto":
        return hardware.device
    from creche.engine.placement import choose_colony_device

    return choose_colony_device(hardware, jobs)


class Crew:
    """Networks in training together, known by their numbers; each gets the same bytes as alone.

    Parameters
    ----------
    jobs : sequence of Job
        Jobs of one precision.
    hardware : Hardware

    Raises
    ------
    PlanError
        If they would not fit into memory, or the engine cannot train one of them in a colony.

    """

    def __init__(self, jobs: Sequence[Job], hardware: Hardware) -> None:
        self.jobs = list(jobs)
        self.hardware = hardware
        for job in self.jobs:
            if isinstance(job.plan.loss, CustomLoss):
                raise PlanError(
                    f"loss: {job.plan.loss.name!r} is a Python function, which cannot be called for many networks at "
                    "once; use a built-in loss, or train one by one"
                )
            if job.plan.changes:
                raise PlanError(
                    "changes: networks that train together keep their plans; leave changes out, or train one network",
                    argument="changes",
                )
        check_networks(len(self.jobs), sum(network_memory(job.plan, len(job.rows)) for job in self.jobs))
        self.device = _choose_device(hardware, self.jobs)
        for job in self.jobs:
            check_precision(self.device, job.plan)
        self._translated: dict[tuple[Any, ...], Any] = {}
        self._members: list[_Member] = []
        self._members += self._create(range(len(self.jobs)))
        self._best_epochs = [job.best_epoch() for job in self.jobs]

    @classmethod
    def merge(cls, crews: Sequence[Crew]) -> Crew:
        """Merge several crews into one; members stay where the engine has them."""
        one = cls.__new__(cls)
        one.jobs = [job for crew in crews for job in crew.jobs]
        one.hardware, one.device = crews[0].hardware, crews[0].device
        one._translated = {}
        one._members = [member for crew in crews for member in crew._members]
        one._best_epochs = [best for crew in crews for best in crew._best_epochs]
        return one

    def __len__(self) -> int:
        return len(self.jobs)

    def run(self, epoch: int = -1, on_progress: Callable[[], object] | None = None) -> None:
        """Train each active member until it has completed `epoch` epochs (all, if negative).

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, within a tenth of a second; the progress is kept.

        """
        seconds = SECONDS_BETWEEN_REPORTS if on_progress else -1.0
        for colony, numbers in self._colonies():
            is_active = True
            while is_active:
                try:
                    # Python handles Ctrl-C when the engine calls back, on this thread.
                    colony.run(epoch=self._next_stop(numbers, epoch), seconds=seconds, poll=lambda: False)
                finally:
                    self._judge(numbers)
                if on_progress:
                    on_progress()
                is_active = any(self.status(n) == RUNNING and not 0 <= epoch <= self.epoch(n) for n in numbers)

    @property
    def epochs(self) -> tuple[int, int]:
        """Epochs done, and epochs in total; a member that ended early counts all of its epochs as done."""
        totals = [job.plan.epochs for job in self.jobs]
        done = (self.epoch(n) if self.status(n) == RUNNING else totals[n] for n in range(len(self)))
        return sum(done), sum(totals)

    def _colonies(self) -> list[tuple[Any, list[int]]]:
        """Return the engine's colonies, each with the numbers of its members."""
        found: dict[int, tuple[Any, list[int]]] = {}
        for number, member in enumerate(self._members):
            if isinstance(member, _ActiveMember):
                found.setdefault(id(member.colony), (member.colony, []))[1].append(number)
        return list(found.values())

    def _next_stop(self, numbers: Sequence[int], epoch: int) -> int:
        """Return the epoch at which the engine must stop: `epoch`, or the first whose end is to be judged outside."""
        due = [self.epoch(n) + 1 for n in numbers if self._best_epochs[n] is not None and self.status(n) == RUNNING]
        return min([*due, epoch] if epoch >= 0 else due, default=epoch)

    def _judge(self, numbers: Sequence[int]) -> None:
        """Judge the epochs that have ended since, where the engine does not choose the best one."""
        for number in numbers:
            best, member = self._best_epochs[number], self._members[number]
            if best is not None and self.epoch(number) > best.judged and self.status(number) != "diverged":
                assert isinstance(member, _ActiveMember)
                member.set_state(best.judge(member.state()))

    def stop(self, numbers: Iterable[int]) -> None:
        """End some members and pack the others anew, so that no lane of a pack is idle."""
        for number in numbers:
            if self.status(number) == RUNNING:
                self._members[number] = EndedMember("stopped", self.state(number))
        states = {}
        for number, member in enumerate(self._members):
            if member.status() == RUNNING:
                states[number] = member.state()
            elif isinstance(member, _ActiveMember):
                self._members[number] = EndedMember(member.status(), member.state(), member.divergence())
        self._restart(states)

    def restore(self, states: Mapping[int, State], ended: Mapping[int, EndedMember]) -> None:
        """Restore members of another crew with the same jobs.

        Parameters
        ----------
        states : dict of int to state
            The states of active members.
        ended : dict of int to EndedMember
            The members that have ended. Those in neither start from the beginning.

        Raises
        ------
        PlanError
            If a state does not fit its job.

        """
        try:
            for number, member in ended.items():
                self._admit(number, member)
            self._restart(states)
        except (ValueError, RuntimeError, KeyError) as error:
            raise PlanError(f"{error}; needs the states of members of the same sweep") from error
        new = [n for n in range(len(self)) if n not in states and n not in ended]
        for number, created in zip(new, self._create(new) if new else [], strict=True):
            self._members[number] = created

    def _admit(self, number: int, ended: EndedMember) -> None:
        """Put an ended member in its place, once the engine has checked that the state fits."""
        member = self._members[number]
        if isinstance(member, _ActiveMember):
            member.set_state(ended.state())
        self._members[number] = ended

    def _restart(self, states: Mapping[int, State]) -> None:
        # The members of a pack take their steps together, so only those at the same step can share one.
        same_step: dict[tuple[int, int, int], list[int]] = {}
        for number, arrays in states.items():
            state = RunState(arrays)
            same_step.setdefault((state.epoch, state.step, state.batch), []).append(number)
        for numbers in same_step.values():
            for number, member in zip(numbers, self._create(numbers, draws_weights=False), strict=True):
                member.set_state(states[number])
                if (best := self._best_epochs[number]) is not None:
                    best.restore(states[number])
                self._members[number] = member

    def status(self, number: int) -> str:
        """Return one of `STATUSES`."""
        return self._members[number].status()

    def epoch(self, number: int) -> int:
        """Return the number of completed epochs."""
        return self._members[number].position()[0]

    def history(self, number: int) -> State:
        """Return one number per completed epoch, by column."""
        return self._members[number].history()

    def parameters(self, number: int) -> Parameters:
        """Return the parameters of a network."""
        return self._members[number].parameters()

    def state(self, number: int) -> State:
        """Return everything that training goes on from; see `RunState`."""
        return self._members[number].state()

    def describe_device(self, number: int) -> dict[str, str] | None:
        """Return what the bits of a network depend on; None for the processor."""
        if self.device.is_native:
            return None
        from creche.engine.placement import describe_place

        return describe_place(self.device, self.jobs[number].plan, len(self.jobs[number].rows))

    def divergence(self, number: int) -> Divergence | None:
        """Return where the loss stopped being finite; None if it did not."""
        return self._members[number].divergence()

    def _create(self, numbers: Sequence[int], *, draws_weights: bool = True) -> list[_ActiveMember]:
        """Create these members at their beginning, in one colony of the engine; without weights if a state follows."""
        engine = _core.load()
        positions: dict[int, int] = {}
        tables: list[tuple[Any, ...]] = []

        def table(rows: Rows | None) -> int:
            if rows is None:
                return -1
            if id(rows) not in positions:
                positions[id(rows)] = len(tables)
                tables.append((rows.x, rows.classes, rows.targets, rows.weights))
            return positions[id(rows)]

        members = []
        for number in numbers:
            job = self.jobs[number]
            members.append((self._translate(job.plan, draws_weights), table(job.rows), table(job.validation)))
        if not self.device.is_native:
            from creche.engine.placement import place_members

            jobs = [self.jobs[number] for number in numbers]
            hardware = Hardware(self.hardware.threads, self.device)
            placed = place_members(jobs, members, tables, hardware, warns=draws_weights)
            return [_ActiveMember(colony, member) for colony, member in placed]
        kind = engine.Colony32 if self.jobs[0].plan.dtype == "float32" else engine.Colony64
        colony = kind(members, tables, self.hardware.threads)
        return [_ActiveMember(colony, member) for member in range(len(members))]

    def _translate(self, plan: Plan, draws_weights: bool) -> Any:
        """Translate a plan for the engine, once for all plans that differ by their seed only."""
        schedules = [getattr(plan, name) for name in ("schedule", *NUMBER_SCHEDULES)]
        parts = (plan.network, plan.loss, plan.optimizer, plan.early_stopping, *schedules)
        batches = (plan.batch_size, plan.shards, plan.drop_last, plan.shuffle)
        numbers = (*batches, plan.epochs, plan.keep, plan.task, draws_weights)
        key = (*map(id, parts), *numbers)
        if key not in self._translated:
            self._translated[key] = translate(_core.load(), plan, draws_weights=draws_weights)
        return self._translated[key].with_seed(plan.seed)
