"""A plan on prepared rows with the engine that carries it out: where it is, its state, and changes on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche._displayed import Displayed
from creche.engine.best_epoch import BestEpoch
from creche.engine.choice import choose_device, new_run
from creche.engine.device import check_precision
from creche.engine.feeding import evaluate_rows
from creche.engine.hardware import Hardware
from creche.engine.native import Rows
from creche.engine.parameters import Parameters
from creche.engine.processes.chain import Chain
from creche.engine.run_state import RunState
from creche.engine.stored_rows import StoredRows, as_rows
from creche.errors import PlanError
from creche.plan.changes import Change, SetWeight, order_changes
from creche.plan.optimizers import Optimizer
from creche.plan.plan import Plan
from creche.plan.schedules import Schedule
from creche.plan.words import OptimizerName, ScheduleName
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.prepare import Prepared
from creche.training.large_tables import encode_rows
from creche.training.watching import check_watched, create_measure

__all__ = ["EncodedRows", "PlannedEngine", "check_fit"]

ROWS_AT_ONCE = 1024  # whose activations are held at a time

# Training and validation rows.
EncodedRows: TypeAlias = tuple[Rows | StoredRows, Rows | StoredRows | None]

CHANGES_MADE = "changes_made"  # in the state of a run whose plan changes: how many of the changes have been made


class PlannedEngine(Displayed):
    """The part of a run that knows its engine: `creche.training.run.Run` describes the attributes."""

    def __init__(
        self, plan: Plan, prepared: Prepared, hardware: Hardware | int, encoded: EncodedRows | None = None
    ) -> None:
        check_fit(plan, prepared)
        rows, validation = encoded or encode_rows(prepared, plan)
        self.plan = check_watched(plan).resolved(len(rows), has_validation=validation is not None)
        self.hardware = Hardware(hardware) if isinstance(hardware, int) else hardware
        check_precision(self.hardware.device, plan)
        self.status = "running"
        self.prepared = prepared
        self.rows, self.validation = rows, validation
        # Chosen once: a change of the plan does not move the run.
        self.device = choose_device(self.hardware, self.plan, len(rows))
        self._interventions = 0
        self._chain: Chain | None = None
        self._create_engine()
        self._divergence: tuple[int, int, float] | None = None  # of the run that this is a copy of

    @property
    def threads(self) -> int:
        """Number of threads."""
        return self.hardware.threads

    def join(self, chain: Chain | None) -> None:
        """Take the next steps together with other processes, or, without them, alone.

        Parameters
        ----------
        chain : Chain or None

        """
        self._chain = chain
        self._join(self._engine)

    def _join(self, engine: Any) -> None:
        if self._chain is None:
            engine.join(0, 1)
        else:
            engine.join(self._chain.rank, self._chain.count, self._chain.exchange)

    def _is_asked_to_stop(self) -> bool:
        """Whether the step at hand is to be given up; Python notices Ctrl-C when it is called."""
        return self._chain is not None and self._chain.stop_asked

    def _look(self) -> None:
        """Let the recorder look at the run before it is changed."""

    def _plan_after(self, changes: int) -> Plan:
        if not self.plan.changes:
            return self.plan
        return self.plan.after_changes(changes).resolved(len(self.rows), has_validation=self.validation is not None)

    def _create_engine(self, changes: int = 0) -> None:
        """Create the engine for the plan as it is after some of its changes."""
        self._changes_made, self.current_plan = changes, self._plan_after(changes)
        self._engine = new_run(self.current_plan, self.rows, self.validation, Hardware(self.threads, self.device))
        if self._chain is not None:
            self._join(self._engine)
        measure = create_measure(self.plan, self.prepared, as_rows(self.validation or self.rows), self.threads)
        self._best_epoch = None if measure is None else BestEpoch(self.plan, measure)

    @property
    def _moment(self) -> tuple[int, int]:
        """What identifies the weights of the moment: the step, and how often the state was changed by hand."""
        return self.step, self._interventions

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
    def seconds_waited(self) -> float:
        """How long training has waited for rows of a file since the run was created; 0 with rows in memory."""
        return float(self._engine.seconds_waited)

    @property
    def parameters(self) -> Parameters:
        """A copy of all current parameters, by name."""
        return Parameters(self._engine.parameters())

    @property
    def weights(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """A copy of the current W (d_in, d_out) and b (d_out,) of each layer."""
        return self.parameters.layers

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

    def loss_on(self, rows: Rows | StoredRows) -> float:
        """Return the loss of the current network on encoded rows, without dropout.

        Parameters
        ----------
        rows : Rows or StoredRows
            Encoded rows with their labels, such as `rows` or `validation` of this run.

        Returns
        -------
        float

        """
        return evaluate_rows(self._engine, rows)[0]

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
    ) -> Self:
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
                f"which it cannot go on; train with {advise('keep', 'last')}"
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
                f"changes: {advise('batch_size')} changes after step {change.step:,}, in the middle of an epoch; the "
                "next "
                f"one begins after step {self._next_epoch_step():,}",
                argument="changes",
            )
        before, plan = self.current_plan, self._plan_after(self._changes_made + 1)
        state = RunState(self._engine.state())
        engine = self._engine
        if plan != before:
            engine = new_run(plan, self.rows, self.validation, Hardware(self.threads, self.device))
            if self._chain is not None:
                self._join(engine)
            state = state.carried_over(
                RunState(engine.state()),
                same_optimizer=plan.optimizer.key == before.optimizer.key,
                same_schedule=plan.schedule == before.schedule,
            )
        engine.set_state(dict(state.with_weights(change.weights).arrays))
        self._engine, self.current_plan = engine, plan
        self._changes_made += 1
        self._interventions += 1
        self.status = engine.run(steps=0)  # the engine tells whether the run has ended

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
        self._interventions += 1
        self.status = "running"

    def rewind(self, state: Mapping[str, NDArray[Any]], plan: Plan | None = None) -> Self:
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
