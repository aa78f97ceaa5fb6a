"""The provenance of a fitted model, from which it is shown, checked and fitted again."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._version import __version__
from creche.evaluation import ClassificationEvaluation, RegressionEvaluation
from creche.fitting.candidate import Candidate
from creche.fitting.fold_tables import Judged
from creche.fitting.judgement import evaluate_judged
from creche.model.fitted import FittedModel
from creche.model.history import History
from creche.model.provenance import Provenance
from creche.table.datasets import locate_read_file
from creche.table.digest import describe_table, digest_arrays
from creche.table.inspection import TableInspection
from creche.table.table import Column, Table
from creche.table.training_summary import TrainingSummary

__all__ = ["add_provenance", "describe_inspected", "summarize"]


def add_provenance(
    model: FittedModel,
    inspection: TableInspection,
    predicted: NDArray[np.float64],
    judged: Judged,
    best: Candidate,
    n_resamples: int,
) -> FittedModel:
    """Return the model with its provenance and evaluation, whose bootstrap waits until it is asked for.

    Parameters
    ----------
    model : FittedModel
    inspection : TableInspection
    predicted : (n, classes) or (n, labels) float64 array
        Its out-of-fold predictions, which are evaluated.
    judged : Judged
    best : Candidate
        The candidate of the highest weight, whose history is kept.
    n_resamples : int
        For the confidence intervals.

    """
    x = inspection.labelled.x
    path = locate_read_file(x.source) if isinstance(x, Table) else None
    # These now, before anybody changes the table or the model.
    description, weights = describe_inspected(inspection), digest_arrays(model.arrays())
    labels, threshold, kept_epoch = model.labels, model.threshold, best.epoch
    history = _history(best, "classification" if judged.classes is not None else "regression")

    @cache
    def evaluate() -> ClassificationEvaluation | RegressionEvaluation:
        return evaluate_judged(predicted, judged, labels, threshold, n_resamples)

    def trace_back() -> Provenance:
        return Provenance(
            preparation=inspection.preparation,
            schema=inspection.schema,
            rows={"train": len(inspection.usable)},
            data=description,
            weights=weights,
            history=history,
            evaluation={"on": "out-of-fold", **evaluate().to_dict()},
            status=model.record.status,
            steps=0,
            version=__version__,
            tables=() if path is None else (path,),
            kept_epoch=kept_epoch,
        )

    model.set_origin(trace_back, evaluate, inspection.usable.observations.row_numbers[judged.rows])
    return model


def describe_inspected(inspection: TableInspection) -> dict[str, Any]:
    """Return the digests of what a fit depends on: the labelled rows, and weights that are not in the table."""
    return describe_table(_select_columns(inspection), _side_tables(inspection))


def summarize(model: FittedModel, inspection: TableInspection) -> TrainingSummary:
    """Return what the model keeps of the rows it was fitted to."""
    rows = np.searchsorted(inspection.labelled.row_indices, inspection.usable.observations.row_indices)
    return TrainingSummary.of(model.features, inspection.usable.observations.x, inspection.labelled.x, rows)


def _select_columns(inspection: TableInspection) -> Table:
    names = None
    if inspection.schema is not None:
        names = [*inspection.schema.features, *inspection.preparation.auxiliary_columns]
    return inspection.labelled.table(names)


def _side_tables(inspection: TableInspection) -> dict[str, Table]:
    if inspection.external_weights is None:
        return {}
    return {"sample_weight": Table({"weight": Column("number", inspection.external_weights)}, "sample_weight")}


def _history(best: Candidate, task: str) -> History:
    """Return the history of a candidate: the means over its folds."""
    train, held_out = best.losses[:, 0], best.losses[:, 1]
    unknown = np.full(len(train), np.nan)
    columns: dict[str, Any] = {
        "train_loss": train, "validation_loss": held_out, "train_metric": unknown, "validation_metric": unknown,
        "learning_rate": unknown, "seconds": np.zeros(len(train)),
    }  # fmt: skip
    return History.of(columns, "accuracy" if task == "classification" else "rmse")
