"""The models that a cross-validation leaves behind: the ensemble of the folds' networks, or one network on all rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from creche._progress import OnProgress, watch
from creche.errors import PlanError
from creche.model.ensemble import Ensemble
from creche.table.digest import digest_arrays
from creche.table.inspection import TableInspection
from creche.table.prepare import split_rows
from creche.training.arguments import TrainArguments, create_plan, create_run
from creche.training.run import Run, check_fit

if TYPE_CHECKING:
    from creche.evaluation import ClassificationEvaluation, RegressionEvaluation
    from creche.model_selection.member import Member

__all__ = ["combine_fold_networks", "count_epochs", "refit_on_all_rows"]


def combine_fold_networks(
    members: Sequence[Member | Run],
    inspection: TableInspection,
    evaluation: ClassificationEvaluation | RegressionEvaluation,
    threads: int,
) -> Ensemble:
    """Return the ensemble of `CrossValidation.ensemble`.

    Parameters
    ----------
    members : sequence of Member or Run
    inspection : TableInspection
        The inspection of the whole table; together, the networks have learned all of its rows.
    evaluation : ClassificationEvaluation or RegressionEvaluation
        That of the out-of-fold predictions.
    threads : int

    """
    models = [member.model for member in members]
    origin = models[0].provenance
    assert origin is not None
    features = models[0].features
    models[0] = replace(models[0], summarize=lambda: inspection.summarize_training(features))
    ensemble = Ensemble(models, threads=threads)
    ensemble.provenance = replace(
        origin,
        rows={"train": len(inspection.usable)},
        data=inspection.describe(),
        weights=digest_arrays(ensemble.arrays()),
        evaluation={"on": "out-of-fold", **evaluation.to_dict()},
    )
    return ensemble


def count_epochs(members: Sequence[Member | Run]) -> int:
    """Return the median over the networks of the epoch whose weights they have, 1 at least."""
    return max(1, round(float(np.median([member.kept_epoch for member in members]))))


def refit_on_all_rows(
    members: Sequence[Member | Run],
    inspection: TableInspection,
    arguments: TrainArguments,
    on_progress: OnProgress[Run] = None,
) -> Run:
    """Return the run of `CrossValidation.refit`.

    Parameters
    ----------
    members : sequence of Member or Run
        The networks of the folds, which say how many epochs to train for.
    inspection : TableInspection
    arguments : TrainArguments
        The resolved arguments of the cross-validation.
    on_progress : callable or bool, optional

    Raises
    ------
    PlanError
        If the best epoch of the folds is that of untrained networks.
    DivergedError
        If the network diverges.

    """
    if all(member.plan.epochs == 0 for member in members):
        raise PlanError("refit: the networks of the folds were trained for 0 epochs; give epochs of at least 1")
    split = replace(inspection.preparation.split, validation_fraction=0.0, test_fraction=0.0)
    whole = replace(inspection, preparation=replace(inspection.preparation, split=split))
    prepared = split_rows(whole, whole.usable, None, None)
    plan = create_plan(arguments, prepared) if arguments.plan is None else arguments.plan
    check_fit(plan, prepared)
    plan = replace(plan, epochs=count_epochs(members), early_stopping=None, keep="last")
    run = create_run(replace(arguments, plan=plan), prepared)
    with watch(on_progress, "training") as report:
        run.resume(on_epoch=arguments.on_epoch, on_progress=report)
    return run
