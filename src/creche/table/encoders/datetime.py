"""Dates and times: year, day and close moments as numbers; month, weekday and hour as points on a circle."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from creche.errors import FileError
from creche.table.cell_types import ColumnContext
from creche.table.encoders.file_values import read_flag, read_name, read_number, read_words
from creche.table.encoders.moments import compute_moments
from creche.table.encoders.numeric import MISSING
from creche.table.table import Column

if TYPE_CHECKING:
    from creche.table.encoders.preprocessing import Preprocessing

__all__ = ["CIRCLES", "PARTS", "DatetimeEncoder"]

PARTS = ("year", "month", "day", "weekday", "hour", "moment")

# Within a shorter time than this, moments that differ by minutes or seconds count as a number.
CLOSE_MOMENTS = np.timedelta64(7, "D")

# Sines and cosines by square roots, those of sevenths written out: mathematical libraries differ in the last bit.
ROOT_2, ROOT_3, ROOT_6 = np.sqrt(2.0), np.sqrt(3.0), np.sqrt(6.0)

QUARTER = [0.0, (ROOT_6 - ROOT_2) / 4, 0.5, ROOT_2 / 2, ROOT_3 / 2, (ROOT_6 + ROOT_2) / 4, 1.0]

HALF = [*QUARTER, *QUARTER[-2:0:-1]]

SINE_24 = np.array([*HALF, *(-value for value in HALF)])

SINE_7 = np.array([0.0, 0.7818314824680298, 0.9749279121818236, 0.4338837391175581])

SINE_7 = np.concatenate([SINE_7, -SINE_7[:0:-1]])

COSINE_7 = np.array([1.0, 0.6234898018587336, -0.2225209339563144, -0.9009688679024191])

COSINE_7 = np.concatenate([COSINE_7, COSINE_7[:0:-1]])

NUMBERS = ("year", "day", "moment")

CIRCLES = {
    "month": (SINE_24[::2], np.roll(SINE_24, -6)[::2]),
    "weekday": (SINE_7, COSINE_7),
    "hour": (SINE_24, np.roll(SINE_24, -6)),
}


@dataclass(frozen=True, slots=True)
class DatetimeEncoder:
    """An encoder of datetimes: year and day of the month, scaled; month, weekday and hour as sine and cosine.

    If all training rows lie within a week, and not all on whole hours, the moment itself is one more number, scaled.

    Attributes
    ----------
    name : str
    parts : tuple of str
        Those of `PARTS` that varied among the training rows; nothing can be learnt from the others.
    year, day, moment : (float, float)
        Their mean and standard deviation; that of the moment in hours since 1970.
    marked : bool
        Whether one more input marks missing values, because there were some in the training rows. The other inputs of a
        missing value are 0.

    """

    role: ClassVar[str] = "datetime"
    kind: ClassVar[str] = "datetime"

    name: str
    parts: tuple[str, ...]
    year: tuple[float, float] = (0.0, 1.0)
    day: tuple[float, float] = (0.0, 1.0)
    marked: bool = False
    moment: tuple[float, float] = (0.0, 1.0)

    @classmethod
    def fit(
        cls,
        name: str,
        column: Column,
        preprocessing: Preprocessing,
        weights: NDArray[np.float64] | None = None,
        moments: tuple[float, float] | None = None,
    ) -> Self:
        """Fit the encoder to the training rows; `preprocessing` and `moments` are not used."""
        missing = column.missing
        values = column.values[~missing]
        weights = None if weights is None else weights[~missing]
        calendar = _calendar_parts(values)
        varying = tuple(part for part in PARTS if len(values) and np.ptp(calendar[part]) > 0)
        scaled = {}
        if "moment" in varying and not _are_close(values):
            varying = tuple(part for part in varying if part != "moment")
        for part in NUMBERS:
            scaled[part] = (0.0, 1.0)
            if part in varying:
                mean, deviation = compute_moments([calendar[part].astype(np.float64)], weights)
                scaled[part] = (float(mean[0]), float(deviation[0]))
        return cls(name, varying, scaled["year"], scaled["day"], bool(missing.any()), scaled["moment"])

    @property
    def inputs(self) -> tuple[str, ...]:
        """The names of the inputs that it makes."""
        names: list[str] = []
        for part in self.parts:
            names += [f"{self.name} {part} {wave}" for wave in ("sine", "cosine")] if part in CIRCLES else [
                f"{self.name} {part}"
            ]  # fmt: skip
        return (*names, self.name + MISSING) if self.marked else tuple(names)

    @property
    def width(self) -> int:
        """The number of inputs that it makes."""
        return sum(2 if part in CIRCLES else 1 for part in self.parts) + self.marked

    @property
    def is_constant(self) -> bool:
        """Whether the column was constant in training, so that nothing can be learnt from it."""
        return not self.parts and not self.marked

    def prepare(self, column: Column, context: ColumnContext) -> NDArray[Any]:
        """Return the values of the column, as `write` takes them."""
        return column.values

    def write(self, values: NDArray[Any], out: NDArray[Any]) -> None:
        """Write the inputs of some rows into `out`, (rows, width)."""
        missing = np.isnat(values)
        calendar = _calendar_parts(np.where(missing, np.datetime64(0, "us"), values))
        position = 0
        for part in self.parts:
            numbers = calendar[part]
            if part in CIRCLES:
                sine, cosine = CIRCLES[part]
                out[:, position], out[:, position + 1] = sine[numbers], cosine[numbers]
                position += 2
            else:
                mean, deviation = {"year": self.year, "day": self.day, "moment": self.moment}[part]
                out[:, position] = (numbers - mean) / deviation
                position += 1
        if missing.any():
            out[missing] = 0
        if self.marked:
            out[:, position] = missing

    def to_dict(self) -> dict[str, Any]:
        """Return the encoder as plain data."""
        numbers = {"year mean": self.year[0], "year deviation": self.year[1], "day mean": self.day[0],
                   "day deviation": self.day[1]}  # fmt: skip
        if "moment" in self.parts:
            numbers |= {"moment mean": self.moment[0], "moment deviation": self.moment[1]}
        return {"role": self.role, "name": self.name, "parts": list(self.parts), "marked": self.marked, **numbers}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Make the encoder that `to_dict` described.

        Raises
        ------
        FileError
            If the data describe none.

        """
        parts = read_words(data, "parts")
        if any(part not in PARTS for part in parts):
            raise FileError(f"features: parts are {parts!r}, not those of a date; the file was damaged or made by hand")
        scaled = {
            part: (read_number(data, f"{part} mean"), read_number(data, f"{part} deviation", above=0))
            for part in ("year", "day", *(["moment"] if "moment" in parts else []))
        }
        moment = scaled.get("moment", (0.0, 1.0))
        return cls(read_name(data), parts, scaled["year"], scaled["day"], read_flag(data, "marked"), moment)


def _are_close(values: NDArray[Any]) -> bool:
    """Whether moments lie within a week, and not all on whole hours."""
    hours = values.astype("datetime64[h]")
    return bool(values.max() - values.min() < CLOSE_MOMENTS and (hours != values).any())


def _calendar_parts(values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the parts of each datetime; months, days of the month, weekdays (from Monday) and hours count from 0."""
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
        "moment": values.astype("datetime64[us]").astype(np.int64) / 3_600_000_000,
    }
