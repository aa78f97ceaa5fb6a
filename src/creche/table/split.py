"""Splitting rows into training, validation and test: a pure function of the seed, the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, TableError, nearest
from creche.plan.component import Component, count_field, flag_field, number_field

__all__ = ["Parts", "Split", "describe_part_words", "hash_sequence", "mix_bits", "parse_part", "split_parts"]

PART_WORDS = {"train": 0, "training": 0, "validation": 1, "valid": 1, "val": 1, "test": 2}


@dataclass(frozen=True, slots=True, repr=False)
class Split(Component):
    """Which rows are trained on, which are watched while training, and which are kept for judging.

    Parameters
    ----------
    validation_fraction : float, default 0.3
        The share of rows kept for validation; 0 for none.
    test_fraction : float, default 0
        The share of rows kept for testing.
    stratify : bool, default True
        Whether each class gives the same share of its rows.
    group : str, optional
        A column whose equal values stay on one side (a patient's rows, a site's).
    time : str, optional
        A column to order by: the latest rows are for testing, those before them for validation.
    column : str, optional
        A column that says train, validation or test for each row.
    seed : int, optional
        Of the split alone, where it is not to be that of the plan: networks of several seeds then learn the same rows.

    """

    validation_fraction: float = number_field(0.3, at_least=0, below=1)
    test_fraction: float = number_field(0.0, at_least=0, below=1)
    stratify: bool = flag_field(True)
    group: str | None = None
    time: str | None = None
    column: str | None = None
    seed: int | None = count_field(None, at_least=0, at_most=2**64 - 1, optional=True)

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        if self.validation_fraction + self.test_fraction >= 1:
            raise PlanError(
                f"validation_fraction, test_fraction: got {self.validation_fraction:g} and {self.test_fraction:g}, "
                "which leaves no rows to train on; needs a sum below 1"
            )
        chosen = [name for name in ("group", "time", "column") if getattr(self, name) is not None]
        for name in chosen:
            if not isinstance(getattr(self, name), str):
                raise PlanError(f"{name}: got {getattr(self, name)!r}; needs the name of a column")
        if len(chosen) > 1:
            raise PlanError(f"{chosen[0]}, {chosen[1]}: both say how to split; give one of them")

    @property
    def used(self) -> str | None:
        """The column the split is made by, if there is one."""
        return next((name for name in (self.group, self.time, self.column) if name is not None), None)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Row numbers (int64, ascending, or in order of time) of each part of a table."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def split_parts(
    split: Split,
    rows: int,
    seed: int,
    classes: NDArray[np.int32] | None = None,
    by: NDArray[np.generic] | None = None,
) -> Parts:
    """The rows of each part.

    Parameters
    ----------
    split : Split
    rows : int
    seed : int
    classes : (rows,) int array, optional
        To stratify by.
    by : (rows,) array, optional
        What the split's `group`, `time` or `column` says of each row: whole numbers that are equal within a group,
        values in order of time, or 0, 1, 2 for the parts (see `part_numbers`).

    Raises
    ------
    TableError
        If no row is left to train on.

    Examples
    --------
    >>> parts = split_parts(Split(validation_fraction=0.2, test_fraction=0.2), rows=10, seed=0)
    >>> len(parts.train), len(parts.validation), len(parts.test)
    (6, 2, 2)

    """
    wanted = _wanted(split.validation_fraction, rows), _wanted(split.test_fraction, rows)
    if split.column is not None:
        assert by is not None
        part = by.astype(np.int64)
    elif split.group is not None:
        assert by is not None
        part = _by_group(np.unique(by, return_inverse=True)[1], wanted, seed)
    elif split.time is not None:
        assert by is not None
        part = _by_time(np.unique(by, return_inverse=True)[1], wanted)
    else:
        part = _at_random(rows, wanted, seed, classes if split.stratify else None)
    train, validation, test = (np.flatnonzero(part == which) for which in range(3))
    if not len(train):
        raise TableError(
            f"the split leaves none of the {rows} rows to train on; give smaller fractions, more rows, or another "
            "column to split by"
        )
    return Parts(train, validation, test)


def parse_part(word: object) -> int | None:
    """What a cell of a split column says: 0 for training, 1 validation, 2 test; None if it says none of them."""
    return PART_WORDS.get(str(word).strip().lower())


def describe_part_words(word: object) -> str:
    """What to say of a cell that names no part."""
    return nearest(word, ["train", "validation", "test"])


def hash_sequence(seed: int, count: int) -> NDArray[np.uint64]:
    """A 64-bit number for each of 0, 1, …, count - 1: SplitMix64 (Steele, Lea & Flood 2014) of it and the seed."""
    with np.errstate(over="ignore"):
        return mix_bits(
            np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed % 2**64)
        )


def mix_bits(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's mixing of 64-bit numbers: each bit of the result depends on all of them."""
    with np.errstate(over="ignore"):
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return state ^ (state >> np.uint64(31))


def _wanted(fraction: float, rows: int) -> int:
    return int(np.floor(fraction * rows + 0.5))


def _at_random(rows: int, wanted: tuple[int, int], seed: int, classes: NDArray[np.int32] | None) -> NDArray[np.int64]:
    """0 for training, 1 for validation, 2 for test: of each class, those with the lowest numbers are held out."""
    part = np.zeros(rows, dtype=np.int64)
    if not any(wanted):
        return part
    ranks = np.argsort(hash_sequence(seed, rows), kind="stable")
    if classes is None:
        part[ranks[: wanted[0]]] = 1
        part[ranks[wanted[0] : sum(wanted)]] = 2
        return part
    ranked = ranks[np.argsort(classes[ranks], kind="stable")]  # class by class, by rank within each
    sizes = np.bincount(classes)
    sizes = sizes[sizes > 0]
    validation = _shares(sizes, wanted[0], 1)
    test = _shares(sizes, wanted[1], 1 + validation)
    for begin, n_validation, n_test in zip(np.cumsum(sizes) - sizes, validation, test, strict=True):
        part[ranked[begin : begin + n_validation]] = 1
        part[ranked[begin + n_validation : begin + n_validation + n_test]] = 2
    return part


def _shares(sizes: NDArray[np.int64], wanted: int, kept: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """How many rows each class gives: proportional, rounded so that they sum to `wanted` (largest remainders first).

    No class gives so many that fewer than `kept` of its rows are left, if there are several classes.
    """
    exact = wanted * sizes / sizes.sum()
    shares = np.floor(exact).astype(np.int64)
    by_remainder = np.argsort(shares - exact, kind="stable")
    shares[by_remainder[: wanted - shares.sum()]] += 1
    return np.asarray(np.maximum(np.minimum(shares, sizes - kept), 0)) if len(sizes) > 1 else shares


def _by_group(group: NDArray[np.int64], wanted: tuple[int, int], seed: int) -> NDArray[np.int64]:
    """Whole groups, in an order hashed from the seed, go where they bring the number of rows nearest to what is wanted.

    Groups are known by their place in sorted order, so the table's order of rows does not matter.
    """
    sizes = np.bincount(group)
    of_group = np.zeros(len(sizes), dtype=np.int64)
    left = list(wanted)
    order = np.argsort(hash_sequence(seed, len(sizes)), kind="stable")
    for g in order[: len(sizes) - 1]:  # one group at least is for training
        for which in (0, 1):
            if abs(left[which] - sizes[g]) < abs(left[which]) and left[which] > 0:
                of_group[g] = which + 1
                left[which] -= int(sizes[g])
                break
    return of_group[group]


def _by_time(moment: NDArray[np.int64], wanted: tuple[int, int]) -> NDArray[np.int64]:
    """The latest rows for testing, those before for validation. Rows of the same moment are never parted."""
    order = np.argsort(moment, kind="stable")
    sorted_moments = moment[order]
    rows = len(moment)

    def boundary(place: int) -> int:
        """The place where the moment begins that stands at `place`."""
        return place if place >= rows else int(np.searchsorted(sorted_moments, sorted_moments[place], side="left"))

    test = boundary(rows - wanted[1])
    validation = min(boundary(rows - sum(wanted)), test)
    part = np.zeros(rows, dtype=np.int64)
    part[order[validation:test]] = 1
    part[order[test:]] = 2
    return part
