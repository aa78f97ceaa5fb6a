"""`creche.fit` on the table of a session: its board while it goes on, and the model it ends with."""

from __future__ import annotations

from creche._phrases import format_count
from creche.evaluation.metrics import metric_name
from creche.fitting.fit import DEFAULT_METRICS, fit
from creche.fitting.search import FitProgress
from creche.model.calibration import Calibration
from creche.model.fitted import FittedModel
from creche.plan.words import Effort
from creche.studio.metrics_view import describe_metrics
from creche.studio.protocol.requests import StartFit
from creche.studio.protocol.views import FitCandidate, FitView, Metric, NumberView, WorkStatus
from creche.studio.state import SessionState
from creche.studio.work import CancelledError, Work
from creche.table.checks import collect_warnings

__all__ = ["FitWork", "describe_calibration"]

MILD = 0.05
"""Of a temperature: by less than this it changes hardly anything."""


class FitWork(Work):
    """Fits a model to the table of a session, with the label, task and roles that it has now.

    Parameters
    ----------
    state : SessionState
    request : StartFit

    Attributes
    ----------
    model : FittedModel or None
        What was found; None until it has ended, and if it ended before anything was found.

    """

    name = "fit"

    def __init__(self, state: SessionState, request: StartFit) -> None:
        super().__init__(state.push)
        self.model: FittedModel | None = None
        self._table = state.need_source().table
        self._label, self._task, self._roles = state.label, state.prepared.task, dict(state.roles)
        self._effort: Effort = request.effort
        self._time_limit = request.time_limit
        self._seed, self._threads = state.need_settings().seed, state.threads
        self._progress: FitProgress | None = None
        self._metrics: tuple[Metric, ...] = ()

    def work(self) -> None:
        """Fit the model; if it is cancelled, it is the best that was found."""
        try:
            with collect_warnings():
                self.model = fit(
                    self._table, label=self._label, effort=self._effort, time_limit=self._time_limit, task=self._task,
                    schema=self._roles or None, seed=self._seed, threads=self._threads, on_progress=self._note,
                )  # fmt: skip
        except KeyboardInterrupt as interrupt:  # of `_note`: the search takes it for Ctrl-C, and keeps what it has
            self.model = getattr(interrupt, "model", None)
        if self.model is not None and self.model.out_of_fold is not None:
            self._metrics = describe_metrics(self.model.out_of_fold)

    def view(self) -> FitView:
        """Return the board as it is, and once there is a model, how good it is and what it uses."""
        status: WorkStatus = "running" if self.is_running else "cancelled" if self.is_cancelled else "finished"
        model, progress = self.model, self._progress
        if model is None or status == "running":
            board = () if progress is None else progress.board
            candidates = [FitCandidate(each.number, each.name, each.loss, 0.0, each.epochs) for each in board]
            return FitView(
                status=status,
                done=0.0 if progress is None else progress.share,
                metric=metric_name(DEFAULT_METRICS[self._task]),
                candidates=tuple(sorted(candidates, key=lambda each: each.score or 0.0)),
                text=self._write(),
            )
        record = model.record
        outcomes = None if model.labels.task == "regression" else model.labels.outcomes
        tried = (FitCandidate(each.number, each.name, each.score, each.weight, each.epoch) for each in record.tried)
        kept = sum(each.weight > 0 for each in record.tried)
        networks, configurations = format_count(len(model), "network"), format_count(len(record.tried), "configuration")
        return FitView(
            status=status,
            done=1.0,
            metric=record.score_name,
            candidates=tuple(tried),
            text=(
                f"{networks} of {kept} of {configurations} predict together: {record.score_name} {record.score:.4g} on "
                "held-out rows."
            ),
            metrics=self._metrics,
            calibration=describe_calibration(model.calibration, outcomes),
            importances=tuple(NumberView(name, value) for name, value in record.importance.items()),
        )

    def _note(self, progress: FitProgress) -> None:
        self._progress = progress
        try:
            self.report()
        except CancelledError:
            raise KeyboardInterrupt from None

    def _write(self) -> str:
        progress = self._progress
        if not self.is_running:
            return "It ended before a configuration was trained on all folds." if self.is_cancelled else ""
        if progress is None:
            return "The table is divided into folds."
        tried = format_count(progress.tried, "configuration")
        left = "" if progress.seconds_left is None else f" About {progress.seconds_left:.0f} seconds are left."
        return f"{tried} tried, {progress.training} in training.{left}"


def describe_calibration(calibration: Calibration, classes: tuple[object, ...] | None) -> tuple[str, ...]:
    """Describe what is done to the mean of the networks' predictions, in sentences.

    Examples
    --------
    >>> describe_calibration(Calibration(temperature=1.5), ("no", "yes"))
    ('The networks are too sure: their probabilities are drawn together (temperature 1.5).',)

    """
    if classes is None:
        bounds = list(zip(calibration.lowest, calibration.highest, strict=True))
        return tuple(f"Predictions stay between {low:.6g} and {high:.6g}." for low, high in bounds)
    found = []
    temperature = calibration.temperature
    scaled = f"temperature {temperature:.3g}"
    if temperature > 1 + MILD:
        found.append(f"The networks are too sure: their probabilities are drawn together ({scaled}).")
    elif temperature < 1 - MILD:
        found.append(f"The networks are not sure enough: their probabilities are spread ({scaled}).")
    else:
        found.append(f"The networks are about as sure as they may be ({scaled}).")
    if calibration.matrix:
        found.append("Classes that are taken for each other are told apart by a matrix.")
    if calibration.offsets:
        pairs = sorted(zip(calibration.offsets, classes, strict=True), key=lambda pair: pair[0])
        (low, rarer), (high, likelier) = pairs[0], pairs[-1]
        found.append(f"{likelier} is made more probable ({high:+.2g}), {rarer} less ({low:+.2g}).")
    if calibration.mix:
        found.append(
            f"No class gets a probability of 0: {calibration.mix:.2g} of the shares of the classes is mixed in."
        )
    return tuple(found)
