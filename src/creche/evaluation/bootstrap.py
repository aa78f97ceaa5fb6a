"""The bootstrap: how much a metric would vary with other rows of the same kind (Efron 1979)."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._progress import count_steps
from creche._system.resources import resolve_threads
from creche.engine.resampling import Counts, RowSampler, Weights
from creche.errors import PlanError, TableError

__all__ = ["MIN_ROWS", "Interval", "check_count", "check_weights", "differences", "intervals", "resample_metrics"]

Interval = tuple[float, float]
Samples = Mapping[str, NDArray[np.float64]]
Measure = Callable[[Weights], Samples]

SEED = 20_240_229
PERCENTILES = (2.5, 97.5)
# Fewer rows hold too few different values: their resamples give intervals that are far too narrow.
MIN_ROWS = 10
# Rows times resamples. With more rows, fewer resamples are drawn, since the intervals are narrow anyway.
MAX_DRAWS = 100_000_000
MIN_RESAMPLES = 50
# Few enough for a processor's cache, and as many resamples as are measured together in registers.
DRAWS_AT_A_TIME, RESAMPLES_AT_A_TIME = 500_000, 16


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
    known = None if (weights == 1).all() else weights
    with count_steps(affordable, "resamples") as report:
        for count, measured in _measure_in_threads(measures, known, _counts(len(weights), affordable)):
            for found, values_by_name in zip(samples, measured, strict=True):
                for name, values in values_by_name.items():
                    found.setdefault(name, []).append(values)
            done += count
            report(done)
    return [{name: np.concatenate(values) for name, values in found.items()} for found in samples]


def _measure_in_threads(
    measures: Sequence[Measure], weights: NDArray[np.float64] | None, drawn: Iterator[Counts]
) -> Iterator[tuple[int, list[Samples]]]:
    """Yield the number of resamples in each block of counts, and their metrics, in the order of the blocks.

    The engine measures a block without the GIL, so that others are measured and the next one is drawn meanwhile.
    """

    def measure_block(counts: Counts) -> tuple[int, list[Samples]]:
        weighted: Weights = counts if weights is None else counts * weights
        with np.errstate(invalid="ignore", divide="ignore"):
            return len(counts), [measure(weighted) for measure in measures]

    first, second = next(drawn, None), next(drawn, None)
    if first is not None:
        yield measure_block(first)  # which computes what does not depend on the weights, once
    if second is None:
        return
    threads = resolve_threads(None)
    waiting: deque[Future[tuple[int, list[Samples]]]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        waiting.append(pool.submit(measure_block, second))
        for counts in drawn:
            waiting.append(pool.submit(measure_block, counts))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _limit_resamples(rows: int, n_resamples: int) -> int:
    return min(int(n_resamples), max(MIN_RESAMPLES, MAX_DRAWS // rows))


def _counts(rows: int, left: int) -> Iterator[Counts]:
    """Yield how often each row is drawn in each resample, (r, rows), for some resamples at a time."""
    sampler = RowSampler(SEED)
    while left > 0:
        n = min(left, max(1, DRAWS_AT_A_TIME // rows // RESAMPLES_AT_A_TIME) * RESAMPLES_AT_A_TIME)
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
