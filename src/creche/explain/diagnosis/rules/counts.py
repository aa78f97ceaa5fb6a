"""Counts: a label that counts something, learned as if it could be any number."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche._phrases import write_number
from creche.explain.diagnosis.findings import Alternative, Symptom
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["find_counts", "look_like_counts"]

MIN_ROWS = 30
MIN_VALUES = 4  # different ones; fewer are rather classes
MIN_SKEWNESS = 0.3
NEGATIVE_SHARE = 0.01  # of the predictions; fewer may be a matter of single rows
NEAR_0 = 1 / 3  # the smallest count lies below this share of the mean: sizes and ages begin far from 0


def look_like_counts(y: NDArray[np.float64]) -> bool:
    """Return whether numbers look like counts: whole, not below 0, from near 0 on, and skewed to the right.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> look_like_counts(rng.poisson(2.0, 200).astype(float)), look_like_counts(rng.normal(40, 5, 200).round())
    (True, False)

    """
    if len(y) < MIN_ROWS or not np.isfinite(y).all() or (y < 0).any() or (y != np.round(y)).any():
        return False
    mean, spread = float(y.mean()), float(y.std())
    if spread == 0 or y.min() > NEAR_0 * mean or len(np.unique(y)) < MIN_VALUES:
        return False
    return float((((y - mean) / spread) ** 3).mean()) > MIN_SKEWNESS


def find_counts(facts: RunFacts) -> Symptom | None:
    """Return a symptom if the label looks like counts, and another loss than Poisson's is minimized."""
    labels = facts.prepared.labels
    if facts.plan.task != "regression" or facts.diverged or not facts.epochs or len(labels.names) != 1:
        return None
    if facts.plan.loss.key not in ("squared_error", "absolute_error", "huber"):
        return None
    y = facts.prepared.train.observations.y.astype(np.float64).reshape(-1)
    if not look_like_counts(y):
        return None
    predicted = facts.compared_predictions
    below = predicted[predicted < 0]
    rows = f"{len(below):,} of {len(predicted):,} {facts.evaluated_on} rows"
    lowest = write_number(below.min(), 4) if len(below) else ""
    negative = f"; the network predicts negative numbers for {rows}, down to {lowest}" if lowest else ""
    skewness = float((((y - y.mean()) / y.std()) ** 3).mean())
    return Symptom(
        "The label looks like counts",
        f"{labels.name!r} contains only whole numbers from {y.min():,.0f} to {y.max():,.0f}, most of them small (mean "
        f"{write_number(y.mean(), 4)}, skewness {skewness:.2g}){negative}",
        f"the {facts.plan.loss.title} ignores that counts cannot be negative, and that large counts vary more than "
        "small ones; the Poisson loss takes both into account, and its predictions are positive",
        [Alternative("the Poisson loss", {"loss": "poisson"}, "deviance")],
        is_forecast=len(below) < NEGATIVE_SHARE * len(predicted),
    )
