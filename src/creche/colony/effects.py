"""Effects: how much of the differences between a colony's networks each argument explains, and how much the seed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.colony.folded import split_numbers
from creche.colony.tables import in_words

if TYPE_CHECKING:
    from creche.colony.colony import Colony

__all__ = ["Effect", "effects_of", "grouped", "share_explained"]

MOST_GROUPS = 12  # of numbers; where more differ, neighbours are taken together
GROUPS = 8


@dataclass(frozen=True, slots=True)
class Effect:
    """What an argument does to the rank of a network among all.

    Attributes
    ----------
    argument : str
        Or "fold", or "seed".
    share : float
        From 0 to 1: how much of the variance of the ranks goes with it. NaN where there are too few networks to tell.
    best : str
        The value, or the stretch of values, with the lowest median loss; empty for the seed.
    median : float
        That loss (or metric, where the networks differ in their loss); NaN for the fold and the seed.

    """

    argument: str
    share: float
    best: str
    median: float


def effects_of(colony: Colony) -> list[Effect]:
    """The effects of all arguments that differ, the largest first; of several folds and seeds, last."""
    results = colony.results
    score = results.loss if colony.ranked_by == "loss" else results.error
    score = np.where(results.diverged, np.inf, score)
    begun = ~np.isnan(score)
    ranks = _ranks(score[begun])
    of_members = np.flatnonzero(begun)
    found = []
    for name in colony.varied:
        groups, names = grouped([colony.choices[i][name] for i in of_members])
        medians = [_median(score[begun][groups == g]) for g in range(len(names))]
        best = int(np.argmin(medians)) if medians else 0
        shown = medians[best] if colony.ranked_by == "loss" or results.metric_name == "rmse" else 1 - medians[best]
        found.append(Effect(name, share_explained(ranks, groups), names[best], float(shown)))
    found.sort(key=lambda effect: -np.nan_to_num(effect.share))
    splits = split_numbers(colony)[of_members]
    if len(np.unique(splits)) > 1:
        found.append(Effect("fold", share_explained(ranks, splits), "", np.nan))
    if len({choice["seed"] for choice in colony.choices}) > 1:
        plans = [tuple(repr(colony.choices[i][name]) for name in colony.varied) for i in of_members]
        alike, kinds = _numbered(list(zip(plans, splits.tolist(), strict=True)))
        share = 1 - share_explained(ranks, alike) if len(kinds) > 1 else 1.0
        found.append(Effect("seed", share, "", np.nan))
    return found


def share_explained(numbers: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """The share of the variance of the numbers that lies between groups: ε² of Kelley (1935), at least 0.

    Unlike the plain ratio of sums of squares it does not grow with the number of groups alone. NaN where every group
    has one member, and 0 where all numbers are the same.

    Examples
    --------
    >>> share_explained(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1]))
    1.0

    """
    count, kinds = len(numbers), len(np.unique(groups))
    if count <= kinds:
        return float("nan")
    total = float(((numbers - numbers.mean()) ** 2).sum())
    if total == 0:
        return 0.0
    sums, sizes = np.bincount(groups, numbers), np.bincount(groups)
    means = sums / np.maximum(sizes, 1)
    within = float(((numbers - means[groups]) ** 2).sum())
    return max(0.0, 1 - (within / (count - kinds)) / (total / (count - 1)))


def _ranks(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0; equal numbers share the mean of theirs."""
    _, place, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[place])


def _median(scores: NDArray[np.float64]) -> float:
    """The lower median, which is a number that was reached if half of them were."""
    return float(np.sort(scores)[(len(scores) - 1) // 2])


def grouped(values: Sequence[Any], most: int = MOST_GROUPS) -> tuple[NDArray[np.int64], list[str]]:
    """The group of each value, and what the groups are called.

    A group for each value, numbers in their order and others as they come; where more than `most` numbers differ, one
    for neighbours.

    Examples
    --------
    >>> grouped(["sgd", "adam", "sgd"])
    (array([0, 1, 0]), ['sgd', 'adam'])

    """
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not are_numbers:
        groups, first = _numbered([repr(value) for value in values])
        return groups, [str(in_words(values[i])) for i in first]
    numbers = np.array(values, dtype=np.float64)
    distinct = np.unique(numbers)
    if len(distinct) <= most:
        names = [f"{value:.3g}" for value in distinct.tolist()]
        names = names if len(set(names)) == len(names) else [f"{value:g}" for value in distinct.tolist()]
        return np.searchsorted(distinct, numbers), names
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, GROUPS + 1)))[1:-1]
    _, groups = np.unique(np.searchsorted(edges, numbers, side="right"), return_inverse=True)
    parts = [numbers[groups == g] for g in range(int(groups.max()) + 1)]
    return groups, [f"{part.min():.3g} to {part.max():.3g}" for part in parts]


def _numbered(keys: Sequence[Hashable]) -> tuple[NDArray[np.int64], list[int]]:
    """A number for each key in the order of first appearance, and where each appeared first."""
    first: dict[Hashable, int] = {}
    for i, key in enumerate(keys):
        first.setdefault(key, i)
    number = {key: n for n, key in enumerate(first)}
    return np.array([number[key] for key in keys], dtype=np.int64), list(first.values())
