"""The option ``--change``: a change of the plan after a number of steps, as it is typed."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import Any

from creche.errors import PlanError, nearest
from creche.plan.changes import Change, SetWeight

__all__ = ["parse_changes"]

PLACE = re.compile(r"(?:W\[(\d+)\]\[(\d+), ?(\d+)\]|b\[(\d+)\]\[(\d+)\])")

# Commas within brackets are part of a weight's place.
COMMA = re.compile(r",(?![^\[]*\])")

BOUNDS = {field.name: field.metadata.get("bounds") for field in fields(Change)}
WHOLE = [name for name, bounds in BOUNDS.items() if bounds is not None and bounds.whole]
FIELDS = tuple(name for name in BOUNDS if name not in ("step", "weights"))


def parse_changes(given: list[str]) -> list[Change]:
    """Parse ``STEP:NAME=VALUE,NAME=VALUE`` of each; a name may also be a weight, such as ``W[0][3,2]``.

    Examples
    --------
    >>> parse_changes(["200:learning_rate=0.001,W[0][3,2]=0.5"])
    [Change(step=200, learning_rate=0.001, weights=(SetWeight(layer=0, target=2, value=0.5, source=3),))]

    """
    return [_parse_change(text) for text in given]


def _parse_change(text: str) -> Change:
    step, colon, rest = text.partition(":")
    if not colon or not step.strip().isdecimal() or not rest:
        raise PlanError(
            f"--change: got {text!r}; needs a number of steps and what changes, such as 200:learning_rate=0.001",
            argument="changes",
        )
    values: dict[str, Any] = {}
    weights: list[SetWeight] = []
    for part in COMMA.split(rest):
        name, equals, value = (piece.strip() for piece in part.partition("="))
        if not equals:
            raise PlanError(f"--change: got {part!r} in {text!r}; needs a name and a value", argument="changes")
        place = PLACE.fullmatch(name)
        if place is not None:
            layer, source, target = place[1] or place[4], place[2], place[3] or place[5]
            weight = _parse_number(text, name, value)
            weights.append(SetWeight(int(layer), int(target), weight, None if source is None else int(source)))
        elif name not in FIELDS:
            raise PlanError(f"--change: got {name!r} in {text!r}; {nearest(name, FIELDS)}", argument="changes")
        else:
            values[name] = value if BOUNDS[name] is None else _parse_number(text, name, value)
    whole = {name: _as_whole(value) for name, value in values.items() if name in WHOLE}
    return Change(int(step), **{**values, **whole}, weights=tuple(weights))


def _parse_number(text: str, name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise PlanError(f"--change: {name} is {value!r} in {text!r}; needs a number", argument="changes") from None


def _as_whole(value: float) -> float | int:
    """Return a whole number as an int; any other is refused by `Change`."""
    return int(value) if value.is_integer() else value
