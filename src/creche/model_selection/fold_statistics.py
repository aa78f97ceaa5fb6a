"""Sweeps with cross-validation: the mean of each plan over the folds, with intervals, and its gap to the best plan."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows
from creche.evaluation.fold_intervals import Spread
from creche.evaluation.metrics import is_lower_better
from creche.model_selection.choices import Choices

if TYPE_CHECKING:
    from creche.model_selection.colony import Colony

__all__ = [
    "FOLD_COLUMNS",
    "FoldLayout",
    "interval_columns",
    "number_keys",
    "plan_numbers",
    "rank_by_plan",
    "split_numbers",
]

# The entries of a network's choice that name its fold, and do not belong to its plan.
FOLD_COLUMNS = ("repeat", "fold")

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class FoldLayout:
    """How the networks of a colony are distributed over folds.

    Attributes
    ----------
    folds, repeats : int
    test_to_train : float
        The ratio of held-out rows to training rows.
    held_out : sequence of Rows or None
        For each network the rows of its fold, if early stopping monitors other rows.
    rows : int
        The number of rows of all folds together.

    """

    folds: int
    repeats: int
    test_to_train: float
    held_out: Sequence[Rows | None]
    rows: int


def plan_numbers(colony: Colony) -> NDArray[np.int64]:
    """Return the number of each network's plan, counted in order of appearance."""
    choices, names = colony.choices, colony.varied_arguments
    if isinstance(choices, Choices):
        return choices.spread(number_keys([tuple(repr(each[name]) for name in names) for each in choices.combinations]))
    return number_keys([tuple(repr(choice[name]) for name in names) for choice in choices])


def split_numbers(colony: Colony) -> NDArray[np.int64]:
    """Return the number of each network's fold, counted over all repeats; 0 without folds."""
    if isinstance(colony.choices, Choices):
        return colony.choices.split_numbers()
    return number_keys([tuple(choice.get(name) for name in FOLD_COLUMNS) for choice in colony.choices])


def number_keys(keys: Sequence[Hashable]) -> NDArray[np.int64]:
    """Number keys in order of appearance; equal keys have the same number.

    Examples
    --------
    >>> number_keys(["b", "a", "b"])
    array([0, 1, 0])

    """
    numbers = {key: i for i, key in enumerate(dict.fromkeys(keys))}
    return np.array([numbers[key] for key in keys], dtype=np.int64)


def rank_by_plan(colony: Colony, score: Numbers) -> NDArray[np.int64]:
    """Rank the networks with a score by the mean of their plan, and within a plan by their own score, lowest first.

    A plan with diverged networks ranks behind all others.
    """
    plans, diverged = plan_numbers(colony), colony.results.diverged
    usable = np.flatnonzero(np.isfinite(score) & ~diverged)
    if not len(usable):
        return usable
    # Each fold counts the same, even where Ctrl-C has left a plan with more seeds on one of them.
    splits = split_numbers(colony)
    count = int(splits.max()) + 1
    fold_means = _group_means(score, plans * count + splits, ~diverged)
    means = _group_means(fold_means, np.arange(len(fold_means)) // count, np.ones(len(fold_means), dtype=np.bool_))
    failures = np.bincount(plans, diverged)
    order = np.lexsort((score[usable], means[plans[usable]], failures[plans[usable]]))
    return usable[order]


def interval_columns(colony: Colony, names: Sequence[str], values: Sequence[Numbers], best: int) -> dict[str, Any]:
    """Return columns of the table of plans: the intervals of the means, and the gap of each plan to the best.

    Plans are compared fold by fold, because a fold that is hard for one plan is hard for all.

    Parameters
    ----------
    colony : Colony
        A colony with folds.
    names : sequence of str
        Names of the metrics; the gap is measured in the first.
    values : sequence of (networks,) arrays
        The values of each metric.
    best : int
        The number of the best plan.

    Returns
    -------
    dict of str to list
        One entry for each plan, in the order of their numbers.

    """
    assert colony.fold_layout is not None
    plans, splits = plan_numbers(colony), split_numbers(colony)
    ratio, rows, count = colony.fold_layout.test_to_train, colony.fold_layout.rows, int(plans.max()) + 1
    # The interval of a loss ends at 0, as that of a log loss does, unless the loss can be negative.
    loss = "log_loss" if all(job.plan.loss.is_nonnegative for job in colony.crew.jobs) else ""
    columns: dict[str, Any] = {}
    for name, metric_values in zip(names, values, strict=True):
        metric = name.partition("_")[2]
        spreads = _spreads(metric_values, plans, splits, count, ratio, loss if metric == "loss" else metric, rows)
        columns |= {f"low_{name}": [s.low for s in spreads], f"high_{name}": [s.high for s in spreads]}
    gaps = values[0] - _group_means(values[0], splits, plans == best)[splits]
    gaps = gaps if is_lower_better(names[0]) else -gaps
    spreads = _spreads(gaps, plans, splits, count, ratio, "", rows)
    for column, attribute in (("gap", "mean"), ("low_gap", "low"), ("high_gap", "high")):
        columns[column] = [0.0 if plan == best else getattr(spread, attribute) for plan, spread in enumerate(spreads)]
    return columns


def _group_means(values: Numbers, groups: NDArray[np.int64], selected: NDArray[np.bool_]) -> Numbers:
    """Return the mean of the selected finite values of each group; NaN where there are none."""
    counted = selected & np.isfinite(values)
    sums = np.bincount(groups[counted], values[counted], int(groups.max()) + 1)
    with np.errstate(invalid="ignore"):
        return np.asarray(sums / np.bincount(groups[counted], minlength=len(sums)))


def _spreads(
    values: Numbers,
    plans: NDArray[np.int64],
    splits: NDArray[np.int64],
    count: int,
    ratio: float,
    metric: str,
    rows: int | None = None,
) -> list[Spread]:
    """Return the spread of each plan's values over the folds."""
    order = np.lexsort((splits, plans))
    plan_values: list[dict[int, list[float]]] = [{} for _ in range(count)]
    for plan, split, value in zip(plans[order].tolist(), splits[order].tolist(), values[order].tolist(), strict=True):
        plan_values[plan].setdefault(split, []).append(value)
    return [Spread.of(list(split_values.values()), ratio, metric, rows) for split_values in plan_values]
