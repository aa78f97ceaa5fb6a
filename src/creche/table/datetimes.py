"""Parsing dates and times as people and programs write them."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["COMPACT", "ParsedDatetimes", "is_date", "is_time_of_day", "parse_datetimes"]

CLOCK = r"[0-2]\d:[0-5]\d(?::[0-5]\d(?:\.\d{1,9})?)?"

# In hours ahead of UTC: those of RFC 822, and others that name one zone.
ZONES = {
    "Z": 0, "UTC": 0, "GMT": 0, "WET": 0, "WEST": 1, "BST": 1, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3,
    "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "JST": 9, "AEST": 10,
    "AEDT": 11,
}  # fmt: skip

OFFSET = r"[+-][0-2]\d(?::?[0-5]\d)?"

ZONE = rf"{'|'.join(ZONES)}|{OFFSET}"

# What NumPy parses itself, thousands of times faster than a word at a time.
PADDED = re.compile(rf"(?!0000)\d\d\d\d([-/])\d\d\1\d\d(?:[T ]{CLOCK} ?(Z|UTC|GMT|{OFFSET})?)?", re.ASCII)

# A date of digits alone, which may also be a number.
COMPACT = re.compile(r"(?:19|20)\d\d[01]\d[0-3]\d", re.ASCII)

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
    r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)",
    rf"{WEEKDAY}{DAY}[-/. ]?{MONTH},?[-/ ]?{YEAR}",
    rf"{WEEKDAY}{MONTH}[- ]{DAY},?[- ]{YEAR}",
    rf"(?P<year>\d{{4}})[-/ ]{MONTH}[-/ ](?P<day>\d\d?)",
    rf"{MONTH}[-/ ](?P<year>\d{{4}})",
    rf"{MONTH}(?:-| ?')(?P<year>\d\d)",
    r"(?P<year>\d{4})[-/](?P<month>\d\d)",
    r"(?P<year>(?:19|20)\d\d)[-/ ]?Q(?P<quarter>[1-4])",
    r"Q(?P<quarter>[1-4])[-/ ](?P<year>(?:19|20)\d\d)",
    r"(?P<year>(?:19|20)\d\d)-?W(?P<week>[0-5]\d)(?:-(?P<weekday>[1-7]))?",
)

CTIME = (
    rf"{WEEKDAY}{MONTH} +(?P<day>\d\d?) (?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?: (?P<zone>{ZONE}))? "
    r"(?P<year>\d{4})"
)

# 20230105T100000Z, the basic format of ISO 8601.
BASIC = (
    r"(?P<year>(?:19|20)\d\d)(?P<month>\d\d)(?P<day>\d\d)T(?P<hour>[0-2]\d)(?P<minute>[0-5]\d)(?P<second>[0-5]\d)?"
    rf"(?P<zone>Z|{OFFSET})?"
)

# What databases write for no date at all.
ZERO = r"(?:0000([-/.])00?\1 ?00?|00?([-/.])00?\2(?:00)?00)(?:[T ]00:00(?::00(?:\.0+)?)?)?"

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
    and two-digit years), if a day above 12 decides which number is the day; months by their names (5 Jan 2020,
    January 5, 2020, 5. Mai 2020); each with a time of 24 or 12 hours (4:14, 1:05 PM) and a zone; weeks (2020-W05) and
    quarters (2020Q3), which stand for their first day. A time without a zone is in UTC, a
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
    if not words or not any(map(str.isdigit, words[0])):
        return None
    if PADDED.fullmatch(words[0]):
        with suppress(ValueError):  # 24:00
            values = _parse_padded(words)
            if values is not None:
                return ParsedDatetimes(values, day_first)
    try:
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
        return 60 * ZONES[zone.upper()] if zone else 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    return (60 * hours + minutes) * (-1 if zone[0] == "-" else 1)


def _parse_any(words: Sequence[str], day_first: bool | None) -> ParsedDatetimes | None:
    matches = _match_all(words)
    if matches is None:
        return None
    numeric = [match for match in matches if match and match.get("first")]
    if day_first is None and numeric:
        if _may_begin_with_year(numeric):
            return None
        # Between points, the day always comes first.
        open_ones = [match for match in numeric if match["separator"] != "."]
        first = any(int(match["first"]) > 12 for match in open_ones)
        second = any(int(match["second_number"]) > 12 for match in open_ones)
        if open_ones and first == second:
            return None
        day_first = first if open_ones else None
    moments = [_to_iso(match, bool(day_first)) if match else "NaT" for match in matches]
    values = np.array(moments, dtype="datetime64[us]")
    shifts = [_shift_minutes(match) if match else 0 for match in matches]
    if any(shifts):
        values += np.array(shifts, dtype="timedelta64[m]")
    is_short = any(match and len((match.get("year") or "1970").lstrip("'")) == 2 for match in matches)
    return ParsedDatetimes(values, day_first, is_short)


@cache
def _date_patterns() -> tuple[re.Pattern[str], ...]:
    """Compile the patterns of dates when a word may be one: that takes longer than training a small network."""
    flags = re.IGNORECASE | re.ASCII
    dates = (re.compile(rf"{date}(?:(?:[T ]|, ?| at |:(?=\d\d:)){TIME})?", flags) for date in DATES)
    return (*dates, re.compile(CTIME, flags), re.compile(BASIC, flags))


@cache
def _time_pattern() -> re.Pattern[str]:
    return re.compile(TIME, re.IGNORECASE | re.ASCII)


def _match_all(words: Sequence[str]) -> list[dict[str, str] | None] | None:
    """Return the parts of each word, None for a date of zeros; None unless all are dates, or all are times of day."""
    patterns = list(_date_patterns())
    matches: list[dict[str, str] | None] = []
    n_times = 0
    for word in words:
        if re.fullmatch(ZERO, word):
            matches.append(None)
            continue
        found = _match_date(word, patterns)
        if found is None and _match_time(word) is None:
            found = _match_date(_translate(word), patterns)
        if found is None:
            found = _match_time(word)
            n_times += 1
        elif found["hour"] and not (found["minute"] or found["half"]):
            return None  # an hour alone, as in "1 PM", needs its half of the day
        if found is None:
            return None
        matches.append(found)
    return None if n_times and n_times + matches.count(None) < len(matches) else matches


def _translate(word: str) -> str:
    from creche.table.date_words import translate_date  # most tables need none of its patterns

    return translate_date(word) or word


def _match_date(word: str, patterns: list[re.Pattern[str]]) -> dict[str, str] | None:
    """Return the parts of a date; the pattern that it matches goes to the front of the patterns."""
    for i, pattern in enumerate(patterns):
        match = pattern.fullmatch(word)
        if match is not None:
            if i:  # the words of a column are mostly written alike
                patterns.insert(0, patterns.pop(i))
            return match.groupdict()
    return None


def _may_begin_with_year(matches: Sequence[dict[str, str]]) -> bool:
    """Whether each date, such as 20-01-31, may begin with its year, and what comes last differs more than that."""
    years = {match["first"] for match in matches}
    days = {match["year"].lstrip("'") for match in matches}
    can_be = all(len(day) == 2 and 1 <= int(day) <= 31 for day in days) and all(
        len(match["first"]) == 2 and int(match["second_number"]) <= 12 for match in matches
    )
    return can_be and len(days) > len(years)


def is_time_of_day(word: str) -> bool:
    """Whether a word is a time without a date.

    Examples
    --------
    >>> is_time_of_day("4:14 PM"), is_time_of_day("2020-01-31 16:14")
    (True, False)

    """
    return _match_time(word) is not None


def _match_time(word: str) -> dict[str, str] | None:
    match = _time_pattern().fullmatch(word)
    if match is None or (match["minute"] is None and match["half"] is None) or match["zone"] is not None:
        return None
    return match.groupdict()


def _to_iso(match: dict[str, str], day_first: bool) -> str:
    """Return the moment of a matched word in the format of ISO 8601, without its zone.

    Raises
    ------
    ValueError
        If there is no such year or hour.

    """
    date = "1970-01-01"
    if "year" in match:
        digits = match["year"].lstrip("'")
        if digits == "0000":
            raise ValueError("year")
        year = digits if len(digits) == 4 else f"{19 if int(digits) >= PIVOT else 20}{digits}"
        day = match.get("day") or "1"
        if "week" in match:
            return datetime.date.fromisocalendar(int(year), int(match["week"]), int(match["weekday"] or 1)).isoformat()
        if "first" in match:
            one, other = match["first"], match["second_number"]
            day, month = (one, other) if match["separator"] == "." or day_first else (other, one)
        elif "name" in match:
            month = str(1 + MONTHS.index(match["name"][:3].lower()))
        elif "quarter" in match:
            month = str(3 * int(match["quarter"]) - 2)
        else:
            month = match["month"]
        date = f"{year}-{month.zfill(2)}-{day.zfill(2)}"
    if not match.get("hour"):
        return date
    hour = int(match["hour"])
    if match.get("half"):
        if not 1 <= hour <= 12:
            raise ValueError("hour")
        hour = hour % 12 + (12 if match["half"][0] in "Pp" else 0)
    minute, second, fraction = match["minute"] or "00", match["second"] or "00", match.get("fraction") or "0"
    if hour == 24 and int(minute) == int(second) == 0:
        hour = 0  # of the next day: see `_shift_minutes`
    return f"{date}T{hour:02d}:{minute}:{second}.{fraction[:6]}"


def _shift_minutes(match: dict[str, str]) -> int:
    """Return how many minutes to add to what `_to_iso` returns."""
    next_day = 24 * 60 if match["hour"] == "24" else 0
    return next_day - _zone_minutes(match.get("zone"))
