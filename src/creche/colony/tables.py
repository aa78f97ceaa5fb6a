"""A colony as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from creche.colony.folded import OF_FOLDS, interval_columns, plan_numbers
from creche.plan.parts import Part

if TYPE_CHECKING:
    import polars as pl

    from creche.colony.colony import Colony

__all__ = ["in_words", "members_table", "plans_table"]


def in_words(value: Any) -> Any:
    """A choice as a cell: numbers and words as they are, widths as ``10-10``, parts of a plan as they print."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Part):
        only_word = value.word and repr(value) == f"{type(value).__name__}()"
        return value.word if only_word else repr(value)
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
        columns[name] = _column([in_words(colony.choices[i][name]) for i in order])
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
