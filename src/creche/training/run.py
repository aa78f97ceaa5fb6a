"""The run: a plan carried out on prepared rows, or under way."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from creche.engine.native import Rows, new_run
from creche.errors import DivergedError, FileError, PlanError
from creche.model.history import History
from creche.model.model import Model
from creche.plan.plan import Plan
from creche.table.checks import warn
from creche.table.prepare import Prepared
from creche.training.callbacks import OnEpoch, as_callbacks, call_callbacks

if TYPE_CHECKING:
    from creche.evaluation import ClassificationEvaluation, RegressionEvaluation
    from creche.model.provenance import Provenance
    from creche.training.recording import Recording

__all__ = ["Observer", "Run", "StateWriter", "check_fit"]

SECONDS_BETWEEN_REPORTS = 0.05


class StateWriter(Protocol):
    """Something that keeps the state of a run, such as `creche.training.checkpoint.CheckpointWriter`."""

    def next_due(self, epoch: int) -> int:
        """The first epoch after this one behind which the state is to be kept."""
        ...

    def save(self, run: Run) -> object: ...


class Observer(Protocol):
    """Something that looks at a run between its steps, such as `creche.training.recorder.Recorder`."""

    @property
    def recording(self) -> Recording: ...

    def next_stop(self, step: int) -> int:
        """The first step after this one behind which it wants to look."""
        ...

    def look(self, run: Run) -> None: ...


class Run:
    """A plan carried out, or under way: made by `train`.

    Attributes
    ----------
    plan : Plan
        With everything that was left open filled in.
    status : {"running", "finished", "early_stopped", "stopped", "interrupted", "diverged"}
        "stopped" is by `on_epoch`.
    threads : int
    prepared : Prepared
        The rows it is trained on, and those kept out.
    rows : Rows
        The training rows as the engine reads them.
    validation : Rows or None
    recorder : optional
        What keeps moments of it while it trains.

    """

    def __init__(self, plan: Plan, prepared: Prepared, threads: int) -> None:
        check_fit(plan, prepared)
        rows, validation = prepared.encode(plan.loss, plan.precision)
        self.plan = plan.resolved(len(rows))
        self.threads = threads
        self.status = "running"
        self.prepared = prepared
        self.rows, self.validation = rows, validation
        self.recorder: Observer | None = None
        self._engine = new_run(self.plan, rows, validation, threads)
        self._judged: tuple[int, ClassificationEvaluation | RegressionEvaluation] | None = None

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
        return History.of_engine(self._engine.history(), self.plan.task, self.prepared.labels.scale)

    @property
    def recording(self) -> Recording | None:
        """What was kept of it on the way; None if it was not told to record."""
        return None if self.recorder is None else self.recorder.recording

    @property
    def divergence(self) -> tuple[int, int, float] | None:
        """Where the loss stopped being finite, if it did: epoch and batch in it, from 0, and the learning rate."""
        return self._engine.divergence  # type: ignore[no-any-return]

    @property
    def weights(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        """A copy of W (d_in, d_out) and b (d_out,) of each layer, as they are now."""
        return self._engine.parameters()  # type: ignore[no-any-return]

    @property
    def is_at_best(self) -> bool:
        """Whether early stopping has put back the weights of an earlier epoch."""
        stopping, ended = self.plan.early_stopping, self.status in ("finished", "early_stopped")
        return ended and stopping is not None and stopping.restore_best and self._engine.best_epoch + 1 != self.epoch

    def loss_on(self, rows: Rows) -> float:
        """The loss of the network as it is now, on rows that are encoded already; without dropout."""
        return float(self._engine.evaluate(rows.x, rows.classes, rows.targets, rows.weights)[0])

    @property
    def model(self) -> Model:
        """The encoder, the network and its weights as they are now."""
        prepared, status, steps, history = self.prepared, self.status, self.step, self.history
        weights = self._engine.parameters()
        model = Model(self.plan, prepared.features, prepared.labels, weights, self.threads)

        def origin() -> Provenance:
            from creche.model.provenance import describe_provenance

            return describe_provenance(model, prepared, history, status, steps, lambda: self._judge(model, steps))

        object.__setattr__(model, "origin", origin)
        return model

    @property
    def evaluation(self) -> tuple[str, ClassificationEvaluation | RegressionEvaluation]:
        """How good the network is as it is now: on the rows for testing, else for validation, else for training.

        Returns
        -------
        part : {"test", "validation", "train"}
        evaluation : ClassificationEvaluation or RegressionEvaluation

        """
        return self.prepared.evaluation_part[0], self._judge(self.model, self.step)

    def _judge(self, model: Model, steps: int) -> ClassificationEvaluation | RegressionEvaluation:
        if self._judged is None or self._judged[0] != steps:
            part = self.prepared.evaluation_part[1]
            self._judged = steps, model.evaluate_rows(part.observations, part.weights)
        return self._judged[1]

    def resume(
        self,
        *,
        epochs: int | None = None,
        steps: int | None = None,
        on_epoch: OnEpoch | Sequence[OnEpoch] | None = None,
        on_progress: Callable[[Run], object] | None = None,
        checkpoints: StateWriter | None = None,
    ) -> Run:
        """Goes on where the run stands: to the plan's end, or for so many epochs or steps.

        Parameters
        ----------
        epochs, steps : int, optional
        on_epoch : function or several, optional
            Is called with an `EpochRecord` after each epoch; the run stops where it returns True.
        on_progress : callable, optional
            Is called with the run about twenty times a second.
        checkpoints : optional
            Keeps the state every so many epochs, and when the run ends or is interrupted.

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
        last = self.plan.epochs if epochs is None else self.epoch + _count("epochs", epochs)
        last_step = None if steps is None else self.step + _count("steps", steps)
        functions = as_callbacks(on_epoch)
        seconds = SECONDS_BETWEEN_REPORTS if on_progress else -1.0
        kept = -1
        try:
            self._look()
            while True:
                before = self.epoch
                # Called now and then by the engine, on this thread: Python looks for Ctrl-C as it enters.
                self.status = self._engine.run(
                    steps=self._steps(last_step),
                    epochs=self._stretch(last, bool(functions), checkpoints),
                    seconds=seconds,
                    poll=lambda: False,
                )
                self._look()
                if self.status == "diverged":
                    self._raise_diverged()
                if on_progress:
                    on_progress(self)
                if self.epoch > before and functions and call_callbacks(functions, self):
                    self.status = "stopped" if self.status == "running" else self.status
                ended = self.status != "running" or self.epoch >= last or self.step == last_step
                if checkpoints and self.step != kept and (ended or checkpoints.next_due(before) <= self.epoch):
                    kept = self._keep(checkpoints)
                if ended:
                    self._look()  # callbacks may have stopped it
                    return self
        except KeyboardInterrupt as interrupt:
            self.status = "interrupted"
            if checkpoints and kept != self.step:
                self._keep(checkpoints)
            interrupt.run = self  # type: ignore[attr-defined]
            raise

    def _stretch(self, last: int, epoch_by_epoch: bool, checkpoints: StateWriter | None) -> int:
        """For how many epochs the engine may run before something else is to be done."""
        until = self.epoch + 1 if epoch_by_epoch else last
        if checkpoints:
            until = min(until, checkpoints.next_due(self.epoch))
        return min(until, last) - self.epoch

    def _steps(self, last: int | None) -> int:
        """For how many steps the engine may run before something else is to be done; -1 for no end."""
        stops = [] if last is None else [last]
        if self.recorder is not None:
            stops.append(self.recorder.next_stop(self.step))
        return min(stops) - self.step if stops else -1

    def _look(self) -> None:
        if self.recorder is not None:
            self.recorder.look(self)

    def _keep(self, checkpoints: StateWriter) -> int:
        """Keeps the state; the step it is of. Where it cannot be written, training goes on, and the user is told."""
        try:
            checkpoints.save(self)
        except FileError as error:
            warn(f"{error}. Training goes on; there is no checkpoint of epoch {self.epoch}")
        return self.step

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
        return f"Run({self.plan.network}, {self.status}, epoch {self.epoch} of {self.plan.epochs}; {self.history!r})"


def check_fit(plan: Plan, prepared: Prepared) -> None:
    """Refuses a plan whose network does not fit the table.

    Raises
    ------
    PlanError

    """
    network, inputs, outputs = plan.network, len(prepared.features.inputs), prepared.labels.outputs(plan.loss)
    if (network.inputs, network.outputs) != (inputs, outputs):
        raise PlanError(
            f"plan: its network, {network}, begins with {network.inputs} inputs and ends with {network.outputs} "
            f"outputs; this table needs {inputs} and {outputs}"
        )


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 0:
        raise PlanError(f"{name}: got {value!r}; needs a whole number of at least 0")
    return int(value)
