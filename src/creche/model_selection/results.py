"""What became of the members of a colony, as arrays: one number for each."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows, new_predictor
from creche.model.history import History
from creche.model_selection.fold_statistics import OF_FOLDS, interval_columns, plan_numbers, split_numbers
from creche.model_selection.member import Member
from creche.plan.component import Component
from creche.plan.plan import Plan

if TYPE_CHECKING:
    import polars as pl

    from creche.model_selection.colony import Colony

__all__ = [
    "Effect",
    "Results",
    "compute_effects",
    "explained_share",
    "format_choice",
    "group_values",
    "members_table",
    "plans_table",
    "read_results",
]

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """Of each member, by number; NaN where there is none.

    Attributes
    ----------
    status : (members,) array of str
    epochs : (members,) int64
        Completed.
    train_loss, validation_loss, train_metric, validation_metric : (members,) float64
        Of the epoch whose weights the member has. On folds, validation is of the fold's rows, also where others were
        watched to stop early.
    metric_name : {"accuracy", "rmse"}
    watched : {"validation", "train"}

    """

    status: NDArray[np.str_]
    epochs: NDArray[np.int64]
    train_loss: Numbers
    validation_loss: Numbers
    train_metric: Numbers
    validation_metric: Numbers
    metric_name: str
    watched: str

    @property
    def loss(self) -> Numbers:
        """The loss by which members are compared."""
        return self.validation_loss if self.watched == "validation" else self.train_loss

    @property
    def metric(self) -> Numbers:
        """The metric on the same rows."""
        return self.validation_metric if self.watched == "validation" else self.train_metric

    @property
    def error(self) -> Numbers:
        """The metric as something that is better the lower it is."""
        return 1 - self.metric if self.metric_name == "accuracy" else self.metric

    @property
    def diverged(self) -> NDArray[np.bool_]:
        return np.asarray(self.status == "diverged")

    @property
    def done(self) -> NDArray[np.bool_]:
        """Who goes no further."""
        return np.asarray(self.status != "running")


COLUMNS = ("train_loss", "validation_loss", "train_metric", "validation_metric")


def read_results(colony: Colony) -> Results:
    """Reads what the engine has recorded of each member."""
    status, epochs = [], np.zeros(len(colony), dtype=np.int64)
    numbers = np.full((len(COLUMNS), len(colony)), np.nan)
    metric = "accuracy"
    for i, member in enumerate(colony):
        history = member.history
        metric = history.metric
        status.append(member.status)
        epochs[i] = len(history)
        held = _held_epoch(member.plan, status[-1], history)
        if held >= 0:
            numbers[:, i] = [getattr(history, name)[held] for name in COLUMNS]
            rows = None if colony.folded is None else colony.folded.held_out[i]
            if rows is not None:
                numbers[[1, 3], i] = _on(member, rows)
    train_loss, validation_loss, train_metric, validation_metric = numbers
    return Results(
        np.array(status), epochs, train_loss, validation_loss, train_metric, validation_metric, metric, colony.watched
    )


def _on(member: Member, rows: Rows) -> tuple[float, float]:
    """Loss and metric on rows, as a history has them."""
    loss, metric = new_predictor(member.plan, member.parameters, 1).evaluate(
        rows.x, rows.classes, rows.targets, rows.weights
    )
    scale = member.prepared.labels.scale
    return loss, metric * scale[0] if member.plan.task == "regression" and len(scale) == 1 else metric


def _held_epoch(plan: Plan, status: str, history: History) -> int:
    """The epoch, from 0, whose weights a network has: the last, or the best where early stopping brings it back."""
    stopping = plan.early_stopping
    restores = stopping is not None and stopping.restore_best and status in ("finished", "early_stopped")
    return history.best_epoch if restores else len(history) - 1


def format_choice(value: Any) -> Any:
    """A choice as a cell: numbers and words as they are, widths as ``10-10``, parts of a plan as they print."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Component):
        only_word = value.key and repr(value) == f"{type(value).__name__}()"
        return value.key if only_word else repr(value)
    if isinstance(value, list | tuple | np.ndarray):
        return "-".join(str(item) for item in value) or "none"
    return str(value)


def members_table(colony: Colony) -> pl.DataFrame:
    """One row for each member, the best first."""
    import polars as pl

    results, ranking = colony.results, colony.ranking()
    others = np.setdiff1d(np.arange(len(colony)), ranking)
    order = np.concatenate([ranking, others])
    rank = [*range(1, len(ranking) + 1), *([None] * len(others))]
    columns: dict[str, Any] = {"rank": rank, "member": order}
    places = [name for name in OF_FOLDS if name in colony.choices[0]]
    for name in (*colony.varied, *places, "seed"):
        columns[name] = _column([format_choice(colony.choices[i][name]) for i in order])
    columns |= {"status": results.status[order], "epochs": results.epochs[order]}
    for part in ("train", "validation"):
        columns[f"{part}_loss"] = getattr(results, f"{part}_loss")[order]
    for part in ("train", "validation"):
        columns[f"{part}_{results.metric_name}"] = getattr(results, f"{part}_metric")[order]
    numbers = [name for name, values in columns.items() if isinstance(values, np.ndarray) and values.dtype.kind == "f"]
    return pl.DataFrame(columns).with_columns(
        pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in numbers
    )


def _column(values: list[Any]) -> list[Any]:
    """Values of one kind; of several, all as text."""
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float}:
        return [None if value is None else float(value) for value in values] if float in kinds else values
    return values if len(kinds) <= 1 else [None if value is None else str(value) for value in values]


def plans_table(colony: Colony) -> pl.DataFrame:
    """One row for each plan, the best mean first."""
    import polars as pl

    results = colony.results
    watched = [f"{results.watched}_loss", f"{results.watched}_{results.metric_name}"]
    members = members_table(colony).sort("member")
    members = members.with_columns(pl.Series("plan", plan_numbers(colony), dtype=pl.Int64))
    statistics = [
        statistic
        for name in watched
        for statistic in (
            pl.col(name).mean().alias(f"mean_{name}"),
            pl.col(name).std().alias(f"std_{name}"),
            pl.col(name).min().alias(f"min_{name}"),
            pl.col(name).max().alias(f"max_{name}"),
        )
    ]
    by = watched[0] if colony.ranked_by == "loss" else watched[1]
    plans = (
        members.group_by("plan", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in colony.varied),
            pl.len().alias("networks"),
            (pl.col("status") == "diverged").sum().alias("diverged"),
            *statistics,
        )
        .sort(f"mean_{by}", descending=by.endswith("accuracy"), nulls_last=True, maintain_order=True)
        # A plan some of whose networks diverged is not good, however good the others are.
        .sort("diverged", maintain_order=True)
    )
    return plans if colony.folded is None else _with_intervals(plans, colony, watched, by)


def _with_intervals(plans: pl.DataFrame, colony: Colony, names: list[str], by: str) -> pl.DataFrame:
    import polars as pl

    results = colony.results
    values = [np.where(results.diverged, np.nan, of) for of in (results.loss, results.metric)]
    if by != names[0]:
        names, values = names[::-1], values[::-1]
    columns = interval_columns(colony, names, values, int(plans["plan"][0]))
    found = pl.DataFrame(columns, strict=False).with_columns(pl.all().fill_nan(None))
    return plans.join(found.with_row_index("plan").cast({"plan": pl.Int64}), on="plan", maintain_order="left")


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


def compute_effects(colony: Colony) -> list[Effect]:
    """The effects of all arguments that differ, the largest first; of several folds and seeds, last."""
    results = colony.results
    score = results.loss if colony.ranked_by == "loss" else results.error
    score = np.where(results.diverged, np.inf, score)
    begun = ~np.isnan(score)
    ranks = _ranks(score[begun])
    of_members = np.flatnonzero(begun)
    found = []
    for name in colony.varied:
        groups, names = group_values([colony.choices[i][name] for i in of_members])
        medians = [_median(score[begun][groups == g]) for g in range(len(names))]
        best = int(np.argmin(medians)) if medians else 0
        shown = medians[best] if colony.ranked_by == "loss" or results.metric_name == "rmse" else 1 - medians[best]
        found.append(Effect(name, explained_share(ranks, groups), names[best], float(shown)))
    found.sort(key=lambda effect: -np.nan_to_num(effect.share))
    splits = split_numbers(colony)[of_members]
    if len(np.unique(splits)) > 1:
        found.append(Effect("fold", explained_share(ranks, splits), "", np.nan))
    if len({choice["seed"] for choice in colony.choices}) > 1:
        plans = [tuple(repr(colony.choices[i][name]) for name in colony.varied) for i in of_members]
        alike, kinds = _numbered(list(zip(plans, splits.tolist(), strict=True)))
        share = 1 - explained_share(ranks, alike) if len(kinds) > 1 else 1.0
        found.append(Effect("seed", share, "", np.nan))
    return found


def explained_share(numbers: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """The share of the variance of the numbers that lies between groups: ε² of Kelley (1935), at least 0.

    Unlike the plain ratio of sums of squares it does not grow with the number of groups alone. NaN where every group
    has one member, and 0 where all numbers are the same.

    Examples
    --------
    >>> explained_share(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1]))
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


def group_values(values: Sequence[Any], most: int = MOST_GROUPS) -> tuple[NDArray[np.int64], list[str]]:
    """The group of each value, and what the groups are called.

    A group for each value, numbers in their order and others as they come; where more than `most` numbers differ, one
    for neighbours.

    Examples
    --------
    >>> group_values(["sgd", "adam", "sgd"])
    (array([0, 1, 0]), ['sgd', 'adam'])

    """
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not are_numbers:
        groups, first = _numbered([repr(value) for value in values])
        return groups, [str(format_choice(values[i])) for i in first]
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
