"""The schedules: how the learning rate, or another number of a plan, changes during training.

A schedule gives a factor of the number, as a function of the epochs or steps done; the formulas are carried out in
core/schedules.hpp. A length that is left open is filled in with the length of the run.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self

from creche.errors import PlanError
from creche.plan.component import Component, Registry, count_field, number_field
from creche.plan.words import SCHEDULE_UNITS, ScheduleUnit, check_word

__all__ = [
    "SCHEDULES", "Constant", "Cosine", "CosineLog", "Exponential", "FlatCosine", "OneCycle", "ReduceOnPlateau",
    "RunSchedule", "Schedule", "Step", "Warmup",
]  # fmt: skip


@dataclass(frozen=True, slots=True, repr=False)
class Schedule(Component):
    """The base of all schedules: a number is multiplied by a factor f(u) of the epochs or steps u done so far.

    The number is the learning rate, or, as other arguments of `creche.train`, weight decay, dropout or label smoothing.

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

    @property
    def follows_loss(self) -> bool:
        """Whether the factor depends on the loss, and not only on the epochs or steps done."""
        return False


@dataclass(frozen=True, slots=True, repr=False)
class RunSchedule(Schedule):
    """The base of the schedules that end, and whose length is that of the run unless another is given.

    Attributes
    ----------
    per : {"epoch", "step"}
        What u counts.
    length : float or None
        Epochs or steps until the end; None for those of the run.

    """

    length: float | None = number_field(None, above=0, optional=True)

    def resolved(self, epochs: int, steps: int) -> Self:
        """Return the schedule with the length of the run as its length, if that was left open.

        Parameters
        ----------
        epochs, steps : int
            The length of the run in epochs and in steps.

        """
        return self if self.length is not None else replace(self, length=max(self.total(epochs, steps), 1.0))


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
class Cosine(RunSchedule):
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
    minimum: float = number_field(0.0, at_least=0, at_most=1)


@dataclass(frozen=True, slots=True, repr=False)
class CosineLog(RunSchedule):
    """The learning rate rises and falls in cycles, each twice as long as the one before (Holzmüller et al. 2024).

    f(u) = (1 - cos(2 pi log2(1 + (2^cycles - 1) u / length))) / 2, from 0 at u = 0 to 0 from u = length on. With four
    cycles it is coslog4 of "Better by Default", arXiv 2407.04491.

    Parameters
    ----------
    per : {"epoch", "step"}, default "step"
        What u counts. The factor is 0 at u = 0, so per epoch nothing would be learned in the first one.
    length : float, optional
        Epochs or steps of all cycles, above 0; by default the length of the run.
    cycles : int, default 4
        How often the factor rises and falls, from 1 to 30.

    Examples
    --------
    >>> CosineLog().resolved(epochs=50, steps=400)
    CosineLog(length=400.0)

    """

    key: ClassVar[str] = "cosine_log"
    per: ScheduleUnit = field(default="step", kw_only=True)
    cycles: int = count_field(4, at_most=30)


@dataclass(frozen=True, slots=True, repr=False)
class FlatCosine(RunSchedule):
    """The learning rate stays as it is for half of the run, then falls to 0 along half a cosine.

    f(u) = 1 while u <= length / 2, then (1 + cos(pi (2 u / length - 1))) / 2, and 0 from u = length on (Holzmüller et
    al. 2024, "Better by Default", arXiv 2407.04491: flat_cos, there for weight decay and dropout).

    Parameters
    ----------
    per : {"epoch", "step"}, default "step"
        What u counts.
    length : float, optional
        Epochs or steps until the factor is 0, above 0; by default the length of the run.

    Examples
    --------
    >>> FlatCosine().resolved(epochs=50, steps=400)
    FlatCosine(length=400.0)

    """

    key: ClassVar[str] = "flat_cosine"
    per: ScheduleUnit = field(default="step", kw_only=True)


@dataclass(frozen=True, slots=True, repr=False)
class OneCycle(RunSchedule):
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
    peak_at: float = number_field(0.3, above=0, below=1)
    start: float = number_field(0.04, above=0, at_most=1)
    finish: float = number_field(4e-6, at_least=0, at_most=1)


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

    @property
    def follows_loss(self) -> bool:
        """True: the factor falls when the loss does not."""
        return True


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

    @property
    def follows_loss(self) -> bool:
        """Whether `then` does."""
        return self.then.follows_loss

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
    "schedule", Constant, Step, Exponential, Cosine, CosineLog, FlatCosine, OneCycle, ReduceOnPlateau, Warmup
)
