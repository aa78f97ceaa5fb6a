"""Verification of the ensemble of a cross-validation: its networks are trained again on the same folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from creche._advice import advise
from creche._phrases import format_count
from creche._progress import OnProgress, StepProgress, count_steps, watch_steps
from creche.engine.colony import Crew
from creche.engine.hardware import Hardware, resolve_hardware
from creche.engine.job import Job
from creche.engine.outcomes import RUNNING
from creche.engine.stored_rows import as_rows, require_memory
from creche.errors import PlanError
from creche.model.ensemble import Ensemble
from creche.model.fold_origin import FoldOrigin
from creche.model.model import Model
from creche.model_selection.member import Member
from creche.plan.losses import LossFunction
from creche.plan.memory_size import parse_memory
from creche.plan.plan import Plan
from creche.table.bootstrap_sample import resample_rows
from creche.table.digest import digest_arrays
from creche.table.folds import Fold, prepare_folds
from creche.table.inspection import inspect_table
from creche.training.large_tables import RowBudget
from creche.training.planned_engine import check_fit
from creche.training.run import Run
from creche.training.verify import Verification, arrange_columns, list_differences, read_again
from creche.training.watching import create_measure

__all__ = ["verify_folds"]


def verify_folds(
    ensemble: Ensemble,
    data: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    loss: LossFunction | None = None,
    threads: int | None = None,
    memory: str | int | None = None,
    on_progress: OnProgress[StepProgress] = None,
) -> Verification:
    """Train the networks of all folds again, and compare the weights: `creche.verify` of `CrossValidation.ensemble`."""
    origin = ensemble.provenance
    if origin is None or origin.folds is None:
        raise PlanError(
            f"model: got an ensemble of {format_count(len(ensemble), 'network')} that does not hold how they were "
            "trained; needs the model of one network, the ensemble of a cross-validation, or a model of "
            f"{advise('creche.fit')}",
            argument="model",
        )
    plans = [model.plan if loss is None else model.plan.with_function(loss) for model in ensemble.models]
    inspection = inspect_table(
        arrange_columns(read_again(data, memory, origin), origin), y,
        replace(origin.preparation, split=origin.folds.split), task=plans[0].task,
        loss=plans[0].loss, weights=sample_weight,
    )  # fmt: skip
    is_same_table, differences = list_differences(origin, inspection.describe())
    try:
        folds = prepare_folds(
            inspection, origin.folds.folds, origin.folds.repeats, origin.folds.seed, origin.folds.stops_early
        )
        with watch_steps(on_progress):
            budget = RowBudget(None if memory is None else parse_memory(memory))
            models = _train_again(plans, folds, origin.folds, resolve_hardware(threads), budget)
    except PlanError:
        if is_same_table:
            raise
        return Verification(False, origin.weights, "", False, differences)
    found = digest_arrays(Ensemble(models).arrays())
    return Verification(found == origin.weights, origin.weights, found, is_same_table, differences)


def _train_again(
    plans: Sequence[Plan], folds: Sequence[Fold], origin: FoldOrigin, hardware: Hardware, budget: RowBudget
) -> list[Model]:
    """Train each network on its fold for as many epochs as it was."""
    prepared = [folds[origin.place(member)].prepared for member in origin.members]
    for plan, fold in zip(plans, prepared, strict=True):
        check_fit(plan, fold)
    if plans[0].loss.is_python:  # a Python function runs one network at a time
        models = []
        with count_steps(len(plans), "networks") as report:
            for plan, fold, epochs in zip(plans, prepared, origin.epochs, strict=True):
                models.append(Run(plan, fold, hardware).resume(epochs=epochs).model)
                report(len(models))
        return models
    jobs = []
    for plan, fold in zip(plans, prepared, strict=True):
        rows, validation = budget.encode(fold, plan.loss, plan.dtype)
        if origin.bootstrap:
            rows = resample_rows(require_memory(rows, "bootstrap"), plan.seed)
        jobs.append(Job(plan, rows, validation, create_measure(plan, fold, as_rows(validation or rows), threads=1)))
    crew = Crew(jobs, hardware)
    with count_steps(crew.epochs[1], "epochs") as report:
        for epoch in sorted(set(origin.epochs)):
            crew.run(epoch, lambda: report(crew.epochs[0]))
            stopped = [n for n, last in enumerate(origin.epochs) if last == epoch and crew.status(n) == RUNNING]
            if stopped:  # by a function of the user's, at the end of this epoch
                crew.stop(stopped)
    return [Member(crew, n, {"seed": plans[n].seed}, fold).model for n, fold in enumerate(prepared)]
