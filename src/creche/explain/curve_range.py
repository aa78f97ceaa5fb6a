"""How far a curve of the loss is worth showing: until the loss has risen on both sides, or no longer changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["CurveRange", "find_range"]

# Probes go out in steps of √2: 32 of them to either side at first, from 1/256 of the scale to 181 times it, and 16
# more, out or in, where that does not settle it.
FIRST, MORE, ROUNDS = (-16, 16), 16, 4


# The rise that is looked for: times the drop from here to the lowest; of the lowest; of what the loss rises by within
# the scale.
OF_DROP, OF_LOWEST, OF_HIGHEST = 4.0, 0.25, 0.08


FLAT = 0.02  # of the rise that is looked for


FLAT_PROBES = 6  # at the end, over which the loss must not change: a factor of 6 in the distance


IN_THE_VALLEY = 0.05  # of the drop from here to the lowest: what lies within is as good as the lowest


BEYOND_FLAT, LEAST_FLAT = 1.5, 2.0  # times the distance, and times the scale


MOST_UNEVEN = 10.0


Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CurveRange:
    """From where to where, as distances from here: low < 0 < high.

    Attributes
    ----------
    low, high : float
    ends : tuple of bool
        Whether it is because the loss stops being finite that it goes no further, below and above.

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
    rises: tuple[float, float] | None = None  # between which distances it rises to where it is shown

    def take(self, distances: Array, losses: Array) -> None:
        """More probes; behind the first that is not finite, none count."""
        order = np.argsort(np.append(self.distances, distances), kind="stable")
        self.distances = np.append(self.distances, distances)[order]
        self.losses = np.append(self.losses, losses)[order]
        bad = ~np.isfinite(self.losses)
        if bad.any():
            self.ends = True
            known = int(np.argmax(bad))
            self.distances, self.losses = self.distances[:known], self.losses[:known]

    def found(self, here: float, target: float, valley: float, scale: float) -> tuple[float | None, bool]:
        """How far to show, if that is settled; and whether closer probes are needed to say so."""
        risen = np.flatnonzero((self.losses >= target) & (self.distances >= valley))
        self.is_level, self.rises = False, None
        level = self._level_from(FLAT * (target - here), valley)
        if len(risen) and (level is None or self.distances[risen[0]] <= level):
            k = int(risen[0])
            self.rises = float(self.distances[k - 1]) if k else 0.0, float(self.distances[k])
            return self.rises[1], k == 0
        self.is_level = level is not None
        if level is not None:
            return max(level * BEYOND_FLAT, LEAST_FLAT * scale), False
        if self.ends:
            return (float(self.distances[-1]), False) if len(self.distances) else (0.0, True)
        return None, False

    def _level_from(self, tolerance: float, valley: float) -> float | None:
        """From which distance on the loss no longer changes."""
        if len(self.losses) < FLAT_PROBES:
            return None
        highest = np.maximum.accumulate(self.losses[::-1])[::-1]
        lowest = np.minimum.accumulate(self.losses[::-1])[::-1]
        level = np.flatnonzero((highest - lowest <= tolerance) & (self.distances >= valley))
        return float(self.distances[level[0]]) if len(level) and level[0] <= len(self.losses) - FLAT_PROBES else None


def find_range(loss_at: Callable[[Array], Array], here: float, scale: float) -> CurveRange:
    """Where the loss shows its valley, or its wall.

    It is probed at distances that grow by √2. On either side the curve ends where the loss has risen clearly above the
    lowest (by four times the drop from here to there, by a quarter of it, or by 8 % of what the loss rises by near by,
    whichever is most), or beyond where it no longer changes; never where it is not finite. The lowest that was probed
    is always within; but for that no side is more than ten times as long as the other, on which the loss rises.

    Parameters
    ----------
    loss_at : function of (m,) distances from here
        Gives their losses.
    here : float
        The loss at 0, finite.
    scale : float
        A distance that matters.

    """
    sides = [_Side(sign, range(*FIRST)) for sign in (-1, 1)]
    wanted = [np.array(side.steps) for side in sides]
    for _ in range(ROUNDS):
        distances = [scale * np.exp2(steps / 2) for steps in wanted]
        losses = loss_at(np.concatenate([side.sign * d for side, d in zip(sides, distances, strict=True)]))
        for side, d, n in zip(sides, distances, np.split(losses, [len(distances[0])]), strict=True):
            side.take(d, n)
        target, valley = _aim(sides, here, scale)
        found = [side.found(here, target, v, scale) for side, v in zip(sides, valley, strict=True)]
        wanted = [_further(side, reach, closer) for side, (reach, closer) in zip(sides, found, strict=True)]
        if not any(len(steps) for steps in wanted):
            break
    lengths = [
        float(side.distances[-1]) if reach is None else reach for side, (reach, _) in zip(sides, found, strict=True)
    ]
    lengths = _finer(sides, lengths, loss_at, target)
    low, high = _balanced(lengths, valley, sides)
    ends = [side.ends and length >= side.distances[-1:].sum() for side, length in zip(sides, (low, high), strict=True)]
    return CurveRange(-low, high, (bool(ends[0]), bool(ends[1])))


def _finer(sides: list[_Side], lengths: list[float], loss_at: Callable[[Array], Array], target: float) -> list[float]:
    """The lengths, of a side that rises only just as far as it takes."""
    between = [np.linspace(*(side.rises or (0.0, 0.0)), MORE) for side in sides]
    losses = np.split(loss_at(np.concatenate([side.sign * d for side, d in zip(sides, between, strict=True)])), 2)
    fine = []
    for side, length, distances, there in zip(sides, lengths, between, losses, strict=True):
        high = np.flatnonzero(there >= target)
        fine.append(float(distances[high[0]]) if side.rises and len(high) else length)
    return fine


def _further(side: _Side, reach: float | None, closer: bool) -> NDArray[np.int64]:
    """Which probes to add."""
    if closer:
        side.steps = range(side.steps.start - MORE, side.steps.stop)
        return np.arange(side.steps.start, side.steps.start + MORE)
    if reach is None:
        side.steps = range(side.steps.start, side.steps.stop + MORE)
        return np.arange(side.steps.stop - MORE, side.steps.stop)
    return np.empty(0, dtype=np.int64)


def _aim(sides: list[_Side], here: float, scale: float) -> tuple[float, list[float]]:
    """To which loss the curve is to rise; and how far away, on either side, the valley is that it must show."""
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


def _balanced(lengths: list[float], valley: list[float], sides: list[_Side]) -> tuple[float, float]:
    """The two lengths, neither much longer than the other; none beyond where the loss is finite."""
    low, high = (length or max(lengths) / MOST_UNEVEN for length in lengths)
    most_low, most_high = (
        np.inf if side.is_level else max(length * MOST_UNEVEN, away * BEYOND_FLAT)
        for side, length, away in zip(reversed(sides), (high, low), valley, strict=True)
    )
    low, high = min(low, most_low), min(high, most_high)
    low, high = max(low, high / MOST_UNEVEN), max(high, low / MOST_UNEVEN)
    most = [side.distances[-1] if side.ends and len(side.distances) else np.inf for side in sides]
    return min(low, most[0]), min(high, most[1])
