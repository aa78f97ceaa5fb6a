"""The run: a plan that is carried out on prepared rows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from creche._displayed import Displayed
from creche._progress import OnProgress, watch
from creche.engine.best_epoch import BestEpoch
from creche.engine.native import Rows, new_run
from creche.engine.run_state import RunState
from creche.errors import DivergedError, FileError, PlanError
from creche.model.history import History
from creche.model.model import Model
from creche.plan.arguments import check_whole_number
from creche.plan.changes import Change, SetWeight, order_changes
from creche.plan.optimizers import Optimizer
from creche.plan.plan import Plan
from creche.plan.schedules import Schedule
from creche.plan.words import OptimizerName, ScheduleName
from creche.table.checks import warn
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.prepare import Prepared
from creche.training.callbacks import OnEpoch, as_callbacks, call_callbacks
from creche.training.watching import check_watched, create_measure

if TYPE_CHECKING:
    from creche.evaluation import AnyEvaluation
    from creche.model.provenance import Provenance
    from creche.training.recording import Recording

__all__ = ["Observer", "Run", "StateWriter", "check_fit"]

REPORT_INTERVAL = 0.05  # seconds

ROWS_AT_ONCE = 1024  # whose activations are held at a time

CHANGES_MADE = "changes_made"  # in the state of a run whose plan changes: how many of the changes have been made


class StateWriter(Protocol):
    """Writes the state of a run, as `creche.training.checkpoint.CheckpointWriter` does."""

    def next_due(self, epoch: int) -> int:
        """Return the first epoch after this one at whose end the state is to be written."""
        ...

    def save(self, run: Run) -> object:
        """Write the state of the run as it is now."""
        ...


class Observer(Protocol):
    """Looks at a run between its steps, as `creche.training.recorder.Recorder` does."""

    @property
    def recording(self) -> Recording:
        """What was recorded so far."""
        ...

    def next_stop(self, step: int) -> int:
        """Return the first step after this one at whose end it is to look."""
        ...

    def look(self, run: Run) -> None:
        """Look at the run as it is now."""
        ...


class Run(Displayed):
    """A plan that is carried out on prepared rows, as `train` returns it.

    Attributes
    ----------
    plan : Plan
        The plan, with lengths that were left open filled in.
    current_plan : Plan
        The plan as it is now, after those of its changes that have been made; it has none itself.
    status : {"running", "finished", "early_stopped", "stopped", "interrupted", "diverged"}
        "stopped" means that `on_epoch` stopped it.
    threads : int
        Number of threads.
    prepared : Prepared
        The training rows, and those held out.
    rows : Rows
        The training rows as the engine reads them.
    validation : Rows or None
        The validation rows as the engine reads them.
    recorder : optional
        What records the run while it trains.

    Notes
    -----
    Rows that were encoded for another run of the same table, loss and precision can be given to it (`encoded`).

    """

    def __init__(
        self, plan: Plan, prepared: Prepared, threads: int, encoded: tuple[Rows, Rows | None] | None = None
    ) -> None:
        check_fit(plan, prepared)
        rows, validation = encoded or prepared.encode(plan.loss, plan.precision)
        self.plan = check_watched(plan).resolved(len(rows), has_validation=validation is not None)
        self.threads = threads
        self.status = "running"
        self.prepared = prepared
        self.rows, self.validation = rows, validation
        self.recorder: Observer | None = None
        self._create_engine()
        self._divergence: tuple[int, int, float] | None = None  # of the run that this is a copy of
        self._evaluated: tuple[int, AnyEvaluation] | None = None

    def _plan_after(self, changes: int) -> Plan:
        if not self.plan.changes:
            return self.plan
        return self.plan.after_changes(changes).resolved(len(self.rows), has_validation=self.validation is not None)

    def _create_engine(self, changes: int = 0) -> None:
        """Create the engine for the plan as it is after some of its changes."""
        self._changes_made, self.current_plan = changes, self._plan_after(changes)
        self._engine = new_run(self.current_plan, self.rows, self.validation, self.threads)
        measure = create_measure(self.plan, self.prepared, self.validation or self.rows, self.threads)
        self._best_epoch = None if measure is None else BestEpoch(self.plan, measure)

    @property
    def epoch(self) -> int:
        """Completed epochs."""
        return int(self._engine.epoch)

    @property
    def step(self) -> int:
        """Completed steps: updates of the weights."""
        return int(self._engine.step)

    @property
    def batch(self) -> int:
        """Completed steps of the epoch at hand."""
        return int(self._engine.batch_in_epoch)

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next step."""
        return float(self._engine.learning_rate)

    @property
    def history(self) -> History:
        """One record per completed epoch."""
        return History.from_engine(self._engine.history(), self.plan.task, self.prepared.labels.scale)

    @property
    def recording(self) -> Recording | None:
        """What was recorded during training; None unless `record` was given."""
        return None if self.recorder is None else self.recorder.recording

    @property
    def divergence(self) -> tuple[int, int, float] | None:
        """Where training diverged: epoch and batch, counted from 0, and the learning rate; None if it did not."""
        return self._engine.divergence or self._divergence

    @property
    def weights(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """A copy of the current W (d_in, d_out) and b (d_out,) of each layer."""
        return self._engine.parameters()  # type: ignore[no-any-return]

    @property
    def kept_epoch(self) -> int:
        """The epoch, counted from 1, whose weights the run has: the last, or the best once training has ended.

        A run that is stopped or interrupted has the weights of its last step, from which it can continue.
        """
        restores = self.plan.keep == "best" and self.status in ("finished", "early_stopped")
        return int(self._engine.best_epoch) + 1 if restores else self.epoch

    @property
    def is_at_best(self) -> bool:
        """Whether the weights of an earlier epoch have been restored."""
        return self.kept_epoch != self.epoch

    def loss_on(self, rows: Rows) -> float:
        """Return the loss of the current network on encoded rows, without dropout.

        Parameters
        ----------
        rows : Rows
            Encoded rows with their labels, such as `rows` or `validation` of this run.

        Returns
        -------
        float

        """
        return float(self._engine.evaluate(rows.x, rows.classes, rows.targets, rows.weights)[0])

    def losses_of(self, rows: Rows) -> NDArray[Any]:
        """Return the loss of each row by the current network, without dropout, (n,).

        Parameters
        ----------
        rows : Rows
            Encoded rows with their labels, such as `rows` or `validation` of this run.

        """
        pieces = []
        for begin in range(0, len(rows), ROWS_AT_ONCE):
            piece = rows.take(slice(begin, begin + ROWS_AT_ONCE))
            pieces.append(self._engine.introspect(piece.x, piece.classes, piece.targets, None)[3])
        return np.concatenate(pieces) if pieces else np.empty(0)

    @property
    def model(self) -> Model:
        """The model: the encoders, the network and its current weights."""
        prepared, status, steps, history = self.prepared, self.status, self.step, self.history
        kept = self.kept_epoch
        weights = self._engine.parameters()
        model = Model(self.plan, prepared.features, prepared.labels, weights, self.threads)

        def origin() -> Provenance:
            from creche.model.provenance import describe_provenance

            evaluate = partial(self._evaluate, model, steps)
            return describe_provenance(model, prepared, history, status, steps, kept, evaluate)

        object.__setattr__(model, "origin", origin)
        object.__setattr__(model, "summarize", prepared.summarize_training)
        return model

    @property
    def evaluation(self) -> tuple[str, AnyEvaluation]:
        """The evaluation of the current network on the test rows, else the validation rows, else the training rows.

        Returns
        -------
        part : {"test", "validation", "train"}
        evaluation : ClassificationEvaluation, RegressionEvaluation or MultilabelEvaluation

        """
        return self.prepared.evaluation_part[0], self._evaluate(self.model, self.step)

    def _evaluate(self, model: Model, steps: int) -> AnyEvaluation:
        if self._evaluated is None or self._evaluated[0] != steps:
            part = self.prepared.evaluation_part[1]
            self._evaluated = steps, model.evaluate_rows(part.observations, part.weights)
        return self._evaluated[1]

    def change(
        self,
        *,
        optimizer: Optimizer | OptimizerName | None = None,
        learning_rate: float | None = None,
        weight_decay: float | None = None,
        l1: float | None = None,
        schedule: Schedule | ScheduleName | None = None,
        batch_size: int | None = None,
        dropout: float | None = None,
        label_smoothing: float | None = None,
        epochs: int | None = None,
        weights: Sequence[SetWeight] = (),
    ) -> Run:
        """Change the plan from the next step on; the plan says so, and training it again gives the same bytes.

        Parameters
        ----------
        optimizer, learning_rate, weight_decay, l1, schedule, dropout, label_smoothing, epochs, weights : optional
            What changes: see `creche.Change`.
        batch_size : int, optional
            Applies from the beginning of the next epoch on.

        Returns
        -------
        Run
            The run itself.

        Raises
        ------
        PlanError
            If a value is invalid, or training has ended with the weights of an earlier epoch. The run stays as it was.

        Examples
        --------
        >>> import creche as cr
        >>> plan = {"hidden": [5], "epochs": 4, "keep": "last", "early_stopping": False, "threads": 1}
        >>> run = cr.train("penguins", label="species", steps=20, **plan)
        >>> run = run.change(learning_rate=0.1).resume()
        >>> run.plan.changes
        (Change(step=20, learning_rate=0.1),)
        >>> again = cr.train("penguins", label="species", changes=run.plan.changes, **plan)
        >>> bool((again.model.weights[0][0] == run.model.weights[0][0]).all())
        True

        """
        if self.is_at_best:
            raise PlanError(
                f"run.change: training has ended with the weights of epoch {self.kept_epoch} of {self.epoch}, from "
                "which it cannot go on; train with keep='last'"
            )
        changes = [
            Change(
                self.step, optimizer=optimizer, learning_rate=learning_rate, weight_decay=weight_decay, l1=l1,
                schedule=schedule, dropout=dropout, label_smoothing=label_smoothing, epochs=epochs,
                weights=tuple(weights),
            )
        ]  # fmt: skip
        if batch_size is not None:
            changes.append(Change(self._next_epoch_step(), batch_size=batch_size))
        self._look()  # the recorder sees the step before it is changed
        for change in changes:
            if change != Change(change.step):
                self._add_change(change)
        return self

    def _next_epoch_step(self) -> int:
        """Return the step at which the next epoch begins, or the one at hand if none of its batches is done."""
        return self.step + -self.batch % self.current_plan.steps_per_epoch(len(self.rows))

    def _add_change(self, change: Change) -> None:
        before = self.plan
        self.plan = replace(before, changes=order_changes((*before.changes, change)))
        try:
            self._make_due_changes()
        except BaseException:
            self.plan = before
            raise

    def _make_due_changes(self) -> None:
        """Make those changes of the plan whose step has come."""
        changes = self.plan.changes
        while self._changes_made < len(changes) and changes[self._changes_made].step <= self.step:
            self._make_change(changes[self._changes_made])

    def _make_change(self, change: Change) -> None:
        if change.batch_size is not None and self.batch:
            raise PlanError(
                f"changes: batch_size changes after step {change.step:,}, in the middle of an epoch; the next "
                f"one begins after step {self._next_epoch_step():,}",
                argument="changes",
            )
        before, plan = self.current_plan, self._plan_after(self._changes_made + 1)
        state = RunState(self._engine.state())
        engine = self._engine
        if plan != before:
            engine = new_run(plan, self.rows, self.validation, self.threads)
            state = state.carried_over(
                RunState(engine.state()),
                same_optimizer=plan.optimizer.key == before.optimizer.key,
                same_schedule=plan.schedule == before.schedule,
            )
        engine.set_state(dict(state.with_weights(change.weights).arrays))
        self._engine, self.current_plan = engine, plan
        self._changes_made += 1
        self.status = engine.run(steps=0)  # the engine tells whether the run has ended

    def resume(
        self,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        seconds: float | None = None,
        on_epoch: OnEpoch | Sequence[OnEpoch] | None = None,
        on_progress: OnProgress[Run] = None,
        checkpoints: StateWriter | None = None,
    ) -> Run:
        """Continue training, to the end of the plan or for a number of epochs, steps or seconds.

        Parameters
        ----------
        epochs, steps : int, optional
            How many more epochs or steps to train for; by default until the plan ends.
        seconds : float, optional
            Return about this much later, between two steps; some steps are taken however short it is.
        on_epoch : function or sequence of functions, optional
            Called with an `EpochRecord` after each epoch; the run stops when one returns True.
        on_progress : callable or bool, optional
            By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A
            function is called with the run about twenty times a second.
        checkpoints : StateWriter, optional
            Writes the state at regular intervals, and when the run ends or is interrupted.

        Returns
        -------
        Run
            The run itself.

        Raises
        ------
        DivergedError
            If the loss is no longer finite; the run keeps its last finite weights.
        KeyboardInterrupt
            On Ctrl-C, within a tenth of a second; the exception's `run` is the run, which can be resumed.

        """
        last = None if epochs is None else self.epoch + check_whole_number("epochs", epochs, at_least=0)
        last_step = None if steps is None else self.step + check_whole_number("steps", steps, at_least=0)
        with watch(on_progress, "training") as report:
            end = math.inf if seconds is None else time.monotonic() + seconds
            return self._train(last, last_step, end, as_callbacks(on_epoch), report, checkpoints)

    def _train(
        self,
        last_epoch: int | None,
        last_step: int | None,
        end: float,
        functions: tuple[OnEpoch, ...],
        report: Callable[[Run], object] | None,
        checkpoints: StateWriter | None,
    ) -> Run:
        """Train up to an epoch, a step and a time of `time.monotonic`."""
        report_interval = REPORT_INTERVAL if report else math.inf
        saved = -1
        try:
            self._judge()
            self._look()
            while True:
                self._make_due_changes()
                before = self.epoch
                last = self.current_plan.epochs if last_epoch is None else last_epoch
                until = min(report_interval, max(0.0, end - time.monotonic()))
                # The engine calls poll now and then on this thread, which lets Python notice Ctrl-C.
                self.status = self._engine.run(
                    steps=self._steps_to_run(last_step),
                    epochs=self._epochs_to_run(last, bool(functions) or self._best_epoch is not None, checkpoints),
                    seconds=until if math.isfinite(until) else -1.0,
                    poll=lambda: False,
                )
                self._judge()
                self._look()
                self._make_due_changes()
                if self.status == "diverged":
                    self._raise_diverged()
                if report:
                    report(self)
                if self.epoch > before and functions and call_callbacks(functions, self):
                    self.status = "stopped" if self.status == "running" else self.status
                last = self.current_plan.epochs if last_epoch is None else last_epoch
                ended = self.status != "running" or self.epoch >= last or self.step == last_step
                ended = ended or time.monotonic() >= end
                if checkpoints and self.step != saved and (ended or checkpoints.next_due(before) <= self.epoch):
                    saved = self._save(checkpoints)
                if ended:
                    self._look()  # callbacks may have stopped it
                    return self
        except KeyboardInterrupt as interrupt:
            self._judge()
            self.status = "interrupted"
            if checkpoints and saved != self.step:
                self._save(checkpoints)
            interrupt.run = self  # type: ignore[attr-defined]
            raise

    def _epochs_to_run(self, last: int, epoch_by_epoch: bool, checkpoints: StateWriter | None) -> int:
        """Return for how many epochs the engine may run before a callback or a checkpoint is due."""
        until = self.epoch + 1 if epoch_by_epoch else last
        if checkpoints:
            until = min(until, checkpoints.next_due(self.epoch))
        return min(until, last) - self.epoch

    def _steps_to_run(self, last: int | None) -> int:
        """Return for how many steps the engine may run before the recorder is due or the run ends; -1 for no limit."""
        stops = [] if last is None else [last]
        if self.recorder is not None:
            stops.append(self.recorder.next_stop(self.step))
        if self._changes_made < len(self.plan.changes):
            stops.append(self.plan.changes[self._changes_made].step)
        return min(stops) - self.step if stops else -1

    def _judge(self) -> None:
        """Judge the epoch that has ended, where the engine does not choose the best one."""
        best = self._best_epoch
        if best is not None and self.epoch > best.judged and self.status != "diverged":
            self._engine.set_state(best.judge(self._engine.state()))
            self.status = self._engine.run(steps=0)  # the engine tells whether the run has ended

    def _look(self) -> None:
        if self.recorder is not None:
            self.recorder.look(self)

    def _save(self, checkpoints: StateWriter) -> int:
        """Write the state and return its step. If that fails, warn and let training continue."""
        try:
            checkpoints.save(self)
        except FileError as error:
            warn(f"{error}. Training continues; there is no checkpoint of epoch {self.epoch}")
        return self.step

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the whole state of the run as named arrays: weights, the optimizer's state, counters, history."""
        state: dict[str, NDArray[Any]] = self._engine.state()
        if self.plan.changes:
            state[CHANGES_MADE] = np.array([self._changes_made])
        return state

    def set_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take over the state of another run of the same plan on the same table; both end with the same bytes.

        Parameters
        ----------
        state : dict of str to array
            What `state` returned.

        Raises
        ------
        PlanError
            If the state does not belong to such a run.

        """
        made = int(state[CHANGES_MADE][0]) if CHANGES_MADE in state else 0
        if made != self._changes_made:
            self._create_engine(made)
        try:
            self._engine.set_state(dict(state))
        except (ValueError, RuntimeError) as error:
            raise PlanError(f"{error}; needs the state of a run of the same plan") from error
        if self._best_epoch is not None:
            self._best_epoch.restore(state)
        self.status = "running"

    def rewind(self, state: Mapping[str, NDArray[Any]], plan: Plan | None = None) -> Run:
        """Go back to an earlier state of this run; changes of the plan that came later are forgotten.

        Parameters
        ----------
        state : dict of str to array
            What `state` returned.
        plan : Plan, optional
            The plan of the run when it had that state, or later; by default, the present one.

        Returns
        -------
        Run
            The run itself.

        Raises
        ------
        PlanError
            If the state does not belong to this run.

        Examples
        --------
        >>> import creche as cr
        >>> plan = {"label": "species", "epochs": 9, "early_stopping": False, "keep": "last", "threads": 1}
        >>> run = cr.train("penguins", steps=20, **plan)
        >>> state = run.state()
        >>> run.change(learning_rate=100.0).resume().epoch
        9
        >>> run.rewind(state).step, run.plan.changes
        (20, (Change(step=20, learning_rate=100.0),))

        """
        step = RunState(state).step
        changes = (plan or self.plan).changes
        self.plan = replace(self.plan, changes=tuple(change for change in changes if change.step <= step))
        self.set_state(state)
        self._divergence = None
        self._make_due_changes()
        return self

    def __getstate__(self) -> dict[str, Any]:
        own = {name: value for name, value in self.__dict__.items() if name not in ("_engine", "_best_epoch")}
        return {**own, "_divergence": self.divergence, "engine": self.state()}

    def __setstate__(self, own: dict[str, Any]) -> None:
        self.__dict__.update({name: value for name, value in own.items() if name != "engine"})
        self._create_engine()
        self.set_state(own["engine"])
        self.status = own["status"]

    def _raise_diverged(self) -> None:
        epoch, batch, rate = self.divergence or (0, 0, 0.0)
        raise DivergedError(
            f"training diverged in epoch {epoch + 1}, batch {batch + 1}, with learning rate {rate:g}: the loss is no "
            f"longer finite. Try a learning rate of {rate / 10:g} or lower",
            epoch,
            batch,
            rate,
            self,
        )

    def __repr__(self) -> str:
        epochs = f"epoch {self.epoch} of {self.current_plan.epochs}"
        return f"Run({self.plan.network}, {self.status}, {epochs}; {self.history!r})"


def check_fit(plan: Plan, prepared: Prepared) -> None:
    """Raise an error if the network of a plan does not fit the table.

    Raises
    ------
    PlanError

    """
    network, inputs, outputs = plan.network, len(prepared.features.inputs), prepared.labels.outputs(plan.loss)
    if (network.inputs, network.outputs) != (inputs, outputs):
        preprocessing = prepared.preparation.preprocessing
        by = "" if preprocessing == Preprocessing() else f" with {preprocessing!r}"
        raise PlanError(
            f"plan: its network, {network}, has {network.inputs} inputs and {network.outputs} outputs; this table "
            f"needs {inputs} and {outputs}{by}",
            argument="plan",
        )
