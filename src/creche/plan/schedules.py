"""How the learning rate changes as training goes on: a factor, as a function of epochs or steps done.

The formulas are in core/schedules.hpp. `per` says what a schedule counts, ``"epoch"`` or ``"step"``; a length that is
not given is the rest of the run.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from creche.errors import PlanError
from creche.plan.component import Component, Registry, number_field

__all__ = [
    "SCHEDULES", "Constant", "Cosine", "Exponential", "OneCycle", "ReduceOnPlateau", "Schedule", "Step", "Warmup",
]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Schedule(Component):
    """The base of all schedules."""

    per: str = field(default="epoch", kw_only=True)

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        if self.per not in ("epoch", "step"):
            raise PlanError(f"{type(self).__name__}.per: got {self.per!r}; needs 'epoch' or 'step'")

    def resolved(self, epochs: int, steps: int) -> Self:
        """The schedule with the length it has in a run of so many epochs and steps."""
        return self

    def total(self, epochs: int, steps: int) -> float:
        return float(epochs if self.per == "epoch" else steps)


@dataclass(frozen=True, slots=True, repr=False)
class Constant(Schedule):
    """The learning rate stays as it is."""

    key: ClassVar[str] = "constant"


@dataclass(frozen=True, slots=True, repr=False)
class Step(Schedule):
    """Times `factor` after every `length` epochs or steps."""

    key: ClassVar[str] = "step"
    length: float = number_field(10.0, above=0)
    factor: float = number_field(0.1, above=0, at_most=1)


@dataclass(frozen=True, slots=True, repr=False)
class Exponential(Schedule):
    """Times `factor` after every epoch or step."""

    key: ClassVar[str] = "exponential"
    factor: float = number_field(0.95, above=0, at_most=1)


@dataclass(frozen=True, slots=True, repr=False)
class Cosine(Schedule):
    """Down to `minimum` times the learning rate along half a cosine (Loshchilov & Hutter 2017, without restarts)."""

    key: ClassVar[str] = "cosine"
    length: float | None = number_field(None, above=0, optional=True)
    minimum: float = number_field(0.0, at_least=0, at_most=1)

    def resolved(self, epochs: int, steps: int) -> Self:
        return self if self.length is not None else replace(self, length=max(self.total(epochs, steps), 1.0))


@dataclass(frozen=True, slots=True, repr=False)
class OneCycle(Schedule):
    """Up from `start` to the learning rate itself, then down to `finish` times it (Smith & Topin 2018)."""

    key: ClassVar[str] = "one_cycle"
    per: str = field(default="step", kw_only=True)
    length: float | None = number_field(None, above=0, optional=True)
    peak_at: float = number_field(0.3, above=0, below=1)
    start: float = number_field(0.04, above=0, at_most=1)
    finish: float = number_field(4e-6, at_least=0, at_most=1)

    def resolved(self, epochs: int, steps: int) -> Self:
        return self if self.length is not None else replace(self, length=max(self.total(epochs, steps), 1.0))


@dataclass(frozen=True, slots=True, repr=False)
class ReduceOnPlateau(Schedule):
    """Times `factor` whenever the watched loss has not improved for more than `patience` epochs.

    The validation loss is watched, or, without validation rows, the training loss. An improvement is one of more than
    `threshold` times the loss.
    """

    key: ClassVar[str] = "reduce_on_plateau"
    factor: float = number_field(0.1, above=0, below=1)
    patience: float = number_field(10.0, at_least=0)
    threshold: float = number_field(1e-4, at_least=0)
    minimum: float = number_field(0.0, at_least=0, at_most=1)

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        if self.per != "epoch":
            raise PlanError(f"ReduceOnPlateau.per: got {self.per!r}; needs 'epoch': the loss is known once an epoch")


@dataclass(frozen=True, slots=True, repr=False)
class Warmup(Schedule):
    """Up from `start` to the learning rate in a straight line over `length` epochs or steps, then as `then` says."""

    key: ClassVar[str] = "warmup"
    length: float = number_field(5.0, above=0)
    start: float = number_field(0.0, at_least=0, at_most=1)
    then: Schedule = Constant()

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        then = SCHEDULES.of(self.then, "Warmup.then")
        if isinstance(then, Warmup):
            raise PlanError("Warmup.then: got another Warmup; needs any other schedule")
        if isinstance(then, Constant):
            then = replace(then, per=self.per)
        object.__setattr__(self, "then", then)
        if then.per != self.per:
            raise PlanError(
                f"Warmup.then: counts per {then.per!r}, the warm-up per {self.per!r}; give both the same `per`"
            )

    def resolved(self, epochs: int, steps: int) -> Self:
        rest = [
            max(int(n - self.length), 1) if unit == self.per else n for unit, n in (("epoch", epochs), ("step", steps))
        ]
        return replace(self, then=self.then.resolved(*rest))


SCHEDULES: Registry[Schedule] = Registry(
    "schedule", Constant, Step, Exponential, Cosine, OneCycle, ReduceOnPlateau, Warmup
)
