"""The bootstrap: how much a metric would vary with other rows of the same kind (Efron 1979)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._progress import count_steps
from creche.engine.resampling import RowSampler
from creche.errors import PlanError, TableError

__all__ = ["MIN_ROWS", "Interval", "check_count", "check_weights", "differences", "intervals", "resample_metrics"]

Interval = tuple[float, float]
Samples = Mapping[str, NDArray[np.float64]]
Measure = Callable[[NDArray[np.float64]], Samples]

SEED = 20_240_229
PERCENTILES = (2.5, 97.5)
# Fewer rows hold too few different values: their resamples give intervals that are far too narrow.
MIN_ROWS = 10
# Rows times resamples. With more rows, fewer resamples are drawn, since the intervals are narrow anyway.
MAX_DRAWS = 100_000_000
MIN_RESAMPLES = 50
# Few enough for a processor's cache, and resamples enough to be measured together.
DRAWS_AT_A_TIME, RESAMPLES_AT_A_TIME = 200_000, 8


def check_weights(weights: Any, rows: int) -> NDArray[np.float64]:
    """Return the weight of each row, (rows,); 1 each for None.

    Raises
    ------
    TableError
        If there is not one for each row, or one is negative or not finite, or all are zero.

    """
    if weights is None:
        return np.ones(rows)
    checked = np.asarray(weights, dtype=np.float64)
    if checked.shape != (rows,):
        raise TableError(f"sample_weight: has shape {checked.shape}; needs one number for each of the {rows:,} rows")
    wrong = ~(np.isfinite(checked) & (checked >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise TableError(f"sample_weight: row {row} weighs {checked[row]:g}; needs finite numbers of 0 or more")
    if not checked.any():
        raise TableError("sample_weight: all are zero; at least one row must count")
    return checked


def check_count(name: str, value: object) -> None:
    """Check that an argument is a whole number of 0 or more.

    Raises
    ------
    PlanError
        If it is not.

    """
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise PlanError(f"{name}: got {value!r}; needs a whole number, 0 for none")


def resample_metrics(
    measures: Sequence[Measure], weights: NDArray[np.float64], n_resamples: int
) -> list[dict[str, NDArray[np.float64]]]:
    """Compute metrics of several predictors on the same resamples of the rows.

    Parameters
    ----------
    measures : sequence of callable
        One for each predictor: takes (r, n) weights of the rows and returns each metric as an (r,) array.
    weights : (n,) array
        How much each row counts.
    n_resamples : int
        Maximum number of resamples; very many rows get fewer.

    Returns
    -------
    list of dict of str to (resamples,) array
        One for each predictor; empty for fewer rows than `MIN_ROWS`, those of weight 0 not counted.

    """
    check_count("n_resamples", n_resamples)
    if np.count_nonzero(weights) < MIN_ROWS:
        return [{} for _ in measures]
    samples: list[dict[str, list[NDArray[np.float64]]]] = [{} for _ in measures]
    affordable, done = _limit_resamples(len(weights), n_resamples), 0
    with count_steps(affordable, "resamples") as report:
        for counts in _counts(len(weights), affordable):
            drawn = counts * weights
            for measure, found in zip(measures, samples, strict=True):
                with np.errstate(invalid="ignore", divide="ignore"):
                    measured = measure(drawn)
                for name, values in measured.items():
                    found.setdefault(name, []).append(values)
            done += len(counts)
            report(done)
    return [{name: np.concatenate(values) for name, values in found.items()} for found in samples]


def _limit_resamples(rows: int, n_resamples: int) -> int:
    return min(int(n_resamples), max(MIN_RESAMPLES, MAX_DRAWS // rows))


def _counts(rows: int, left: int) -> Iterator[NDArray[np.float64]]:
    """Yield how often each row is drawn in each resample, (r, rows), for some resamples at a time."""
    sampler = RowSampler(SEED)
    while left > 0:
        n = min(left, max(RESAMPLES_AT_A_TIME, DRAWS_AT_A_TIME // rows))
        yield sampler.draw(rows, n)
        left -= n


def intervals(samples: Samples) -> dict[str, Interval]:
    """Return the 95 % confidence interval of each metric: the middle 95 % of its resamples."""
    bounds = {}
    for name, values in samples.items():
        known = values[np.isfinite(values)]
        if len(known):
            low, high = np.percentile(known, PERCENTILES).tolist()
            bounds[name] = (low, high)
    return bounds


def differences(samples: Samples, baseline: Samples) -> dict[str, Interval]:
    """Return the confidence interval of the difference of each metric between two predictors on the same resamples."""
    return intervals({name: samples[name] - baseline[name] for name in samples if name in baseline})
