"""Changes of a plan while a network trains: after which step, and what is different from there on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from creche._advice import advise
from creche.errors import PlanError
from creche.plan.arguments import CHANGEABLE
from creche.plan.component import Component, count_field, number_field
from creche.plan.optimizers import OPTIMIZERS, Optimizer
from creche.plan.schedules import SCHEDULES, Schedule
from creche.plan.words import OptimizerName, ScheduleName

if TYPE_CHECKING:
    from creche.plan.plan import Plan

__all__ = ["Change", "SetWeight", "join_changes", "order_changes"]


@dataclass(frozen=True, slots=True, repr=False)
class SetWeight(Component):
    """A weight that is given a value by hand.

    Parameters
    ----------
    layer : int
        The index of W in `Model.weights`, from 0.
    target : int
        The neuron of that layer, from 0.
    value : float
    source : int, optional
        The neuron, or input, that the weight comes from, from 0; None for the bias.

    Examples
    --------
    >>> SetWeight(layer=0, source=3, target=2, value=0.5).place
    'W[0][3, 2]'
    >>> SetWeight(layer=1, target=2, value=0.5).place
    'b[1][2]'

    """

    layer: int = count_field(at_least=0)
    target: int = count_field(at_least=0)
    value: float = number_field()
    source: int | None = count_field(None, at_least=0, optional=True)

    @property
    def place(self) -> str:
        """What texts and the command line call the weight."""
        if self.source is None:
            return f"b[{self.layer}][{self.target}]"
        return f"W[{self.layer}][{self.source}, {self.target}]"

    def check(self, widths: Sequence[int]) -> None:
        """Check that a network of these widths, inputs first, has the weight.

        Raises
        ------
        PlanError

        """
        for name, value, count in (
            ("layer", self.layer, len(widths) - 1),
            ("source", self.source or 0, widths[min(self.layer, len(widths) - 1)]),
            ("target", self.target, widths[min(self.layer + 1, len(widths) - 1)]),
        ):
            if value >= count:
                raise PlanError(f"SetWeight.{name}: got {value}; needs a whole number from 0 to {count - 1}")


@dataclass(frozen=True, slots=True, repr=False)
class Change(Component):
    """A change of a plan after a number of steps, while training goes on; what is not given stays as it was.

    Parameters
    ----------
    step : int
        The number of steps after which it applies.
    optimizer : Optimizer or str, optional
        Another update rule, with its own numbers unless they are given here. A rule of the same kind keeps its state;
        any other begins anew.
    learning_rate, weight_decay, l1 : float, optional
    schedule : Schedule or str, optional
        How the learning rate changes from now on. It still counts from the beginning of training.
    batch_size : int, optional
        Applies only where an epoch begins.
    dropout : float, optional
        The dropout of all hidden layers.
    label_smoothing : float, optional
    epochs : int, optional
        When training ends, counted from its beginning. A schedule keeps its length, unless it is given anew.
    weights : sequence of SetWeight
        Weights that are given a value.

    Examples
    --------
    >>> Change(200, learning_rate=0.001)
    Change(step=200, learning_rate=0.001)

    """

    step: int = count_field(at_least=0)
    optimizer: Optimizer | OptimizerName | None = None
    learning_rate: float | None = number_field(None, at_least=0, optional=True)
    weight_decay: float | None = number_field(None, at_least=0, optional=True)
    l1: float | None = number_field(None, at_least=0, optional=True)
    schedule: Schedule | ScheduleName | None = None
    batch_size: int | None = count_field(None, at_most=2**31 - 1, optional=True)
    dropout: float | None = number_field(None, at_least=0, below=1, optional=True)
    label_smoothing: float | None = number_field(None, at_least=0, below=1, optional=True)
    epochs: int | None = count_field(None, at_least=0, at_most=2**31 - 1, optional=True)
    weights: tuple[SetWeight, ...] = ()

    def __post_init__(self) -> None:
        Component.__post_init__(self)
        if self.optimizer is not None:
            object.__setattr__(self, "optimizer", OPTIMIZERS.of(self.optimizer, "Change.optimizer"))
        if self.schedule is not None:
            object.__setattr__(self, "schedule", SCHEDULES.of(self.schedule, "Change.schedule"))
        weights = self.weights
        if not isinstance(weights, Sequence) or not all(isinstance(each, SetWeight | Mapping) for each in weights):
            raise PlanError(f"Change.weights: got {weights!r}; needs a list of SetWeight", argument="weights")
        read = (each if isinstance(each, SetWeight) else SetWeight.from_dict(each) for each in weights)
        object.__setattr__(self, "weights", tuple(read))

    def to_dict(self) -> dict[str, Any]:
        """Return what is different, as plain data."""
        return {name: value for name, value in Component.to_dict(self).items() if value not in (None, [])}

    @classmethod
    def of(cls, choice: object) -> Change:
        """Return the change that a dict of its fields, or a `Change`, stands for.

        Raises
        ------
        PlanError
            If it is neither.

        """
        if isinstance(choice, Mapping):
            return cls.from_dict(choice)
        if not isinstance(choice, cls):
            raise PlanError(
                f"changes: got {choice!r} in the list; needs Change objects, such as Change(200, learning_rate=0.001)",
                argument="changes",
            )
        return choice

    def apply(self, plan: Plan) -> Plan:
        """Return the plan as it is from this change on, without the weights that are given a value.

        Raises
        ------
        PlanError
            If the plan has no such number.

        """
        changed: dict[str, Any] = {}
        optimizer = self.optimizer or plan.optimizer
        assert isinstance(optimizer, Optimizer)
        self._check_rows_of_steps(plan.optimizer, optimizer)
        given = {name: getattr(self, name) for name in CHANGEABLE if getattr(self, name) is not None}
        numbers = {field.name: given[field.name] for field in fields(Optimizer) if field.name in given}
        if numbers or self.optimizer is not None:
            changed["optimizer"] = replace(optimizer, **numbers)
        if self.dropout is not None:
            *hidden, output = plan.network.layers
            layers = (*(replace(layer, dropout=self.dropout) for layer in hidden), output)
            changed["network"] = replace(plan.network, layers=layers)
        if self.label_smoothing is not None:
            changed["loss"] = _with_label_smoothing(plan, self.label_smoothing)
        changed |= {f.name: given[f.name] for f in fields(plan) if f.name in given and f.name != "optimizer"}
        if self.weights:
            plan.network.require_one_model("weights")
        for weight in self.weights:
            weight.check(plan.network.widths)
        return replace(plan, **changed) if changed else plan

    def _check_rows_of_steps(self, before: Optimizer, after: Optimizer) -> None:
        whole = before if before.takes_all_rows else after
        if before.takes_all_rows != after.takes_all_rows:
            raise PlanError(
                f"optimizer: changes from {before.title} to {after.title} after step {self.step:,}, but {whole.title} "
                "takes all training rows in each step, from the first on; choose another optimizer to change to",
                argument="optimizer",
            )
        if self.batch_size is not None and whole.takes_all_rows:
            raise PlanError(
                f"batch_size: changes to {self.batch_size:,} after step {self.step:,}, but {whole.title} takes all "
                f"training rows in each step; leave {advise('batch_size')} out",
                argument="batch_size",
            )

    def merge(self, later: Change) -> Change | None:
        """Return one change that does the same as this and then another of the same step; None if there is none."""
        if later.step != self.step or later.optimizer is not None or self.optimizer is not None:
            return None
        places = {weight.place: weight for weight in (*self.weights, *later.weights)}
        given = {f.name: getattr(later, f.name) for f in fields(later) if getattr(later, f.name) is not None}
        return replace(self, **{**given, "weights": tuple(places.values())})

    def typed(self) -> str:
        """Return the change as the command line takes it after ``--change``; only words and numbers can be typed.

        Raises
        ------
        PlanError
            If the optimizer or schedule has other numbers than its own.

        Examples
        --------
        >>> Change(200, optimizer="sgd", weights=[SetWeight(0, 2, 0.5, 3)]).typed()
        '200:optimizer=sgd,W[0][3,2]=0.5'

        """
        parts = []
        for name in (field.name for field in fields(self) if field.name not in ("step", "weights")):
            value = getattr(self, name)
            if isinstance(value, Component):
                if value != type(value)():
                    raise PlanError(f"changes: {value!r} has numbers of its own, which cannot be typed; use a plan")
                parts.append(f"{name}={value.key}")
            elif value is not None:
                parts.append(f"{name}={value!r}")
        parts += [f"{weight.place.replace(', ', ',')}={weight.value!r}" for weight in self.weights]
        return f"{self.step}:{','.join(parts)}"

    def describe(self) -> str:
        """Say in words what is different.

        Examples
        --------
        >>> Change(8, optimizer="sgd", learning_rate=0.5, weights=[SetWeight(0, 1, 0.25, 2)]).describe()
        'optimizer SGD, learning rate 0.5, W[0][2, 1] = 0.25'

        """
        parts = []
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in ("step", "weights") or value is None:
                continue
            word = value.title if isinstance(value, Component) else f"{value:g}"
            parts.append(f"{field.name.replace('_', ' ')} {word}")
        parts += [f"{weight.place} = {weight.value:g}" for weight in self.weights]
        return ", ".join(parts)


def _with_label_smoothing(plan: Plan, value: float) -> Any:
    if "label_smoothing" not in {field.name for field in fields(plan.loss)}:
        raise PlanError(
            f"label_smoothing: got {value:g}, but the loss {plan.loss.key!r} has none; leave it out",
            argument="label_smoothing",
        )
    return replace(plan.loss, label_smoothing=value)  # type: ignore[call-arg]


def order_changes(changes: object) -> tuple[Change, ...]:
    """Return changes in the order of their steps, from a list of `Change` or of dicts.

    Raises
    ------
    PlanError
        If it is not such a list.

    """
    if changes is None:
        return ()
    if isinstance(changes, str | Mapping) or not isinstance(changes, Sequence):
        raise PlanError(f"changes: got {changes!r}; needs a list of Change objects", argument="changes")
    return tuple(sorted(map(Change.of, changes), key=lambda change: change.step))


def join_changes(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Return as few changes as do the same as these, which are in the order of their steps.

    Examples
    --------
    >>> join_changes([Change(8, learning_rate=0.5), Change(8, learning_rate=0.1)])
    (Change(step=8, learning_rate=0.1),)

    """
    joined: list[Change] = []
    for change in changes:
        merged = joined[-1].merge(change) if joined else None
        if merged is None:
            joined.append(change)
        else:
            joined[-1] = merged
    return tuple(joined)
