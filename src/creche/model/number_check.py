"""Checks of numbers and dates: against the range of the training rows, and against their distribution."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from creche.model.finding import MIN_DISTANCE, MIN_ROWS, Finding, count_values
from creche.model.units import Conversion, list_conversions
from creche.table.column_statistics import QUANTILES, as_numbers
from creche.table.table import Column
from creche.table.training_summary import TrainingSummary

__all__ = ["NumberCheck"]

Array = NDArray[np.float64]

# Of the width of the training range, by which a value must be outside to be far; and to be in it once converted.
FAR, NEAR = 0.5, 0.1

TAIL = 2.0  # of the distance from the outermost twentieth of the training values to the end, likewise: for long tails

FAR_DEVIATIONS = 2.0  # of values that are far below a range of positive numbers by their ratio

BLOCK_CELLS = 4_000_000

SAMPLE_ROWS = 8192  # of each batch, to compare distributions

FEW_VALUES = 64  # of a column, which are compared with each quantile rather than sorted

KEPT_ROWS, KEPT_CELLS = 512, 4_000_000  # to find the unit of a column as a whole


class NumberCheck:
    """Numbers and dates against the range and the quantiles of the training rows."""

    def __init__(
        self, summary: TrainingSummary, places: Sequence[int], names: Sequence[str], dates: Sequence[bool]
    ) -> None:
        self._places, self._names, self._dates = list(places), list(names), list(dates)
        self._mean, self._deviation = summary.mean[places], summary.deviation[places]
        self._quantiles = summary.quantiles[places]
        self._training_rows = summary.rows - summary.missing[places]
        self._minimum, self._maximum = self._quantiles[:, 0], self._quantiles[:, -1]
        self._low, self._high, self._low_ratio = self._bounds()
        width = len(self._places)
        self._present = np.zeros(width, dtype=np.int64)
        self._far = {}  # type: dict[int, _FarValues]
        self._sampled = np.zeros(width, dtype=np.int64)
        self._at_most = np.zeros((width, QUANTILES + 1), dtype=np.int64)
        self._below = np.zeros((width, QUANTILES + 1), dtype=np.int64)
        self._kept: list[Array] = []
        self._room = max(1, min(KEPT_ROWS, KEPT_CELLS // width))

    @property
    def bounds(self) -> dict[int, tuple[float, float, float]]:
        """For each place, the least and the greatest value that are not far, and the least positive one."""
        triples = zip(self._low.tolist(), self._high.tolist(), self._low_ratio.tolist(), strict=True)
        return dict(zip(self._places, triples, strict=True))

    def is_usual(self, place: int, values: Array) -> bool:
        """Whether no value of a column is far outside the training range; `place` is its place among the features."""
        i = self._places.index(place)
        lowest, highest = np.fmin.reduce(values, initial=np.inf), np.fmax.reduce(values, initial=-np.inf)
        if lowest < self._low[i] or highest > self._high[i]:
            return False
        ratio = self._low_ratio[i]
        return bool(lowest >= ratio or not ((values > 0) & (values < ratio)).any())

    def _bounds(self) -> tuple[Array, Array, Array]:
        """Return the bounds of values that are not far: two of differences, and one of ratios for positive numbers."""
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            width = self._maximum - self._minimum
            tails = self._quantiles[:, 1] - self._minimum, self._maximum - self._quantiles[:, -2]
            low = self._minimum - np.maximum(FAR * width, TAIL * tails[0])
            high = self._maximum + np.maximum(FAR * width, TAIL * tails[1])
            ratio = self._minimum / np.sqrt(self._maximum / self._minimum)
            ratio = np.minimum(ratio, self._mean - FAR_DEVIATIONS * self._deviation)
            # The network does not use a column that was constant, or without a value, in training.
            is_used = width > 0
            return (
                np.where(is_used, low, -np.inf),
                np.where(is_used, high, np.inf),
                np.where(is_used & (self._minimum > 0) & (ratio > 0), ratio, -np.inf),
            )

    def add(self, columns: Sequence[Column]) -> None:
        rows = len(columns[0])
        step = -(-rows // SAMPLE_ROWS)
        at_a_time = max(1, BLOCK_CELLS // rows)
        kept = np.empty((min(self._room, rows), len(self._places)))
        for begin in range(0, len(self._places), at_a_time):
            block = slice(begin, begin + at_a_time)
            values = np.stack([as_numbers(columns[i]) for i in self._places[block]])
            self._present[block] += rows - np.isnan(values).sum(axis=1)
            self._find_far(values, begin)
            self._count_quantiles(values[:, ::step], begin)
            kept[:, block] = values[:, : len(kept)].T
        if len(kept):
            self._kept.append(kept)
            self._room -= len(kept)

    def _find_far(self, values: Array, begin: int) -> None:
        block = slice(begin, begin + len(values))
        lowest, highest = np.fmin.reduce(values, axis=1), np.fmax.reduce(values, axis=1)
        lower = np.fmax(self._low[block], self._low_ratio[block])
        for i in (begin + np.flatnonzero((lowest < lower) | (highest > self._high[block]))).tolist():
            own = values[i - begin]
            far = (own < self._low[i]) | (own > self._high[i]) | ((own > 0) & (own < self._low_ratio[i]))
            if not far.any():
                continue
            if i not in self._far:
                low, high = float(self._minimum[i]), float(self._maximum[i])
                conversions = list_conversions(self._names[i], low, high, is_date=self._dates[i])
                self._far[i] = _FarValues(low, high, float(self._mean[i]), conversions)
            self._far[i].add(own[far])

    def _count_quantiles(self, values: Array, begin: int) -> None:
        block = slice(begin, begin + len(values))
        self._sampled[block] += values.shape[1] - np.isnan(values).sum(axis=1)
        if values.shape[1] < FEW_VALUES:
            for k in range(QUANTILES + 1):
                quantile = self._quantiles[block, k].reshape(-1, 1)
                self._at_most[block, k] += (values <= quantile).sum(axis=1)
                self._below[block, k] += (values < quantile).sum(axis=1)
            return
        for i, ordered in enumerate(np.sort(values, axis=1), begin):  # NaN goes to the end
            self._at_most[i] += np.searchsorted(ordered, self._quantiles[i], side="right")
            self._below[i] += np.searchsorted(ordered, self._quantiles[i], side="left")

    def count_present(self) -> dict[int, int]:
        """Return how many values each column has, by its place among the features."""
        return dict(zip(self._places, self._present.tolist(), strict=True))

    def findings(self, level: float) -> Iterator[tuple[int, Finding]]:
        distances = self._distances()
        for i, place in enumerate(self._places):
            far, present = self._far.get(i), int(self._present[i])
            if far is not None:
                yield place, self._describe_far(i, far, present)
            # Dates move on by themselves: of these, only far ones are a surprise.
            if self._dates[i] or (far is not None and far.count > present / 2):
                continue
            distance, k = distances[i]
            rows, before = int(self._sampled[i]), int(self._training_rows[i])
            if min(rows, before) < MIN_ROWS or distance < MIN_DISTANCE or self._deviation[i] == 0:
                continue
            if distance > math.sqrt(-math.log(level / 2) / 2 * (1 / rows + 1 / before)):
                yield place, self._describe_shift(i, distance, k)

    def _distances(self) -> list[tuple[float, int]]:
        """Return for each column how far its distribution is from that in training, and the quantile where most.

        At each quantile, this is a bound of the distance of Kolmogorov and Smirnov from below: for a share p, at least
        p of the training values are at most the quantile, and at most p are below it.
        """
        shares = np.arange(QUANTILES + 1) / QUANTILES
        sampled = np.maximum(self._sampled, 1).reshape(-1, 1)
        gaps = np.maximum(shares - self._at_most / sampled, self._below / sampled - shares)
        place = gaps.argmax(axis=1)
        return list(zip(gaps.max(axis=1).tolist(), place.tolist(), strict=True))

    def _describe_far(self, i: int, far: _FarValues, present: int) -> Finding:
        name, value = self._names[i], far.farthest
        side = "below" if value < self._mean[i] else "above"
        deviations = abs(value - float(self._mean[i])) / float(self._deviation[i])
        low, high = self._write(i, far.low), self._write(i, far.high)
        which = "" if far.count == 1 else "the farthest, "
        message = (
            f"{name}: {count_values(far.count, present)} far outside the training range: {which}"
            f"{self._write(i, value)}{',' if which else ''} is {deviations:,.1f} standard deviations {side} the "
            f"training mean; training has {low} to {high}"
        )
        best = far.best_conversion()
        if best is not None:
            converted = self._write(i, float(best.apply(np.array([value]))[0]))
            message += f": {best.name}? ({f'{best.formula} ' if best.formula else ''}= {converted})"
        return Finding(name, "outside_range", far.count, present, message, "" if best is None else best.name)

    def _describe_shift(self, i: int, distance: float, k: int) -> Finding:
        name, sampled, present = self._names[i], int(self._sampled[i]), int(self._present[i])
        quantile = self._write(i, float(self._quantiles[i, k]))
        at_most, below = int(self._at_most[i, k]) / sampled, int(self._below[i, k]) / sampled
        share = k / QUANTILES
        if share - at_most >= below - share:
            shares = f"{at_most:.0%} of the values are at most {quantile}, in training at least {share:.0%}"
        else:
            shares = f"{below:.0%} of the values are below {quantile}, in training at most {share:.0%}"
        best = self._shifting_conversion(i, distance)
        unit = "" if best is None else f": {best.name}?{f' ({best.formula})' if best.formula else ''}"
        message = f"{name}: the distribution has changed: {shares} (distance {distance:.2f}){unit}"
        return Finding(name, "distribution", present, present, message, "" if best is None else best.name)

    def _shifting_conversion(self, i: int, distance: float) -> Conversion | None:
        """Return the conversion after which the distribution of the column is that of the training rows."""
        values = np.concatenate([part[:, i] for part in self._kept])
        values = values[~np.isnan(values)]
        if len(values) < MIN_ROWS:
            return None
        knots, shares = self._quantiles[i], np.arange(QUANTILES + 1) / QUANTILES
        fitting = []
        for conversion in list_conversions(self._names[i], float(knots[0]), float(knots[-1])):
            ordered = np.sort(conversion.apply(values))
            at_most, below = (np.searchsorted(ordered, knots, side) / len(values) for side in ("right", "left"))
            left = float(np.maximum(shares - at_most, below - shares).max())
            if left < min(MIN_DISTANCE, distance / 3):
                fitting.append((conversion.rank, left, conversion))
        return min(fitting, key=lambda found: found[:2])[2] if fitting else None

    def _write(self, i: int, value: float) -> str:
        if not self._dates[i]:
            return f"{value:.6g}" if abs(value) < 1e6 else f"{value:.10g}"
        moment = np.datetime64(round(value), "us")
        return str(moment.astype("datetime64[s]")).replace("T", " ").removesuffix(" 00:00:00")


class _FarValues:
    """The far values of one column, and the conversions that take all of them into the training range."""

    def __init__(self, low: float, high: float, mean: float, conversions: list[Conversion]) -> None:
        self.low, self.high, self._mean = low, high, mean
        self.count, self.farthest, self._sum = 0, mean, 0.0
        margin = NEAR * (high - low)
        self._lowest, self._highest = low - margin, high + margin
        self._conversions = conversions

    def add(self, values: Array) -> None:
        self.count += len(values)
        self._sum += float(values.sum())
        farthest = float(values[np.abs(values - self._mean).argmax()])
        if abs(farthest - self._mean) > abs(self.farthest - self._mean) or self.count == len(values):
            self.farthest = farthest
        ends = np.array([values.min(), values.max()])
        self._conversions = [
            c for c in self._conversions if ((a := c.apply(ends)) >= self._lowest).all() and (a <= self._highest).all()
        ]

    def best_conversion(self) -> Conversion | None:
        """Return the most plausible one; among equals, that which takes the values nearest to the training mean."""
        mean = np.array([self._sum / self.count])
        return min(
            self._conversions, key=lambda c: (c.rank, abs(float(c.apply(mean)[0]) - self._mean)), default=None
        )  # fmt: skip
