"""The networks of all folds: trained together in one colony, or one by one where the loss is a function of Python, or
something looks on.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from creche._system.resources import resolve_threads
from creche.engine.colony import RUNNING, Crew, Divergence, Job, check_networks, check_tables, network_memory
from creche.errors import DivergedError
from creche.model_selection.member import Member
from creche.plan.plan import Plan
from creche.table.folds import Fold
from creche.training.arguments import TrainArguments, create_plan, create_run
from creche.training.run import Run, check_fit

__all__ = ["ColonyFolds", "FoldNetworks", "SequentialFolds", "create_fold_networks"]

# Networks of one fold share a pack, and read their rows sooner, if as many as a pack has lanes stand side by side.
SEEDS_TOGETHER = 16


class FoldNetworks(ABC):
    """A network for each seed on each fold.

    Attributes
    ----------
    folds : list of Fold
    seeds : range
    seconds : float
        That training has taken.

    """

    def __init__(self, folds: Sequence[Fold], seeds: range, given: TrainArguments) -> None:
        self.folds = list(folds)
        self.seeds = seeds
        self.threads = resolve_threads(given.threads)
        self.seconds = 0.0

    def __len__(self) -> int:
        """How many there are to train."""
        return len(self.folds) * len(self.seeds)

    @property
    @abstractmethod
    def done(self) -> int:
        """How many have ended."""

    @property
    def rate(self) -> float:
        """Networks a second."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    @abstractmethod
    def epochs(self) -> tuple[int, int]:
        """Epochs done, and those to do; whoever ended early has done all of its."""

    @abstractmethod
    def on(self, fold: int) -> list[tuple[int, Member | Run]]:
        """Seeds and networks of the fold of this place that have begun, by seed."""

    @abstractmethod
    def divergence(self, fold: int, seed: int) -> Divergence:
        """Epoch and batch, from 0, where one that diverged did, and the learning rate there."""

    def train(self, on_progress: Callable[[FoldNetworks], object] | None) -> None:
        """Trains all of them.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, within a tenth of a second; those that are done stay so.

        """
        begin = time.monotonic()

        def report(*_: Any) -> None:
            self.seconds = time.monotonic() - begin
            if on_progress is not None:
                on_progress(self)

        try:
            self._train(report if on_progress is not None else None)
        finally:
            self.seconds = time.monotonic() - begin

    @abstractmethod
    def _train(self, report: Callable[..., None] | None) -> None: ...


class ColonyFolds(FoldNetworks):
    """In one colony, on all threads."""

    def __init__(self, folds: Sequence[Fold], seeds: range, given: TrainArguments) -> None:
        super().__init__(folds, seeds, given)
        jobs = self._jobs(given)
        needed = len(seeds) * sum(network_memory(job.plan, len(job.rows)) for job in jobs)
        check_networks(len(seeds) * len(jobs), needed)  # before so many are made
        made: list[Job] = []
        self._places: dict[tuple[int, int], int] = {}
        # Seeds before folds: what is done when Ctrl-C comes is of all folds.
        for begin in range(0, len(seeds), SEEDS_TOGETHER):
            for fold, job in enumerate(jobs):
                for seed in seeds[begin : begin + SEEDS_TOGETHER]:
                    self._places[fold, seed] = len(made)
                    made.append(replace(job, plan=job.plan.with_seed(seed)))
        self._crew = Crew(made, self.threads)

    def _jobs(self, given: TrainArguments) -> list[Job]:
        jobs: list[Job] = []
        for fold in self.folds:
            plan = plan_for_fold(fold, given)
            rows, validation = fold.prepared.encode(plan.loss, plan.precision)
            if not jobs:
                check_tables(rows, validation, len(self.folds))
            jobs.append(Job(plan.resolved(len(rows)), rows, validation))
        return jobs

    @property
    def done(self) -> int:
        return sum(self._crew.status(n) != RUNNING for n in range(len(self)))

    @property
    def epochs(self) -> tuple[int, int]:
        crew = self._crew
        wanted = [job.plan.epochs for job in crew.jobs]
        come = (crew.epoch(n) if crew.status(n) == RUNNING else wanted[n] for n in range(len(self)))
        return sum(come), sum(wanted)

    def on(self, fold: int) -> list[tuple[int, Member | Run]]:
        of = self.folds[fold]
        found: list[tuple[int, Member | Run]] = []
        for seed in self.seeds:
            choice = {"repeat": of.repeat, "fold": of.number, "seed": seed}
            found.append((seed, Member(self._crew, self._places[fold, seed], choice, of.prepared)))
        return found

    def divergence(self, fold: int, seed: int) -> Divergence:
        return self._crew.divergence(self._places[fold, seed]) or (0, 0, math.nan)

    def _train(self, report: Callable[..., None] | None) -> None:
        self._crew.run(-1, report)


class SequentialFolds(FoldNetworks):
    """As `creche.train` does it, one after the other."""

    def __init__(self, folds: Sequence[Fold], seeds: range, given: TrainArguments) -> None:
        super().__init__(folds, seeds, given)
        self._given = given
        self._runs: list[list[tuple[int, Member | Run]]] = [[] for _ in folds]
        self._divergences: dict[tuple[int, int], Divergence] = {}

    @property
    def done(self) -> int:
        return sum(run.status not in (RUNNING, "interrupted") for runs in self._runs for _, run in runs)

    @property
    def epochs(self) -> tuple[int, int]:
        runs = [run for runs in self._runs for _, run in runs]
        each = plan_for_fold(self.folds[0], self._given).epochs
        return sum(run.epoch if run.status == RUNNING else each for run in runs), each * len(self)

    def on(self, fold: int) -> list[tuple[int, Member | Run]]:
        return self._runs[fold]

    def divergence(self, fold: int, seed: int) -> Divergence:
        return self._divergences[fold, seed]

    def _train(self, report: Callable[..., None] | None) -> None:
        for seed in self.seeds:
            for i, (fold, runs) in enumerate(zip(self.folds, self._runs, strict=True)):
                plan = plan_for_fold(fold, self._given).with_seed(seed)
                run = create_run(replace(self._given, plan=plan), fold.prepared)
                runs.append((seed, run))
                try:
                    run.resume(on_epoch=self._given.on_epoch, on_progress=report)
                except DivergedError as error:
                    self._divergences[i, seed] = error.epoch, error.batch, error.learning_rate


def create_fold_networks(folds: Sequence[Fold], seeds: range, given: TrainArguments) -> FoldNetworks:
    """The networks, not begun.

    Parameters
    ----------
    folds : sequence of Fold
    seeds : range
    given : TrainArguments
        Resolved.

    Raises
    ------
    PlanError
        If a plan cannot be, or there are more networks than memory.

    """
    watched = given.on_epoch is not None or given.record not in (None, False)
    alone = watched or plan_for_fold(folds[0], given).loss.is_python
    return (SequentialFolds if alone else ColonyFolds)(folds, seeds, given)


def plan_for_fold(fold: Fold, given: TrainArguments) -> Plan:
    """The plan on a fold, with the first seed."""
    plan: Plan = create_plan(given, fold.prepared) if given.plan is None else given.plan
    check_fit(plan, fold.prepared)
    return plan
