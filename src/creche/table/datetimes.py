"""Parsing dates and times as people and programs write them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ParsedDatetimes", "is_date", "parse_datetimes"]

CLOCK = r"[0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?"

ZONE = r"Z|UTC|GMT|[+-][0-2]\d(?::?[0-5]\d)?"

# What NumPy parses itself, thousands of times faster than a word at a time.
PADDED = re.compile(rf"(?!0000)\d\d\d\d([-/])\d\d\1\d\d(?:[T ]{CLOCK} ?({ZONE})?)?", re.ASCII)

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

MONTH = (
    r"(?P<name>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|"
    r"Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\.?"
)

WEEKDAY = r"(?:(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?\.?,? +)?"

DAY = r"(?P<day>\d\d?)(?:st|nd|rd|th)?"

YEAR = r"(?P<year>\d{4}|'?\d\d)"

TIME = (
    r"(?P<hour>\d\d?)(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,](?P<fraction>\d{1,9}))?)?)?"
    rf"(?: ?(?P<half>[AaPp]\.?[Mm]\.?))?(?: ?(?P<zone>{ZONE}))?"
)

DATES = (
    r"(?P<year>\d{4})(?P<separator>[-/.])(?P<month>\d\d?)(?P=separator)(?P<day>\d\d?)",
    rf"(?P<first>\d\d?)(?P<separator>[-/.])(?P<second_number>\d\d?)(?P=separator){YEAR}",
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
    rf"{WEEKDAY}{DAY}[-/. ]?{MONTH},?[-/ ]?{YEAR}",
    rf"{WEEKDAY}{MONTH}[- ]{DAY},?[- ]{YEAR}",
    rf"(?P<year>\d{{4}})[-/ ]{MONTH}[-/ ](?P<day>\d\d?)",
    rf"{MONTH}[-/ ](?P<year>\d{{4}})",
    r"(?P<year>\d{4})[-/](?P<month>\d\d)",
)

PATTERNS = tuple(re.compile(rf"{date}(?:(?:[T ]|, ?| at ){TIME})?", re.IGNORECASE | re.ASCII) for date in DATES)

CTIME = re.compile(
    rf"{WEEKDAY}{MONTH} +(?P<day>\d\d?) (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d) (?P<year>\d{{4}})",
    re.IGNORECASE | re.ASCII,
)

TIME_OF_DAY = re.compile(TIME, re.IGNORECASE | re.ASCII)

# What databases write for no date at all.
ZERO = re.compile(r"(?:0000([-/.])00?\1 ?00?|00?([-/.])00?\2(?:00)?00)(?:[T ]00:00(?::00(?:\.0+)?)?)?")

EPOCH = datetime(1970, 1, 1)

# Two-digit years from 69 on are of the last century, as POSIX has it.
PIVOT = 69


@dataclass(frozen=True, slots=True)
class ParsedDatetimes:
    """The datetimes that words stand for.

    Attributes
    ----------
    values : (n,) datetime64[us] array
        In UTC; NaT for a date of zeros.
    day_first : bool or None
        Whether the day comes before the month; None if no word has decided it.
    has_short_years : bool
        Whether some year has two digits.

    """

    values: NDArray[Any]
    day_first: bool | None = None
    has_short_years: bool = False


def parse_datetimes(words: Sequence[str], day_first: bool | None = None) -> ParsedDatetimes | None:
    """Parse words as datetimes in UTC; None unless all of them are dates, or all are times of day.

    The formats are those of ISO 8601, also unpadded (2020-1-5); 31.1.2020; 31/1/2020 and 1/31/2020 (also with hyphens
    and two-digit years), if a day above 12 decides which number is the day; months by their English names (5 Jan 2020,
    January 5, 2020); each with a time of 24 or 12 hours (4:14, 1:05 PM) and a zone. A time without a zone is in UTC, a
    time without a date on 1 January 1970.

    Parameters
    ----------
    words : sequence of str
    day_first : bool, optional
        Whether 3/4/2020 is 3 April, if that is known.

    Examples
    --------
    >>> parsed = parse_datetimes(["31/1/2020", "1/2/2020"])
    >>> parsed.values.astype("datetime64[D]").tolist(), parsed.day_first
    ([datetime.date(2020, 1, 31), datetime.date(2020, 2, 1)], True)
    >>> parse_datetimes(["1/2/2020"]) is None
    True
    >>> parse_datetimes(["5 Jan 2020 1:05 PM"]).values.tolist()
    [datetime.datetime(2020, 1, 5, 13, 5)]

    """
    if not words:
        return None
    try:
        if PADDED.fullmatch(words[0]):
            values = _parse_padded(words)
            if values is not None:
                return ParsedDatetimes(values, day_first)
        return _parse_any(words, day_first)
    except (ValueError, OverflowError):  # 30 February
        return None


def is_date(word: str) -> bool:
    """Whether a word is a date or a time, with the day or the month first."""
    return parse_datetimes([word], True) is not None or parse_datetimes([word], False) is not None


def _parse_padded(words: Sequence[str]) -> NDArray[Any] | None:
    matches = [PADDED.fullmatch(word) for word in words]
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
    if any(_zone_minutes(zone) for zone in zones):
        values -= np.array([_zone_minutes(zone) for zone in zones], dtype="timedelta64[m]")
    return values


def _zone_minutes(zone: str | None) -> int:
    """Return by how many minutes the zone is ahead of UTC."""
    if zone is None or zone[0] not in "+-":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    return (60 * hours + minutes) * (-1 if zone[0] == "-" else 1)


def _parse_any(words: Sequence[str], day_first: bool | None) -> ParsedDatetimes | None:
    parts: list[dict[str, str] | None] = []
    n_times = 0
    for word in words:
        if ZERO.fullmatch(word):
            parts.append(None)
            continue
        found = _match_date(word)
        if found is None:
            found = _match_time(word)
            n_times += 1
        if found is None:
            return None
        parts.append(found)
    if n_times and n_times + parts.count(None) < len(parts):
        return None  # some are dates, and some times of day
    # Between points, the day always comes first.
    open_parts = [part for part in parts if part is not None and part.get("first") and part["separator"] != "."]
    if open_parts and day_first is None:
        first = any(int(part["first"]) > 12 for part in open_parts)
        second = any(int(part["second_number"]) > 12 for part in open_parts)
        if first == second:
            return None
        day_first = first
    short = any(part is not None and len(part.get("year", "1970").lstrip("'")) == 2 for part in parts)
    moments = [None if part is None else _to_moment(part, bool(day_first)) for part in parts]
    return ParsedDatetimes(np.array(moments, dtype="datetime64[us]"), day_first, short)


def _match_date(word: str) -> dict[str, str] | None:
    for pattern in (*PATTERNS, CTIME):
        match = pattern.fullmatch(word)
        if match is not None:
            found = {name: value for name, value in match.groupdict().items() if value is not None}
            # An hour alone, as in "1 PM", needs its half of the day.
            return None if "hour" in found and "minute" not in found and "half" not in found else found
    return None


def _match_time(word: str) -> dict[str, str] | None:
    match = TIME_OF_DAY.fullmatch(word)
    if match is None or (match["minute"] is None and match["half"] is None) or match["zone"] is not None:
        return None
    return {name: value for name, value in match.groupdict().items() if value is not None}


def _to_moment(part: dict[str, str], day_first: bool) -> datetime:
    """Return the moment of a matched word.

    Raises
    ------
    ValueError
        If there is no such moment.

    """
    year, month, day = 1970, 1, 1
    if "year" in part:
        digits = part["year"].lstrip("'")
        year = int(digits) if len(digits) == 4 else int(digits) + (1900 if int(digits) >= PIVOT else 2000)
        day = int(part.get("day", 1))
        if "first" in part:
            one, other = int(part["first"]), int(part["second_number"])
            day, month = (one, other) if part["separator"] == "." or day_first else (other, one)
        elif "name" in part:
            month = 1 + MONTHS.index(part["name"][:3].lower())
        else:
            month = int(part["month"])
    hour, minute, second = (int(part.get(name, 0)) for name in ("hour", "minute", "second"))
    if "half" in part:
        if not 1 <= hour <= 12:
            raise ValueError("hour")
        hour = hour % 12 + (12 if part["half"][0] in "Pp" else 0)
    days = 0
    if hour == 24 and minute == second == 0:
        hour, days = 0, 1
    microsecond = int(part.get("fraction", "0").ljust(6, "0")[:6])
    moment = datetime(year, month, day, hour, minute, second, microsecond)
    return moment + timedelta(days=days) - timedelta(minutes=_zone_minutes(part.get("zone")))
