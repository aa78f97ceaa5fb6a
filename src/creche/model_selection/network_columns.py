"""The jobs of a sweep's networks as columns: a plan for each kind of network, and arrays of what else differs."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from creche.engine.job import Job, JobColumns
from creche.engine.native import Rows
from creche.model_selection.choices import Choices, group_seeds
from creche.model_selection.jobs import EncodedSplit, Jobs
from creche.plan.arguments import OPTIMIZER_FIELDS
from creche.table.bootstrap_sample import resample_rows
from creche.table.prepare import Prepared

__all__ = ["MOST_PLANS", "NetworkColumns", "PreparedTables", "Taken", "make_columns", "spread_over"]

# With more combinations than this, those that differ in numbers of the optimizer alone share a plan.
MOST_PLANS = 256
NUMBERS = ("learning_rate", *OPTIMIZER_FIELDS)

Value = TypeVar("Value")


class Taken(Sequence[Value], Generic[Value]):
    """Values that many networks share, as a sequence with an entry for each network.

    Examples
    --------
    >>> list(Taken(["a", "b"], np.array([1, 0, 0])))
    ['b', 'a', 'a']

    """

    def __init__(self, values: Sequence[Value], places: NDArray[np.int32]) -> None:
        self.values = values
        self.places = places

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, number: int) -> Value: ...

    @overload
    def __getitem__(self, number: slice) -> list[Value]: ...

    def __getitem__(self, number: int | slice) -> Value | list[Value]:
        if isinstance(number, slice):
            return [self.values[place] for place in self.places[number].tolist()]
        return self.values[int(self.places[number])]


def spread_over(shared: Sequence[Value], function: Callable[[Value], float]) -> NDArray[np.float64]:
    """Return a number of each network's value, computed once for each of those that networks share."""
    if isinstance(shared, Taken):
        return np.array([function(value) for value in shared.values], dtype=np.float64)[shared.places]
    return np.array([function(value) for value in shared], dtype=np.float64)


class PreparedTables(Taken[Prepared]):
    """The prepared table of each network; with seeds, the one that says which bootstrap sample it trains on."""

    def __init__(
        self, values: Sequence[Prepared], places: NDArray[np.int32], bootstrap: NDArray[np.uint64] | None = None
    ) -> None:
        super().__init__(values, places)
        self._seeds = bootstrap

    @overload
    def __getitem__(self, number: int) -> Prepared: ...

    @overload
    def __getitem__(self, number: slice) -> list[Prepared]: ...

    def __getitem__(self, number: int | slice) -> Prepared | list[Prepared]:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        prepared = super().__getitem__(number)
        if self._seeds is None:
            return prepared
        return replace(prepared, preparation=replace(prepared.preparation, bootstrap=int(self._seeds[number])))


@dataclass(frozen=True, slots=True, eq=False)
class NetworkColumns:
    """What the networks of a sweep are made of, split by split.

    Attributes
    ----------
    jobs : JobColumns
    prepared : PreparedTables
    held_out : sequence of Rows or None
        The rows of the fold of each network, where early stopping monitors other rows.
    positions : list of dict
        The repeat and the fold of each split.

    """

    jobs: JobColumns
    prepared: PreparedTables
    held_out: Taken[Rows | None]
    positions: list[dict[str, int]]


class _Builder:
    """Collects the networks of a sweep, combination by combination.

    Parameters
    ----------
    jobs : Jobs
    columns : sequence of str
        The arguments that are columns, where they are numbers.

    """

    def __init__(self, jobs: Jobs, columns: Sequence[str]) -> None:
        self._jobs = jobs
        self._bases: list[Job] = []
        self.encoded: list[EncodedSplit] = []
        # For each combination on each split:
        self._base: list[int] = []
        self._seeds: list[Sequence[int]] = []
        self._numbers: dict[str, list[float]] = {name: [] for name in columns}

    def add_split(self, split: int, choices: Sequence[Mapping[str, Any]]) -> None:
        """Add the networks of all choices on one split."""
        first = len(self._base)
        known: dict[Hashable, int] = {}
        for choice, seeds in group_seeds(choices):
            self._add(split, choice, seeds, known)
        if self._numbers:
            for place in self._find_extremes(first):
                self._jobs.create_plan(_choice_at(choices, place), split)

    def _add(self, split: int, choice: Mapping[str, Any], seeds: Sequence[int], known: dict[Hashable, int]) -> None:
        for name, column in self._numbers.items():
            column.append(choice[name] if _is_number(choice[name]) else math.nan)
        held = self._numbers
        key = tuple(_identify(value) for name, value in choice.items() if name not in held or not _is_number(value))
        if not held or key not in known:
            known[key] = len(self._bases)
            plan, _ = self._jobs.create_plan(choice, split)
            self.encoded.append(self._jobs.encode_split(choice, split))
            self._bases.append(self.encoded[-1].job(plan))
        self._base.append(known[key])
        self._seeds.append(seeds)

    def _find_extremes(self, first: int) -> list[int]:
        """Return the places of the lowest and the highest number of each kind of plan: all others are between."""
        base = np.array(self._base[first:])
        places: set[int] = set()
        for column in self._numbers.values():
            order = np.lexsort((np.array(column[first:]), base))
            starts = np.flatnonzero(np.diff(base[order], prepend=-1))
            ends = np.append(starts[1:], len(order)) - 1
            places.update(order[np.concatenate([starts, ends])].tolist())
        return sorted(places)

    def finish(self) -> tuple[JobColumns, NDArray[np.int32]]:
        """Return the jobs, and the number of the base of each network."""
        lengths = [len(seeds) for seeds in self._seeds]
        base = np.repeat(np.array(self._base, dtype=np.int32), lengths)
        seeds = np.concatenate([np.asarray(each, dtype=np.uint64) for each in self._seeds])
        numbers = {name: np.repeat(np.array(column), lengths) for name, column in self._numbers.items()}
        return JobColumns(self._bases, base, seeds, numbers, resample_rows if self._jobs.bootstrap else None), base


def make_columns(jobs: Jobs, choices: Sequence[Mapping[str, Any]]) -> NetworkColumns:
    """Return what networks are made of.

    Parameters
    ----------
    jobs : Jobs
    choices : sequence of dict
        For each network the values of its arguments, the seed last. With folds, it is trained on each fold.

    Raises
    ------
    PlanError
        If a plan is invalid: which value, and why.

    """
    # Choices that were not made of combinations may differ in the names of their arguments.
    many = isinstance(choices, Choices) and len(choices.combinations) > MOST_PLANS
    builder = _Builder(jobs, [name for name in NUMBERS if many and name in choices[0]])
    positions = []
    for split in range(jobs.n_splits):
        builder.add_split(split, choices)
        positions.append(dict(builder.encoded[-1].position))
    made, base = builder.finish()
    prepared = PreparedTables([each.prepared for each in builder.encoded], base, made.seeds if jobs.bootstrap else None)
    return NetworkColumns(made, prepared, Taken([each.held_out for each in builder.encoded], base), positions)


def _choice_at(choices: Sequence[Mapping[str, Any]], place: int) -> Mapping[str, Any]:
    """Return the values of a combination, by its position among them."""
    assert isinstance(choices, Choices)
    return choices.combinations[place]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _identify(value: Any) -> Hashable:
    """Return what tells values of one argument apart: values of an axis are the same objects in all combinations."""
    return (type(value), value) if isinstance(value, int | float | str | None) else id(value)
