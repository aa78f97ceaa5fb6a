"""The plan: everything that determines a training run, as plain data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Self

from creche.errors import PlanError
from creche.plan.component import Component, count_field, flag_field, number_field
from creche.plan.losses import LOSSES, CrossEntropy, CustomLoss, Loss, LossFunction
from creche.plan.network import Network
from creche.plan.optimizers import OPTIMIZERS, Adam, Optimizer
from creche.plan.schedules import SCHEDULES, Constant, Schedule

__all__ = ["EarlyStopping", "Plan"]

TASKS = ("classification", "regression")
PRECISIONS = ("float32", "float64")


@dataclass(frozen=True, slots=True, repr=False)
class EarlyStopping(Component):
    """Training ends when the watched loss has not improved for `patience` epochs.

    The validation loss is watched, or, without validation rows, the training loss.

    Parameters
    ----------
    patience : int, default 10
    min_delta : float, default 0
        By how much a loss must be lower to count as an improvement.
    restore_best : bool, default True
        End with the weights of the best epoch rather than the last.

    """

    patience: int = count_field(10, at_most=2**31 - 1)
    min_delta: float = number_field(0.0, at_least=0)
    restore_best: bool = flag_field(True)

    @classmethod
    def of(cls, choice: object) -> EarlyStopping | None:
        """From None or False (no early stopping), True, a patience, a dict, or itself."""
        if choice is None or choice is False:
            return None
        if choice is True:
            return cls()
        if isinstance(choice, Mapping):
            return cls.from_dict(choice)
        return choice if isinstance(choice, cls) else cls(patience=choice)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, repr=False)
class Plan(Component):
    """Everything that determines a training run: the same plan on the same data gives the same weights, bit for bit.

    Parameters
    ----------
    network : Network
    task : {"classification", "regression"}, default "classification"
        What the label is.
    loss : Loss or str, default cross-entropy
    optimizer : Optimizer or str, default Adam
    schedule : Schedule or str, default constant
        Of the learning rate.
    batch_size : int, default 32
        Rows per step; the last batch of an epoch may be smaller.
    epochs : int, default 100
    seed : int, default 0
        Of the initial weights, the order of rows and dropout.
    shuffle : bool, default True
        Whether each epoch goes through the rows in a new order.
    early_stopping : EarlyStopping, optional
    precision : {"float32", "float64"}, default "float32"

    Examples
    --------
    >>> plan = Plan(Network.of(4, [5, 5], 3), optimizer="sgd", epochs=20)
    >>> Plan.from_json(plan.to_json()) == plan
    True

    """

    network: Network = None  # type: ignore[assignment]
    task: str = "classification"
    loss: Loss = CrossEntropy()  # noqa: RUF009 - frozen
    optimizer: Optimizer = Adam()  # noqa: RUF009 - frozen
    schedule: Schedule = Constant()  # noqa: RUF009 - frozen
    batch_size: int = count_field(32, at_most=2**31 - 1)
    epochs: int = count_field(100, at_least=0, at_most=2**31 - 1)
    seed: int = count_field(0, at_least=0, at_most=2**64 - 1)
    shuffle: bool = flag_field(True)
    early_stopping: EarlyStopping | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        network = Network.from_dict(self.network) if isinstance(self.network, Mapping) else self.network
        if not isinstance(network, Network):
            raise PlanError(f"Plan.network: got {network!r}; needs a Network, such as Network.of(4, [10, 10], 3)")
        for name, value in (
            ("network", network),
            ("loss", LOSSES.of(self.loss)),
            ("optimizer", OPTIMIZERS.of(self.optimizer)),
            ("schedule", SCHEDULES.of(self.schedule)),
            ("early_stopping", EarlyStopping.of(self.early_stopping)),
        ):
            object.__setattr__(self, name, value)
        for name, words in (("task", TASKS), ("precision", PRECISIONS)):
            if getattr(self, name) not in words:
                raise PlanError(f"Plan.{name}: got {getattr(self, name)!r}; needs one of: {', '.join(words)}")
        Component.__post_init__(self)
        self._check_loss()

    def _check_loss(self) -> None:
        if self.task not in self.loss.tasks:
            words = [word for word, loss in LOSSES.members.items() if self.task in loss.tasks]
            raise PlanError(
                f"loss: {self.loss.key!r} does not fit a label of {self.task}; losses that do: {', '.join(words)}"
            )

    def steps_per_epoch(self, rows: int) -> int:
        return math.ceil(rows / self.batch_size)

    def resolved(self, rows: int) -> Self:
        """The plan for a table of so many training rows: lengths that were left open are filled in."""
        schedule = self.schedule.resolved(self.epochs, self.epochs * self.steps_per_epoch(rows))
        return replace(self, schedule=schedule)

    def with_seed(self, seed: int) -> Self:
        """The plan with another seed: a quick copy, since nothing else needs to be checked anew."""
        plan = object.__new__(type(self))
        for field in fields(self):
            object.__setattr__(plan, field.name, seed if field.name == "seed" else getattr(self, field.name))
        return plan

    def with_function(self, function: LossFunction) -> Self:
        """The plan, read from a file, with the function that is its loss.

        Raises
        ------
        PlanError
            If its loss is no function, or one of another source.

        """
        if not isinstance(self.loss, CustomLoss):
            raise PlanError(f"loss: the plan says {self.loss.key!r}, which needs no function; leave loss out")
        loss = CustomLoss(function)
        if loss.name != self.loss.name or (loss.digest and self.loss.digest and loss.digest != self.loss.digest):
            raise PlanError(
                f"loss: the function {loss.name!r} is not the {self.loss.name!r} that the plan was made with: its name "
                "or its source differs"
            )
        return replace(self, loss=loss)

    def to_json(self) -> str:
        """As JSON text, one line."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The plan that `to_json` wrote.

        Raises
        ------
        PlanError
            If the text is no JSON object, or not a plan.

        """
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise PlanError(f"a plan in JSON: {error}") from error
        if not isinstance(data, dict):
            raise PlanError(f"a plan in JSON: got {type(data).__name__}; needs an object")
        return cls.from_dict(data)
