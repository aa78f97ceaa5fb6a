"""Extreme values: single values so far out that they set the scale of a feature or of a label."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.run_facts import RunFacts
from creche.table.table import Table

__all__ = ["find_extreme_feature", "find_extreme_label", "find_extremes"]

Array = NDArray[np.float64]

# How much farther from the median the extreme values must be than all others, and also by asinh, a logarithm that
# exists at 0: the largest values of skewed columns are far out in numbers, not in logarithms.
DISTANCE_RATIO, LOGARITHM_RATIO = 10.0, 2.0
# More than these are not single values but another kind of rows; only a placeholder such as -999 may fill more of them.
MAX_SHARE, MAX_VALUES = 0.01, 3
PLACEHOLDER_SHARE = 0.1
MIN_ROWS = 20  # that differ from the median
OF_FEW_ROWS = 10.0  # few values tell little of how far out the usual ones reach: with n of them, 10 / n more is needed

SPREAD_RATIO = 2.0  # of the standard deviations with and without the extreme values, at which learning suffers
FAR_IN_SPREADS = 100.0  # where the standard deviation is not what scales the column
ROWS_NAMED = 3


@dataclass(frozen=True, slots=True, eq=False)
class _Extremes:
    """The extreme values of a column, the farthest first."""

    name: str
    values: Array
    rows: NDArray[np.int64]
    places: NDArray[np.int64]  # among the training rows, and behind them the validation rows
    others: Array
    n_train: int

    @property
    def distance_ratio(self) -> float:
        """How many times as far from the median the nearest extreme value is as the farthest of the others."""
        median = float(np.median(np.concatenate([self.values, self.others])))
        return float(np.abs(self.values - median).min() / np.abs(self.others - median).max())

    @property
    def in_training(self) -> NDArray[np.bool_]:
        """Which of them lie in training rows."""
        return np.asarray(self.places < self.n_train)

    def title(self) -> str:
        if len(self.values) > 1:
            return f"{self.name!r} has {len(self.values):,} extreme values"
        return f"{self.name!r} has an extreme value in row {self.rows[0]}"

    def evidence(self) -> str:
        pairs = zip(self.values.tolist(), self.rows.tolist(), strict=True)
        named = [f"{_number(value)} in row {row}" for value, row in pairs][:ROWS_NAMED]
        more = len(self.values) - len(named)
        listed = ", ".join(named) + (f" and {more:,} more rows" if more else "")
        part = "" if self.in_training.all() else " (among the validation rows)" if not self.in_training.any() else ""
        low, high = float(self.others.min()), float(self.others.max())
        return (
            f"{self.name!r} is {listed}{part}: at least {_round_ratio(self.distance_ratio)} times as far from the "
            f"median as any of the other {len(self.others):,} values, which lie between {_number(low)} and "
            f"{_number(high)}"
        )


def find_extremes(values: Array) -> NDArray[np.int64]:
    """Return the places of the extreme values, the farthest first; none in columns that are only skewed.

    Examples
    --------
    >>> find_extremes(np.append(np.linspace(-3, 3, 50), 99999)).tolist()
    [50]
    >>> find_extremes(np.exp(np.linspace(-6, 6, 50))).tolist()
    []

    """
    known = np.flatnonzero(np.isfinite(values))
    distance = np.abs(values[known] - np.median(values[known])) if len(known) else np.empty(0)
    varied = distance[distance > 0]
    if len(varied) < MIN_ROWS:
        return known[:0]
    order = np.argsort(-distance, kind="stable")
    limit = min(max(MAX_VALUES, int(PLACEHOLDER_SHARE * len(known))), len(known) - 1)
    sorted_distance = distance[order]
    far, next_far = sorted_distance[:limit], sorted_distance[1 : limit + 1]
    scale = float(np.median(varied))
    with np.errstate(over="ignore"):
        is_gap = (next_far > 0) & (far >= DISTANCE_RATIO * next_far)
        ratio = LOGARITHM_RATIO * (1 + OF_FEW_ROWS / len(varied))
        is_gap &= np.arcsinh(far / scale) >= ratio * np.arcsinh(next_far / scale)
    counts = np.arange(1, limit + 1)
    is_one_value = np.logical_and.accumulate(values[known[order[:limit]]] == values[known[order[0]]])
    is_gap &= is_one_value | (counts <= max(MAX_VALUES, MAX_SHARE * len(known)))
    # Beyond the gap there must be enough other values to know what is usual.
    is_gap &= counts <= len(varied) - MIN_ROWS // 2
    if not is_gap.any():
        return known[:0]
    return np.asarray(known[order[: int(np.flatnonzero(is_gap)[-1]) + 1]])


def find_extreme_feature(facts: RunFacts) -> Symptom | None:
    """Return a symptom if a feature has values far beyond all others, unless its inputs are bounded."""
    preprocessing = facts.prepared.preparation.preprocessing
    scaling = preprocessing.scaling
    if scaling == "quantile" or (scaling != "standard" and preprocessing.clip == "smooth"):
        return None
    found = sorted(_extreme_features(facts), key=lambda extremes: -extremes.distance_ratio)
    if not found:
        return None
    worst, more = found[0], len(found) - 1
    also = f"; so do {more} other columns" if more > 1 else f"; so does {found[1].name!r}" if more else ""
    scalings = [("quantile", "scaling by quantiles"), ("robust", "scaling by the median and the quartiles")]
    return Symptom(
        worst.title(),
        worst.evidence() + also,
        f"{_feature_meaning(worst, scaling)}. If it is a mistake, correct the value or drop its row",
        [
            Alternative(change, {"preprocessing": word}, facts.error_measure)
            for word, change in scalings
            if word != scaling
        ],
        is_forecast=not _harms(worst, scaling),
    )


def _feature_meaning(extremes: _Extremes, scaling: str) -> str:
    if not extremes.in_training.any():
        return "the network has seen no similar value, so its prediction there is arbitrary and may dominate the loss"
    if scaling == "standard":
        return (
            "it sets the scale of the column: once scaled, the other values are nearly equal, and the network can "
            "hardly distinguish them"
        )
    return "one such row changes the weights more than all other rows"


def _harms(extremes: _Extremes, scaling: str) -> bool:
    """Whether the column, as it is scaled, must make learning hard."""
    if not extremes.in_training.any():
        return False
    spread = float(extremes.others.std())
    if scaling != "standard":
        return bool(np.abs(extremes.values - np.median(extremes.others)).max() > FAR_IN_SPREADS * spread)
    train = np.concatenate([extremes.others, extremes.values[extremes.in_training]])
    return bool(train.std() > SPREAD_RATIO * spread)


def _extreme_features(facts: RunFacts) -> Iterator[_Extremes]:
    train, validation = facts.prepared.train.observations, facts.prepared.validation
    parts = [train] if validation is None else [train, validation.observations]
    rows = np.concatenate([part.row_numbers for part in parts])
    for i, column in enumerate(facts.prepared.features.columns):
        if column.role != "numeric":
            continue
        values = [
            part.x.columns[column.name].values if isinstance(part.x, Table) else part.x[:, i]
            for part in parts
        ]  # fmt: skip
        yield from _collect(column.name, np.concatenate(values).astype(np.float64), rows, len(train))


def find_extreme_label(facts: RunFacts) -> Symptom | None:
    """Return a symptom if a label that is a number has values far beyond all others."""
    if facts.plan.task != "regression":
        return None
    train, validation = facts.prepared.train.observations, facts.prepared.validation
    parts = [train] if validation is None else [train, validation.observations]
    rows = np.concatenate([part.row_numbers for part in parts])
    y = np.concatenate([part.y.astype(np.float64).reshape(len(part), -1) for part in parts])
    found = [e for i, name in enumerate(train.labels) for e in _collect(name, y[:, i], rows, len(train))]
    if not found:
        return None
    worst = max(found, key=lambda extremes: extremes.distance_ratio)
    trained = worst.places[worst.in_training]
    several = len(trained) > 1
    alternatives = []
    if len(trained):
        row = "those rows" if several else f"row {worst.rows[worst.in_training][0]}"
        alternatives.append(Alternative(f"dropping {row}", {}, "mae", tuple(trained.tolist())))
        for loss, name in (("absolute_error", "absolute error as the loss"), ("huber", "the Huber loss")):
            if facts.plan.loss.key != loss:
                alternatives.append(Alternative(name, {"loss": loss}, "mae"))
    if alternatives:
        meaning = (
            "it sets the scale of the label and accounts for nearly all of the squared error, so that the network "
            "learns little about the other rows"
        )
    else:
        meaning = "it accounts for nearly all of the validation loss, which chooses the epoch, and of the RMSE"
    return Symptom(
        worst.title(),
        worst.evidence(),
        f"{meaning}. If it is a mistake, correct the value or drop its row",
        alternatives,
    )


def _collect(name: str, values: Array, rows: NDArray[np.int64], n_train: int) -> Iterator[_Extremes]:
    places = find_extremes(values)
    if len(places):
        is_other = np.isfinite(values)
        is_other[places] = False
        yield _Extremes(name, values[places], rows[places], places, values[is_other], n_train)


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e9 else f"{value:.4g}"


def _round_ratio(ratio: float) -> str:
    return f"{float(f'{ratio:.2g}'):,.0f}" if ratio < 1e9 else f"{ratio:.1e}"
