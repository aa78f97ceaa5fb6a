"""The run: a plan that is carried out on prepared rows."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from creche._progress import OnProgress, watch
from creche.engine.device import describe_device
from creche.engine.hardware import Hardware
from creche.errors import CrecheError, DivergedError, FileError, ProcessError
from creche.model.history import History
from creche.model.model import Model
from creche.plan.arguments import check_whole_number
from creche.plan.plan import Plan
from creche.table.checks import warn
from creche.table.partition import PartName
from creche.table.prepare import Prepared
from creche.training.callbacks import OnEpoch, as_callbacks, call_callbacks
from creche.training.planned_engine import EncodedRows, PlannedEngine
from creche.training.processes import Crew, together

if TYPE_CHECKING:
    from creche.evaluation import AnyEvaluation
    from creche.model.provenance import Provenance
    from creche.training.recording import Recording

__all__ = ["Observer", "Run", "StateWriter"]

REPORT_INTERVAL = 0.05  # seconds


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


class Run(PlannedEngine):
    """A plan that is carried out on prepared rows, as `train` returns it.

    Attributes
    ----------
    plan : Plan
        The plan, with lengths that were left open filled in.
    current_plan : Plan
        The plan as it is now, after those of its changes that have been made; it has none itself.
    status : {"running", "finished", "early_stopped", "stopped", "interrupted", "diverged"}
        "stopped" means that `on_epoch` stopped it.
    hardware : Hardware
        The threads and the device that were asked for; a number of threads stands for the processor.
    threads : int
        Number of threads.
    device : Device
        What trains the network: the device that was asked for, or what "auto" stands for.
    prepared : Prepared
        The training rows, and those held out.
    rows : Rows or StoredRows
        The training rows as the engine reads them.
    validation : Rows, StoredRows or None
        The validation rows as the engine reads them.
    recorder : optional
        What records the run while it trains.
    crew : Crew
        The processes that train the network together.

    Notes
    -----
    Rows that were encoded for another run of the same table, loss and precision can be given to it (`encoded`).

    """

    def __init__(
        self, plan: Plan, prepared: Prepared, hardware: Hardware | int, encoded: EncodedRows | None = None
    ) -> None:
        super().__init__(plan, prepared, hardware, encoded)
        self.recorder: Observer | None = None
        self.crew = Crew()
        self._evaluated: tuple[tuple[int, int], AnyEvaluation] | None = None

    @property
    def history(self) -> History:
        """One record per completed epoch."""
        return self.history_from(0)

    def history_from(self, epoch: int) -> History:
        """Return the records of an epoch, counted from 0, and of those after it.

        Parameters
        ----------
        epoch : int
            With as many epochs as are completed, or more, there is no record.

        Examples
        --------
        >>> import creche as cr
        >>> run = cr.train("penguins", label="species", epochs=5, threads=1)
        >>> len(run.history), run.history_from(3).train_loss.tolist() == run.history.train_loss[3:].tolist()
        (5, True)

        """
        columns, prepared = self._engine.history(check_whole_number("epoch", epoch, at_least=0)), self.prepared
        return History.from_engine(columns, self.plan.task, prepared.labels.scale, prepared.library)

    @property
    def recording(self) -> Recording | None:
        """What was recorded during training; None unless `record` was given."""
        return None if self.recorder is None else self.recorder.recording

    @property
    def divergence(self) -> tuple[int, int, float] | None:
        """Where training diverged: epoch and batch, counted from 0, and the learning rate; None if it did not."""
        return self._engine.divergence or self._divergence

    @property
    def model(self) -> Model:
        """The model: the encoders, the network and its current weights."""
        prepared, status, steps, history = self.prepared, self.status, self.step, self.history
        kept, at, device = self.kept_epoch, self._moment, describe_device(self.device)
        model = Model(self.plan, prepared.features, prepared.labels, self.parameters, self.threads)

        def origin() -> Provenance:
            from creche.model.provenance import describe_provenance

            evaluate = partial(self._evaluate, model, at)
            return describe_provenance(model, prepared, history, status, steps, kept, evaluate, device)

        object.__setattr__(model, "origin", origin)
        object.__setattr__(model, "summarize", prepared.summarize_training)
        return model

    @property
    def evaluation(self) -> AnyEvaluation:
        """The evaluation of the current network on the test rows, else the validation rows, else the training rows.

        Returns
        -------
        ClassificationEvaluation, RegressionEvaluation or MultilabelEvaluation

        """
        return self._evaluate(self.model, self._moment)

    @property
    def evaluated_on(self) -> PartName:
        """The part of the table that `evaluation` is on: "test", "validation" or "train"."""
        return self.prepared.evaluation_part[0]

    def _evaluate(self, model: Model, moment: tuple[int, int]) -> AnyEvaluation:
        if self._evaluated is None or self._evaluated[0] != moment:
            part = self.prepared.evaluation_part[1]
            self._evaluated = moment, model.evaluate_rows(part.observations, part.weights)
        return self._evaluated[1]

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
        ProcessError
            If one of several processes ends or fails; the run keeps the state after its last step, and can be resumed.
        KeyboardInterrupt
            On Ctrl-C, within a tenth of a second; the exception's `run` is the run, which can be resumed.

        """
        last = None if epochs is None else self.epoch + check_whole_number("epochs", epochs, at_least=0)
        last_step = None if steps is None else self.step + check_whole_number("steps", steps, at_least=0)
        functions = as_callbacks(on_epoch)
        end = math.inf if seconds is None else time.monotonic() + seconds
        if not self.crew.is_first:
            with together(self):
                return self.train_along()
        with watch(on_progress, "training") as report:
            lost = 0
            while True:
                try:
                    with together(self):
                        return self._train(last, last_step, end, functions, report, checkpoints)
                except ProcessError as error:
                    error.run = self
                    if not error.is_lost or lost == self.crew.retries:
                        raise
                    lost += 1
                    warn(
                        f"{error}. Training goes on after step {self.step:,}, with another process in its place "
                        f"({lost} of at most {self.crew.retries} times)"
                    )
                except (KeyboardInterrupt, CrecheError) as stop:  # perhaps while other processes were waited for
                    stop.run = self  # type: ignore[union-attr]
                    raise

    def train_along(self) -> Run:
        """Train with the first of several processes until it ends."""
        return self._train(None, None, math.inf, (), None, None)

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
                    poll=self._is_asked_to_stop,
                )
                if self._chain is not None and self._chain.is_interrupted:
                    raise KeyboardInterrupt
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
        except (KeyboardInterrupt, ProcessError) as stop:
            self._judge()
            self.status = "interrupted"
            if checkpoints and saved != self.step:
                self._save(checkpoints)
            stop.run = self  # type: ignore[union-attr]
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

    def __getstate__(self) -> dict[str, Any]:
        left_out = ("_engine", "_best_epoch", "_chain")
        own = {name: value for name, value in self.__dict__.items() if name not in left_out}
        return {**own, "_divergence": self.divergence, "engine": self.state()}

    def __setstate__(self, own: dict[str, Any]) -> None:
        self.__dict__.update({name: value for name, value in own.items() if name != "engine"})
        self._chain = None
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
