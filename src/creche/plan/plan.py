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
from creche.plan.words import PRECISIONS, TASKS, Precision, Task, check_word

__all__ = ["EarlyStopping", "Plan"]


@dataclass(frozen=True, slots=True, repr=False)
class EarlyStopping(Component):
    """Training ends when the monitored loss has not improved for `patience` epochs (Prechelt 1998).

    The validation loss is monitored, or, without validation rows, the training loss.

    Parameters
    ----------
    patience : int, default 10
        Epochs without improvement after which training stops.
    min_delta : float, default 0
        A loss must be lower than the lowest so far by more than this to count as an improvement.
    restore_best : bool, default True
        Whether training ends with the weights of the best epoch rather than the last.

    Examples
    --------
    >>> import creche as cr
    >>> stopping = cr.EarlyStopping(patience=5)
    >>> run = cr.train("penguins", label="species", early_stopping=stopping, epochs=200, threads=1)
    >>> run.status, run.epoch < 200
    ('early_stopped', True)

    """

    patience: int = count_field(10, at_most=2**31 - 1)
    min_delta: float = number_field(0.0, at_least=0)
    restore_best: bool = flag_field(True)

    @classmethod
    def of(cls, choice: object) -> EarlyStopping | None:
        """Return an `EarlyStopping` from the argument of `creche.train`; None for no early stopping.

        Parameters
        ----------
        choice : EarlyStopping, int, bool, dict or None
            True for the defaults, a patience, or a dict of fields; None or False for no early stopping.

        """
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
        The number of inputs, and the layers.
    task : {"classification", "regression"}, default "classification"
        Whether the label is a class or a number.
    loss : Loss or str, default "cross_entropy"
        What training minimizes.
    optimizer : Optimizer or str, default "adam"
        The update rule, with its learning rate.
    schedule : Schedule or str, default "constant"
        How the learning rate changes during training.
    batch_size : int, default 32
        Rows per step; the last batch of an epoch may be smaller.
    epochs : int, default 100
        Passes over the training rows.
    seed : int, default 0
        Seed for the initial weights, the order of rows and dropout.
    shuffle : bool, default True
        Whether each epoch goes through the rows in a new order.
    early_stopping : EarlyStopping, optional
        When to stop before the last epoch; None for never.
    precision : {"float32", "float64"}, default "float32"
        The type of weights and inputs.

    Examples
    --------
    >>> plan = Plan(Network.of(4, [5, 5], 3), optimizer="sgd", epochs=20)
    >>> Plan.from_json(plan.to_json()) == plan
    True

    """

    network: Network = None  # type: ignore[assignment]
    task: Task = "classification"
    loss: Loss = CrossEntropy()  # noqa: RUF009 - frozen
    optimizer: Optimizer = Adam()  # noqa: RUF009 - frozen
    schedule: Schedule = Constant()  # noqa: RUF009 - frozen
    batch_size: int = count_field(32, at_most=2**31 - 1)
    epochs: int = count_field(100, at_least=0, at_most=2**31 - 1)
    seed: int = count_field(0, at_least=0, at_most=2**64 - 1)
    shuffle: bool = flag_field(True)
    early_stopping: EarlyStopping | None = None
    precision: Precision = "float32"

    def __post_init__(self) -> None:
        network = Network.from_dict(self.network) if isinstance(self.network, Mapping) else self.network
        if not isinstance(network, Network):
            raise PlanError(
                f"Plan.network: got {network!r}; needs a Network, such as Network.of(4, [10, 10], 3)",
                argument="network",
            )
        for name, value in (
            ("network", network),
            ("loss", LOSSES.of(self.loss)),
            ("optimizer", OPTIMIZERS.of(self.optimizer)),
            ("schedule", SCHEDULES.of(self.schedule)),
            ("early_stopping", EarlyStopping.of(self.early_stopping)),
            ("task", check_word("task", self.task, TASKS)),
            ("precision", check_word("precision", self.precision, PRECISIONS)),
        ):
            object.__setattr__(self, name, value)
        Component.__post_init__(self)
        self._check_loss()

    def _check_loss(self) -> None:
        if self.task not in self.loss.tasks:
            words = [word for word, loss in LOSSES.members.items() if self.task in loss.tasks]
            raise PlanError(
                f"loss: {self.loss.key!r} is not for {self.task}; choose one of {', '.join(words)}", argument="loss"
            )

    def steps_per_epoch(self, rows: int) -> int:
        """Return the number of steps in an epoch.

        Parameters
        ----------
        rows : int
            The number of training rows.

        """
        return math.ceil(rows / self.batch_size)

    def resolved(self, rows: int) -> Self:
        """Return the plan for a table of a known size: lengths left open are filled in.

        Parameters
        ----------
        rows : int
            The number of training rows.

        """
        schedule = self.schedule.resolved(self.epochs, self.epochs * self.steps_per_epoch(rows))
        return replace(self, schedule=schedule)

    def with_seed(self, seed: int) -> Self:
        """Return the plan with another seed: a quick copy, since nothing else needs to be checked again.

        Parameters
        ----------
        seed : int

        """
        plan = object.__new__(type(self))
        for field in fields(self):
            object.__setattr__(plan, field.name, seed if field.name == "seed" else getattr(self, field.name))
        return plan

    def with_function(self, function: LossFunction) -> Self:
        """Return a plan that was read from a file, with the function that is its loss.

        Parameters
        ----------
        function : callable
            The function that the plan was made with: see `CustomLoss`.

        Raises
        ------
        PlanError
            If the plan's loss is not a custom one, or is a function with another name or source.

        """
        if not isinstance(self.loss, CustomLoss):
            raise PlanError(
                f"loss: the plan has {self.loss.key!r}, which needs no function; leave loss out", argument="loss"
            )
        loss = CustomLoss(function)
        if loss.name != self.loss.name or (loss.digest and self.loss.digest and loss.digest != self.loss.digest):
            raise PlanError(
                f"loss: the function {loss.name!r} is not the {self.loss.name!r} that the plan was made with: its name "
                "or its source differs; give the original function",
                argument="loss",
            )
        return replace(self, loss=loss)

    def to_json(self) -> str:
        """Return JSON text, in one line."""
        return json.dumps(self.to_dict(), allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the plan that `to_json` wrote.

        Parameters
        ----------
        text : str

        Raises
        ------
        PlanError
            If the text is not a JSON object, or not a plan.

        """
        try:
            data = json.loads(text)
        except json.JSONDecodeError as error:
            raise PlanError(f"a plan in JSON: {error}") from error
        if not isinstance(data, dict):
            raise PlanError(f"a plan in JSON: got {type(data).__name__}; needs an object")
        return cls.from_dict(data)
