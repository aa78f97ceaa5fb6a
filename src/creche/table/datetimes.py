"""Parsing dates and times."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["parse_datetimes"]

CLOCK = r"[0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?"

ZONE = r"Z|[+-][0-2]\d(?::?[0-5]\d)?"

YEAR_FIRST = re.compile(rf"(?!0000)\d\d\d\d([-/])\d\d\1\d\d(?:[T ]{CLOCK} ?({ZONE})?)?", re.ASCII)

YEAR_LAST = re.compile(rf"(\d\d?)([-/.])(\d\d?)\2((?!0000)\d\d\d\d)(?:[T ]({CLOCK}))?", re.ASCII)


def parse_datetimes(words: Sequence[str], day_first: bool | None = None) -> tuple[NDArray[Any], bool | None] | None:
    """Parse words as datetimes in UTC; None unless all of them are dates.

    The formats are 2020-01-31 and 2020/01/31, either with a time and a zone as in ISO 8601; 31.1.2020; and 31/1/2020 or
    1/31/2020 (also with hyphens), if a day above 12 decides which number is the day. A time without a zone is in UTC.

    Parameters
    ----------
    words : sequence of str
    day_first : bool, optional
        Whether 3/4/2020 is 3 April, if that is known.

    Returns
    -------
    values : (n,) datetime64[us] array
    day_first : bool or None
        Whether the day comes first; None if no word has decided it.

    Examples
    --------
    >>> values, day_first = parse_datetimes(["31/1/2020", "1/2/2020"])
    >>> values.astype("datetime64[D]").tolist(), day_first
    ([datetime.date(2020, 1, 31), datetime.date(2020, 2, 1)], True)
    >>> parse_datetimes(["1/2/2020"]) is None
    True

    """
    if not words:
        return None
    try:
        if YEAR_FIRST.fullmatch(words[0]):
            values = _parse_year_first(words)
            return None if values is None else (values, day_first)
        if YEAR_LAST.fullmatch(words[0]):
            return _parse_year_last(words, day_first)
    except ValueError:  # 30 February
        pass
    return None


def _parse_year_first(words: Sequence[str]) -> NDArray[Any] | None:
    matches = [YEAR_FIRST.fullmatch(word) for word in words]
    if not all(matches):
        return None
    plain = words
    zones = [match[2] for match in matches if match is not None]
    if any(zones):
        plain = [
            word[: len(word) - len(zone)].rstrip() if zone else word for word, zone in zip(words, zones, strict=True)
        ]
    if any(match is not None and match[1] == "/" for match in matches):
        plain = [word.replace("/", "-") for word in plain]
    values = np.array(plain, dtype="datetime64[us]")
    if any(zone and zone != "Z" for zone in zones):
        values -= np.array([_zone_minutes(zone) for zone in zones], dtype="timedelta64[m]")
    return values


def _zone_minutes(zone: str | None) -> int:
    """Return by how many minutes the zone is ahead of UTC."""
    if zone is None or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    return (60 * hours + minutes) * (-1 if zone[0] == "-" else 1)


def _parse_year_last(words: Sequence[str], day_first: bool | None) -> tuple[NDArray[Any], bool | None] | None:
    matches = [match for match in map(YEAR_LAST.fullmatch, words) if match is not None]
    if len(matches) < len(words):
        return None
    ambiguous = [match for match in matches if match[2] != "."]  # between points, the day always comes first
    if ambiguous and day_first is None:
        first = any(int(match[1]) > 12 for match in ambiguous)
        second = any(int(match[3]) > 12 for match in ambiguous)
        if first == second:
            return None
        day_first = first
    iso = []
    for match in matches:
        one, other = match[1].zfill(2), match[3].zfill(2)
        day, month = (one, other) if match[2] == "." or day_first else (other, one)
        iso.append(f"{match[4]}-{month}-{day}" + (f"T{match[5]}" if match[5] else ""))
    return np.array(iso, dtype="datetime64[us]"), day_first
