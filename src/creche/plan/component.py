"""What all parts of a plan have in common: they are frozen, checked, print briefly and go to JSON and back.

A part is a frozen dataclass whose fields say their range (`number_field`, `count_field`, `flag_field`). Parts of one family (the
activations, the optimizers, …) are known by a word each and collected in a `Registry`, the one place that lists them.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Generic, Self, TypeVar

from creche.errors import PlanError, nearest

__all__ = ["Component", "Registry", "count_field", "flag_field", "number_field"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which numbers a field takes, and how to say so."""

    above: float = -math.inf
    at_least: float = -math.inf
    below: float = math.inf
    at_most: float = math.inf
    whole: bool = False

    def holds(self, value: float) -> bool:
        return math.isfinite(value) and self.above < value < self.below and self.at_least <= value <= self.at_most

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        bounds = [
            f"{word} {bound:,}" if self.whole else f"{word} {bound:g}"
            for word, bound in (
                ("above", self.above),
                ("of at least", self.at_least),
                ("below", self.below),
                ("of at most", self.at_most),
            )
            if math.isfinite(bound)
        ]
        return " and ".join([f"{kind} {bounds[0]}", *bounds[1:]]) if bounds else f"a finite {kind.removeprefix('a ')}"

    def check(self, where: str, value: object) -> float | int:
        if type(value) is (int if self.whole else float) and -(2**64) < value < 2**64 and self.holds(value):
            return value  # nearly always; the abstract kinds of numbers below are slow to ask
        kind = numbers.Integral if self.whole else numbers.Real
        if isinstance(value, bool) or not isinstance(value, kind):
            raise PlanError(f"{where}: got {value!r}; needs {self}")
        if isinstance(value, numbers.Integral) and abs(int(value)) > 2**64:  # too large to print, and for float()
            raise PlanError(f"{where}: got a number of {int(value).bit_length()} bits; needs {self}")
        converted = int(value) if isinstance(value, numbers.Integral) and self.whole else float(value)
        if math.isinf(converted):
            raise PlanError(f"{where}: got {value!r}; needs a finite number")
        if not self.holds(converted):
            raise PlanError(f"{where}: got {value!r}; needs {self}")
        return converted


def number_field(
    default: Any = MISSING,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
    optional: bool = False,
) -> Any:
    """A field that takes a finite number within bounds, or None if optional."""
    return field(default=default, metadata={"range": Bounds(above, at_least, below, at_most), "optional": optional})


def count_field(default: Any = MISSING, *, at_least: int = 1, at_most: float = math.inf, optional: bool = False) -> Any:
    """A field that takes a whole number."""
    return field(
        default=default,
        metadata={"range": Bounds(at_least=at_least, at_most=at_most, whole=True), "optional": optional},
    )


def flag_field(default: bool) -> Any:
    """A field that takes True or False."""
    return field(default=default, metadata={"flag": True})


@cache
def _checked_fields(part: type[Component]) -> tuple[tuple[str, Bounds | None, bool], ...]:
    """Names of a part's fields that are numbers, with their range and whether None will do, or flags, without."""
    return tuple(
        (f.name, f.metadata.get("range"), f.metadata.get("optional", False))
        for f in fields(part)
        if "range" in f.metadata or f.metadata.get("flag")
    )


@dataclass(frozen=True, slots=True, repr=False)
class Component:
    """The base of every part of a plan."""

    key: ClassVar[str] = ""  # what users type for it, in families

    def __post_init__(self) -> None:
        for name, limits, optional in _checked_fields(type(self)):  # type: ignore[arg-type]  # classes can be hashed
            value = getattr(self, name)
            if limits is None:
                if not isinstance(value, bool):
                    raise PlanError(f"{type(self).__name__}.{name}: got {value!r}; needs True or False")
            elif not (value is None and optional):
                checked = limits.check(f"{type(self).__name__}.{name}", value)
                if checked is not value:
                    object.__setattr__(self, name, checked)

    def __repr__(self) -> str:
        shown = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if not self._is_default(f.name)]
        return f"{type(self).__name__}({', '.join(shown)})"

    def _is_default(self, name: str) -> bool:
        default = next(f.default for f in fields(self) if f.name == name)
        return default is not MISSING and bool(getattr(self, name) == default)

    def to_dict(self) -> dict[str, Any]:
        """As plain data: the word it is known by (`kind`), then every field, parts within parts likewise."""
        out: dict[str, Any] = {"kind": self.key} if self.key else {}
        for f in fields(self):
            out[f.name] = _plain(getattr(self, f.name))
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The part that `to_dict` described; what is left out takes its default, and unknown keys are errors.

        Raises
        ------
        PlanError
            If it is no dict, a key is unknown, or a value out of range.

        """
        if not isinstance(data, Mapping):
            raise PlanError(f"{cls.__name__}: got {data!r}; needs a dict")
        known = [f.name for f in fields(cls)]
        values = {key: value for key, value in data.items() if not (key == "kind" and cls.key)}
        for key in values:
            if key not in known:
                raise PlanError(f"{cls.__name__}: unknown key {key!r}; {nearest(key, known)}")
        missing = [f.name for f in fields(cls) if f.default is MISSING and f.name not in values]
        if missing:
            raise PlanError(f"{cls.__name__}: {missing[0]!r} is missing")
        return cls(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Component):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


P = TypeVar("P", bound=Component)


class Registry(Generic[P]):
    """The parts among which a user chooses with a word, and the one list of them."""

    def __init__(self, name: str, *members: type[P]) -> None:
        self.name = name
        self.members = {member.key: member for member in members}

    @property
    def words(self) -> list[str]:
        return list(self.members)

    def of(self, choice: object, where: str | None = None) -> P:
        """The part that a word, a dict (as from `to_dict`) or a part itself stands for.

        Raises
        ------
        PlanError
            If there is none of that name.

        """
        where = where or self.name
        if isinstance(choice, tuple(self.members.values())):
            return choice  # type: ignore[return-value]
        for member in self.members.values():
            if choice is member:
                raise PlanError(
                    f"{where}: got the class {member.__name__}; give {member.__name__}(), or {member.key!r}"
                )
        word = choice.get("kind") if isinstance(choice, Mapping) else choice
        if not isinstance(word, str):
            raise PlanError(f"{where}: got {word!r}; needs a word. There are: {', '.join(self.words)}")
        if word not in self.members:
            raise PlanError(f"{where}: got {word!r}; {nearest(word, self.words)}")
        chosen = self.members[word]
        return chosen.from_dict(choice) if isinstance(choice, Mapping) else chosen()
