"""The networks of all folds, trained together in one colony, or one by one where Python code takes part in training."""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from creche.engine.hardware import Hardware, resolve_hardware
from creche.engine.job import Job, JobColumns
from creche.engine.memory_checks import check_networks, check_tables, network_memory
from creche.engine.native import Rows
from creche.engine.outcomes import RUNNING, Divergence
from creche.engine.stored_rows import StoredRows, as_rows
from creche.errors import DivergedError, PlanError
from creche.model_selection.jobs import plan_on_fold
from creche.model_selection.member import Member
from creche.plan.plan import Plan
from creche.scale.cluster import ClusterChoice, with_workers
from creche.scale.crew import new_crew
from creche.table.folds import Fold
from creche.training.arguments import TrainArguments, create_plan, create_run
from creche.training.large_tables import RowBudget, check_window, memory_of
from creche.training.planned_engine import check_fit
from creche.training.run import Run
from creche.training.watching import check_watched, create_measure

__all__ = ["ColonyFolds", "FoldNetworks", "SequentialFolds", "create_fold_networks"]

# Networks of the same fold share a pack, and read its rows from the cache, if as many as a pack has lanes are adjacent.
ADJACENT_SEEDS = 16


class FoldNetworks(ABC):
    """One network for each seed on each fold.

    Attributes
    ----------
    folds : list of Fold
    seeds : range
    arguments : TrainArguments
        The resolved arguments of `creche.train`.
    hardware : Hardware
    seconds : float
        The training time so far.

    """

    def __init__(self, folds: Sequence[Fold], seeds: range, arguments: TrainArguments, hardware: Hardware) -> None:
        self.folds = list(folds)
        self.seeds = seeds
        self.arguments = arguments
        self.hardware = hardware
        self.seconds = 0.0

    def __len__(self) -> int:
        """Return how many networks there are to train."""
        return len(self.folds) * len(self.seeds)

    @property
    @abstractmethod
    def done(self) -> int:
        """How many networks have ended."""

    @property
    def rate(self) -> float:
        """Networks trained per second."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    @abstractmethod
    def epochs(self) -> tuple[int, int]:
        """Epochs done, and epochs in total; a network that ended early counts all of its epochs as done."""

    @abstractmethod
    def fold_networks(self, fold: int) -> list[tuple[int, Member | Run]]:
        """Return the seeds and networks that have begun on the fold with this index, in the order of the seeds."""

    @abstractmethod
    def divergence(self, fold: int, seed: int) -> Divergence:
        """Return the epoch and the batch, from 0, in which a network diverged, and the learning rate there."""

    def train(self, on_progress: Callable[[FoldNetworks], object] | None) -> None:
        """Train all networks to their end.

        Raises
        ------
        KeyboardInterrupt
            On Ctrl-C, within a tenth of a second; networks that are done are kept.

        """
        start = time.monotonic()

        def report(*_: Any) -> None:
            self.seconds = time.monotonic() - start
            if on_progress is not None:
                on_progress(self)

        try:
            self._train(report if on_progress is not None else None)
        finally:
            self.seconds = time.monotonic() - start

    @abstractmethod
    def _train(self, report: Callable[..., None] | None) -> None: ...


class ColonyFolds(FoldNetworks):
    """The networks in one colony, on all threads."""

    def __init__(self, folds: Sequence[Fold], seeds: range, arguments: TrainArguments, hardware: Hardware) -> None:
        super().__init__(folds, seeds, arguments, hardware)
        fold_jobs = self._create_fold_jobs(arguments)
        memory = len(seeds) * sum(network_memory(job.plan, job.rows) for job in fold_jobs)
        check_networks(len(seeds) * len(fold_jobs), memory)  # before the engine makes any of them
        order: list[tuple[int, int]] = []
        # Seeds before folds: the networks that are done when Ctrl-C comes are spread over all folds.
        for start in range(0, len(seeds), ADJACENT_SEEDS):
            for fold in range(len(fold_jobs)):
                order += [(fold, seed) for seed in seeds[start : start + ADJACENT_SEEDS]]
        self._members = {place: number for number, place in enumerate(order)}
        base, seeds_of = np.array(order, dtype=np.int64).T
        jobs = JobColumns(fold_jobs, base.astype(np.int32), seeds_of.astype(np.uint64))
        # The networks of all folds predict the rows that they have not seen, so that all states are needed.
        self._crew = new_crew(jobs, self.hardware, waits=True)

    def _create_fold_jobs(self, arguments: TrainArguments) -> list[Job]:
        jobs: list[Job] = []
        budget = RowBudget(memory_of(arguments))
        for fold in self.folds:
            plan = plan_for_fold(fold, arguments)
            rows, validation = budget.encode(fold.prepared, plan.loss, plan.dtype)
            if isinstance(rows, StoredRows) and budget.memory is not None:
                check_window(plan, rows, budget.memory)
            elif isinstance(rows, Rows) and not jobs:
                check_tables(rows, as_rows(validation) if validation else None, len(self.folds))
            plan = plan.resolved(len(rows), has_validation=validation is not None)
            measure = create_measure(plan, fold.prepared, as_rows(validation or rows), threads=1)
            jobs.append(Job(plan, rows, validation, measure))
        return jobs

    @property
    def done(self) -> int:
        return self._crew.done

    @property
    def epochs(self) -> tuple[int, int]:
        return self._crew.epochs

    def fold_networks(self, fold: int) -> list[tuple[int, Member | Run]]:
        repeat, number, prepared = self.folds[fold].repeat, self.folds[fold].number, self.folds[fold].prepared
        networks: list[tuple[int, Member | Run]] = []
        for seed in self.seeds:
            choice = {"repeat": repeat, "fold": number, "seed": seed}
            networks.append((seed, Member(self._crew, self._members[fold, seed], choice, prepared)))
        return networks

    def divergence(self, fold: int, seed: int) -> Divergence:
        return self._crew.divergence(self._members[fold, seed]) or (0, 0, math.nan)

    def _train(self, report: Callable[..., None] | None) -> None:
        self._crew.run(-1, report)


class SequentialFolds(FoldNetworks):
    """The networks one after the other, each as `creche.train` trains it."""

    def __init__(self, folds: Sequence[Fold], seeds: range, arguments: TrainArguments, hardware: Hardware) -> None:
        super().__init__(folds, seeds, arguments, hardware)
        self._runs: list[list[tuple[int, Member | Run]]] = [[] for _ in folds]
        self._divergences: dict[tuple[int, int], Divergence] = {}

    @property
    def done(self) -> int:
        return sum(run.status not in (RUNNING, "interrupted") for runs in self._runs for _, run in runs)

    @property
    def epochs(self) -> tuple[int, int]:
        runs = [run for runs in self._runs for _, run in runs]
        total = plan_for_fold(self.folds[0], self.arguments).epochs
        return sum(run.epoch if run.status == RUNNING else total for run in runs), total * len(self)

    def fold_networks(self, fold: int) -> list[tuple[int, Member | Run]]:
        return self._runs[fold]

    def divergence(self, fold: int, seed: int) -> Divergence:
        return self._divergences[fold, seed]

    def _train(self, report: Callable[..., None] | None) -> None:
        for seed in self.seeds:
            for i, (fold, runs) in enumerate(zip(self.folds, self._runs, strict=True)):
                plan = plan_for_fold(fold, self.arguments).with_seed(seed)
                run = create_run(replace(self.arguments, plan=plan), fold.prepared)
                runs.append((seed, run))
                try:
                    run.resume(on_epoch=self.arguments.on_epoch, on_progress=report)
                except DivergedError as error:
                    self._divergences[i, seed] = error.epoch, error.batch, error.learning_rate


def create_fold_networks(
    folds: Sequence[Fold], seeds: range, arguments: TrainArguments, cluster: ClusterChoice | None = None
) -> FoldNetworks:
    """Return the networks of all folds, before their first step.

    Parameters
    ----------
    folds : sequence of Fold
    seeds : range
    arguments : TrainArguments
        The resolved arguments of `creche.train`.
    cluster : str, Cluster or executor, optional

    Raises
    ------
    PlanError
        If the plan is invalid, the networks need more memory than there is, or Python code on this machine is to take
        part in training on others.

    """
    hardware = with_workers(resolve_hardware(arguments.threads, arguments.device), cluster)
    is_observed = arguments.on_epoch is not None or arguments.record not in (None, False)
    one_by_one = is_observed or plan_for_fold(folds[0], arguments).loss.is_python
    if one_by_one and hardware.workers is not None:
        raise PlanError(
            "cluster: cannot be combined with Python code that runs in this process, such as a callback or a loss; "
            "leave one of them out",
            argument="cluster",
        )
    return (SequentialFolds if one_by_one else ColonyFolds)(folds, seeds, arguments, hardware)


def plan_for_fold(fold: Fold, arguments: TrainArguments) -> Plan:
    """Return the plan on a fold, with the first seed."""
    plan: Plan = create_plan(arguments, fold.prepared) if arguments.plan is None else arguments.plan
    check_fit(plan, fold.prepared)
    return plan_on_fold(check_watched(plan))
