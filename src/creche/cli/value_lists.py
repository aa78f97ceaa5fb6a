"""Several values of an option: ``sgd,adam``, ``5-5,10-10``, ``1e-4..1`` or ``8..512/4``."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from creche.cli.options import Option
from creche.errors import PlanError
from creche.model_selection.search_space import Range, linear_range, log_range

__all__ = ["accept_several", "parse_values"]

PER_DECADE, LINEAR, MOST = 6, 10, 48


MOST_BESIDE = 10_000


NEEDS = {int: "a whole number", float: "a number", str: "a word"}


def accept_several(option: Option) -> Option:
    """Return the option of one network so that it takes several values, or a range of numbers."""
    flag, kind = option.flag, option.kind
    if option.name == "hidden":
        help = "Widths of the hidden layers: '10-10' for one network, '5-5,10-10,none' for three."
        return replace(option, help=help, default="32-32", parse=lambda text: parse_values(text, flag, _parse_widths))
    return replace(option, kind=str, parse=lambda text: parse_values(text, flag, kind))


def parse_values(text: str, flag: str, kind: Callable[[str], Any]) -> Any:
    """The value, a list of values, or a range that were typed behind a flag.

    Raises
    ------
    PlanError
        If one of them is not of the kind, or a range is none.

    """
    found: list[Any] = []
    for part in (part.strip() for part in text.split(",")):
        if ".." in part and kind in (int, float):
            found.append(_range(part, flag, kind))
            continue
        try:
            found.append(kind(part))
        except ValueError as error:
            raise _unclear(part, flag, kind) from error
    if len(found) == 1:
        return found[0]
    if sum(item.count or 0 for item in found if isinstance(item, Range)) > MOST_BESIDE:
        raise PlanError(f"{flag}: got {text!r}; beside other values, a range can have {MOST_BESIDE:,} values at most")
    return [value for item in found for value in (item.values() if isinstance(item, Range) else [item])]


def _range(text: str, flag: str, kind: Callable[[str], Any]) -> Range:
    """``low..high`` or ``low..high/count``: by equal ratios where high is at least ten times low, else equal steps."""
    ends, slash, number = text.partition("/")
    low_text, _, high_text = ends.partition("..")
    try:
        low, high = kind(low_text), kind(high_text)
        count = int(number) if slash else None
    except ValueError as error:
        raise _unclear(text, flag, kind) from error
    by_ratios = low > 0 and high >= 10 * low
    if low == high:
        raise PlanError(f"{flag}: got {text!r}, which holds one number alone; give a higher end, or the number")
    if count is None and math.isfinite(low) and math.isfinite(high) and high > low:
        steps = round(PER_DECADE * math.log10(high / low)) if by_ratios else LINEAR
        count = min(max(steps, 1), MOST) + 1
    try:
        return (log_range if by_ratios else linear_range)(low, high, count)
    except PlanError as error:
        raise PlanError(f"{flag}: {str(error).partition(': ')[2]} (in {text!r})") from error


def _parse_widths(text: str) -> list[int]:
    return [] if text.lower() == "none" else [int(width) for width in text.split("-")]


def _unclear(text: str, flag: str, kind: Callable[[str], Any]) -> PlanError:
    if kind is _parse_widths:
        return PlanError(
            f"{flag}: got {text!r}; needs the widths of a network's layers, such as 10-10, with commas between networks"
        )
    needs = NEEDS[kind]  # type: ignore[index]
    example = "8..512 or 8..512/4" if kind is int else "1e-4..1 or 1e-4..1/24"
    return PlanError(f"{flag}: got {text!r}; needs {needs}, several with commas between, or a range such as {example}")
