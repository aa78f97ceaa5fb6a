"""The base of all components of a plan: they are frozen, checked, print briefly and go to JSON and back.

A component is a frozen dataclass whose fields declare their bounds (`number_field`, `count_field`, `flag_field`).
Components of one kind (the activations, the optimizers, …) each have a key and are collected in a `Registry`, the one
place that lists them.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cache
from typing import Any, ClassVar, Generic, Self, TypeVar

from creche.errors import PlanError, nearest
from creche.plan.words import canonical_word

__all__ = ["Bounds", "Component", "Registry", "count_field", "flag_field", "number_field"]

CALL = re.compile(r"(\w+) *\( *(?:\w+ *= *)?([\d.,eE+-]+) *\)")  # as in Python: Quantile(quantile=0.9)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The numbers a field takes."""

    above: float = -math.inf
    at_least: float = -math.inf
    below: float = math.inf
    at_most: float = math.inf
    whole: bool = False

    def contain(self, value: float) -> bool:
        return math.isfinite(value) and self.above < value < self.below and self.at_least <= value <= self.at_most

    def __str__(self) -> str:
        kind = "a whole number" if self.whole else "a number"
        bounds = [
            f"{relation} {bound:,}" if self.whole else f"{relation} {bound:g}"
            for relation, bound in (
                ("above", self.above),
                ("of at least", self.at_least),
                ("below", self.below),
                ("of at most", self.at_most),
            )
            if math.isfinite(bound)
        ]
        return " and ".join([f"{kind} {bounds[0]}", *bounds[1:]]) if bounds else f"a finite {kind.removeprefix('a ')}"

    def check(self, place: str, value: object) -> float | int:
        """Return a value as int or float, if it lies within the bounds.

        Parameters
        ----------
        place : str
            Where the value was given, such as ``Adam.learning_rate``.
        value : object

        Raises
        ------
        PlanError
            If it is not a number of the kind, or out of bounds.

        """
        if type(value) is (int if self.whole else float) and -(2**64) < value < 2**64 and self.contain(value):
            return value  # nearly always; the abstract kinds of numbers below are slow to check
        kind = numbers.Integral if self.whole else numbers.Real
        if isinstance(value, bool) or not isinstance(value, kind):
            raise _wrong(place, repr(value), str(self))
        if isinstance(value, numbers.Integral) and abs(int(value)) > 2**64:  # too large to print, and for float()
            raise _wrong(place, f"a number of {int(value).bit_length()} bits", str(self))
        converted = int(value) if isinstance(value, numbers.Integral) and self.whole else float(value)
        if math.isinf(converted):
            raise _wrong(place, repr(value), "a finite number")
        if not self.contain(converted):
            raise _wrong(place, repr(value), str(self))
        return converted


def _wrong(place: str, value: str, needs: str) -> PlanError:
    return PlanError(f"{place}: got {value}; needs {needs}", argument=place.rpartition(".")[2])


def number_field(
    default: Any = MISSING,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
    optional: bool = False,
) -> Any:
    """Declare a field that takes a finite number within bounds, or None if optional."""
    return field(default=default, metadata={"bounds": Bounds(above, at_least, below, at_most), "optional": optional})


def count_field(default: Any = MISSING, *, at_least: int = 1, at_most: float = math.inf, optional: bool = False) -> Any:
    """Declare a field that takes a whole number."""
    return field(
        default=default,
        metadata={"bounds": Bounds(at_least=at_least, at_most=at_most, whole=True), "optional": optional},
    )


def flag_field(default: bool, *, hidden_only: bool = False) -> Any:
    """Declare a field that takes True or False, in the output layer only the default if `hidden_only`."""
    return field(default=default, metadata={"flag": True, "hidden_only": hidden_only})


@cache
def _checked_fields(component: type[Component]) -> tuple[tuple[str, Bounds | None, bool], ...]:
    """Return name, bounds and whether None is allowed of each field that takes a number, or a flag (without bounds)."""
    return tuple(
        (f.name, f.metadata.get("bounds"), f.metadata.get("optional", False))
        for f in fields(component)
        if "bounds" in f.metadata or f.metadata.get("flag")
    )


@dataclass(frozen=True, slots=True, repr=False)
class Component:
    """The base of every component of a plan."""

    key: ClassVar[str] = ""  # the word users type for it, where there is a choice
    _title: ClassVar[str] = ""

    @property
    def title(self) -> str:
        """What texts call it: ``cross-entropy``; by default its key, in words."""
        return self._title or self.key.replace("_", " ")

    def __post_init__(self) -> None:
        for name, bounds, optional in _checked_fields(type(self)):  # type: ignore[arg-type]  # classes can be hashed
            value = getattr(self, name)
            if bounds is None:
                if not isinstance(value, bool):
                    raise _wrong(f"{type(self).__name__}.{name}", repr(value), "True or False")
            elif not (value is None and optional):
                checked = bounds.check(f"{type(self).__name__}.{name}", value)
                if checked is not value:
                    object.__setattr__(self, name, checked)

    def __repr__(self) -> str:
        changed = [f"{f.name}={getattr(self, f.name)!r}" for f in fields(self) if not self.has_default(f.name)]
        return f"{type(self).__name__}({', '.join(changed)})"

    def has_default(self, name: str) -> bool:
        """Return whether a field has its default.

        Parameters
        ----------
        name : str
            The name of the field.

        """
        default = next(f.default for f in fields(self) if f.name == name)
        return default is not MISSING and bool(getattr(self, name) == default)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: the key as `kind`, then every field, components within it likewise."""
        out: dict[str, Any] = {"kind": self.key} if self.key else {}
        for f in fields(self):
            out[f.name] = _plain(getattr(self, f.name))
        return out

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the component that `to_dict` described; keys left out take their default, unknown ones are errors.

        Parameters
        ----------
        data : dict
            The fields by name, and the key as `kind`.

        Raises
        ------
        PlanError
            If `data` is not a dict, a key is unknown, or a value is out of bounds.

        """
        if not isinstance(data, Mapping):
            raise PlanError(f"{cls.__name__}: got {data!r}; needs a dict")
        known = [f.name for f in fields(cls)]
        values = {key: value for key, value in data.items() if not (key == "kind" and cls.key)}
        for key in values:
            if key not in known:
                raise PlanError(f"{cls.__name__}: unknown key {key!r}; {nearest(key, known)}", argument=key)
        missing = [f.name for f in fields(cls) if f.default is MISSING and f.name not in values]
        if missing:
            raise PlanError(f"{cls.__name__}: {missing[0]!r} is missing", argument=missing[0])
        return cls(**values)


def _plain(value: Any) -> Any:
    if isinstance(value, Component):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value


P = TypeVar("P", bound=Component)


class Registry(Generic[P]):
    """The components among which a user chooses with a word, and the one list of them."""

    def __init__(self, name: str, *members: type[P]) -> None:
        self.name = name
        self.members = {member.key: member for member in members}
        self._types = members

    @property
    def words(self) -> list[str]:
        """The keys of the components."""
        return list(self.members)

    def of(self, choice: object, place: str | None = None) -> P:
        """Return the component that a word in any case, a dict (as from `to_dict`) or a component stands for.

        A number after a word and a colon is the first number of the component: "quantile:0.9". Several are separated
        by commas: "quantile:0.05,0.5,0.95".

        Raises
        ------
        PlanError
            If there is none of that name.

        """
        if isinstance(choice, self._types):
            return choice
        if isinstance(choice, str) and choice in self.members:
            return self.members[choice]()
        place = place or self.name
        argument = place.rpartition(".")[2]
        for member in self.members.values():
            if choice is member:
                raise PlanError(
                    f"{place}: got the class {member.__name__}; give {member.__name__}(), or {member.key!r}",
                    argument=argument,
                )
        word = choice.get("kind") if isinstance(choice, Mapping) else choice
        if not isinstance(word, str):
            raise PlanError(
                f"{place}: got {word!r}; needs a word; choose one of {', '.join(self.words)}", argument=argument
            )
        name, colon, number = word.partition(":")
        if colon and isinstance(choice, str) and canonical_word(name, self.members) in self.members:
            return self._with_number(canonical_word(name, self.members), number, place)
        key = canonical_word(word, self.members)
        if (call := CALL.fullmatch(word)) and (called := canonical_word(call[1], self.members)) in self.members:
            raise PlanError(f"{place}: got {word!r}; did you mean '{called}:{call[2]}'?", argument=argument)
        if key not in self.members:
            raise PlanError(f"{place}: got {word!r}; {nearest(word, self.words)}", argument=argument)
        chosen = self.members[key]
        return chosen.from_dict(choice) if isinstance(choice, Mapping) else chosen()

    def _with_number(self, key: str, number: str, place: str) -> P:
        """Return the component of this key whose first number is the one that was typed after it."""
        argument = place.rpartition(".")[2]
        numbers = [field.name for field in fields(self.members[key]) if isinstance(field.default, float)]
        if not numbers:
            raise PlanError(f"{place}: got '{key}:{number}'; {key} has no number to set", argument=argument)
        try:
            values = [float(part) for part in number.split(",")]
        except ValueError:
            raise PlanError(
                f"{place}: got '{key}:{number}'; needs a number after the colon, its {numbers[0].replace('_', ' ')}",
                argument=argument,
            ) from None
        try:
            return self.members[key](**{numbers[0]: values[0] if len(values) == 1 else values})
        except PlanError as error:
            needs = str(error).partition("; ")[2]
            raise PlanError(f"{place}: got '{key}:{number}'; {needs}", argument=argument) from error
