"""Sweeps whose plans are judged by cross-validation: the mean of each plan over the folds, and how sure it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows
from creche.evaluation.fold_intervals import Spread

if TYPE_CHECKING:
    from creche.model_selection.colony import Colony

__all__ = ["OF_FOLDS", "FoldLayout", "interval_columns", "plan_numbers", "rank_by_plan", "split_numbers"]

# What a network's choice says of where it stands, besides its plan.
OF_FOLDS = ("repeat", "fold")


Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FoldLayout:
    """How the networks of a colony are spread over folds.

    Attributes
    ----------
    folds, repeats : int
    test_to_train : float
        Held-out rows to the others.
    held_out : list of Rows or None
        Of each network the rows of its fold, where it watched others to stop early.

    """

    folds: int
    repeats: int
    test_to_train: float
    held_out: list[Rows | None]


def plan_numbers(colony: Colony) -> NDArray[np.int64]:
    """The number of each network's plan, in the order in which the plans come."""
    return _numbers([tuple(repr(choice[name]) for name in colony.varied) for choice in colony.choices])


def split_numbers(colony: Colony) -> NDArray[np.int64]:
    """The number of each network's fold; all 0 where there are none."""
    return _numbers([tuple(choice.get(name) for name in OF_FOLDS) for choice in colony.choices])


def _numbers(keys: Sequence[Any]) -> NDArray[np.int64]:
    places = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.array([places[key] for key in keys], dtype=np.int64)


def rank_by_plan(colony: Colony, score: Numbers) -> NDArray[np.int64]:
    """The networks that have a score, those of the plan with the lowest mean first, and of each the lowest first.

    A plan some of whose networks diverged is behind all others.
    """
    plans, diverged = plan_numbers(colony), colony.results.diverged
    usable = np.flatnonzero(np.isfinite(score) & ~diverged)
    # Each fold counts the same, also where Ctrl-C has left a plan with more seeds on one of them.
    spreads = _spreads(np.where(diverged, np.nan, score), plans, split_numbers(colony), int(plans.max()) + 1, 0.0, "")
    means = np.array([spread.mean for spread in spreads])
    failures = np.bincount(plans, diverged)
    order = np.lexsort((score[usable], means[plans[usable]], failures[plans[usable]]))
    return usable[order]


def interval_columns(colony: Colony, names: Sequence[str], values: Sequence[Numbers], best: int) -> dict[str, Any]:
    """Columns of a table of plans, in the order of their numbers: intervals of the means, and how far behind the best.

    Plans are compared fold by fold, since what is hard about a fold is hard for all.

    Parameters
    ----------
    colony : Colony
        Of networks on folds.
    names : sequence of str
        Of metrics; plans are compared by the first.
    values : sequence of (networks,) arrays
    best : int
        The number of the best plan.

    """
    assert colony.folded is not None
    plans, splits = plan_numbers(colony), split_numbers(colony)
    ratio, count = colony.folded.test_to_train, int(plans.max()) + 1
    # A loss has the bounds of a log loss, unless it can be negative.
    loss = "log_loss" if all(job.plan.loss.is_nonnegative for job in colony.crew.jobs) else ""
    columns: dict[str, Any] = {}
    for name, of_networks in zip(names, values, strict=True):
        metric = name.partition("_")[2]
        spreads = _spreads(of_networks, plans, splits, count, ratio, loss if metric == "loss" else metric)
        columns |= {f"low_{name}": [s.low for s in spreads], f"high_{name}": [s.high for s in spreads]}
    behind = values[0] - _means(values[0], splits, plans == best)[splits]
    behind = -behind if names[0].endswith("accuracy") else behind
    spreads = _spreads(behind, plans, splits, count, ratio, "")
    for part in ("mean", "low", "high"):
        known = (getattr(spread, part) for spread in spreads)
        columns["behind" if part == "mean" else f"{part}_behind"] = [
            0.0 if plan == best else value for plan, value in enumerate(known)
        ]
    return columns


def _means(values: Numbers, groups: NDArray[np.int64], which: NDArray[np.bool_]) -> Numbers:
    """Of each group the mean of those of its values that count; NaN where there is none."""
    counted = which & np.isfinite(values)
    sums = np.bincount(groups[counted], values[counted], int(groups.max()) + 1)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / np.bincount(groups[counted], minlength=len(sums)))


def _spreads(
    values: Numbers, plans: NDArray[np.int64], splits: NDArray[np.int64], count: int, ratio: float, metric: str
) -> list[Spread]:
    order = np.lexsort((splits, plans))
    of_plans: list[dict[int, list[float]]] = [{} for _ in range(count)]
    for plan, split, value in zip(plans[order].tolist(), splits[order].tolist(), values[order].tolist(), strict=True):
        of_plans[plan].setdefault(split, []).append(value)
    return [Spread.of(list(of_plan.values()), ratio, metric) for of_plan in of_plans]
