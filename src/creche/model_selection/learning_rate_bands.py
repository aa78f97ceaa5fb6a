"""Bands of learning rates: which are too low, good, too high or diverge, judged by the losses of many networks.

A *good* learning rate is one whose typical network is about as good as the networks at the best rate. Losses scatter,
so no band depends on a single network:

- The loss of a rate is the median over its networks and those of both neighbouring rates; a diverged loss is
  infinite.
- The best rate is the one with the lowest such median. Other rates are as good where their median is within a
  tolerance of the lowest. The tolerance is the upper quartile of the distances by which networks, at the best rate
  and its neighbours, lie above the median of their own rate; but at least 1 % and at most 5 % of the improvement of
  the best rate over a constant prediction.
- The good band is the interval of such rates around the best one. Rates below it are too low, those above too high.
- A rate diverges where at least half of its networks do: their loss is not finite, or ended above its initial value.
  The diverged band begins above the good one, at the rate that misplaces the fewest rates.

The recommended rate is the one nearest the geometric mean of the ends of the good band, as far as possible from both.
The lower end moves with the number of epochs, and the upper end is a cliff: the lowest loss is often close to where
training diverges (Bengio 2012, "Practical recommendations for gradient-based training of deep architectures", section
3.1.1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["BandLimits", "find_limits"]

Numbers = NDArray[np.float64]

SMALLEST_TOLERANCE, LARGEST_TOLERANCE = 0.01, 0.05  # shares of the improvement over a constant prediction


@dataclass(frozen=True, slots=True, eq=False)
class BandLimits:
    """The limits of the bands, as indices of the rates in ascending order.

    Attributes
    ----------
    best_index, recommended_index : int
        The best rate, and the one in the middle of the good band.
    first_good, last_good : int
        The ends of the good band.
    first_diverged : int
        The first rate of the diverged band; the number of rates if there is none.
    smoothed_medians : (rates,) float64
        The median loss of each rate and both of its neighbours.
    tolerance : float
        How far above the lowest median a good one may be.

    """

    best_index: int
    recommended_index: int
    first_good: int
    last_good: int
    first_diverged: int
    smoothed_medians: Numbers
    tolerance: float


def find_limits(
    rates: Numbers, losses: Numbers, above_initial: NDArray[np.bool_], constant: float
) -> BandLimits | None:
    """Return the limits of the bands, or None if all rates diverge.

    Parameters
    ----------
    rates : (rates,) array
        In ascending order.
    losses : (rates, networks) array
        The final loss of each network: infinite if it diverged, NaN if there is none.
    above_initial : (rates, networks) bool array
        Whether the final loss of a network is above its initial loss; used for rates above the best one.
    constant : float
        The loss of the best constant prediction.

    Examples
    --------
    >>> losses = np.array([[1.0, 0.9], [0.5, 0.4], [0.1, 0.11], [0.1, 0.12], [0.3, 0.6], [np.inf, np.inf]])
    >>> limits = find_limits(10.0 ** np.arange(-5, 1), losses, np.zeros((6, 2), dtype=bool), 1.1)
    >>> limits.first_good, limits.last_good, limits.first_diverged
    (2, 3, 5)

    """
    count = len(rates)
    diverged = _at_least_half(losses == np.inf, losses)
    if diverged.all():
        return None
    windows = [losses[max(0, i - 1) : i + 2].ravel() for i in range(count)]
    medians = np.array([np.nanmedian(window) for window in windows])
    usable = np.where(diverged, np.inf, medians)
    if not np.isfinite(usable).any():  # single rates between others that diverge
        usable = medians = np.array(
            [np.inf if d else np.nanmedian(rate_losses) for d, rate_losses in zip(diverged, losses, strict=True)]
        )
    best = int(usable.argmin())
    lowest = float(usable[best])
    gain = max(constant - lowest, 0.0)
    scatter = _scatter(losses[max(0, best - 1) : best + 2])
    tolerance = float(np.clip(scatter, SMALLEST_TOLERANCE * gain, LARGEST_TOLERANCE * gain))
    good = usable <= lowest + tolerance
    first = last = best
    while first > 0 and good[first - 1]:
        first -= 1
    while last < count - 1 and good[last + 1]:
        last += 1
    diverged[best + 1 :] |= _at_least_half((losses == np.inf) | above_initial, losses)[best + 1 :]
    above = diverged[last + 1 :]
    misplaced = [int(above[:k].sum() + (~above[k:]).sum()) for k in range(len(above) + 1)]
    middle = (np.log(rates[first]) + np.log(rates[last])) / 2
    distances = np.abs(np.log(rates[first : last + 1]) - middle)
    recommended = first + int(np.round(distances, 6).argmin())  # the lower of two rates at the same distance
    return BandLimits(best, recommended, first, last, last + 1 + int(np.argmin(misplaced)), medians, tolerance)


def _scatter(losses: Numbers) -> float:
    """Return the upper quartile of the distances between networks and the median of their own rate."""
    distances = []
    for rate_losses in losses:
        finite = rate_losses[np.isfinite(rate_losses)]
        if 2 * len(finite) > len(rate_losses[~np.isnan(rate_losses)]):
            distances += (finite - np.median(finite)).tolist()
    return float(np.quantile(distances, 0.75)) if distances else 0.0


def _at_least_half(condition: NDArray[np.bool_], losses: Numbers) -> NDArray[np.bool_]:
    """Return for each rate whether the condition holds for at least half of its networks."""
    exists = ~np.isnan(losses)
    return np.asarray(2 * (condition & exists).sum(axis=1) >= np.maximum(exists.sum(axis=1), 1))
