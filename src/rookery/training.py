"""Training: a plan carried out on a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rookery.engine.machine import resolve_threads
from rookery.engine.native import new_run
from rookery.errors import DivergedError, PlanError
from rookery.history import History
from rookery.model import Model
from rookery.plan.activations import Activation
from rookery.plan.initializers import Initializer
from rookery.plan.losses import LOSSES, CrossEntropy, Loss, SquaredError
from rookery.plan.network import Network
from rookery.plan.optimizers import OPTIMIZERS, Optimizer
from rookery.plan.plan import EarlyStopping, Plan
from rookery.plan.schedules import Schedule
from rookery.table.prepare import Prepared, prepare

__all__ = ["Run", "train"]

SECONDS_BETWEEN_REPORTS = 0.05
# What a plan says, so that only one of the two can be given; `seed` is also that of the split.
OF_THE_PLAN = (
    "hidden", "activation", "dropout", "initializer", "loss", "optimizer", "learning_rate", "schedule", "batch_size",
    "epochs", "early_stopping", "seed", "shuffle", "task", "precision",
)  # fmt: skip


class Run:
    """A plan carried out, or under way: made by `train`.

    Attributes
    ----------
    plan : Plan
        With everything that was left open filled in.
    status : {"running", "finished", "early_stopped", "interrupted", "diverged"}
    threads : int

    """

    def __init__(self, plan: Plan, prepared: Prepared, threads: int) -> None:
        rows, validation = prepared.rows(plan.loss, plan.precision)
        self.plan = plan.resolved(len(rows))
        self.threads = threads
        self.status = "running"
        self.prepared = prepared
        self._engine = new_run(self.plan, rows, validation, threads)

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return int(self._engine.epoch)

    @property
    def step(self) -> int:
        """Completed steps: updates of the weights."""
        return int(self._engine.step)

    @property
    def history(self) -> History:
        """One record per completed epoch."""
        columns = self._engine.history()
        if self.plan.task == "classes":
            return History.of(columns, "accuracy")
        for name in ("train_metric", "validation_metric"):
            columns[name] = columns[name] * self.prepared.labels.scale
        return History.of(columns, "rmse")

    @property
    def model(self) -> Model:
        """The encoder, the network and its weights as they are now."""
        return Model(self.plan, self.prepared.features, self.prepared.labels, self._engine.parameters(), self.threads)

    def resume(self, *, epochs: int | None = None, on_progress: Callable[[Run], object] | None = None) -> Run:
        """Goes on where the run stands: to the plan's end, or for so many epochs.

        Parameters
        ----------
        epochs : int, optional
        on_progress : callable, optional
            Is called with the run about twenty times a second.

        Returns
        -------
        Run
            Itself.

        Raises
        ------
        DivergedError
            If the loss stops being finite; the run keeps its last finite weights.
        KeyboardInterrupt
            On Ctrl-C, within a tenth of a second; the run can be resumed, and is the exception's `run`.

        """
        last = None if epochs is None else self.epoch + _whole("epochs", epochs, at_least=0)
        seconds = SECONDS_BETWEEN_REPORTS if on_progress else -1.0
        while True:
            left = -1 if last is None else last - self.epoch
            if left == 0:
                return self
            try:
                # Called now and then by the engine, on this thread: Python looks for Ctrl-C as it enters.
                self.status = self._engine.run(epochs=left, seconds=seconds, poll=lambda: False)
                if on_progress:
                    on_progress(self)
            except KeyboardInterrupt as interrupt:
                self.status = "interrupted"
                interrupt.run = self  # type: ignore[attr-defined]
                raise
            if self.status == "diverged":
                self._raise_diverged()
            if self.status != "running":
                return self

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that determines how the run goes on, as named arrays: weights, counters, history, …"""
        return self._engine.state()  # type: ignore[no-any-return]

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Takes up the state of another run of the same plan on the same table; ends with the same bytes as that one.

        Raises
        ------
        PlanError
            If the state is not one of such a run.

        """
        try:
            self._engine.set_state(dict(state))
        except (ValueError, RuntimeError) as error:
            raise PlanError(f"{error}; needs the state of a run of the same plan") from error
        self.status = "running"

    def _raise_diverged(self) -> None:
        epoch, batch, rate = self._engine.divergence
        raise DivergedError(
            f"training diverged in epoch {epoch + 1}, batch {batch + 1}, with learning rate {rate:g}: the loss is no "
            f"longer finite. Try a learning rate of {rate / 10:g} or lower",
            epoch,
            batch,
            rate,
            self,
        )

    def __repr__(self) -> str:
        return f"Run({self.plan.network}, {self.status}, epoch {self.epoch} of {self.plan.epochs}; {self.history!r})"


def train(
    data: Any,
    y: Any = None,
    *,
    label: str | None = None,
    hidden: Sequence[int] = (32, 32),
    activation: Activation | str | Sequence[Activation | str] = "relu",
    dropout: float | Sequence[float] = 0.0,
    initializer: Initializer | str | None = None,
    loss: Loss | str | None = None,
    optimizer: Optimizer | str = "adam",
    learning_rate: float | None = None,
    schedule: Schedule | str = "constant",
    batch_size: int = 32,
    epochs: int = 100,
    early_stopping: EarlyStopping | int | bool | None = None,
    seed: int = 0,
    shuffle: bool = True,
    task: str | None = None,
    standardize: bool = True,
    validation_fraction: float = 0.3,
    validation_data: Any = None,
    sample_weight: Any = None,
    class_weight: Mapping[Any, float] | str | None = None,
    precision: str = "float32",
    plan: Plan | None = None,
    threads: int | None = None,
    on_progress: Callable[[Run], object] | None = None,
) -> Run:
    """Trains a network on a table.

    The same arguments on the same data give the same weights, bit for bit, on any number of threads.

    Parameters
    ----------
    data : file name, DataFrame or (n, d) array
        A CSV file or any DataFrame (with `label` or `y`), or the features as an array (with `y`).
    y : (n,) array, optional
        The labels, if `data` is without them.
    label : str, optional
        The column to predict; the other columns of numbers are the features.
    hidden : sequence of int, default (32, 32)
        The widths of the hidden layers; empty for none.
    activation : default "relu"
        Of the hidden layers, one for all or one for each: a word or an object such as ``LeakyRelu(0.02)``.
    dropout : float, default 0
        Of the hidden layers, one for all or one for each.
    initializer : optional
        Of all weights; by default, what suits each layer's activation.
    loss : optional
        Default "cross_entropy" for classes, "squared_error" for numbers.
    optimizer : default "adam"
    learning_rate : float, optional
        In place of the optimizer's own.
    schedule : default "constant"
        Of the learning rate.
    batch_size : int, default 32
    epochs : int, default 100
    early_stopping : optional
        True, a patience in epochs, or an `EarlyStopping`.
    seed : int, default 0
        Of the split, the initial weights, the order of rows and dropout.
    shuffle : bool, default True
    task : {"classes", "numbers"}, optional
        What the label is. By default: words, yes/no and up to 50 different whole numbers are classes.
    standardize : bool, default True
        Whether features (and a label of numbers) are brought to mean 0 and standard deviation 1, by the training rows.
    validation_fraction : float, default 0.3
        The share of rows kept for validation; of classes, the same share of each. 0 for none.
    validation_data : optional
        Rows for validation instead: a table, or a pair (X, y).
    sample_weight : (n,) array, optional
        How much each row counts.
    class_weight : dict or "balanced", optional
        How much the rows of each class count in training.
    precision : {"float32", "float64"}, default "float32"
    plan : Plan, optional
        In place of `hidden`, `activation`, `dropout`, `initializer`, `loss`, `optimizer`, `learning_rate`, `schedule`,
        `batch_size`, `epochs`, `early_stopping`, `seed`, `shuffle`, `task` and `precision`: such as another run's.
    threads : int, optional
        By default ``ROOKERY_NUM_THREADS``, or else the cores this process may use.
    on_progress : callable, optional
        Is called with the run about twenty times a second.

    Returns
    -------
    Run
        With `history` and `model`.

    Raises
    ------
    TableError
        If the table cannot be trained on: which row and column, and why.
    PlanError
        If the plan cannot be: which argument, and what it needs.
    DivergedError
        If the loss stops being finite.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 2))
    >>> run = train(X, X[:, 0] * X[:, 1] > 0, hidden=[16], epochs=60, learning_rate=0.01, threads=1)
    >>> bool(run.history.validation_metric[-1] > 0.85)
    True

    A plan can be written down, and carried out again:

    >>> again = train(X, X[:, 0] * X[:, 1] > 0, plan=Plan.from_json(run.plan.to_json()), threads=1)
    >>> bool((again.model.weights[0][0] == run.model.weights[0][0]).all())
    True

    """
    if plan is not None:
        _only_the_plan(plan, locals())
        loss, seed, task = plan.loss, plan.seed, plan.task
    chosen_loss = None if loss is None else LOSSES.of(loss)
    chosen_optimizer = OPTIMIZERS.of(optimizer)
    if learning_rate is not None:
        chosen_optimizer = replace(chosen_optimizer, learning_rate=learning_rate)
    prepared = prepare(
        data, y, label, task=task, loss=chosen_loss, seed=_whole("seed", seed, at_least=0), standardize=standardize,
        validation_fraction=validation_fraction, validation_data=validation_data, sample_weight=sample_weight,
        class_weight=class_weight,
    )  # fmt: skip
    features, chosen_loss = prepared.train.names, chosen_loss or _suited_loss(prepared.task)
    outputs = prepared.outputs(chosen_loss)
    if plan is None:
        network = Network.of(len(features), _widths(hidden), outputs, activation, dropout, initializer)
        plan = Plan(
            network, prepared.task, chosen_loss, chosen_optimizer, schedule, batch_size, epochs, seed, shuffle,  # type: ignore[arg-type]
            EarlyStopping.of(early_stopping), precision,
        )  # fmt: skip
    elif (plan.network.inputs, plan.network.outputs) != (len(features), outputs):
        raise PlanError(
            f"plan: its network, {plan.network}, begins with {plan.network.inputs} inputs and ends with "
            f"{plan.network.outputs} outputs; this table needs {len(features)} and {outputs}"
        )
    return Run(plan, prepared, resolve_threads(threads)).resume(on_progress=on_progress)


def _only_the_plan(plan: object, arguments: Mapping[str, object]) -> None:
    if not isinstance(plan, Plan):
        raise PlanError(
            f"plan: got {type(plan).__name__}; needs a Plan, such as another run's, or Plan.from_json(text)"
        )
    parameters = signature(train).parameters
    both = [name for name in OF_THE_PLAN if arguments[name] is not parameters[name].default]
    if both:
        raise PlanError(f"plan: says {both[0]} already; leave {', '.join(both)} out, or the plan")


def _suited_loss(task: str) -> Loss:
    return CrossEntropy() if task == "classes" else SquaredError()


def _whole(name: str, value: object, at_least: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < at_least:
        raise PlanError(f"{name}: got {value!r}; needs a whole number of at least {at_least}")
    return int(value)


def _widths(hidden: Any) -> list[int]:
    return list(hidden.tolist()) if isinstance(hidden, np.ndarray) else hidden
