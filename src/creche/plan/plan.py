"""The plan: everything that determines a training run, as plain data."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from creche._advice import advise
from creche._displayed import Displayed
from creche.errors import PlanError
from creche.plan.arguments import NUMBER_SCHEDULES
from creche.plan.changes import Change, order_changes
from creche.plan.component import Component, count_field, flag_field, number_field
from creche.plan.losses import LOSSES, CrossEntropy, CustomLoss, Loss, LossFunction
from creche.plan.network import Network
from creche.plan.optimizers import OPTIMIZERS, Adam, Optimizer
from creche.plan.row_order import Windows, choose_row_order
from creche.plan.schedules import SCHEDULES, Constant, Schedule
from creche.plan.words import (
    KEPT_WEIGHTS,
    PRECISIONS,
    SUBMODEL_BATCHES,
    TASKS,
    DType,
    KeptWeights,
    Precision,
    SubmodelBatches,
    Task,
    canonical_word,
    check_word,
)

__all__ = ["LOSS", "EarlyStopping", "Plan", "with_kept_weights"]

BATCH_SIZE = 32  # the default
MOST_SHARDS = 4096

LOSS = "loss"  # what is watched unless a metric is named

# The default patience: a tenth of the epochs, because what counts as no progress depends on how long training may last.
PATIENCE_DIVISOR, MIN_PATIENCE = 10, 5


@dataclass(frozen=True, slots=True, repr=False)
class EarlyStopping(Component):
    """Training ends when what is watched has not improved for `patience` epochs (Prechelt 1998).

    The validation rows are watched, or, without any, the training rows. `Plan.keep` determines with which weights
    training ends.

    Parameters
    ----------
    patience : int, optional
        Epochs without improvement after which training stops; by default a tenth of the plan's epochs, and at least 5.
    min_delta : float, default 0
        An epoch must be better than the best so far by more than this to count as an improvement.
    watch : str, default "loss"
        What is watched: "loss", the loss that is minimized, or a metric of the task ("log_loss", "accuracy", "auc", …
        for classification, "rmse", "mae", "r2" for regression). The metric determines whether lower or higher is
        better. A metric is computed from the predictions after each epoch, which takes longer than the loss.

    Examples
    --------
    >>> import creche as cr
    >>> run = cr.train("penguins", label="species", early_stopping=EarlyStopping(watch="auc"), threads=1)
    >>> run.status, run.kept_epoch < run.epoch
    ('early_stopped', True)

    """

    patience: int | None = count_field(None, at_most=2**31 - 1, optional=True)
    min_delta: float = number_field(0.0, at_least=0)
    watch: str = LOSS

    def __post_init__(self) -> None:
        if not isinstance(self.watch, str):
            raise PlanError(
                f"EarlyStopping.watch: got {self.watch!r}; needs 'loss' or the name of a metric, such as 'log_loss'",
                argument="watch",
            )
        object.__setattr__(self, "watch", canonical_word(self.watch, [LOSS]))
        Component.__post_init__(self)

    @property
    def watches_loss(self) -> bool:
        """Whether the loss that is minimized is watched, rather than a metric."""
        return self.watch == LOSS

    def resolved(self, epochs: int) -> Self:
        """Return it with the patience for a run of this many epochs, if that was left open."""
        if self.patience is not None:
            return self
        return replace(self, patience=max(MIN_PATIENCE, epochs // PATIENCE_DIVISOR))

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
class Plan(Displayed, Component):
    """Everything that determines a training run: the same plan on the same data gives the same weights, bit for bit.

    Parameters
    ----------
    network : Network
        The number of inputs, and the layers.
    task : {"classification", "regression", "multilabel"}, default "classification"
        Whether the label is a class, a number, or several labels of yes or no.
    loss : Loss or str, default "cross_entropy"
        What training minimizes.
    optimizer : Optimizer or str, default "adam"
        The update rule, with its learning rate.
    schedule : Schedule or str, default "constant"
        How the learning rate changes during training.
    batch_size : int, default 32
        Rows per step; the last batch of an epoch may be smaller. L-BFGS takes all training rows, in their order: its
        batch size, if none is given, is their number.
    epochs : int, default 100
        Passes over the training rows.
    seed : int, default 0
        Seed for the initial weights, the order of rows and dropout.
    shuffle : bool or Windows, default True
        Whether each epoch goes through the rows in a new order; with `Windows`, blocks of neighboring rows are
        shuffled, and the rows of some blocks at a time.
    early_stopping : EarlyStopping, optional
        When to stop before the last epoch; None for never.
    precision : {"float32", "float64", "tf32", "bfloat16"}, default "float32"
        The type of weights and inputs.
    keep : {"best", "last"}, default "best"
        With which weights training ends: those of the epoch with the lowest validation loss (or the best value of what
        early stopping watches), or those of the last epoch. Without validation rows, the best epoch is known by the
        training loss, and is kept only with early stopping.
    drop_last : bool, default False
        Whether a smaller last batch is left out, so that each step has `batch_size` rows; with `shuffle`, these rows
        are others in each epoch. A single batch is kept, whatever its size.
    submodel_batches : {"shared", "own"}, default "shared"
        Whether several submodels learn from the same rows in each step, or each from `batch_size` rows of its own: of
        k submodels, the one with number m (from 0) is m n / k rows ahead in the epoch's order of n training rows, and
        goes on at its beginning when it comes to its end. Not with `Windows`, or with rows that are read from a file.
    shards : int, default 1
        Parts of each batch whose gradients are summed each for itself, and then added in their order. Processes that
        train a network together each take some of them, so that the bits do not depend on how many processes there
        are. Of a batch of n rows, each shard has n / shards, rounded up; the last ones have fewer, or none.
    weight_decay_schedule, dropout_schedule, label_smoothing_schedule : Schedule or str, default "constant"
        How the optimizer's weight decay, the layers' dropout and the loss's label smoothing change during training; any
        schedule but `ReduceOnPlateau`. Validation losses have the full label smoothing, so that epochs can be compared.
    changes : sequence of Change
        What changes while the network trains, and after which step.

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
    batch_size: int = count_field(BATCH_SIZE, at_most=2**31 - 1)
    epochs: int = count_field(100, at_least=0, at_most=2**31 - 1)
    seed: int = count_field(0, at_least=0, at_most=2**64 - 1)
    shuffle: bool | Windows = True
    early_stopping: EarlyStopping | None = None
    precision: Precision = "float32"
    keep: KeptWeights = "best"
    drop_last: bool = flag_field(False)
    submodel_batches: SubmodelBatches = "shared"
    shards: int = count_field(1, at_most=MOST_SHARDS)
    weight_decay_schedule: Schedule = Constant()  # noqa: RUF009 - frozen
    dropout_schedule: Schedule = Constant()  # noqa: RUF009 - frozen
    label_smoothing_schedule: Schedule = Constant()  # noqa: RUF009 - frozen
    changes: tuple[Change, ...] = ()

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
            *((name, SCHEDULES.of(getattr(self, name), name)) for name in NUMBER_SCHEDULES),
            ("shuffle", choose_row_order(self.shuffle)),
            ("early_stopping", EarlyStopping.of(self.early_stopping)),
            ("keep", check_word("keep", self.keep, KEPT_WEIGHTS)),
            ("submodel_batches", check_word("submodel_batches", self.submodel_batches, SUBMODEL_BATCHES)),
            ("task", check_word("task", self.task, TASKS)),
            ("precision", check_word("precision", self.precision, PRECISIONS)),
            ("changes", order_changes(self.changes)),
        ):
            object.__setattr__(self, name, value)
        Component.__post_init__(self)
        self._check_loss()
        self._check_schedules()
        self._check_all_rows()
        self._check_batch_normalization()
        self._check_shards()
        self._check_submodel_batches()
        self.after_changes(len(self.changes))

    @property
    def dtype(self) -> DType:
        """The type of parameters and rows; a lower precision rounds only what products multiply."""
        return "float64" if self.precision == "float64" else "float32"

    def after_changes(self, count: int) -> Self:
        """Return the plan as it is after its first changes, with none of them left.

        Parameters
        ----------
        count : int
            The number of changes that have been made.

        """
        if not self.changes:
            return self
        plan = replace(self, changes=())
        for change in self.changes[:count]:
            plan = change.apply(plan)  # type: ignore[assignment]
        return plan

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain data."""
        data = Component.to_dict(self)
        if not self.changes:  # as in nearly all plans
            del data["changes"]
        if self.shards == 1:
            del data["shards"]
        if self.submodel_batches == "shared":  # as in files of earlier versions
            del data["submodel_batches"]
        return data

    def _check_loss(self) -> None:
        if self.task not in self.loss.tasks:
            words = [word for word, loss in LOSSES.members.items() if self.task in loss.tasks]
            raise PlanError(
                f"loss: {self.loss.key!r} is not for {self.task}; choose one of {', '.join(words)}", argument="loss"
            )

        if self.loss.is_python and self.network.submodels > 1:
            raise PlanError(
                f"submodels: got {self.network.submodels}, and a custom loss trains one network at a time; leave "
                "submodels out, or choose a built-in loss",
                argument="submodels",
            )

    def _check_schedules(self) -> None:
        for name in NUMBER_SCHEDULES:
            schedule = getattr(self, name)
            if schedule.follows_loss:
                raise PlanError(
                    f"{name}: got {schedule!r}, which follows the loss, as only the learning rate can; choose one that "
                    "follows epochs or steps, such as 'flat_cosine'",
                    argument=name,
                )

    def _check_all_rows(self) -> None:
        """Check that the loss of an optimizer that takes all rows at once is the same at each step."""
        if not self.optimizer.takes_all_rows:
            return
        title, given = self.optimizer.title, advise("optimizer", self.optimizer.key)
        for number, layer in enumerate(self.network.layers, start=1):
            if layer.dropout > 0:
                raise PlanError(
                    f"dropout: got {layer.dropout:g} in layer {number} with {given}; {title} compares losses from step "
                    f"to step, which dropout changes at random; leave {advise('dropout')} out, or choose another "
                    "optimizer, such as 'adam'",
                    argument="dropout",
                )
        by_batch = self.network.first_layer_normalized_by_batch
        if by_batch is not None:
            raise PlanError(
                f"normalization: got 'batch' in layer {by_batch} with {given}; {title} also tries steps that it then "
                f"rejects, which running statistics would follow; choose {advise('normalization', 'layer')}, or "
                "another optimizer, such as 'adam'",
                argument="normalization",
            )
        for name in ("schedule", *NUMBER_SCHEDULES):
            if getattr(self, name) != Constant():
                raise PlanError(
                    f"{name}: got {getattr(self, name)!r} with {given}; {title} chooses the length of each step by "
                    f"losses that must not change meanwhile; leave {advise(name)} out, or choose another optimizer, "
                    "such as 'adam'",
                    argument=name,
                )

    def _check_batch_normalization(self) -> None:
        """Check that batches have statistics if a layer is normalized by them."""
        by_batch = self.network.first_layer_normalized_by_batch
        if by_batch is not None and self.batch_size == 1:
            raise PlanError(
                f"batch_size: got 1, and layer {by_batch} has batch normalization, which needs the mean and the "
                f"variance of several rows; choose a larger batch, or {advise('normalization', 'layer')}",
                argument="batch_size",
            )

    def _check_shards(self) -> None:
        """Check that nothing needs all rows of a batch at once."""
        if self.shards == 1:
            return
        by_batch = self.network.first_layer_normalized_by_batch
        if by_batch is not None:
            raise PlanError(
                f"shards: got {self.shards}, and layer {by_batch} has batch normalization, which needs the "
                f"statistics of whole batches; leave {advise('shards')} out, or choose "
                f"{advise('normalization', 'layer')}",
                argument="shards",
            )
        if self.loss.is_python:
            raise PlanError(
                f"shards: got {self.shards}, and a custom loss takes all rows of a batch at once; leave "
                f"{advise('shards')} out, or choose a built-in loss",
                argument="shards",
            )

    def _check_submodel_batches(self) -> None:
        """Check that there are submodels to have batches of their own, and rows everywhere in the epoch for them."""
        if self.submodel_batches == "shared":
            return
        if self.network.submodels == 1:
            raise PlanError(
                f"submodel_batches: got 'own', and the network has no submodels; leave {advise('submodel_batches')} "
                f"out, or give {advise('submodels', 8)}",
                argument="submodel_batches",
            )
        if isinstance(self.shuffle, Windows):
            raise PlanError(
                f"submodel_batches: got 'own' with {advise('shuffle', 'windows')}, whose rows come a window at a time, "
                "and submodels with rows of their own are far apart in the epoch; choose "
                f"{advise('submodel_batches', 'shared')}, or leave {advise('shuffle')} out",
                argument="submodel_batches",
            )

    def with_all_rows(self, rows: int) -> Self:
        """Return the plan with all rows in one batch, in their order, if that is what the optimizer needs.

        Parameters
        ----------
        rows : int
            The number of training rows.

        Raises
        ------
        PlanError
            If a smaller batch size was chosen.

        """
        if not self.optimizer.takes_all_rows:
            return self
        if self.batch_size < rows and self.batch_size != BATCH_SIZE:
            raise PlanError(
                f"batch_size: got {self.batch_size:,} with {advise('optimizer', self.optimizer.key)}, whose steps take "
                f"all {rows:,} training rows at once; leave {advise('batch_size')} out, or choose another optimizer, "
                "such as 'adam'",
                argument="batch_size",
            )
        return replace(self, batch_size=rows, shuffle=False, drop_last=False, submodel_batches="shared")

    def steps_per_epoch(self, rows: int) -> int:
        """Return the number of steps in an epoch.

        Parameters
        ----------
        rows : int
            The number of training rows.

        """
        if self.drop_last and rows >= self.batch_size:
            return rows // self.batch_size
        return math.ceil(rows / self.batch_size)

    def resolved(self, rows: int, *, has_validation: bool = True) -> Self:
        """Return the plan for a table of a known size: what was left open is filled in.

        Parameters
        ----------
        rows : int
            The number of training rows.
        has_validation : bool, default True
            Whether there are validation rows.

        """
        plan = self.with_all_rows(rows)
        stopping = None if self.early_stopping is None else self.early_stopping.resolved(self.epochs)
        steps = self.epochs * plan.steps_per_epoch(rows)
        schedules = {name: getattr(self, name).resolved(self.epochs, steps) for name in ("schedule", *NUMBER_SCHEDULES)}
        return replace(
            plan,
            **schedules,
            early_stopping=stopping,
            keep=self.keep if has_validation or stopping is not None else "last",
        )

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

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Return the plan that `to_dict` described; see `Component.from_dict`."""
        return super(Plan, cls).from_dict(with_kept_weights(data))

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


def with_kept_weights(data: Any) -> Any:
    """Return a plan as plain data with `keep`, which files of earlier versions held in early stopping, or lacked.

    Without early stopping, those versions kept the last weights.

    Examples
    --------
    >>> with_kept_weights({"early_stopping": {"patience": 5, "restore_best": False}})
    {'early_stopping': {'patience': 5}, 'keep': 'last'}
    >>> with_kept_weights({"early_stopping": None}), with_kept_weights({})
    ({'early_stopping': None, 'keep': 'last'}, {})

    """
    if not isinstance(data, Mapping) or "early_stopping" not in data or "keep" in data:
        return data
    stopping = data["early_stopping"]
    if not isinstance(stopping, Mapping):
        return {**data, "keep": "last"} if stopping is None or stopping is False else data
    others = {name: value for name, value in stopping.items() if name != "restore_best"}
    return {**data, "early_stopping": others, "keep": "best" if stopping.get("restore_best", True) else "last"}
