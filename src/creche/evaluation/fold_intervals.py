"""Student's t distribution, as far as intervals need it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.evaluation.metrics import METRICS

__all__ = ["Spread", "t_quantile"]

STEPS = 60  # halvings of the angle, so that no bit of it is left open


def t_quantile(covered: float, freedom: int) -> float:
    """The number t between whose negative and itself a share of Student's distribution lies.

    For whole degrees of freedom the share is a finite sum (Abramowitz & Stegun 1964, eq. 26.7.3 and 26.7.4), which
    grows with t; t is found by halving.

    Parameters
    ----------
    covered : float
        Above 0 and below 1: 0.95 for an interval of 95 %.
    freedom : int
        The degrees of freedom, 1 or more.

    Examples
    --------
    >>> round(t_quantile(0.95, 4), 4), round(t_quantile(0.95, 10_000), 3)
    (2.7764, 1.96)

    """
    low, high = 0.0, math.pi / 2
    for _ in range(STEPS):
        angle = (low + high) / 2
        low, high = (angle, high) if _share_within(angle, freedom) < covered else (low, angle)
    return math.tan((low + high) / 2) * math.sqrt(freedom)


def _share_within(angle: float, freedom: int) -> float:
    """Which share lies between -t and t, for angle = atan(t / sqrt(freedom))."""
    sine, square = math.sin(angle), math.cos(angle) ** 2
    if freedom % 2 == 0:
        return sine * _sum(square, range(1, freedom - 1, 2))
    alone = angle if freedom == 1 else angle + sine * math.cos(angle) * _sum(square, range(2, freedom - 2, 2))
    return 2 / math.pi * alone


def _sum(square: float, factors: range) -> float:
    """The sum 1 + (k / (k + 1)) c + (k / (k + 1)) ((k + 2) / (k + 3)) c² + …, with these for k, k + 2, ….."""
    total = term = 1.0
    for k in factors:
        term *= square * k / (k + 1)
        total += term
    return total


COVERED = 0.95

UNBOUNDED = (-math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class Spread:
    """A metric over the networks of a cross-validation.

    Attributes
    ----------
    mean : float
        Over the splits, that is, over the folds of all repeats; of a split, over its seeds.
    std : float
        The standard deviation over all networks: how far the next one may be off. NaN for one network.
    low, high : float
        Between which the metric's expectation lies, with 95 % confidence; NaN for one split.
    std_of_rows, std_of_seed : float
        How much of it goes with which rows were learnt and judged, and how much with the seed, as standard deviations;
        NaN where no split has several seeds.
    splits, networks : int
        That have the metric.

    Notes
    -----
    The splits share most of their training rows, so their results are alike, and the variance of their mean is
    larger than a J-th of their variance S². The interval is that of Nadeau & Bengio 2003 ("Inference for the
    generalization error", the corrected resampled t test): mean ± t √((1/J + n_test / n_train) S²), with t of
    Student's distribution with J - 1 degrees of freedom; for repeated folds see Bouckaert & Frank 2004. n_train are
    all rows that are not held out. It ends where the metric does, such as at 1 for an accuracy.

    The parts of the variance are those of one-way analysis of variance with random effects (Searle, Casella &
    McCulloch 1992, section 3.6): within the splits only the seed differs.

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
        """Which share of the variance goes with the seed, from 0 to 1; NaN where that cannot be told."""
        seed, rows = self.std_of_seed**2, self.std_of_rows**2
        return seed / (seed + rows) if seed + rows > 0 else math.nan

    @classmethod
    def of(cls, splits: Sequence[Sequence[float]], test_to_train: float, metric: str = "") -> Spread:
        """From what the networks of each split came to.

        Parameters
        ----------
        splits : sequence of sequences of float
            Of each split, the values of its seeds; those that are not finite have no part in it.
        test_to_train : float
            Held-out rows to rows for training.
        metric : str, optional
            Its name, as an evaluation knows it: it says where the interval ends.

        """
        known = [of[np.isfinite(of)] for of in (np.array(values, dtype=np.float64) for values in splits)]
        known = [values for values in known if len(values)]
        if not known:
            nan = math.nan
            return cls(nan, nan, nan, nan, nan, nan, 0, 0)
        means = np.array([values.mean() for values in known])
        every = np.concatenate(known)
        mean = float(means.mean())
        low, high = _interval(means, test_to_train, METRICS[metric].bounds if metric in METRICS else UNBOUNDED)
        std = float(every.std(ddof=1)) if len(every) > 1 else math.nan
        return cls(mean, std, low, high, *_parts(known), len(known), len(every))

    def to_dict(self) -> dict[str, Any]:
        """As plain data; numbers that are none are None."""
        found = {
            "mean": self.mean, "std": self.std, "low": self.low, "high": self.high, "std_of_rows": self.std_of_rows,
            "std_of_seed": self.std_of_seed, "share_of_seed": self.share_of_seed,
        }  # fmt: skip
        known = {name: value if math.isfinite(value) else None for name, value in found.items()}
        return {**known, "splits": self.splits, "networks": self.networks}


def _interval(means: NDArray[np.float64], test_to_train: float, possible: tuple[float, float]) -> tuple[float, float]:
    count = len(means)
    if count < 2:
        return math.nan, math.nan
    error = math.sqrt((1 / count + test_to_train) * float(means.var(ddof=1)))
    off = t_quantile(COVERED, count - 1) * error
    mean = float(means.mean())
    return max(mean - off, possible[0]), min(mean + off, possible[1])


def _parts(splits: Sequence[NDArray[np.float64]]) -> tuple[float, float]:
    """The standard deviations that go with the rows and with the seed."""
    sizes = np.array([len(values) for values in splits])
    total, count = int(sizes.sum()), len(splits)
    if count < 2 or total == count:
        return math.nan, math.nan
    means = np.array([values.mean() for values in splits])
    within = sum(float(((values - mean) ** 2).sum()) for values, mean in zip(splits, means, strict=True))
    of_seed = within / (total - count)
    between = float((sizes * (means - np.average(means, weights=sizes)) ** 2).sum()) / (count - 1)
    usual_size = (total - float((sizes**2).sum()) / total) / (count - 1)
    return math.sqrt(max(between - of_seed, 0.0) / usual_size), math.sqrt(of_seed)
