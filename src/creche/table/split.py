"""Splitting rows into training, validation and test: a pure function of the seed, the same on every machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.errors import PlanError, TableError, nearest
from creche.plan.component import Component, count_field, flag_field, number_field

__all__ = [
    "Split",
    "SplitIndices",
    "hash_sequence",
    "mix_bits",
    "parse_part",
    "shuffle_rows",
    "split_indices",
    "suggest_part",
]

PART_NUMBERS = {"train": 0, "training": 0, "validation": 1, "valid": 1, "val": 1, "test": 2}


# Keeps the order of rows apart from the split, which hashes rows with the same seed.
ORDER = 0x6F72646572


@dataclass(frozen=True, slots=True, repr=False)
class Split(Component):
    """How rows are split into training, validation and test rows.

    Parameters
    ----------
    validation_fraction : float, default 0.3
        The share of the rows to hold out for validation; 0 for none.
    test_fraction : float, default 0
        The share of the rows to hold out for a test.
    stratify : bool, default True
        Whether each part gets the same share of each class.
    group : str, optional
        A column whose equal values stay in one part, such as a patient or a site.
    time : str, optional
        A column to order by: the latest rows are test rows, those before them validation rows.
    column : str, optional
        A column that holds train, validation or test for each row.
    seed : int, optional
        Seed for the split only; by default that of the plan. With it, networks of several seeds learn the same rows.

    Raises
    ------
    PlanError
        If a fraction is out of range or they leave no rows to train on, or if the rows are split by several columns.

    Examples
    --------
    >>> Split(test_fraction=0.2, group="patient")
    Split(test_fraction=0.2, group='patient')

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
                f"{advise('validation_fraction')}, {advise('test_fraction')}: got {self.validation_fraction:g} and "
                f"{self.test_fraction:g}, "
                "which leaves no rows to train on; needs a sum below 1"
            )
        chosen = [name for name in ("group", "time", "column") if getattr(self, name) is not None]
        for name in chosen:
            if not isinstance(getattr(self, name), str):
                raise PlanError(f"{name}: got {getattr(self, name)!r}; needs the name of a column")
        if len(chosen) > 1:
            first, second = (advise("split_column" if name == "column" else name) for name in chosen[:2])
            raise PlanError(f"{first}, {second}: got both; a split uses one of them")

    @property
    def by_column(self) -> str | None:
        """The column by which rows are split; None for a random split."""
        return next((name for name in (self.group, self.time, self.column) if name is not None), None)


@dataclass(frozen=True, slots=True, eq=False)
class SplitIndices:
    """The indices of the rows of each part of a table: int64, ascending."""

    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    test: NDArray[np.int64]


def split_indices(
    split: Split,
    rows: int,
    seed: int,
    classes: NDArray[np.int32] | None = None,
    by: NDArray[np.generic] | None = None,
) -> SplitIndices:
    """Return the indices of the rows of each part.

    Parameters
    ----------
    split : Split
    rows : int
        The number of rows.
    seed : int
    classes : (rows,) int array, optional
        Classes to stratify by.
    by : (rows,) array, optional
        The values of the column to split by: equal within a group, in order of time, or 0, 1, 2 for the parts (see
        `parse_part`).

    Raises
    ------
    TableError
        If no row is left to train on.

    Examples
    --------
    >>> indices = split_indices(Split(validation_fraction=0.2, test_fraction=0.2), rows=10, seed=0)
    >>> len(indices.train), len(indices.validation), len(indices.test)
    (6, 2, 2)

    """
    sizes = _round_share(split.validation_fraction, rows), _round_share(split.test_fraction, rows)
    if split.column is not None:
        assert by is not None
        part = by.astype(np.int64)
    elif split.group is not None:
        assert by is not None
        part = _split_by_group(np.unique(by, return_inverse=True)[1], sizes, seed)
    elif split.time is not None:
        assert by is not None
        part = _split_by_time(np.unique(by, return_inverse=True)[1], sizes)
    else:
        part = _split_at_random(rows, sizes, seed, classes if split.stratify else None)
    train, validation, test = (np.flatnonzero(part == number) for number in range(3))
    if not len(train):
        raise TableError(
            f"split: none of the {rows} rows is left to train on; use smaller fractions, more rows, or another column "
            "to split by"
        )
    return SplitIndices(train, validation, test)


def parse_part(word: object) -> int | None:
    """Return the number of the part that a cell names: 0 training, 1 validation, 2 test; None if it names none."""
    return PART_NUMBERS.get(str(word).strip().lower())


def suggest_part(word: object) -> str:
    """Return the end of an error message about a cell that names no part."""
    return nearest(word, ["train", "validation", "test"])


def shuffle_rows(seed: int, count: int) -> NDArray[np.int64]:
    """Return the numbers 0, …, count - 1 in a random order: that of their hashes with the seed.

    Rows can be put in this order without holding all of them, by the first bits of their hashes (Rao 1961, Sandelius
    1962).

    Examples
    --------
    >>> shuffle_rows(0, 6).tolist() == shuffle_rows(1, 6).tolist(), sorted(shuffle_rows(0, 6).tolist())
    (False, [0, 1, 2, 3, 4, 5])

    """
    return np.argsort(hash_sequence(int(mix_bits(np.array([seed % 2**64 ^ ORDER], dtype=np.uint64))[0]), count))


def hash_sequence(seed: int, count: int) -> NDArray[np.uint64]:
    """Return a 64-bit hash of the seed and each of 0, …, count - 1: SplitMix64 (Steele, Lea & Flood 2014)."""
    with np.errstate(over="ignore"):
        return mix_bits(
            np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed % 2**64)
        )


def mix_bits(state: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Mix the bits of 64-bit numbers as SplitMix64 does: each bit of a result depends on all bits of its number."""
    with np.errstate(over="ignore"):
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return state ^ (state >> np.uint64(31))


def _round_share(fraction: float, rows: int) -> int:
    return int(np.floor(fraction * rows + 0.5))


def _split_at_random(
    rows: int, sizes: tuple[int, int], seed: int, classes: NDArray[np.int32] | None
) -> NDArray[np.int64]:
    """Return the part of each row; the rows of each class with the lowest hashes are held out."""
    part = np.zeros(rows, dtype=np.int64)
    if not any(sizes):
        return part
    ranks = np.argsort(hash_sequence(seed, rows), kind="stable")
    if classes is None:
        part[ranks[: sizes[0]]] = 1
        part[ranks[sizes[0] : sum(sizes)]] = 2
        return part
    ranked = ranks[np.argsort(classes[ranks], kind="stable")]  # by class, and by rank within each
    counts = np.bincount(classes)
    counts = counts[counts > 0]
    validation = _apportion(counts, sizes[0], 1)
    test = _apportion(counts, sizes[1], 1 + validation)
    for begin, n_validation, n_test in zip(np.cumsum(counts) - counts, validation, test, strict=True):
        part[ranked[begin : begin + n_validation]] = 1
        part[ranked[begin + n_validation : begin + n_validation + n_test]] = 2
    return part


def _apportion(counts: NDArray[np.int64], total: int, reserved: NDArray[np.int64] | int) -> NDArray[np.int64]:
    """Return how many rows to take from each class: in proportion, rounded by largest remainders to sum to `total`.

    If there are several classes, at least `reserved` rows of each are left.
    """
    exact = total * counts / counts.sum()
    shares = np.floor(exact).astype(np.int64)
    by_remainder = np.argsort(shares - exact, kind="stable")
    shares[by_remainder[: total - shares.sum()]] += 1
    return np.asarray(np.maximum(np.minimum(shares, counts - reserved), 0)) if len(counts) > 1 else shares


def _split_by_group(group: NDArray[np.int64], sizes: tuple[int, int], seed: int) -> NDArray[np.int64]:
    """Return the part of each row: whole groups, in a hashed order, go where they bring the size nearest to its target.

    Groups are numbered in sorted order, so the order of the rows does not matter.
    """
    group_sizes = np.bincount(group)
    part_by_group = np.zeros(len(group_sizes), dtype=np.int64)
    remaining = list(sizes)
    order = np.argsort(hash_sequence(seed, len(group_sizes)), kind="stable")
    for g in order[: len(group_sizes) - 1]:  # at least one group is left to train on
        for held_out in (0, 1):
            if abs(remaining[held_out] - group_sizes[g]) < abs(remaining[held_out]) and remaining[held_out] > 0:
                part_by_group[g] = held_out + 1
                remaining[held_out] -= int(group_sizes[g])
                break
    return part_by_group[group]


def _split_by_time(time: NDArray[np.int64], sizes: tuple[int, int]) -> NDArray[np.int64]:
    """Return the part of each row: the latest are test rows, those before validation rows; equal times stay united."""
    order = np.argsort(time, kind="stable")
    sorted_times = time[order]
    rows = len(time)

    def first_of_time(index: int) -> int:
        """Return the index of the first row with the same time as that at `index`."""
        return index if index >= rows else int(np.searchsorted(sorted_times, sorted_times[index], side="left"))

    test = first_of_time(rows - sizes[1])
    validation = min(first_of_time(rows - sum(sizes)), test)
    part = np.zeros(rows, dtype=np.int64)
    part[order[validation:test]] = 1
    part[order[test:]] = 2
    return part
