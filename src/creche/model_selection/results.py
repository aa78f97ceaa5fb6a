"""The results of a colony as arrays and tables, and how much of their variance each argument explains."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows, new_predictor
from creche.engine.outcomes import STATUSES
from creche.evaluation.metrics import is_lower_better
from creche.model_selection.choices import values_of
from creche.model_selection.fold_statistics import (
    FOLD_COLUMNS,
    interval_columns,
    number_keys,
    plan_numbers,
    split_numbers,
)
from creche.model_selection.member import Member
from creche.model_selection.network_columns import spread_over
from creche.plan.component import Component
from creche.scale.array_crew import ArrayCrew
from creche.table.prepare import Prepared

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

METRICS = ("train_loss", "validation_loss", "train_metric", "validation_metric")
MAX_GROUPS = 12  # a group for each number, if no more than these differ
MERGED_GROUPS = 8  # otherwise, neighbouring numbers form this many groups


@dataclass(frozen=True, slots=True, eq=False)
class Results:
    """The results of all members, by their numbers; NaN where a member has none.

    Attributes
    ----------
    status : (members,) array of str
    epochs : (members,) int64
        Completed epochs.
    train_loss, validation_loss, train_metric, validation_metric : (members,) float64
        In the epoch whose weights the member has. With folds, validation means the rows of the fold, even where early
        stopping monitored other rows.
    metric_name : {"accuracy", "rmse"}
    partition : {"validation", "train"}
        The rows on which the members are compared.

    """

    status: NDArray[np.str_]
    epochs: NDArray[np.int64]
    train_loss: Numbers
    validation_loss: Numbers
    train_metric: Numbers
    validation_metric: Numbers
    metric_name: str
    partition: str

    @property
    def loss(self) -> Numbers:
        """The loss by which members are compared."""
        return self.validation_loss if self.partition == "validation" else self.train_loss

    @property
    def metric(self) -> Numbers:
        """The metric on the same rows."""
        return self.validation_metric if self.partition == "validation" else self.train_metric

    @property
    def error(self) -> Numbers:
        """The metric, if lower is better; otherwise 1 minus the metric."""
        return self.metric if is_lower_better(self.metric_name) else 1 - self.metric

    @property
    def diverged(self) -> NDArray[np.bool_]:
        """Which members diverged."""
        return np.asarray(self.status == "diverged")

    @property
    def done(self) -> NDArray[np.bool_]:
        """Which members have ended, in any way."""
        return np.asarray(self.status != "running")


def read_results(colony: Colony) -> Results:
    """Read the results of all members from the engine."""
    outcomes = colony.crew.outcomes()
    unit, metric_name = _metric_units(colony)
    values = {name: getattr(outcomes, name) for name in METRICS}
    for name in ("train_metric", "validation_metric"):
        values[name] = values[name] * unit
    layout = colony.fold_layout
    if layout is not None and not isinstance(colony.crew, ArrayCrew):  # whose pieces have evaluated them
        for i in np.flatnonzero(outcomes.kept_epoch > 0).tolist():
            if (rows := layout.held_out[i]) is not None:
                values["validation_loss"][i], values["validation_metric"][i] = _evaluate(colony[i], rows)
    status = np.array(STATUSES)[outcomes.status]
    return Results(status, outcomes.epoch, **values, metric_name=metric_name, partition=colony.partition)


def _metric_units(colony: Colony) -> tuple[Numbers | float, str]:
    """Return what the engine's metrics are multiplied by, one number or one for each member, and the metric's name."""
    if colony.crew.jobs[0].plan.task != "regression":
        return 1.0, "accuracy"

    def unit(prepared: Prepared) -> float:
        # The error of one label is in its own units; several have no unit in common.
        scale = prepared.labels.scale
        return scale[0] if len(scale) == 1 else 1.0

    return spread_over(colony.prepared, unit), "rmse"


def _evaluate(member: Member, rows: Rows) -> tuple[float, float]:
    """Return the loss and the metric on rows, in the units of a history."""
    predictor = new_predictor(member.plan, member.parameters, 1)
    loss, metric = predictor.evaluate(rows.x, rows.classes, rows.targets, rows.weights)
    scale = member.prepared.labels.scale
    return loss, metric * scale[0] if member.plan.task == "regression" and len(scale) == 1 else metric


def format_choice(value: Any) -> Any:
    """Format the value of an argument for a table: widths as ``10-10``, plan components as they print.

    Examples
    --------
    >>> format_choice(0.1), format_choice([10, 10]), format_choice([])
    (0.1, '10-10', 'none')

    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Component):
        has_defaults = value.key and repr(value) == f"{type(value).__name__}()"
        return value.key if has_defaults else repr(value)
    if isinstance(value, list | tuple | np.ndarray):
        return "-".join(str(item) for item in value) or "none"
    return str(value)


def members_table(colony: Colony) -> pl.DataFrame:
    """Return the table of `Colony.table`: a row for each member, the best first."""
    import polars as pl

    results, ranking = colony.results, colony.ranking()
    unranked = np.setdiff1d(np.arange(len(colony)), ranking)
    order = np.concatenate([ranking, unranked])
    rank = [*range(1, len(ranking) + 1), *([None] * len(unranked))]
    columns: dict[str, Any] = {"rank": rank, "member": order}
    folds = [name for name in FOLD_COLUMNS if name in colony.choices[0]]
    for name in (*colony.varied_arguments, *folds, "seed"):
        values = values_of(colony.choices, name)
        columns[name] = _unify_types([format_choice(values[i]) for i in order.tolist()])
    columns |= {"status": results.status[order], "epochs": results.epochs[order]}
    for partition in ("train", "validation"):
        columns[f"{partition}_loss"] = getattr(results, f"{partition}_loss")[order]
    for partition in ("train", "validation"):
        columns[f"{partition}_{results.metric_name}"] = getattr(results, f"{partition}_metric")[order]
    floats = [name for name, values in columns.items() if isinstance(values, np.ndarray) and values.dtype.kind == "f"]
    return pl.DataFrame(columns).with_columns(
        pl.when(pl.col(name).is_finite()).then(pl.col(name)).alias(name) for name in floats
    )


def _unify_types(values: list[Any]) -> list[Any]:
    """Return values of one type: numbers as float where some are, and values of several types as text."""
    types = {type(value) for value in values if value is not None}
    if types <= {int, float}:
        return [None if value is None else float(value) for value in values] if float in types else values
    return values if len(types) <= 1 else [None if value is None else str(value) for value in values]


def plans_table(colony: Colony) -> pl.DataFrame:
    """Return the table of `Colony.plans`: a row for each plan, the best mean first."""
    import polars as pl

    results = colony.results
    names = [f"{results.partition}_loss", f"{results.partition}_{results.metric_name}"]
    members = members_table(colony).sort("member")
    members = members.with_columns(pl.Series("plan", plan_numbers(colony), dtype=pl.Int64))
    statistics = [
        statistic
        for name in names
        for statistic in (
            pl.col(name).mean().alias(f"mean_{name}"),
            pl.col(name).std().alias(f"std_{name}"),
            pl.col(name).min().alias(f"min_{name}"),
            pl.col(name).max().alias(f"max_{name}"),
        )
    ]
    by = names[0] if colony.ranking_metric == "loss" else names[1]
    plans = (
        members.group_by("plan", maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in colony.varied_arguments),
            pl.len().alias("networks"),
            (pl.col("status") == "diverged").sum().alias("diverged"),
            *statistics,
        )
        .sort(f"mean_{by}", descending=not is_lower_better(by), nulls_last=True, maintain_order=True)
        # A plan with diverged networks is worse than any other, however good its remaining networks are.
        .sort("diverged", maintain_order=True)
    )
    return plans if colony.fold_layout is None else _add_intervals(plans, colony, names, by)


def _add_intervals(plans: pl.DataFrame, colony: Colony, names: list[str], by: str) -> pl.DataFrame:
    import polars as pl

    results = colony.results
    values = [np.where(results.diverged, np.nan, metric) for metric in (results.loss, results.metric)]
    if by != names[0]:
        names, values = names[::-1], values[::-1]
    columns = interval_columns(colony, names, values, int(plans["plan"][0]))
    intervals = pl.DataFrame(columns, strict=False).with_columns(pl.all().fill_nan(None))
    return plans.join(intervals.with_row_index("plan").cast({"plan": pl.Int64}), on="plan", maintain_order="left")


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of an argument on the ranks of the networks.

    Attributes
    ----------
    argument : str
        The name of an argument, or "fold", or "seed".
    share : float
        The share of the variance of the ranks that the argument explains, from 0 to 1; NaN with too few networks.
    best_value : str
        The value, or the range of values, with the lowest median loss; empty for "fold" and "seed".
    median : float
        That median loss, or metric if the networks have different losses; NaN for "fold" and "seed".

    """

    argument: str
    share: float
    best_value: str
    median: float

    def to_dict(self) -> dict[str, Any]:
        """Return the effect as plain data; numbers that are not finite are None."""
        finite = {
            name: float(x) if np.isfinite(x) else None for name, x in (("share", self.share), ("median", self.median))
        }
        return {"argument": self.argument, "best_value": self.best_value, **finite}


def compute_effects(colony: Colony) -> list[Effect]:
    """Return the effects of `Colony.effects`: arguments by descending share, then the fold and the seed."""
    results = colony.results
    score = np.where(results.diverged, np.inf, results.loss if colony.ranking_metric == "loss" else results.error)
    members = np.flatnonzero(~np.isnan(score))
    score = score[members]
    ranks = _ranks(score)
    is_error = colony.ranking_metric == "loss" or results.metric_name == "rmse"
    effects = []
    for name in colony.varied_arguments:
        values = values_of(colony.choices, name)
        groups, names = group_values([values[i] for i in members.tolist()])
        medians = [_lower_median(score[groups == g]) for g in range(len(names))]
        best = int(np.argmin(medians)) if medians else 0
        median = medians[best] if is_error else 1 - medians[best]
        effects.append(Effect(name, explained_share(ranks, groups), names[best], float(median)))
    effects.sort(key=lambda effect: -np.nan_to_num(effect.share))
    splits = split_numbers(colony)[members]
    if len(np.unique(splits)) > 1:
        effects.append(Effect("fold", explained_share(ranks, splits), "", np.nan))
    if len(set(values_of(colony.choices, "seed"))) > 1:
        plans = plan_numbers(colony)[members]
        cells = number_keys(list(zip(plans.tolist(), splits.tolist(), strict=True)))
        share = 1 - explained_share(ranks, cells) if len(np.unique(cells)) > 1 else 1.0
        effects.append(Effect("seed", share, "", np.nan))
    return effects


def explained_share(numbers: NDArray[np.float64], groups: NDArray[np.int64]) -> float:
    """Return the share of the variance of numbers that lies between groups: ε² of Kelley (1935), at least 0.

    Unlike η², the plain ratio of sums of squares, it does not grow with the number of groups alone. NaN where every
    group has one member, and 0 where all numbers are equal.

    Examples
    --------
    >>> explained_share(np.array([1.0, 1.0, 3.0, 3.0]), np.array([0, 0, 1, 1]))
    1.0

    """
    count, n_groups = len(numbers), len(np.unique(groups))
    if count <= n_groups:
        return float("nan")
    total = float(((numbers - numbers.mean()) ** 2).sum())
    if total == 0:
        return 0.0
    sums, sizes = np.bincount(groups, numbers), np.bincount(groups)
    means = sums / np.maximum(sizes, 1)
    within = float(((numbers - means[groups]) ** 2).sum())
    return max(0.0, 1 - (within / (count - n_groups)) / (total / (count - 1)))


def _ranks(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks from 0; equal numbers share the mean of their ranks."""
    _, inverse, counts = np.unique(numbers, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts + 1) / 2)[inverse])


def _lower_median(scores: NDArray[np.float64]) -> float:
    """Return the median, or the lower of the two middle scores: finite wherever half of the scores are."""
    return float(np.sort(scores)[(len(scores) - 1) // 2])


def group_values(values: Sequence[Any], limit: int = MAX_GROUPS) -> tuple[NDArray[np.int64], list[str]]:
    """Return the group of each value, and the names of the groups.

    Each distinct value is a group, numbers in ascending order and other values in order of appearance. If more than
    `limit` numbers differ, neighbouring numbers share a group.

    Examples
    --------
    >>> group_values(["sgd", "adam", "sgd"])
    (array([0, 1, 0]), ['sgd', 'adam'])

    """
    are_numbers = all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not are_numbers:
        first: dict[Hashable, Any] = {}
        for value in values:
            first.setdefault(repr(value), value)
        return number_keys([repr(value) for value in values]), [str(format_choice(value)) for value in first.values()]
    numbers = np.array(values, dtype=np.float64)
    distinct = np.unique(numbers)
    if len(distinct) <= limit:
        names = [f"{value:.3g}" for value in distinct.tolist()]
        names = names if len(set(names)) == len(names) else [f"{value:g}" for value in distinct.tolist()]
        return np.searchsorted(distinct, numbers), names
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, MERGED_GROUPS + 1)))[1:-1]
    _, groups = np.unique(np.searchsorted(edges, numbers, side="right"), return_inverse=True)
    members = [numbers[groups == g] for g in range(int(groups.max()) + 1)]
    return groups, [f"{group.min():.3g} to {group.max():.3g}" for group in members]
