"""Options with several values: ``sgd,adam``, ``5-5,10-10``, ``1e-4..1`` or ``8..512/4``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from creche.cli.options import NO, YES, Option, parse_patience, parse_row_order
from creche.errors import PlanError
from creche.model_selection.search_space import Range, linear_range, log_range

__all__ = ["accept_several", "parse_values"]

# Values of a range without a count: steps per decade, steps of a linear range, and the most steps.
STEPS_PER_DECADE, LINEAR_STEPS, STEP_LIMIT = 6, 10, 48

MIXED_LIMIT = 10_000  # values of a range that is given together with others

NEEDS = {int: "a whole number", float: "a number", str: "a word"}


def accept_several(option: Option) -> Option:
    """Return the option of one network so that it takes several values, or a range of numbers."""
    flag, kind = option.flag, option.kind
    if option.name == "hidden":
        help = "Widths of the hidden layers: '10-10' for one network, '5-5,10-10,none' for three."
        return replace(option, help=help, default="32-32", parse=lambda text: parse_values(text, flag, _parse_widths))
    if option.parse is parse_patience:
        return replace(option, kind=str, parse=lambda text: _parse_patiences(text, flag))
    if option.name == "loss":
        return replace(option, kind=str, parse=_parse_words)
    if option.parse is parse_row_order:
        return replace(option, parse=lambda text: _parse_words(text, parse_row_order))
    if kind is bool:
        parse = partial(parse_values, flag=flag, kind=_parse_yes)
        return replace(option, kind=str, default="no", metavar="yes,no", parse=parse)
    return replace(option, kind=str, parse=lambda text: parse_values(text, flag, kind))


def _parse_words(text: str, parse: Callable[[str], Any] = str) -> Any:
    """Parse words separated by commas; numbers after a comma belong to the word before: quantile:0.05,0.95."""
    words = [parse(part.strip()) for part in re.split(r",(?!\s*[\d.+-])", text)]
    return words[0] if len(words) == 1 else words


def parse_values(text: str, flag: str, kind: Callable[[str], Any]) -> Any:
    """Parse what was typed after a flag: one value, several separated by commas, or a range.

    Parameters
    ----------
    text : str
    flag : str
        The flag, for errors.
    kind : callable
        Turns the text of one value into a value: int, float, str or a function.

    Raises
    ------
    PlanError
        If a value is not of the kind, or a range is invalid.

    """
    found: list[Any] = []
    for part in (part.strip() for part in text.split(",")):
        if ".." in part and kind in (int, float):
            found.append(_parse_range(part, flag, kind))
            continue
        try:
            found.append(kind(part))
        except ValueError as error:
            raise _invalid(part, flag, kind) from error
    if len(found) == 1:
        return found[0]
    if sum(item.count or 0 for item in found if isinstance(item, Range)) > MIXED_LIMIT:
        raise PlanError(
            f"{flag}: got {text!r}; together with other values, a range can have at most {MIXED_LIMIT:,} values"
        )
    return [value for item in found for value in (item.values() if isinstance(item, Range) else [item])]


def _parse_range(text: str, flag: str, kind: Callable[[str], Any]) -> Range:
    """Parse ``low..high`` or ``low..high/count``: equal ratios if high is at least ten times low, else equal steps."""
    ends, slash, number = text.partition("/")
    low_text, _, high_text = ends.partition("..")
    try:
        low, high = kind(low_text), kind(high_text)
        count = int(number) if slash else None
    except ValueError as error:
        raise _invalid(text, flag, kind) from error
    is_log = low > 0 and high >= 10 * low
    if low == high:
        raise PlanError(f"{flag}: got {text!r}, a range of one number; give a higher end, or the number itself")
    if count is None and math.isfinite(low) and math.isfinite(high) and high > low:
        steps = round(STEPS_PER_DECADE * math.log10(high / low)) if is_log else LINEAR_STEPS
        count = min(max(steps, 1), STEP_LIMIT) + 1
    try:
        return (log_range if is_log else linear_range)(low, high, count)
    except PlanError as error:
        raise PlanError(f"{flag}: {str(error).partition(': ')[2]} (in {text!r})") from error


def _parse_patiences(text: str, flag: str) -> Any:
    """Parse numbers of epochs and ranges of them, and ``off`` among them."""
    parts = [part.strip() for part in text.split(",")]
    numbers = [part for part in parts if part[:1].isdigit() or part[:1] == "-"]
    if len(numbers) == len(parts):
        return parse_values(text, flag, int)
    others = [parse_patience(part) for part in parts if part not in numbers]
    if not numbers:
        return others[0] if len(others) == 1 else others
    found = parse_values(",".join(numbers), flag, int)
    return [*others, *(found if isinstance(found, list) else found.values() if isinstance(found, Range) else [found])]


def _parse_yes(text: str) -> bool:
    word = text.lower()
    if word not in YES and word not in NO:
        raise ValueError(text)
    return word in YES


def _parse_widths(text: str) -> list[int]:
    return [] if text.lower() == "none" else [int(width) for width in text.split("-")]


def _invalid(text: str, flag: str, kind: Callable[[str], Any]) -> PlanError:
    if kind is _parse_widths:
        return PlanError(
            f"{flag}: got {text!r}; needs widths of hidden layers such as 10-10, and commas between networks"
        )
    if kind is _parse_yes:
        return PlanError(f"{flag}: got {text!r}; needs yes or no, or both: yes,no")
    needs = NEEDS[kind]  # type: ignore[index]
    example = "8..512 or 8..512/4" if kind is int else "1e-4..1 or 1e-4..1/24"
    return PlanError(f"{flag}: got {text!r}; needs {needs}, several separated by commas, or a range such as {example}")
