"""Numbers that count from a fixed day, which a user says to be dates."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["dates_from_numbers"]

# What numbers between the bounds count, and since which day; the units of NumPy.
COUNTS = (
    (1800, 2201, "Y", "", "years"),
    (20_000, 80_000, "D", "1899-12-30", "days since 1899-12-30, as in Excel"),
    (10**8, 10**11, "s", "1970-01-01", "seconds since 1970"),
    (10**11, 10**14, "ms", "1970-01-01", "milliseconds since 1970"),
    (10**14, 10**17, "us", "1970-01-01", "microseconds since 1970"),
    (10**17, 2**63, "ns", "1970-01-01", "nanoseconds since 1970"),
)

MICROSECONDS = {"D": 86_400 * 10**6, "s": 10**6, "ms": 1000, "us": 1}


def dates_from_numbers(values: NDArray[Any]) -> tuple[NDArray[np.datetime64], str] | None:
    """Return the datetimes that numbers stand for, and what they count; None if they are not such numbers.

    Parameters
    ----------
    values : (n,) array
        NaN where missing.

    Examples
    --------
    >>> dates, what = dates_from_numbers(np.array([1718755200, 1718755260]))
    >>> dates.tolist(), what
    ([datetime.datetime(2024, 6, 19, 0, 0), datetime.datetime(2024, 6, 19, 0, 1)], 'seconds since 1970')
    >>> dates_from_numbers(np.array([2.5, 3.5])) is None
    True

    """
    missing = np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=np.bool_)
    known = values[~missing]
    if len(known) == 0:
        return None
    low, high = known.min(), known.max()
    for begin, end, unit, origin, what in COUNTS:
        if not (begin <= low and high < end) or (unit == "Y" and (known != np.trunc(known)).any()):
            continue
        out = np.full(len(values), np.datetime64("NaT"), dtype="datetime64[us]")
        if unit == "Y":
            out[~missing] = (known.astype(np.int64) - 1970).astype("datetime64[Y]")
        elif unit == "ns":
            out[~missing] = (known.astype(np.int64) // 1000).astype("datetime64[us]")
        else:
            steps = np.round(known * MICROSECONDS[unit]).astype("timedelta64[us]")
            out[~missing] = np.datetime64(origin, "us") + steps
        return out, what
    return None
