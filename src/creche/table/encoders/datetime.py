"""Dates: the parts of a calendar, those that come round again as points on a circle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError
from creche.table.cell_types import ColumnContext
from creche.table.encoders.numeric import MISSING, compute_moments, read_flag, read_name, read_number, read_words
from creche.table.table import Column

__all__ = ["DatetimeEncoder"]

PARTS = ("year", "month", "day", "weekday", "hour")


# Sines and cosines by square roots (and, of sevenths, written out): libraries differ in the last bit.
ROOT_2, ROOT_3, ROOT_6 = np.sqrt(2.0), np.sqrt(3.0), np.sqrt(6.0)


QUARTER = [0.0, (ROOT_6 - ROOT_2) / 4, 0.5, ROOT_2 / 2, ROOT_3 / 2, (ROOT_6 + ROOT_2) / 4, 1.0]


HALF = [*QUARTER, *QUARTER[-2:0:-1]]


SINE_24 = np.array([*HALF, *(-value for value in HALF)])


SINE_7 = np.array([0.0, 0.7818314824680298, 0.9749279121818236, 0.4338837391175581])


SINE_7 = np.concatenate([SINE_7, -SINE_7[:0:-1]])


COSINE_7 = np.array([1.0, 0.6234898018587336, -0.2225209339563144, -0.9009688679024191])


COSINE_7 = np.concatenate([COSINE_7, COSINE_7[:0:-1]])


CIRCLES = {
    "month": (SINE_24[::2], np.roll(SINE_24, -6)[::2]),
    "weekday": (SINE_7, COSINE_7),
    "hour": (SINE_24, np.roll(SINE_24, -6)),
}


@dataclass(frozen=True, slots=True)
class DatetimeEncoder:
    """Year and day of the month as numbers; month, weekday and hour as sine and cosine.

    Attributes
    ----------
    name : str
    parts : tuple of str
        Those of `PARTS` that differed among the training rows; the others teach nothing.
    year, day : (float, float)
        Mean and deviation.
    marked : bool
        Whether one more input says that the date is missing, as it was in some training rows; the others are 0 then.

    """

    role: ClassVar[str] = "datetime"
    kind: ClassVar[str] = "datetime"

    name: str
    parts: tuple[str, ...]
    year: tuple[float, float] = (0.0, 1.0)
    day: tuple[float, float] = (0.0, 1.0)
    marked: bool = False

    @classmethod
    def fit(cls, name: str, column: Column, weights: NDArray[np.float64] | None) -> Self:
        """From the training rows."""
        missing = column.missing
        values = column.values[~missing]
        weights = None if weights is None else weights[~missing]
        calendar = _calendar(values)
        varying = tuple(part for part in PARTS if len(values) and np.ptp(calendar[part]) > 0)
        scaled = {}
        for part in ("year", "day"):
            scaled[part] = (0.0, 1.0)
            if part in varying:
                mean, deviation = compute_moments([calendar[part].astype(np.float64)], weights)
                scaled[part] = (float(mean[0]), float(deviation[0]))
        return cls(name, varying, scaled["year"], scaled["day"], bool(missing.any()))

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of its inputs of the network."""
        names: list[str] = []
        for part in self.parts:
            names += [f"{self.name} {part} {wave}" for wave in ("sine", "cosine")] if part in CIRCLES else [
                f"{self.name} {part}"
            ]  # fmt: skip
        return (*names, self.name + MISSING) if self.marked else tuple(names)

    @property
    def width(self) -> int:
        """How many inputs there are."""
        return sum(2 if part in CIRCLES else 1 for part in self.parts) + self.marked

    @property
    def is_constant(self) -> bool:
        return not self.parts and not self.marked

    def prepared(self, column: Column, place: ColumnContext) -> NDArray[Any]:
        """The column's values as `write` takes them."""
        return column.values

    def write(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Writes the inputs of some rows."""
        missing = np.isnat(values)
        calendar = _calendar(np.where(missing, np.datetime64(0, "us"), values))
        at = 0
        for part in self.parts:
            numbers = calendar[part]
            if part in CIRCLES:
                sine, cosine = CIRCLES[part]
                out[:, at], out[:, at + 1] = sine[numbers], cosine[numbers]
                at += 2
            else:
                mean, deviation = self.year if part == "year" else self.day
                out[:, at] = (numbers - mean) / deviation
                at += 1
        if missing.any():
            out[missing] = 0
        if self.marked:
            out[:, at] = missing

    def to_dict(self) -> dict[str, Any]:
        """As plain data."""
        numbers = {"year mean": self.year[0], "year deviation": self.year[1], "day mean": self.day[0],
                   "day deviation": self.day[1]}  # fmt: skip
        return {"role": self.role, "name": self.name, "parts": list(self.parts), "marked": self.marked, **numbers}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What `to_dict` described; FileError if it cannot be."""
        parts = read_words(data, "parts")
        if any(part not in PARTS for part in parts):
            raise FileError(f"features: {parts!r} are no parts of a date; the file was damaged or made by hand")
        year, day = (
            (read_number(data, f"{part} mean"), read_number(data, f"{part} deviation", above=0))
            for part in ("year", "day")
        )
        return cls(read_name(data), parts, year, day, read_flag(data, "marked"))


def _calendar(values: NDArray[Any]) -> dict[str, NDArray[np.int64]]:
    """The parts of each moment; months, days of the month, weekdays (Monday first) and hours counted from 0."""
    months = values.astype("datetime64[M]")
    days = values.astype("datetime64[D]")
    count = months.astype(np.int64)
    microseconds = (values - days).astype("timedelta64[us]").astype(np.int64)
    return {
        "year": count // 12 + 1970,
        "month": count % 12,
        "day": (days - months.astype("datetime64[D]")).astype(np.int64),
        "weekday": (days.astype(np.int64) + 3) % 7,
        "hour": microseconds // 3_600_000_000,
    }
