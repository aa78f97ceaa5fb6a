"""A metric over the networks of a cross-validation: its mean, spread and confidence interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.evaluation.bootstrap import MIN_ROWS
from creche.evaluation.metrics import METRICS, nan_to_none

__all__ = ["Spread", "t_quantile"]

CONFIDENCE = 0.95
UNBOUNDED = (-math.inf, math.inf)
BISECTIONS = 60  # enough to determine every bit of the angle


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over the networks of a cross-validation.

    Attributes
    ----------
    mean : float
        The mean over the splits, that is, over the folds of all repeats; the value of a split is the mean over its
        seeds.
    std : float
        The standard deviation over all networks; NaN for one network.
    low, high : float
        95 % confidence interval of the metric's expectation; NaN for one split, and for fewer than ten rows.
    std_of_rows, std_of_seed : float
        The standard deviations due to which rows were trained on and held out, and due to the seed; NaN where no split
        has several seeds.
    splits, networks : int
        The numbers of splits and networks that have the metric.

    Notes
    -----
    The splits share most of their training rows, so their results are correlated, and the variance of their mean is
    larger than the variance S² over the splits divided by their number J. The interval is that of Nadeau & Bengio 2003
    ("Inference for the generalization error", the corrected resampled t test): mean ± t √((1/J + n_test / n_train) S²),
    with t of Student's distribution with J - 1 degrees of freedom; for repeated folds see Bouckaert & Frank 2004.
    n_train are all rows that are not held out. The interval ends at the metric's bounds, such as 1 for an accuracy.

    The parts of the variance are those of one-way analysis of variance with random effects (Searle, Casella &
    McCulloch 1992, section 3.6): within a split only the seed differs.

    Examples
    --------
    >>> spread = Spread.of([[0.90], [0.94], [0.92], [0.95], [0.89]], test_to_train=1 / 4, metric="accuracy")
    >>> round(spread.mean, 4), round(spread.std, 4), round(spread.low, 4), round(spread.high, 4)
    (0.92, 0.0255, 0.8725, 0.9675)

    """

    mean: float
    std: float
    low: float
    high: float
    std_of_rows: float
    std_of_seed: float
    splits: int
    networks: int

    @property
    def share_of_seed(self) -> float:
        """The share of the variance that is due to the seed, from 0 to 1; NaN where it is unknown."""
        seed, rows = self.std_of_seed**2, self.std_of_rows**2
        return seed / (seed + rows) if seed + rows > 0 else math.nan

    @classmethod
    def of(
        cls, splits: Sequence[Sequence[float]], test_to_train: float, metric: str = "", rows: int | None = None
    ) -> Spread:
        """Summarize the values of a metric.

        Parameters
        ----------
        splits : sequence of sequences of float
            For each split, the values of its seeds; values that are not finite are left out.
        test_to_train : float
            The number of held-out rows divided by that of training rows.
        metric : str, optional
            The metric's key, for its bounds.
        rows : int, optional
            The number of rows of all folds together.

        """
        arrays = [np.array(values, dtype=np.float64) for values in splits]
        known = [finite for finite in (values[np.isfinite(values)] for values in arrays) if len(finite)]
        if not known:
            nan = math.nan
            return cls(nan, nan, nan, nan, nan, nan, 0, 0)
        means = np.array([values.mean() for values in known])
        every = np.concatenate(known)
        mean = float(means.mean())
        bounds = METRICS[metric].bounds if metric in METRICS else UNBOUNDED
        is_known = rows is None or rows >= MIN_ROWS
        low, high = _interval(means, test_to_train, bounds) if is_known else (math.nan, math.nan)
        std = float(every.std(ddof=1)) if len(every) > 1 else math.nan
        return cls(mean, std, low, high, *_variance_components(known), len(known), len(every))

    def to_dict(self) -> dict[str, Any]:
        """The summary as plain data; None where a number is not finite."""
        numbers = {
            "mean": self.mean, "std": self.std, "low": self.low, "high": self.high, "std_of_rows": self.std_of_rows,
            "std_of_seed": self.std_of_seed, "share_of_seed": self.share_of_seed,
        }  # fmt: skip
        return {**nan_to_none(numbers), "splits": self.splits, "networks": self.networks}


def _interval(means: NDArray[np.float64], test_to_train: float, bounds: tuple[float, float]) -> tuple[float, float]:
    count = len(means)
    if count < 2:
        return math.nan, math.nan
    error = math.sqrt((1 / count + test_to_train) * float(means.var(ddof=1)))
    off = t_quantile(CONFIDENCE, count - 1) * error
    mean = float(means.mean())
    return max(mean - off, bounds[0]), min(mean + off, bounds[1])


def _variance_components(splits: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """Return the standard deviations due to the rows and due to the seed."""
    sizes = np.array([len(values) for values in splits])
    total, count = int(sizes.sum()), len(splits)
    if count < 2 or total == count:
        return math.nan, math.nan
    means = np.array([values.mean() for values in splits])
    within = sum(float(((values - mean) ** 2).sum()) for values, mean in zip(splits, means, strict=True))
    seed_variance = within / (total - count)
    between = float((sizes * (means - np.average(means, weights=sizes)) ** 2).sum()) / (count - 1)
    usual_size = (total - float((sizes**2).sum()) / total) / (count - 1)
    return math.sqrt(max(between - seed_variance, 0.0) / usual_size), math.sqrt(seed_variance)


def t_quantile(confidence: float, degrees: int) -> float:
    """Return the t for which a share of Student's distribution lies between -t and t.

    For whole degrees of freedom the share is a finite sum (Abramowitz & Stegun 1964, eq. 26.7.3 and 26.7.4), which
    grows with t; t is found by bisection.

    Parameters
    ----------
    confidence : float
        The share, above 0 and below 1.
    degrees : int
        The degrees of freedom, 1 or more.

    Examples
    --------
    >>> round(t_quantile(0.95, 4), 4), round(t_quantile(0.95, 10_000), 3)
    (2.7764, 1.96)

    """
    low, high = 0.0, math.pi / 2
    for _ in range(BISECTIONS):
        angle = (low + high) / 2
        low, high = (angle, high) if _share_within(angle, degrees) < confidence else (low, angle)
    return math.tan((low + high) / 2) * math.sqrt(degrees)


def _share_within(angle: float, degrees: int) -> float:
    """The share between -t and t, for angle = atan(t / sqrt(degrees))."""
    sine, square = math.sin(angle), math.cos(angle) ** 2
    if degrees % 2 == 0:
        return sine * _sum(square, range(1, degrees - 1, 2))
    total = angle if degrees == 1 else angle + sine * math.cos(angle) * _sum(square, range(2, degrees - 2, 2))
    return 2 / math.pi * total


def _sum(square: float, factors: range) -> float:
    """The sum 1 + (k / (k + 1)) c + (k / (k + 1)) ((k + 2) / (k + 3)) c² + …, for these k, k + 2, …."""
    total = term = 1.0
    for k in factors:
        term *= square * k / (k + 1)
        total += term
    return total
