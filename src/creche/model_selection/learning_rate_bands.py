"""Bands: which learning rates are too low, good, too high, or diverge, told from what many networks came to.

A *good* rate is one whose typical network is about as good as the networks at the best rate. Losses scatter, so nothing
is read off one network:

- What a rate comes to is the median over its networks and those of the rates beside it, a diverged loss being infinite.
- The best rate is the one where that is lowest. A rate is as good where its median lies no further above the lowest
  than single networks, there and at the rates beside it, lie above the median of their own rate (the upper quartile of
  their distances). That tolerance is at least 1 % and at most 5 % of what the best rate gains over always giving the
  same prediction.
- The good band is the stretch of such rates around the best one. Rates below it are too low, those above too high.
- A rate diverges where at least half of its networks do: their loss is not finite, or ended above where it began. The
  diverged band begins, above the good one, where the fewest rates stand on the wrong side.

The rate to take is the one nearest the middle of the good band, in ratios: as far as can be from both edges. The lower
one moves with the number of epochs, and the upper one is a cliff: the lowest loss often stands close to where training
diverges (Bengio 2012, "Practical recommendations for gradient-based training of deep architectures", section 3.1.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BandLimits", "find_limits"]

Numbers = NDArray[np.float64]


LEAST_TOLERANCE, MOST_TOLERANCE = 0.01, 0.05  # shares of the gain


@dataclass(frozen=True, slots=True, eq=False)
class BandLimits:
    """Where the bands lie among the rates, by their places in rising order.

    Attributes
    ----------
    best, recommended : int
    low, high : int
        The first and the last good rate.
    diverging : int
        The first rate of the diverged band; as many as there are rates where there is none.
    medians : (rates,) float64
        What each comes to, its neighbours included.
    tolerance : float
        How far above the lowest of them a good one may lie.

    """

    best: int
    recommended: int
    low: int
    high: int
    diverging: int
    medians: Numbers
    tolerance: float


def find_limits(
    rates: Numbers, losses: Numbers, above_untrained: NDArray[np.bool_], constant: float
) -> BandLimits | None:
    """The bands, or None where all rates diverge.

    Parameters
    ----------
    rates : (rates,) array
        Rising.
    losses : (rates, networks) array
        What each network ended with: infinite where it diverged, NaN where there is none.
    above_untrained : (rates, networks) bool array
        Whether a network ended above where it began; looked at for rates above the best one.
    constant : float
        The loss of always giving the same, best prediction.

    Examples
    --------
    >>> losses = np.array([[1.0, 0.9], [0.5, 0.4], [0.1, 0.11], [0.1, 0.12], [0.3, 0.6], [np.inf, np.inf]])
    >>> limits = find_limits(10.0 ** np.arange(-5, 1), losses, np.zeros((6, 2), dtype=bool), 1.1)
    >>> limits.low, limits.high, limits.diverging
    (2, 3, 5)

    """
    count = len(rates)
    diverged = _half(losses == np.inf, losses)
    if diverged.all():
        return None
    near = [losses[max(0, i - 1) : i + 2].ravel() for i in range(count)]
    medians = np.array([np.nanmedian(window) for window in near])
    usable = np.where(diverged, np.inf, medians)
    if not np.isfinite(usable).any():  # single rates between others that diverge
        usable = medians = np.array(
            [np.inf if d else np.nanmedian(own) for d, own in zip(diverged, losses, strict=True)]
        )
    best = int(usable.argmin())
    lowest = float(usable[best])
    gain = max(constant - lowest, 0.0)
    scatter = _scatter(losses[max(0, best - 1) : best + 2])
    tolerance = float(np.clip(scatter, LEAST_TOLERANCE * gain, MOST_TOLERANCE * gain))
    good = usable <= lowest + tolerance
    low = high = best
    while low > 0 and good[low - 1]:
        low -= 1
    while high < count - 1 and good[high + 1]:
        high += 1
    diverged[best + 1 :] |= _half((losses == np.inf) | above_untrained, losses)[best + 1 :]
    above = diverged[high + 1 :]
    wrong = [int(above[:k].sum() + (~above[k:]).sum()) for k in range(len(above) + 1)]
    middle = (np.log(rates[low]) + np.log(rates[high])) / 2
    away = np.abs(np.log(rates[low : high + 1]) - middle)
    recommended = low + int(np.round(away, 6).argmin())  # of two as near, the lower
    return BandLimits(best, recommended, low, high, high + 1 + int(np.argmin(wrong)), medians, tolerance)


def _scatter(losses: Numbers) -> float:
    """The upper quartile of how far networks lie above the median of their own rate."""
    distances = []
    for of_rate in losses:
        there = of_rate[np.isfinite(of_rate)]
        if 2 * len(there) > len(of_rate[~np.isnan(of_rate)]):
            distances += (there - np.median(there)).tolist()
    return float(np.quantile(distances, 0.75)) if distances else 0.0


def _half(which: NDArray[np.bool_], losses: Numbers) -> NDArray[np.bool_]:
    """Of each rate, whether it is so for at least half of the networks that are there."""
    there = ~np.isnan(losses)
    return np.asarray(2 * (which & there).sum(axis=1) >= np.maximum(there.sum(axis=1), 1))
