"""The jobs of networks that train together: one as an object, and many as columns of what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from creche.engine.best_epoch import BestEpoch, Measure
from creche.engine.native import Rows
from creche.engine.stored_rows import StoredRows
from creche.plan.plan import Plan

__all__ = ["Job", "JobColumns", "Sample"]

# Returns the rows that the network with a seed trains on, from those of its table.
Sample: TypeAlias = Callable[[Rows, int], Rows]


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """The job of one network.

    Attributes
    ----------
    plan : Plan
        Its lengths are resolved.
    rows : Rows or StoredRows
        The rows to train on.
    validation : Rows, StoredRows or None
        The rows to validate on.
    measure : callable, optional
        The metric that early stopping watches, if that is not the loss.

    """

    plan: Plan
    rows: Rows | StoredRows
    validation: Rows | StoredRows | None
    measure: Measure | None = None

    def best_epoch(self) -> BestEpoch | None:
        """Return what chooses the best epoch; None if the engine does."""
        stopping = self.plan.early_stopping
        if stopping is None or stopping.watches_loss:
            return None
        assert self.measure is not None
        return BestEpoch(self.plan, self.measure)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class JobColumns(Sequence[Job]):
    """The jobs of many networks: a few of them as objects, and for each network an entry of what differs from these.

    A job is made when it is asked for, so that a million of them take a few megabytes.

    Parameters
    ----------
    bases : sequence of Job
        Jobs that differ in more than the columns can hold.
    base : (n,) int32 array
        For each network the position of its job in `bases`.
    seeds : (n,) uint64 array
    numbers : dict of str to (n,) float64 array
        Fields of the optimizer that take the place of the base's; NaN where the base's stays.
    sample : callable, optional
        Draws the rows of a network by its seed.

    Examples
    --------
    >>> rows = Rows(np.zeros((4, 2), np.float32), np.zeros(4, np.int32), None)
    >>> plan = Plan.from_dict({"network": {"inputs": 2, "layers": [{"width": 2}]}})
    >>> rates = {"learning_rate": np.array([0.1, np.nan])}
    >>> jobs = JobColumns([Job(plan, rows, None)], np.zeros(2, np.int32), np.array([5, 6], np.uint64), rates)
    >>> [(job.plan.seed, job.plan.optimizer.learning_rate) for job in jobs]
    [(5, 0.1), (6, 0.001)]

    """

    bases: Sequence[Job]
    base: NDArray[np.int32]
    seeds: NDArray[np.uint64]
    numbers: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    sample: Sample | None = None
    _drawn: dict[tuple[int, int], Rows] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.base)

    @overload
    def __getitem__(self, number: int) -> Job: ...

    @overload
    def __getitem__(self, number: slice) -> JobColumns: ...

    def __getitem__(self, number: int | slice) -> Job | JobColumns:
        if isinstance(number, slice):
            return self.take(np.arange(len(self))[number])
        job = self.bases[self.base[number]]
        seed = int(self.seeds[number])
        optimizer, changed = job.plan.optimizer, self._changed_numbers(number)
        plan = job.plan if not changed else replace(job.plan, optimizer=replace(optimizer, **changed))
        rows = job.rows if self.sample is None else self._draw(job.rows, seed)
        return Job(plan.with_seed(seed), rows, job.validation, job.measure)

    def __iter__(self) -> Iterator[Job]:
        return (self[number] for number in range(len(self)))

    def _draw(self, rows: Rows, seed: int) -> Rows:
        """Return the rows of a sample, once for all networks with its seed."""
        assert self.sample is not None
        if (id(rows), seed) not in self._drawn:
            self._drawn[id(rows), seed] = self.sample(rows, seed)
        return self._drawn[id(rows), seed]

    def _changed_numbers(self, number: int) -> dict[str, float]:
        values = {name: float(column[number]) for name, column in self.numbers.items()}
        return {name: value for name, value in values.items() if not np.isnan(value)}

    def take(self, chosen: NDArray[Any]) -> JobColumns:
        """Return the jobs of some networks, by their numbers."""
        numbers = {name: column[chosen] for name, column in self.numbers.items()}
        return JobColumns(self.bases, self.base[chosen], self.seeds[chosen], numbers, self.sample)

    def count_by_base(self) -> list[tuple[Job, int]]:
        """Return the bases with the number of networks of each, without those that have none."""
        counts = np.bincount(self.base, minlength=len(self.bases)).tolist()
        return [(job, count) for job, count in zip(self.bases, counts, strict=True) if count]
