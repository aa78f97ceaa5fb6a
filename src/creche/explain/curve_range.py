"""The range of a loss curve: outward until, on both sides, the loss has risen or no longer changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["CurveRange", "find_range"]

# Probes go outward in steps of √2: 32 to either side at first, from 1/256 of the scale to 181 times it, and 16 more,
# outward or inward, where these do not settle the range.
FIRST, MORE, ROUNDS = (-16, 16), 16, 4

# The rise at which a range ends, the largest of: a multiple of the drop from here to the lowest loss; a share of the
# lowest loss; a share of how far the loss rises within the scale.
OF_DROP, OF_LOWEST, OF_HIGHEST = 4.0, 0.25, 0.08

FLAT = 0.02  # as a share of that rise
FLAT_PROBES = 6  # the last probes, over which the loss must not change: a factor of 6 in the distance
IN_THE_VALLEY = 0.05  # as a share of the drop: losses this close to the lowest count as the lowest

BEYOND_FLAT, MIN_FLAT = 1.5, 2.0  # where a flat side ends: multiples of the distance, and of the scale
MAX_UNEVENNESS = 10.0


Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CurveRange:
    """A range as distances from the current weight: low < 0 < high.

    Attributes
    ----------
    low, high : float
    ends : tuple of bool
        Whether the range ends, below and above, because the loss stops being finite.

    """

    low: float
    high: float
    ends: tuple[bool, bool]


@dataclass(slots=True)
class _Side:
    sign: int
    steps: range
    distances: Array = field(default_factory=lambda: np.empty(0))
    losses: Array = field(default_factory=lambda: np.empty(0))
    ends: bool = False
    is_level: bool = False
    rises: tuple[float, float] | None = None  # the two distances between which it rises to the end of the range

    def add(self, distances: Array, losses: Array) -> None:
        """Add probes; none count beyond the first whose loss is not finite."""
        order = np.argsort(np.append(self.distances, distances), kind="stable")
        self.distances = np.append(self.distances, distances)[order]
        self.losses = np.append(self.losses, losses)[order]
        bad = ~np.isfinite(self.losses)
        if bad.any():
            self.ends = True
            known = int(np.argmax(bad))
            self.distances, self.losses = self.distances[:known], self.losses[:known]

    def length(self, here: float, target: float, valley: float, scale: float) -> tuple[float | None, bool]:
        """Return the length of the side, None if it is not settled, and whether closer probes are needed."""
        risen = np.flatnonzero((self.losses >= target) & (self.distances >= valley))
        self.is_level, self.rises = False, None
        level = self._level_from(FLAT * (target - here), valley)
        if len(risen) and (level is None or self.distances[risen[0]] <= level):
            k = int(risen[0])
            self.rises = float(self.distances[k - 1]) if k else 0.0, float(self.distances[k])
            return self.rises[1], k == 0
        self.is_level = level is not None
        if level is not None:
            return max(level * BEYOND_FLAT, MIN_FLAT * scale), False
        if self.ends:
            return (float(self.distances[-1]), False) if len(self.distances) else (0.0, True)
        return None, False

    def _level_from(self, tolerance: float, valley: float) -> float | None:
        """Return the distance from which the loss no longer changes."""
        if len(self.losses) < FLAT_PROBES:
            return None
        highest = np.maximum.accumulate(self.losses[::-1])[::-1]
        lowest = np.minimum.accumulate(self.losses[::-1])[::-1]
        level = np.flatnonzero((highest - lowest <= tolerance) & (self.distances >= valley))
        return float(self.distances[level[0]]) if len(level) and level[0] <= len(self.losses) - FLAT_PROBES else None


def find_range(loss_at: Callable[[Array], Array], here: float, scale: float) -> CurveRange:
    """Return the range in which the loss shows its valley or its wall.

    The loss is probed at distances that grow by √2. On either side the range ends where the loss has clearly risen
    above the lowest (by four times the drop from here, by a quarter of the lowest, or by 8 % of the rise nearby,
    whichever is the most), or where it no longer changes; it never includes losses that are not finite. It always
    includes the lowest loss that was probed; apart from that, neither side is more than ten times as long as the other
    if the loss rises there.

    Parameters
    ----------
    loss_at : callable
        Returns the losses at (m,) distances from here.
    here : float
        The loss at distance 0, finite.
    scale : float
        A distance over which the loss changes noticeably.

    """
    sides = [_Side(sign, range(*FIRST)) for sign in (-1, 1)]
    wanted = [np.array(side.steps) for side in sides]
    for _ in range(ROUNDS):
        distances = [scale * np.exp2(steps / 2) for steps in wanted]
        losses = loss_at(np.concatenate([side.sign * d for side, d in zip(sides, distances, strict=True)]))
        for side, d, n in zip(sides, distances, np.split(losses, [len(distances[0])]), strict=True):
            side.add(d, n)
        target, valley = _find_target(sides, here, scale)
        found = [side.length(here, target, v, scale) for side, v in zip(sides, valley, strict=True)]
        wanted = [_next_probes(side, reach, closer) for side, (reach, closer) in zip(sides, found, strict=True)]
        if not any(len(steps) for steps in wanted):
            break
    lengths = [
        float(side.distances[-1]) if reach is None else reach for side, (reach, _) in zip(sides, found, strict=True)
    ]
    lengths = _refine_lengths(sides, lengths, loss_at, target)
    low, high = _balance_lengths(lengths, valley, sides)
    ends = [side.ends and length >= side.distances[-1:].sum() for side, length in zip(sides, (low, high), strict=True)]
    return CurveRange(-low, high, (bool(ends[0]), bool(ends[1])))


def _refine_lengths(
    sides: list[_Side], lengths: list[float], loss_at: Callable[[Array], Array], target: float
) -> list[float]:
    """Return the lengths; a side on which the loss rises is shortened to where it has just risen far enough."""
    between = [np.linspace(*(side.rises or (0.0, 0.0)), MORE) for side in sides]
    losses = np.split(loss_at(np.concatenate([side.sign * d for side, d in zip(sides, between, strict=True)])), 2)
    fine = []
    for side, length, distances, there in zip(sides, lengths, between, losses, strict=True):
        high = np.flatnonzero(there >= target)
        fine.append(float(distances[high[0]]) if side.rises and len(high) else length)
    return fine


def _next_probes(side: _Side, reach: float | None, closer: bool) -> NDArray[np.int64]:
    """Return the probes to add."""
    if closer:
        side.steps = range(side.steps.start - MORE, side.steps.stop)
        return np.arange(side.steps.start, side.steps.start + MORE)
    if reach is None:
        side.steps = range(side.steps.start, side.steps.stop + MORE)
        return np.arange(side.steps.stop - MORE, side.steps.stop)
    return np.empty(0, dtype=np.int64)


def _find_target(sides: list[_Side], here: float, scale: float) -> tuple[float, list[float]]:
    """Return the loss to which the curve must rise, and the distance, on either side, of the valley it must show."""
    lowest = min([here, *(float(side.losses.min()) for side in sides if len(side.losses))])
    around = [side.losses[side.distances <= scale] for side in sides]
    highest = max([here, *(float(losses.max()) for losses in around if len(losses))])
    drop = here - lowest
    rise = max(OF_DROP * drop, OF_LOWEST * abs(lowest), OF_HIGHEST * (highest - lowest))
    target = lowest + (rise or 1.0)
    enough = lowest + IN_THE_VALLEY * drop
    first = [np.flatnonzero(side.losses <= enough) for side in sides]
    nearest = [float(side.distances[k[0]]) if len(k) else np.inf for side, k in zip(sides, first, strict=True)]
    if here <= enough:
        return target, [0.0, 0.0]
    return target, [nearest[0] if nearest[0] <= nearest[1] else 0.0, nearest[1] if nearest[1] < nearest[0] else 0.0]


def _balance_lengths(lengths: list[float], valley: list[float], sides: list[_Side]) -> tuple[float, float]:
    """Return both lengths, neither much longer than the other, and none beyond the finite losses."""
    low, high = (length or max(lengths) / MAX_UNEVENNESS for length in lengths)
    max_low, max_high = (
        np.inf if side.is_level else max(length * MAX_UNEVENNESS, away * BEYOND_FLAT)
        for side, length, away in zip(reversed(sides), (high, low), valley, strict=True)
    )
    low, high = min(low, max_low), min(high, max_high)
    low, high = max(low, high / MAX_UNEVENNESS), max(high, low / MAX_UNEVENNESS)
    limits = [side.distances[-1] if side.ends and len(side.distances) else np.inf for side in sides]
    return min(low, limits[0]), min(high, limits[1])
