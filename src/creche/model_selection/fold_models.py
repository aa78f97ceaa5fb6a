"""The models that a cross-validation leaves behind: the ensemble of the folds' networks, or one network on all rows.

Both record the evaluation of the out-of-fold predictions, because they were trained on all rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from creche._progress import OnProgress, watch
from creche.errors import PlanError
from creche.model.ensemble import Ensemble
from creche.model.fold_origin import FoldOrigin
from creche.model.provenance import OUT_OF_FOLD
from creche.table.digest import digest_arrays
from creche.table.inspection import TableInspection
from creche.table.preparation import Preparation
from creche.table.prepare import split_rows
from creche.training.arguments import TrainArguments, create_plan, create_run
from creche.training.planned_engine import check_fit
from creche.training.run import Run

if TYPE_CHECKING:
    from creche.evaluation import AnyEvaluation
    from creche.model.model import Model
    from creche.model_selection.member import Member

__all__ = ["combine_fold_networks", "count_epochs", "refit_on_all_rows"]


def combine_fold_networks(
    members: Sequence[Member | Run],
    inspection: TableInspection,
    evaluation: AnyEvaluation,
    folds: FoldOrigin,
    threads: int,
) -> Ensemble:
    """Return the ensemble of `CrossValidation.ensemble`.

    Parameters
    ----------
    members : sequence of Member or Run
    inspection : TableInspection
        The inspection of the whole table.
    evaluation : ClassificationEvaluation, RegressionEvaluation or MultilabelEvaluation
        That of the out-of-fold predictions.
    folds : FoldOrigin
        The folds of the networks.
    threads : int

    """
    models = [member.model for member in members]
    origin = models[0].provenance
    assert origin is not None
    features, learned = models[0].features, _find_learned_rows(members)
    models[0] = replace(models[0], summarize=lambda: inspection.summarize_training(features, learned))
    ensemble = Ensemble(models, threads=threads)
    ensemble.provenance = replace(
        origin,
        preparation=_without_split(inspection.preparation),
        rows={"train": len(learned)},
        data=inspection.describe(),
        weights=digest_arrays(ensemble.arrays()),
        evaluation={"on": OUT_OF_FOLD, **evaluation.to_dict()},
        folds=folds,
    )
    return ensemble


def _find_learned_rows(members: Sequence[Member | Run]) -> NDArray[np.int64]:
    """Return the rows that any network has learned or watched: all but the last, if the folds go forward in time."""
    prepared = list({id(member.prepared): member.prepared for member in members}.values())
    parts = [each.train for each in prepared]
    # Where networks stop early, the rows that they watch are the validation rows, and the fold is for testing.
    parts += [each.validation for each in prepared if each.validation is not None and each.test is not None]
    return np.unique(np.concatenate([part.observations.row_indices for part in parts]))


def _without_split(preparation: Preparation) -> Preparation:
    """Return the preparation with all rows for training."""
    return replace(preparation, split=replace(preparation.split, validation_fraction=0.0, test_fraction=0.0))


def count_epochs(members: Sequence[Member | Run]) -> int:
    """Return the median over the networks of the epoch whose weights they have, 1 at least."""
    return max(1, round(float(np.median([member.kept_epoch for member in members]))))


def refit_on_all_rows(
    members: Sequence[Member | Run],
    inspection: TableInspection,
    evaluation: AnyEvaluation,
    arguments: TrainArguments,
    on_progress: OnProgress[Run] = None,
) -> Model:
    """Return the model of `CrossValidation.refit`.

    Parameters
    ----------
    members : sequence of Member or Run
        The networks of the folds, which say how many epochs to train for.
    inspection : TableInspection
    evaluation : ClassificationEvaluation, RegressionEvaluation or MultilabelEvaluation
        That of the out-of-fold predictions.
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
    whole = replace(inspection, preparation=_without_split(inspection.preparation))
    prepared = split_rows(whole, whole.usable, None, None)
    plan = create_plan(arguments, prepared) if arguments.plan is None else arguments.plan
    check_fit(plan, prepared)
    plan = replace(plan, epochs=count_epochs(members), early_stopping=None, keep="last")
    run = create_run(replace(arguments, plan=plan), prepared)
    with watch(on_progress, "training") as report:
        run.resume(on_epoch=arguments.on_epoch, on_progress=report)
    model = run.model
    assert model.provenance is not None
    return replace(model, origin=replace(model.provenance, evaluation={"on": OUT_OF_FOLD, **evaluation.to_dict()}))
