"""Fitting: the best model for a table within a budget."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from creche._advice import advise
from creche._progress import OnProgress, watch
from creche.engine.hardware import Hardware, resolve_hardware
from creche.errors import CrecheError, PlanError
from creche.evaluation.metrics import Metric, MetricName, resolve_metric
from creche.fitting.assemble import assemble_model
from creche.fitting.checkpoint import FitCheckpoint
from creche.fitting.fold_rows import split_fold_rows
from creche.fitting.fold_tables import FoldTables
from creche.fitting.policy import Policy, TableShape, choose_policy
from creche.fitting.search import FitProgress, Search
from creche.model.fit_record import FitRecord
from creche.model.fitted import FittedModel
from creche.plan.arguments import check_whole_number, reject_unknown
from creche.plan.losses import Loss
from creche.plan.memory_size import parse_memory
from creche.plan.words import (
    EFFORTS,
    TASKS,
    ClassWeighting,
    DeviceName,
    Duplicates,
    Effort,
    MissingLabel,
    Role,
    Task,
    check_word,
)
from creche.scale.cluster import ClusterChoice, with_workers
from creche.table.checks import warn
from creche.table.inspection import TableInspection, inspect_table
from creche.table.on_disk import read_within
from creche.table.preparation import Preparation
from creche.table.reading.options import ReadOptions
from creche.table.schema import Schema
from creche.table.split import Split
from creche.training.arguments import choose_loss, default_loss
from creche.training.checkpoint import check_inputs_kept
from creche.training.large_tables import left_out_columns

__all__ = ["DEFAULT_METRICS", "fit", "fit_again"]

DEFAULT_METRICS: Mapping[Task, MetricName] = {
    "classification": "log_loss", "regression": "rmse", "multilabel": "log_loss",
}  # fmt: skip


@reject_unknown
def fit(
    data: Any,
    y: Any = None,
    *,
    label: str | Sequence[str] | None = None,
    effort: Effort = "default",
    time_limit: float | None = None,
    metric: MetricName | None = None,
    task: Task | None = None,
    schema: Mapping[str, Role] | Schema | None = None,
    group: str | None = None,
    time: str | None = None,
    sample_weight: Any = None,
    class_weight: Mapping[Any, float] | ClassWeighting | None = None,
    duplicates: Duplicates = "warn",
    missing_label: MissingLabel = "error",
    classes: Sequence[Any] | Mapping[Any, str] | None = None,
    quantiles: Sequence[float] | None = None,
    ordered: bool = False,
    read_options: ReadOptions | Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int | None = None,
    device: DeviceName | None = None,
    memory: str | int | None = None,
    cluster: ClusterChoice | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
    on_progress: OnProgress[FitProgress] = None,
) -> FittedModel:
    """Fit a strong model to a table: many networks on folds of its rows, weighted and calibrated.

    Configurations of networks are trained on every fold, each to the epoch that is best for all folds together. Their
    predictions for the rows that they were not trained on decide how much each counts (stacking; Breiman 1996) and
    calibrate the mean (Guo et al. 2017). The same arguments on the same data give the same model, bit for bit, on any
    machine and any number of threads: the budget counts operations, not seconds. Only `time_limit` looks at a clock.

    Parameters
    ----------
    data : file name, DataFrame or (n, d) array
        As for `creche.train`.
    y : (n,) array, or (n, k) array of numbers or of yes and no, optional
        The labels, if `data` does not hold them.
    label : str or sequence of str, optional
        The column to predict, or several columns to predict together, all numeric or all yes or no; the other columns
        are the features.
    effort : {"fast", "default", "best"}, default "default"
        The budget. "default" tries a first round of configurations, and the best of them for longer where they were
        still learning; "best" takes sixteen times the work of that first round, and "fast" a fraction of it.
    time_limit : float, optional
        Seconds after which no more is tried. With it, `effort` counts for the first configurations only, and
        more are tried until the time is over; which were tried is recorded, so that `creche.verify` can repeat it.
    metric : str, optional
        What the model is to be good at: by default "log_loss" for classification and "rmse" for regression. Of two
        classes, "accuracy", "balanced_accuracy" and "f1" also choose the probability at which the second is predicted.
    task, schema, sample_weight, class_weight, duplicates, missing_label, classes, quantiles, ordered
        As for `creche.train`.
    read_options
        As for `creche.train`.
    group : str, optional
        A column whose equal values stay in one fold, such as a patient.
    time : str, optional
        A column to order by: the latest rows judge networks that learn the earlier ones, before these learn all rows.
    seed : int, default 0
        Seed for folds, networks and random configurations.
    threads : int, optional
        Number of threads; by default ``CRECHE_NUM_THREADS``, or else the cores this process may use.
    device : str, optional
        What trains: "cpu", "cuda", "cuda:1" or another number, "mps", or "auto", which chooses by the work; by default
        ``CRECHE_DEVICE``, or else "cpu". A GPU that this machine lacks is an error, and is never replaced.
    memory : str or int, optional
        What the table may take, such as "8GB": it is read in pieces into a folder, as by `creche.train`, and its
        encoded rows, of all folds, must fit into the memory.
    cluster : str, Cluster or executor, optional
        Where configurations are trained, as for `creche.sweep`; the model has the same bytes.
    checkpoint : file name, optional
        After each round of configurations, what was found so far is written to this file.
    resume : bool, default False
        Whether to continue from that file, if it exists, to the same model as without the interruption. The time limit
        may be another one; the seconds so far count.
    on_progress : callable or bool, optional
        By default, a bar in notebooks and terminals when it takes longer than half a second; False for none. A function
        is called with a `FitProgress` after each epoch.

    Returns
    -------
    FittedModel

    Raises
    ------
    TableError
        If the table cannot be trained on.
    PlanError
        If an argument is invalid; an unknown one is an `UnknownArgumentError`.
    FileError
        If the checkpoint cannot be read or written, or belongs to another fit.
    KeyboardInterrupt
        On Ctrl-C; the exception's `model` is the best found so far, if an epoch has ended.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.fit("penguins", label="species", effort="fast", threads=1)
    >>> model.record.score < 0.1, len(model.record.tried) > 1
    (True, True)

    """
    started = clock.monotonic()
    effort = check_word("effort", effort, EFFORTS)
    _check_time_limit(time_limit)
    seed = check_whole_number("seed", seed, at_least=0)
    known = None if task is None else check_word("task", task, TASKS)
    columns_weight = sample_weight if isinstance(sample_weight, str) else None
    preparation = Preparation(
        label=() if label is None else label,  # type: ignore[arg-type]  # made a tuple there
        schema=schema,  # type: ignore[arg-type]  # made a dict there
        split=Split(0.0, 0.0, True, group, time, None, None),
        duplicates=duplicates,
        missing_label=missing_label,
        sample_weight=columns_weight,
        class_weight=class_weight,
        classes=classes,  # type: ignore[arg-type]  # made a tuple there
        read_options=ReadOptions() if read_options is None else read_options,  # type: ignore[arg-type]
    )
    if checkpoint is not None:
        check_inputs_kept("checkpoint", checkpoint, {"data": data})
    elif resume:
        raise PlanError(
            f"resume: needs the file to continue from; give it as {advise('checkpoint')}", argument="resume"
        )
    job = _Job(
        preparation,
        effort,
        time_limit,
        metric,
        known,
        seed,
        with_workers(resolve_hardware(threads, device), cluster),
        checkpoint,
        resume,
        choose_loss(None, quantiles, ordered),
        None if memory is None else parse_memory(memory),
    )
    weights = None if columns_weight is not None else sample_weight
    with watch(on_progress, "fit") as report:
        return job.run(data, y, weights, None, report, started)


def fit_again(
    model: FittedModel,
    data: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    threads: int | None = None,
    memory: str | int | None = None,
    on_progress: OnProgress[FitProgress] = None,
) -> FittedModel:
    """Fit a model again as its record says: the same rounds of the same configurations, whatever the clock.

    Parameters
    ----------
    model : FittedModel
    data, y, sample_weight
        What it was fitted to.
    threads : int, optional
    memory : str or int, optional
    on_progress : callable, optional

    Returns
    -------
    FittedModel

    Raises
    ------
    TableError
        If the table cannot be trained on.

    """
    record, origin = model.record, model.provenance
    if origin is None:
        raise PlanError(
            f"the model does not hold how it was fitted; fit it with {advise('creche.fit')}", argument="model"
        )
    task = model.labels.task
    effort = check_word("effort", record.effort, EFFORTS)
    job = _Job(
        origin.preparation,
        effort,
        record.time_limit,
        record.metric,
        task,
        record.seed,
        resolve_hardware(threads),
        loss=model.models[0].plan.loss,
        memory=None if memory is None else parse_memory(memory),
    )
    with watch(on_progress, "fit") as report:
        return job.run(data, y, sample_weight, record, report, clock.monotonic())


@dataclass(frozen=True, slots=True)
class _Job:
    """The arguments of a fit."""

    preparation: Preparation
    effort: Effort
    time_limit: float | None
    metric: str | None
    task: Task | None
    seed: int
    hardware: Hardware
    checkpoint: str | Path | None = None
    resume: bool = False
    loss: Loss | None = None
    memory: int | None = None

    def run(
        self,
        data: Any,
        y: Any,
        weights: Any,
        before: FitRecord | None,
        on_progress: Callable[[FitProgress], object] | None,
        started: float,
    ) -> FittedModel:
        data = read_within(data, self.memory, self.preparation.read_options, left_out_columns(self.preparation.schema))
        inspection = inspect_table(data, y, self.preparation, task=self.task, loss=self.loss, weights=weights)
        loss = self.loss or default_loss(inspection.task)
        quantiles = loss.predicted_quantiles
        wanted = self.metric or (None if quantiles else DEFAULT_METRICS[inspection.task])
        metric = resolve_metric(wanted, inspection.task, len(quantiles), is_ordered=loss.orders_classes)
        shape = _measure(inspection)
        policy = choose_policy(shape, self.effort, self.seed)
        folds = split_fold_rows(inspection, policy.folds, self.seed)
        tables = FoldTables(inspection, folds, loss, "float32", self.memory)
        search = Search(tables, policy, self.hardware, self.time_limit, started, on_progress)
        if self.checkpoint is not None:
            identity = self._identify(inspection, policy, metric, len(folds))
            FitCheckpoint(self.checkpoint, search, identity, self.resume)
        if before is None:
            search.run()
        else:
            search.repeat(before.rounds)
        if not search.candidates:
            if search.status == "interrupted":
                raise KeyboardInterrupt
            raise CrecheError(
                "every network diverged: the columns may hold extreme values; look for them with "
                f"{advise('creche.inspect_columns')}"
            )
        refits = self._refits(len(folds)) and search.status != "interrupted" if before is None else before.refitted
        model = assemble_model(search, metric, self.effort, self.time_limit, refits)
        if search.status == "interrupted":
            interrupt = KeyboardInterrupt()
            interrupt.model = model  # type: ignore[attr-defined]
            raise interrupt
        if search.status == "out of time" and search.rounds[-1].first < len(policy.first):
            warn(
                f"time_limit: {self.time_limit:g} seconds were over in the middle of the first configurations; the "
                "model is the best so far"
            )
        return model

    def _refits(self, folds: int) -> bool:
        """Whether the networks learn all rows in the end: those of a single split lack a part of them.

        In order of time it is the latest part, so that it is done whatever it takes.
        """
        by_time = self.preparation.split.time is not None
        return folds == 1 and (by_time or (self.effort != "fast" and self.time_limit is None))

    def _identify(
        self, inspection: TableInspection, policy: Policy, metric: Metric, folds: int
    ) -> dict[str, dict[str, Any]]:
        """Return everything that the model depends on, and how far the search goes."""
        return {
            "fit": {
                "effort": self.effort, "metric": metric.key, "task": inspection.task, "seed": self.seed, "folds": folds,
                "loss": None if self.loss is None else self.loss.to_dict(),
                "configurations": [configuration.to_dict() for configuration in policy.first],
            },
            "preparation": inspection.preparation.to_dict(),
            "table": inspection.describe(),
        }  # fmt: skip


def _check_time_limit(seconds: Any) -> None:
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise PlanError(
            f"time_limit: got {seconds!r}; needs a number of seconds above 0; leave it out for no limit",
            argument="time_limit",
        )


def _measure(inspection: TableInspection) -> TableShape:
    return TableShape(len(inspection.usable.observations), inspection.n_features, len(inspection.classes or ()))
