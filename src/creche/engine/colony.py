"""Many runs at once on the native engine: creating, training and stopping them, and restoring their states."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche import _core
from creche.engine.best_epoch import BestEpoch
from creche.engine.choice import new_run
from creche.engine.crew_member import ActiveMember, CrewMember, Members, Seats, State, StoredMember
from creche.engine.device import Device, check_precision
from creche.engine.hardware import Hardware
from creche.engine.job import Job, JobColumns
from creche.engine.memory_checks import check_networks, network_memory
from creche.engine.native import Rows, translate
from creche.engine.outcomes import RUNNING, STATUSES, Divergence, Outcomes
from creche.engine.parameters import Parameters
from creche.engine.run_state import RunState
from creche.engine.stored_rows import StoredRows, require_memory
from creche.engine.turns import RunsInTurn
from creche.errors import PlanError
from creche.plan.arguments import NUMBER_SCHEDULES
from creche.plan.losses import CustomLoss
from creche.plan.plan import Plan

__all__ = ["Crew", "check_jobs"]

SECONDS_BETWEEN_REPORTS = 0.05


class _Tables:
    """The tables of networks for the engine, each once."""

    def __init__(self) -> None:
        self._positions: dict[int, int] = {}
        self._rows: list[Rows] = []  # alive, so that no other rows get their id

    def add(self, rows: Rows | StoredRows | None) -> int:
        """Return the number of a table; -1 for none."""
        if rows is None:
            return -1
        rows = require_memory(rows, "a colony")
        if id(rows) not in self._positions:
            self._positions[id(rows)] = len(self._rows)
            self._rows.append(rows)
        return self._positions[id(rows)]

    @property
    def arrays(self) -> list[tuple[Any, ...]]:
        return [(rows.x, rows.classes, rows.targets, rows.weights) for rows in self._rows]


def _choose_device(hardware: Hardware, jobs: Sequence[Job]) -> Device:
    if hardware.device.kind != "auto":
        return hardware.device
    from creche.engine.placement import choose_colony_device

    return choose_colony_device(hardware, jobs)


def check_jobs(jobs: Iterable[Job]) -> None:
    """Check that networks can train together.

    Raises
    ------
    PlanError
        If the engine cannot train one of them in a colony.

    """
    for job in jobs:
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


class Crew:
    """Networks in training together, known by their numbers; each gets the same bytes as alone.

    Parameters
    ----------
    jobs : sequence of Job
        Jobs of one precision; as `JobColumns`, networks are created without a job for each.
    hardware : Hardware
    checks_memory : bool
        Whether to check first that they fit into memory, which takes as long as some networks take to be made.

    Raises
    ------
    PlanError
        If they would not fit into memory, or the engine cannot train one of them in a colony.

    """

    def __init__(self, jobs: Sequence[Job], hardware: Hardware, *, checks_memory: bool = True) -> None:
        self.jobs = jobs if isinstance(jobs, JobColumns) else list(jobs)
        self.hardware = hardware
        kinds = self.jobs.count_by_base() if isinstance(self.jobs, JobColumns) else [(job, 1) for job in self.jobs]
        check_jobs(job for job, _ in kinds)
        if checks_memory:
            self._check_memory(kinds)
        self.device = _choose_device(hardware, self.jobs)
        for job, _ in kinds:
            check_precision(self.device, job.plan)
        self._best_epochs: list[BestEpoch | None] = [None] * len(self.jobs)
        # Whether there are networks whose best epoch is not chosen by the engine.
        self._judges = any(job.best_epoch() is not None for job, _ in kinds)
        if self._judges:
            self._best_epochs = [job.best_epoch() for job in self.jobs]
        self._translated: dict[tuple[Any, ...], Any] = {}
        self._members = Members(len(self.jobs))
        self._begin(range(len(self.jobs)))

    def _check_memory(self, kinds: Sequence[tuple[Job, int]]) -> None:
        """Check that all networks fit into memory: jobs, with the number of networks of each."""
        check_networks(len(self.jobs), sum(count * network_memory(job.plan, job.rows) for job, count in kinds))

    def _begin(self, numbers: Sequence[int]) -> None:
        """Put members at their beginning."""
        self._members.seat(numbers, self._create(numbers))

    @classmethod
    def merge(cls, crews: Sequence[Crew]) -> Crew:
        """Merge several crews into one; members stay where the engine has them."""
        one = cls.__new__(cls)
        one.jobs = [job for crew in crews for job in crew.jobs]
        one.hardware, one.device = crews[0].hardware, crews[0].device
        one._translated = {}
        one._members = Members.of([crew._member(number) for crew in crews for number in range(len(crew))])
        one._best_epochs = [best for crew in crews for best in crew._best_epochs]
        one._judges = any(crew._judges for crew in crews)
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
        for colony, members, _ in self._members.groups():
            # Few networks have epochs that are judged here; of the others nothing is done one by one.
            judged = [n for n in members.tolist() if self._best_epochs[n] is not None] if self._judges else []
            is_active = True
            while is_active:
                try:
                    # Python handles Ctrl-C when the engine calls back, on this thread.
                    status = colony.run(epoch=self._next_stop(judged, epoch), seconds=seconds, poll=lambda: False)
                finally:
                    self._judge(judged)
                if on_progress:
                    on_progress()
                if status == "finished" and not judged:
                    break
                is_active = any(self.status(n) == RUNNING and not 0 <= epoch <= self.epoch(n) for n in members.tolist())

    @property
    def done(self) -> int:
        """How many networks have ended."""
        return int(np.count_nonzero(self._progress()[0] != STATUSES.index(RUNNING)))

    @property
    def epochs(self) -> tuple[int, int]:
        """Epochs done, and epochs in total; a member that ended early counts all of its epochs as done."""
        jobs = self.jobs
        if isinstance(jobs, JobColumns):
            totals = np.array([job.plan.epochs for job in jobs.bases])[jobs.base]
        else:
            totals = np.array([job.plan.epochs for job in jobs])
        status, epoch = self._progress()
        return int(np.where(status == STATUSES.index(RUNNING), epoch, totals).sum()), int(totals.sum())

    def _progress(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the status, as a position in `STATUSES`, and the completed epochs of each network."""
        out, one_by_one = self._outcomes_of_groups()
        for number in one_by_one:
            out.status[number], out.epoch[number] = STATUSES.index(self.status(number)), self.epoch(number)
        return out.status, out.epoch

    def _is_compiled(self, colony: Any) -> bool:
        """Whether the compiled engine trains the members of a colony together."""
        return self.device.is_native and not isinstance(colony, RunsInTurn)

    def _next_stop(self, numbers: Sequence[int], epoch: int) -> int:
        """Return the epoch at which the engine must stop: `epoch`, or the first whose end is to be judged outside."""
        due = [self.epoch(n) + 1 for n in numbers if self._best_epochs[n] is not None and self.status(n) == RUNNING]
        return min([*due, epoch] if epoch >= 0 else due, default=epoch)

    def _judge(self, numbers: Sequence[int]) -> None:
        """Judge the epochs that have ended since, where the engine does not choose the best one."""
        for number in numbers:
            best, member = self._best_epochs[number], self._members[number]
            if best is not None and self.epoch(number) > best.judged and self.status(number) != "diverged":
                assert isinstance(member, ActiveMember)
                member.set_state(best.judge(member.state()))

    def stop(self, numbers: Iterable[int]) -> None:
        """End some members, and pack the others anew if a lane of a pack or half of the networks would be idle."""
        leaves_lanes = False
        for number in numbers:
            member = self._members[number]
            if member.status() != RUNNING:
                continue
            state = member.state()
            if isinstance(member, ActiveMember):
                if self._is_compiled(member.colony) and not member.colony.is_packed(member.place):
                    member.set_state(dict(RunState(state).with_progress(early_stopped=True).arrays))
                else:
                    leaves_lanes = True
            self._members[number] = StoredMember("stopped", state)
        held = sum(len(colony) for colony, *_ in self._members.groups())
        running = sum(member.status() == RUNNING for member in self._members)
        if leaves_lanes or 2 * running <= held:
            self._create_anew()

    def _create_anew(self) -> None:
        """Create the networks that are still running in the engine anew, at their states, and free all others."""
        states = {}
        for number in range(len(self)):
            member = self._members[number]
            if member.status() == RUNNING:
                states[number] = member.state()
            elif isinstance(member, ActiveMember):
                self._members[number] = StoredMember(member.status(), member.state(), member.divergence())
        self._restart(states)

    def restore(self, states: Mapping[int, State], ended: Mapping[int, StoredMember]) -> None:
        """Restore members of another crew with the same jobs.

        Parameters
        ----------
        states : dict of int to state
            The states of active members.
        ended : dict of int to StoredMember
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
        if new:
            self._begin(new)

    def _admit(self, number: int, ended: StoredMember) -> None:
        """Put an ended member in its place, once the engine has checked that the state fits."""
        member = self._members[number]
        if isinstance(member, ActiveMember):
            member.set_state(ended.state())
        self._members[number] = ended

    def _restart(self, states: Mapping[int, State]) -> None:
        # The members of a pack take their steps together, so only those at the same step can share one.
        same_step: dict[tuple[int, int, int], list[int]] = {}
        for number, arrays in states.items():
            state = RunState(arrays)
            same_step.setdefault((state.epoch, state.step, state.batch), []).append(number)
        for numbers in same_step.values():
            self._members.seat(numbers, self._create(numbers, draws_weights=False))
            for number in numbers:
                member = self._members[number]
                assert isinstance(member, ActiveMember)
                member.set_state(states[number])
                if (best := self._best_epochs[number]) is not None:
                    best.restore(states[number])

    def _member(self, number: int) -> CrewMember:
        return self._members[number]

    def status(self, number: int) -> str:
        """Return one of `STATUSES`."""
        return self._member(number).status()

    def epoch(self, number: int) -> int:
        """Return the number of completed epochs."""
        return self._member(number).position()[0]

    def history(self, number: int) -> State:
        """Return one number per completed epoch, by column."""
        return self._member(number).history()

    def parameters(self, number: int) -> Parameters:
        """Return the parameters of a network."""
        return self._member(number).parameters()

    def state(self, number: int) -> State:
        """Return everything that training goes on from; see `RunState`."""
        return self._member(number).state()

    def kept_epoch(self, number: int) -> int:
        """Return the epoch, from 1, whose weights a network has: the last, or the best if training has ended."""
        plan = self.jobs[number].plan
        if plan.keep == "last" or self.status(number) not in ("finished", "early_stopped"):
            return self.epoch(number)
        return RunState(self.state(number)).best_epoch + 1

    def _outcomes_of_groups(self) -> tuple[Outcomes, list[int]]:
        """Return the outcomes that the compiled engine tells together, and the networks that are asked one by one."""
        out = Outcomes.empty(len(self))
        one_by_one = list(self._members.apart)
        for colony, numbers, places in self._members.groups():
            if self._is_compiled(colony):
                out.put(numbers, Outcomes(**colony.outcomes()), places)
            else:
                one_by_one += numbers.tolist()
        return out, one_by_one

    def outcomes(self, numbers: Iterable[int] | None = None) -> Outcomes:
        """Return what has become of all networks, or of some: then the entries of others may be empty."""
        out, one_by_one = self._outcomes_of_groups()
        # What is judged here is known here.
        one_by_one += [n for n, best in enumerate(self._best_epochs) if best is not None] if self._judges else []
        wanted = None if numbers is None else set(numbers)
        for number in one_by_one:
            if wanted is not None and number not in wanted:
                continue
            member = self._members[number]
            out.status[number] = STATUSES.index(member.status())
            out.epoch[number] = member.position()[0]
            out.put_history(number, member.history(), self.kept_epoch(number))
            out.divergence[number] = member.divergence() or np.nan
        return out

    def begun_state(self, number: int) -> State:
        """Return the state of a network, or an empty one if nothing has been done for it yet."""
        return self.state(number)

    def describe_device(self, number: int) -> dict[str, str] | None:
        """Return what the bits of a network depend on; None for the processor."""
        if self.device.is_native:
            return None
        from creche.engine.placement import describe_place

        return describe_place(self.device, self.jobs[number].plan, len(self.jobs[number].rows))

    def divergence(self, number: int) -> Divergence | None:
        """Return where the loss stopped being finite; None if it did not."""
        return self._member(number).divergence()

    def _create(self, numbers: Sequence[int], *, draws_weights: bool = True) -> Seats:
        """Create these members at their beginning, in one colony of the engine; without weights if a state follows."""
        if self._has_stored_rows():
            return self._create_in_turn(numbers)
        if isinstance(self.jobs, JobColumns) and self.device.is_native:
            return self._create_columns(self.jobs.take(np.asarray(numbers)), draws_weights)
        tables = _Tables()
        members = []
        for number in numbers:
            job = self.jobs[number]
            translated = self._translate(job.plan, draws_weights)
            members.append((translated, tables.add(job.rows), tables.add(job.validation)))
        if not self.device.is_native:
            from creche.engine.placement import place_members

            jobs = [self.jobs[number] for number in numbers]
            hardware = Hardware(self.hardware.threads, self.device)
            return Seats.of_pairs(place_members(jobs, members, tables.arrays, hardware, warns=draws_weights))
        return Seats.of_one(self._colony_kind()(members, tables.arrays, self.hardware.threads), len(members))

    def _has_stored_rows(self) -> bool:
        jobs = self.jobs.bases if isinstance(self.jobs, JobColumns) else self.jobs
        return any(isinstance(job.rows, StoredRows) for job in jobs)

    def _create_in_turn(self, numbers: Iterable[int]) -> Seats:
        """Create members whose rows are in files: one reads them at a time, with all of the memory for that."""
        hardware = Hardware(self.hardware.threads, self.device)
        jobs = [self.jobs[number] for number in numbers]
        turns = RunsInTurn([new_run(job.plan, job.rows, job.validation, hardware) for job in jobs])
        return Seats.of_one(turns, len(jobs))

    def _create_columns(self, jobs: JobColumns, draws_weights: bool) -> Seats:
        """Create members whose jobs are columns, which the engine takes as they are."""
        tables = _Tables()
        used, kind = np.unique(jobs.base, return_inverse=True)
        bases = [jobs.bases[base] for base in used.tolist()]
        validation = np.array([tables.add(job.validation) for job in bases], dtype=np.int32)[kind]
        if jobs.sample is None:
            train = np.array([tables.add(job.rows) for job in bases], dtype=np.int32)[kind]
        else:
            train = np.array([tables.add(job.rows) for job in jobs], dtype=np.int32)
        colony = self._colony_kind().of_columns(
            [self._translate(job.plan, draws_weights) for job in bases], kind.astype(np.int32), jobs.seeds,
            dict(jobs.numbers), train, validation, tables.arrays, self.hardware.threads,
        )  # fmt: skip
        return Seats.of_one(colony, len(jobs))

    def _colony_kind(self) -> Any:
        engine = _core.load()
        return engine.Colony32 if self.jobs[0].plan.dtype == "float32" else engine.Colony64

    def _translate(self, plan: Plan, draws_weights: bool) -> Any:
        """Translate a plan for the engine, once for all plans that differ by their seed only."""
        schedules = [getattr(plan, name) for name in ("schedule", *NUMBER_SCHEDULES)]
        parts = (plan.network, plan.loss, plan.optimizer, plan.early_stopping, *schedules)
        batches = (plan.batch_size, plan.shards, plan.drop_last, plan.submodel_batches, plan.shuffle)
        numbers = (*batches, plan.epochs, plan.keep, plan.task, plan.precision, draws_weights)
        key = (*map(id, parts), *numbers)
        if key not in self._translated:
            self._translated[key] = translate(_core.load(), plan, draws_weights=draws_weights)
        return self._translated[key].with_seed(plan.seed)
