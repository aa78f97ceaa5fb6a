"""Units: which unit the values of a column may be in, where the training rows had another one.

Only the values tell: a conversion is named if it takes them into the range of the training rows. The name of the column
may give the unit of the training rows (``flipper_length_mm``), and thus the names of the others.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Conversion", "list_conversions"]

DAY = 86_400e6  # microseconds, in which dates are counted


@dataclass(frozen=True, slots=True)
class Conversion:
    """From the unit that values may be in to that of the training rows: value × factor + offset.

    Attributes
    ----------
    name : str
        What the values may be: "centimetres".
    factor, offset : float
    rank : int
        The most plausible conversions have the lowest.

    """

    name: str
    factor: float
    offset: float = 0.0
    rank: int = 0

    def apply(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert values into the unit of the training rows."""
        with np.errstate(over="ignore"):
            return np.asarray(values * self.factor + self.offset)

    @property
    def formula(self) -> str:
        """How values are converted: "× 10", or "÷ 100"; empty if it takes more than a factor."""
        if self.offset:
            return ""
        inverse = 1 / self.factor
        if self.factor < 1 and abs(inverse - round(inverse)) < 1e-9 * inverse:
            return f"÷ {inverse:,.0f}"
        return f"× {self.factor:,.7g}" if self.factor >= 1000 else f"× {self.factor:.4g}"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a quantity: value × size + offset is in the quantity's first unit.

    Attributes
    ----------
    name : str
        In the plural.
    size : float
    words : tuple of str
        How it is written in names of columns.
    offset : float

    """

    name: str
    size: float
    words: tuple[str, ...]
    offset: float = 0.0


def _unit(name: str, size: float, *words: str, offset: float = 0.0) -> Unit:
    return Unit(name, size, (name, name.removesuffix("s"), *words), offset)


QUANTITIES: tuple[tuple[Unit, ...], ...] = (
    (
        _unit("metres", 1.0, "m", "meter", "meters"), _unit("micrometres", 1e-6, "um", "µm", "micron", "microns"),
        _unit("millimetres", 1e-3, "mm", "millimeter", "millimeters"),
        _unit("centimetres", 1e-2, "cm", "centimeter", "centimeters"), _unit("decimetres", 0.1, "dm"),
        _unit("kilometres", 1e3, "km", "kilometer", "kilometers"), _unit("inches", 0.0254, "in", "inch"),
        _unit("feet", 0.3048, "ft", "foot"), _unit("yards", 0.9144, "yd"), _unit("miles", 1609.344, "mi", "mile"),
        _unit("nautical miles", 1852.0, "nmi"),
    ),
    (
        _unit("grams", 1.0, "g", "gr", "gramme"), _unit("milligrams", 1e-3, "mg"),
        _unit("micrograms", 1e-6, "ug", "µg"),
        _unit("decagrams", 10.0, "dag"), _unit("hectograms", 100.0, "hg"), _unit("kilograms", 1e3, "kg", "kilo"),
        _unit("tonnes", 1e6, "ton", "tons"), _unit("ounces", 28.349523125, "oz"),
        _unit("pounds", 453.59237, "lb", "lbs"), _unit("stones", 6350.29318, "st"),
    ),
    (
        _unit("seconds", 1.0, "s", "sec", "secs"), _unit("milliseconds", 1e-3, "ms", "msec"),
        _unit("microseconds", 1e-6, "us", "µs"), _unit("nanoseconds", 1e-9, "ns"),
        _unit("minutes", 60.0, "min", "mins"),
        _unit("hours", 3600.0, "h", "hr", "hrs"), _unit("days", 86_400.0, "d"), _unit("weeks", 604_800.0, "wk"),
        _unit("months", 2_629_746.0, "mon"), _unit("years", 31_556_952.0, "yr", "yrs", "y"),
    ),
    (
        _unit("kelvins", 1.0, "k"), _unit("°C", 1.0, "c", "degc", "celsius", "centigrade", offset=273.15),
        _unit("°F", 5 / 9, "f", "degf", "fahrenheit", offset=459.67 * 5 / 9),
    ),
    (
        _unit("litres", 1.0, "l", "liter", "liters"), _unit("millilitres", 1e-3, "ml"),
        _unit("centilitres", 1e-2, "cl"),
        _unit("decilitres", 0.1, "dl"), _unit("cubic metres", 1e3, "m3", "m³"), _unit("cubic centimetres", 1e-3, "ccm"),
        _unit("gallons (US)", 3.785411784, "gal", "gallon", "gallons"), _unit("pints (US)", 0.473176473, "pt", "pint"),
    ),
    (
        _unit("square metres", 1.0, "m2", "m²", "sqm"), _unit("square feet", 0.09290304, "ft2", "ft²", "sqft"),
        _unit("square kilometres", 1e6, "km2", "km²"), _unit("hectares", 1e4, "ha"), _unit("acres", 4046.8564224),
    ),
    (
        _unit("m/s", 1.0, "mps"), _unit("km/h", 1 / 3.6, "kmh", "kph"), _unit("mph", 0.44704),
        _unit("knots", 1.852 / 3.6, "kn", "kt"),
    ),
    (
        _unit("pascals", 1.0, "pa"), _unit("hectopascals", 100.0, "hpa", "mbar", "millibars"),
        _unit("kilopascals", 1e3, "kpa"), _unit("bars", 1e5), _unit("mmHg", 133.322387415, "mmhg", "torr"),
        _unit("atmospheres", 101_325.0, "atm"), _unit("psi", 6894.757293168),
    ),
    (
        _unit("joules", 1.0, "j"), _unit("kilojoules", 1e3, "kj"), _unit("calories", 4.184, "cal"),
        _unit("kilocalories", 4184.0, "kcal"), _unit("watt-hours", 3600.0, "wh"), _unit("kilowatt-hours", 3.6e6, "kwh"),
        _unit("megawatt-hours", 3.6e9, "mwh"),
    ),
    (
        _unit("watts", 1.0, "w"), _unit("milliwatts", 1e-3, "mw"), _unit("kilowatts", 1e3, "kw"),
        _unit("horsepower", 745.69987158, "hp"),
    ),
    (_unit("radians", 1.0, "rad"), _unit("degrees", np.pi / 180, "deg", "°")),
    (_unit("shares", 1.0, "fraction"), _unit("percent", 0.01, "pct", "%", "perc", "percentage")),
)  # fmt: skip

UNITS = {word.lower(): unit for quantity in reversed(QUANTITIES) for unit in quantity for word in unit.words}

SEPARATORS = re.compile(r"[\s_.,;:()\[\]{}<>|-]+")

# Words of a single letter, or with another meaning, tell the unit only if nothing else fits as well.
DOUBTFUL = {"in", "min", "st", "pt", "mon", "kt", "kilo", "hp", "second", "minute", "month", "foot", "stone", "day"}

POWERS_OF_TEN = (10.0, 100.0, 1000.0, 0.1, 0.01, 0.001)

# Of the unit of the values in that of the training rows.
OTHERS = (
    ("minutes, not seconds (or hours, not minutes)", 60.0), ("hours, not seconds", 3600.0), ("days, not hours", 24.0),
    ("days, not seconds", 86_400.0), ("years, not months", 12.0), ("inches, not centimetres", 2.54),
    ("feet, not metres", 0.3048), ("pounds, not kilograms", 0.45359237), ("miles, not kilometres", 1.609344),
)  # fmt: skip
INVERSES = (
    "seconds, not minutes (or minutes, not hours)", "seconds, not hours", "hours, not days", "seconds, not days",
    "months, not years", "centimetres, not inches", "metres, not feet", "kilograms, not pounds",
    "kilometres, not miles",
)  # fmt: skip

# Seconds since 1970 from 1980 to 2100, and what other programs count.
EPOCH_RANGE = (3.1e8, 4.2e9)
EPOCHS = (
    ("seconds", 1.0), ("milliseconds", 1e-3), ("microseconds", 1e-6), ("nanoseconds", 1e-9), ("days", 86_400.0),
)  # fmt: skip
EXCEL_1970 = 25_569.0  # days from Excel's day 0 to 1970
EXCEL_1904 = 1_462.0  # days from the day 0 of Excel on Windows to that on old Macintoshes


def list_conversions(column: str, low: float, high: float, *, is_date: bool = False) -> list[Conversion]:
    """Return the conversions to try on a column, without regard to whether they fit.

    Parameters
    ----------
    column : str
        The name of the column.
    low, high : float
        The range of the training rows.
    is_date : bool, default False
        Whether its values are dates, in microseconds since 1970.

    Examples
    --------
    >>> [c.name for c in list_conversions("body_mass_g", 2700, 6300) if c.factor == 100]
    ['hectograms', 'a unit 100 times as large']

    """
    if is_date:
        return list(_date_conversions())
    known, is_certain = _find_unit(column)
    found = list(_epoch_conversions(low, high))
    if known is not None:
        found += _convert_from_others(known, rank=0 if is_certain else 1)
    if 0 <= low < high <= 1:
        found.append(Conversion("percent", 0.01))
    for factor in POWERS_OF_TEN:
        times = f"{factor if factor > 1 else 1 / factor:,.0f} times as {'large' if factor > 1 else 'small'}"
        found.append(Conversion(f"a unit {times}", factor, rank=1))
    if not is_certain:
        found += [Conversion(name, factor, rank=2) for name, factor in OTHERS]
        found += [Conversion(name, 1 / factor, rank=2) for name, (_, factor) in zip(INVERSES, OTHERS, strict=True)]
        found += [Conversion("°F, not °C", 5 / 9, -160 / 9, 2), Conversion("°C, not °F", 1.8, 32.0, 2)]
        found += [Conversion("kelvins, not °C", 1.0, -273.15, 2), Conversion("°C, not kelvins", 1.0, 273.15, 2)]
    return found


def _find_unit(column: str) -> tuple[Unit | None, bool]:
    """Return the unit that the name of a column contains, nearest to its end, and whether it can mean nothing else."""
    whole = SEPARATORS.split(column)
    parts = SEPARATORS.split(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", column))  # durationSec
    for word in (*reversed(whole), *reversed(parts)):
        unit = UNITS.get(word.lower())
        if unit is not None:
            return unit, len(word) > 1 and word.lower() not in DOUBTFUL
    return None, False


def _convert_from_others(known: Unit, rank: int) -> Iterator[Conversion]:
    quantity = next(quantity for quantity in QUANTITIES if known in quantity)
    for unit in quantity:
        if unit != known:
            yield Conversion(unit.name, unit.size / known.size, (unit.offset - known.offset) / known.size, rank)


def _epoch_conversions(low: float, high: float) -> Iterator[Conversion]:
    """Convert times since 1970, if the range of the training rows is one of those."""
    for name, size in EPOCHS[:-1]:
        if EPOCH_RANGE[0] <= low * size and high * size <= EPOCH_RANGE[1]:
            for other, other_size in EPOCHS:
                if other != name:
                    yield Conversion(f"{other} since 1970", other_size / size)
            yield Conversion("Excel's days", 86_400 / size, -EXCEL_1970 * 86_400 / size)


def _date_conversions() -> Iterator[Conversion]:
    for read, meant in (("milliseconds", "seconds"), ("microseconds", "milliseconds"), ("nanoseconds", "microseconds")):
        yield Conversion(f"{meant} since 1970 that were read as {read}", 1000.0)
        yield Conversion(f"{read} since 1970 that were read as {meant}", 0.001)
    yield Conversion("seconds since 1970 that were read as microseconds", 1e6, rank=1)
    yield Conversion("seconds since 1970 that were read as nanoseconds", 1e9, rank=1)
    yield Conversion("Excel's dates of 1904", 1.0, EXCEL_1904 * DAY)
    for years in (100, 1900, 2000):
        yield Conversion(f"years without their century (+ {years:,} years)", 1.0, round(years * 365.2425) * DAY, rank=1)
