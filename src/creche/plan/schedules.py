"""The schedules: how the learning rate changes during training.

A schedule gives a factor of the learning rate, as a function of the epochs or steps done; the formulas are carried out
in core/schedules.hpp. A length that is left open is filled in with the length of the run.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from creche.errors import PlanError
from creche.plan.component import Component, Registry, number_field
from creche.plan.words import SCHEDULE_UNITS, ScheduleUnit, check_word

__all__ = [
    "SCHEDULES", "Constant", "Cosine", "Exponential", "OneCycle", "ReduceOnPlateau", "Schedule", "Step", "Warmup",
]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Schedule(Component):
    """The base of all schedules: the learning rate is multiplied by a factor f(u) of the epochs or steps u done so far.

    Attributes
    ----------
    per : {"epoch", "step"}, default "epoch"
        What u counts.

    """

    per: ScheduleUnit = field(default="epoch", kw_only=True)

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        object.__setattr__(self, "per", check_word(f"{type(self).__name__}.per", self.per, SCHEDULE_UNITS))

    def resolved(self, epochs: int, steps: int) -> Self:
        """Return the schedule with its length filled in, if that was left open.

        Parameters
        ----------
        epochs, steps : int
            The length of the run in epochs and in steps.

        """
        return self

    def total(self, epochs: int, steps: int) -> float:
        """Return the length of a run in the unit that the schedule counts.

        Parameters
        ----------
        epochs, steps : int
            The length of the run in epochs and in steps.

        """
        return float(epochs if self.per == "epoch" else steps)


@dataclass(frozen=True, slots=True, repr=False)
class Constant(Schedule):
    """The learning rate stays as it is: f(u) = 1.

    Parameters
    ----------
    per : {"epoch", "step"}, default "epoch"
        What u counts.

    Examples
    --------
    >>> Constant().to_dict()
    {'kind': 'constant', 'per': 'epoch'}

    """

    key: ClassVar[str] = "constant"


@dataclass(frozen=True, slots=True, repr=False)
class Step(Schedule):
    """The learning rate falls by a factor at regular intervals: f(u) = factor^floor(u / length).

    Parameters
    ----------
    per : {"epoch", "step"}, default "epoch"
        What u counts.
    length : float, default 10
        Epochs or steps between two reductions, above 0.
    factor : float, default 0.1
        Factor of each reduction, above 0 and at most 1.

    Examples
    --------
    >>> Step(length=20.0, factor=0.5)
    Step(length=20.0, factor=0.5)

    """

    key: ClassVar[str] = "step"
    length: float = number_field(10.0, above=0)
    factor: float = number_field(0.1, above=0, at_most=1)


@dataclass(frozen=True, slots=True, repr=False)
class Exponential(Schedule):
    """The learning rate falls by a factor in each epoch or step: f(u) = factor^u.

    Parameters
    ----------
    per : {"epoch", "step"}, default "epoch"
        What u counts.
    factor : float, default 0.95
        Factor of each reduction, above 0 and at most 1.

    Examples
    --------
    >>> Exponential(factor=0.9)
    Exponential(factor=0.9)

    """

    key: ClassVar[str] = "exponential"
    factor: float = number_field(0.95, above=0, at_most=1)


@dataclass(frozen=True, slots=True, repr=False)
class Cosine(Schedule):
    """The learning rate falls along half a cosine (Loshchilov & Hutter 2017, equation 5, without restarts).

    f(u) = minimum + (1 - minimum) (1 + cos(pi u / length)) / 2, and minimum from u = length on.

    Parameters
    ----------
    per : {"epoch", "step"}, default "epoch"
        What u counts.
    length : float, optional
        Epochs or steps until the minimum, above 0; by default the length of the run.
    minimum : float, default 0
        The last factor, from 0 to 1.

    Examples
    --------
    >>> Cosine(minimum=0.1).resolved(epochs=50, steps=400)
    Cosine(length=50.0, minimum=0.1)

    """

    key: ClassVar[str] = "cosine"
    length: float | None = number_field(None, above=0, optional=True)
    minimum: float = number_field(0.0, at_least=0, at_most=1)

    def resolved(self, epochs: int, steps: int) -> Self:
        """Return the schedule with the length of the run as its length, if that was left open.

        Parameters
        ----------
        epochs, steps : int
            The length of the run in epochs and in steps.

        """
        return self if self.length is not None else replace(self, length=max(self.total(epochs, steps), 1.0))


@dataclass(frozen=True, slots=True, repr=False)
class OneCycle(Schedule):
    """The learning rate rises to its full value and falls again, along half cosines (Smith & Topin 2018).

    f(u) rises from start at u = 0 to 1 at u = peak_at length - 1, then falls to finish at u = length - 1.

    Parameters
    ----------
    per : {"epoch", "step"}, default "step"
        What u counts.
    length : float, optional
        Epochs or steps of the whole cycle, above 0; by default the length of the run.
    peak_at : float, default 0.3
        Share of the length after which the peak is reached, between 0 and 1.
    start : float, default 0.04
        The first factor, above 0 and at most 1.
    finish : float, default 4e-6
        The last factor, from 0 to 1.

    Examples
    --------
    >>> OneCycle().resolved(epochs=50, steps=400)
    OneCycle(length=400.0)

    """

    key: ClassVar[str] = "one_cycle"
    per: ScheduleUnit = field(default="step", kw_only=True)
    length: float | None = number_field(None, above=0, optional=True)
    peak_at: float = number_field(0.3, above=0, below=1)
    start: float = number_field(0.04, above=0, at_most=1)
    finish: float = number_field(4e-6, at_least=0, at_most=1)

    def resolved(self, epochs: int, steps: int) -> Self:
        """Return the schedule with the length of the run as its length, if that was left open.

        Parameters
        ----------
        epochs, steps : int
            The length of the run in epochs and in steps.

        """
        return self if self.length is not None else replace(self, length=max(self.total(epochs, steps), 1.0))


@dataclass(frozen=True, slots=True, repr=False)
class ReduceOnPlateau(Schedule):
    """The learning rate falls by a factor whenever the monitored loss stops improving.

    f <- max(f factor, minimum) when the loss has not improved for more than `patience` epochs. The validation loss is
    monitored, or, without validation rows, the training loss.

    Parameters
    ----------
    per : {"epoch"}, default "epoch"
        The loss is known once in an epoch.
    factor : float, default 0.1
        Factor of each reduction, above 0 and below 1.
    patience : float, default 10
        Epochs without improvement before a reduction, at least 0.
    threshold : float, default 1e-4
        An improvement is one of more than `threshold` times the absolute value of the lowest loss; at least 0.
    minimum : float, default 0
        The lowest factor, from 0 to 1.

    Examples
    --------
    >>> ReduceOnPlateau(factor=0.5, patience=5.0)
    ReduceOnPlateau(factor=0.5, patience=5.0)

    """

    key: ClassVar[str] = "reduce_on_plateau"
    factor: float = number_field(0.1, above=0, below=1)
    patience: float = number_field(10.0, at_least=0)
    threshold: float = number_field(1e-4, at_least=0)
    minimum: float = number_field(0.0, at_least=0, at_most=1)

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        if self.per != "epoch":
            raise PlanError(
                f"ReduceOnPlateau.per: got {self.per!r}; needs 'epoch': the loss is known once in an epoch",
                argument="per",
            )


@dataclass(frozen=True, slots=True, repr=False)
class Warmup(Schedule):
    """The learning rate rises in a straight line, then follows another schedule (Goyal et al. 2017, section 2.2).

    f(u) = start + (1 - start) u / length while u < length, then the factor of `then` at u - length.

    Parameters
    ----------
    per : {"epoch", "step"}, default "epoch"
        What u counts.
    length : float, default 5
        Epochs or steps of the rise, above 0.
    start : float, default 0
        The first factor, from 0 to 1.
    then : Schedule or str, default "constant"
        The schedule after the rise, any but another `Warmup`; counts in the same unit.

    Examples
    --------
    >>> Warmup(5.0, then="cosine").resolved(epochs=50, steps=400).then
    Cosine(length=45.0)

    """

    key: ClassVar[str] = "warmup"
    length: float = number_field(5.0, above=0)
    start: float = number_field(0.0, at_least=0, at_most=1)
    then: Schedule = Constant()

    def __post_init__(self) -> None:
        Schedule.__post_init__(self)
        then = SCHEDULES.of(self.then, "Warmup.then")
        if isinstance(then, Warmup):
            raise PlanError("Warmup.then: got another Warmup; needs any other schedule", argument="then")
        if isinstance(then, Constant):
            then = replace(then, per=self.per)
        object.__setattr__(self, "then", then)
        if then.per != self.per:
            raise PlanError(
                f"Warmup.then: counts per {then.per!r}, the warm-up per {self.per!r}; give both the same `per`",
                argument="then",
            )

    def resolved(self, epochs: int, steps: int) -> Self:
        """Return the schedule in which `then` lasts for the rest of the run, if its length was left open.

        Parameters
        ----------
        epochs, steps : int
            The length of the run in epochs and in steps, the warm-up included.

        """
        rest = [
            max(int(n - self.length), 1) if unit == self.per else n for unit, n in (("epoch", epochs), ("step", steps))
        ]
        return replace(self, then=self.then.resolved(*rest))


SCHEDULES: Registry[Schedule] = Registry(
    "schedule", Constant, Step, Exponential, Cosine, OneCycle, ReduceOnPlateau, Warmup
)
