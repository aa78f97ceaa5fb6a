"""The bootstrap: how much a metric would move had other rows of the same kind been there (Efron 1979)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, TableError

__all__ = ["Interval", "check_count", "check_weights", "differences", "intervals", "resample_metrics"]

Interval = tuple[float, float]
Metrics = Mapping[str, NDArray[np.float64]]

SEED = 20_240_229
COVERED = (2.5, 97.5)  # percent
# Rows times resamples: beyond it, fewer resamples are taken, for with so many rows the intervals are narrow anyway.
MOST_DRAWS = 100_000_000
FEWEST = 50
DRAWS_AT_A_TIME = 2_000_000


def check_weights(weights: Any, rows: int) -> NDArray[np.float64]:
    """How much each row counts, (n,); 1 where nothing was said.

    Raises
    ------
    TableError
        If there are not as many as rows, or they are negative, not finite or all zero.

    """
    if weights is None:
        return np.ones(rows)
    given = np.asarray(weights, dtype=np.float64)
    if given.shape != (rows,):
        raise TableError(f"sample_weight: has shape {given.shape}; needs one number for each of the {rows:,} rows")
    wrong = ~(np.isfinite(given) & (given >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise TableError(f"sample_weight: row {row} weighs {given[row]:g}; needs finite numbers of 0 or more")
    if not given.any():
        raise TableError("sample_weight: all are zero; some row must count")
    return given


def check_count(name: str, value: object) -> None:
    """Refuses what is no number of things.

    Raises
    ------
    PlanError

    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise PlanError(f"{name}: got {value!r}; needs a whole number, 0 for none")


def resample_metrics(
    measure: Callable[[NDArray[np.float64]], Metrics], weights: NDArray[np.float64], resamples: int
) -> dict[str, NDArray[np.float64]]:
    """Each metric on so many resamples of the rows.

    Parameters
    ----------
    measure : callable
        Takes (r, n) weights of the rows and gives each metric as an (r,) array.
    weights : (n,) array
    resamples : int

    Returns
    -------
    dict of str to (resamples,) array

    """
    found: dict[str, list[NDArray[np.float64]]] = {}
    for counts in _counts(len(weights), resamples):
        with np.errstate(invalid="ignore", divide="ignore"):
            measured = measure(counts * weights)
        for name, values in measured.items():
            found.setdefault(name, []).append(values)
    return {name: np.concatenate(values) for name, values in found.items()}


def _counts(rows: int, resamples: int) -> Iterator[NDArray[np.float64]]:
    """How often each row is drawn in each resample, (r, rows), some resamples at a time."""
    check_count("n_resamples", resamples)
    left = min(int(resamples), max(FEWEST, MOST_DRAWS // rows))
    rng = np.random.Generator(np.random.PCG64(SEED))
    while left > 0:
        n = min(left, max(1, DRAWS_AT_A_TIME // rows))
        drawn = rng.integers(rows, size=(n, rows)) + rows * np.arange(n).reshape(-1, 1)
        yield np.bincount(drawn.ravel(), minlength=n * rows).reshape(n, rows).astype(np.float64)
        left -= n


def intervals(samples: Metrics) -> dict[str, Interval]:
    """Between which values 95 % of the resamples lie."""
    found = {}
    for name, values in samples.items():
        known = values[np.isfinite(values)]
        if len(known):
            low, high = np.percentile(known, COVERED).tolist()
            found[name] = (low, high)
    return found


def differences(samples: Metrics, baseline: Metrics) -> dict[str, Interval]:
    """Intervals of how much the metrics of two predictors differ on the same resamples."""
    return intervals({name: samples[name] - baseline[name] for name in samples if name in baseline})
