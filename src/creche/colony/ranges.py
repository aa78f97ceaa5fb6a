"""Ranges: numbers from a low one to a high one, for a sweep to go through or to draw from."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from creche.errors import PlanError

__all__ = ["Range", "linear_range", "log_range"]

MOST_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class Range:
    """Numbers from `low` to `high`, made by `log_range` or `linear_range`.

    Attributes
    ----------
    low, high : float
        Both belong to it.
    count : int, optional
        How many evenly spaced values a grid takes; samples are drawn from all between low and high.
    log : bool
        Whether evenly spaced means equal ratios.
    whole : bool
        Whether they are whole numbers.

    """

    low: float
    high: float
    count: int | None = None
    log: bool = False
    whole: bool = False

    def at(self, share: float) -> float | int:
        """The number at a share of the way, from 0 at `low` to 1 at `high`."""
        if share in (0, 1):  # as they were given
            end = (self.low, self.high)[int(share)]
            return int(end) if self.whole else float(end)
        if self.log:
            value = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            value = self.low + share * (self.high - self.low)
        value = min(max(value, self.low), self.high)
        if self.whole:
            return round(value)
        # Six digits say all that a learning rate needs to, and can be typed again.
        return float(f"{value:.6g}")

    def values(self) -> list[float | int]:
        """As many as `count` says, the first `low` and the last `high`; whole numbers once each."""
        if self.count is None:
            raise PlanError(f"{self}: has no count, so a grid cannot go through it; give one, or samples=100, say")
        shares = np.linspace(0, 1, self.count).tolist() if self.count > 1 else [0.0]
        return list(dict.fromkeys(self.at(share) for share in shares))

    def listed(self) -> Sequence[float | int]:
        """The same as `values`; where they are very many, made one by one when they are asked for."""
        if self.count is None or self.count <= MOST_AT_ONCE:
            return tuple(self.values())
        if self.whole and self.high - self.low < self.count:  # there are no more than lie between
            return range(int(self.low), int(self.high) + 1)
        return _OneByOne(self, self.count)

    def __str__(self) -> str:
        dots = f"{self.low:g}..{self.high:g}"
        return dots if self.count is None else f"{dots}, {self.count} values"


class _OneByOne(Sequence[float | int]):
    """The values of a range of very many."""

    def __init__(self, of: Range, count: int) -> None:
        self._of = of
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, i: Any) -> Any:
        if isinstance(i, slice):
            return [self[k] for k in range(*i.indices(self._count))]
        return self._of.at(range(self._count)[i] / (self._count - 1))


def log_range(low: float, high: float, count: int | None = None) -> Range:
    """Numbers from low to high in equal ratios: what suits learning rates, weight decay, batch sizes.

    Parameters
    ----------
    low, high : float
        Above 0; whole numbers if both are given as such (``8, 512``).
    count : int, optional
        How many; not needed where a sweep draws samples.

    Raises
    ------
    PlanError
        If it is empty, reversed or not above 0.

    Examples
    --------
    >>> log_range(1e-4, 1, 5).values()
    [0.0001, 0.001, 0.01, 0.1, 1.0]
    >>> log_range(8, 512, 4).values()
    [8, 32, 128, 512]

    """
    _check("log_range", low, high, count)
    if low <= 0:
        raise PlanError(f"log_range: begins at {low:g}; needs a number above 0, or linear_range")
    return Range(low, high, count, log=True, whole=_both_whole(low, high))


def linear_range(low: float, high: float, count: int | None = None) -> Range:
    """Numbers from low to high in equal steps; parameters and errors as for `log_range`, but any sign.

    Examples
    --------
    >>> linear_range(0.0, 0.5, 3).values()
    [0.0, 0.25, 0.5]
    >>> linear_range(4, 16, 4).values()
    [4, 8, 12, 16]

    """
    _check("linear_range", low, high, count)
    return Range(low, high, count, whole=_both_whole(low, high))


def _both_whole(low: float, high: float) -> bool:
    return isinstance(low, numbers.Integral) and isinstance(high, numbers.Integral) and high - low > 1


def _check(name: str, low: object, high: object, count: object) -> None:
    for bound in (low, high):
        if isinstance(bound, bool) or not isinstance(bound, numbers.Real) or not math.isfinite(bound):
            raise PlanError(f"{name}: got {bound!r}; needs finite numbers")
    if high < low:  # type: ignore[operator]
        raise PlanError(f"{name}: goes from {low:g} down to {high:g}; give the lower number first")
    if count is None:
        return
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise PlanError(f"{name}: got {count!r} values; needs a whole number of at least 1")
    if count > 1 and high == low:
        raise PlanError(f"{name}: {count} values from {low:g} to {high:g} would all be the same; widen it")
