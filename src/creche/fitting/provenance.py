"""The provenance of a fitted model, from which it is shown, checked and fitted again."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._version import __version__
from creche.evaluation import AnyEvaluation
from creche.fitting.candidate import Candidate
from creche.fitting.fold_tables import Judged
from creche.fitting.judgement import evaluate_judged
from creche.model.fitted import FittedModel
from creche.model.history import History
from creche.model.provenance import OUT_OF_FOLD, Provenance
from creche.model.thresholds import class_threshold
from creche.table.datasets import locate_read_file
from creche.table.digest import digest_arrays
from creche.table.inspection import TableInspection
from creche.table.table import FrameLibrary, Table

__all__ = ["add_provenance"]


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
    description, weights = inspection.describe(), digest_arrays(model.arrays())
    labels, threshold, kept_epoch = model.labels, class_threshold(model.threshold), best.epoch
    library = inspection.labelled.library
    history = _history(best, labels.task, library)

    @cache
    def evaluate() -> AnyEvaluation:
        return replace(evaluate_judged(predicted, judged, labels, threshold, n_resamples), library=library)

    def trace_back() -> Provenance:
        return Provenance(
            preparation=inspection.preparation,
            schema=inspection.schema,
            rows={"train": len(inspection.usable)},
            data=description,
            weights=weights,
            history=history,
            evaluation={"on": OUT_OF_FOLD, **evaluate().to_dict()},
            status=model.record.status,
            steps=0,
            version=__version__,
            tables=() if path is None else (path,),
            kept_epoch=kept_epoch,
        )

    model.set_origin(trace_back, evaluate, inspection.usable.observations.row_numbers[judged.rows])
    return model


def _history(best: Candidate, task: str, library: FrameLibrary) -> History:
    """Return the history of a candidate: the means over its folds."""
    train, held_out = best.losses[:, 0], best.losses[:, 1]
    unknown = np.full(len(train), np.nan)
    columns: dict[str, Any] = {
        "train_loss": train, "validation_loss": held_out, "train_metric": unknown, "validation_metric": unknown,
        "learning_rate": unknown, "seconds": np.zeros(len(train)),
    }  # fmt: skip
    return History.of(columns, "rmse" if task == "regression" else "accuracy", library)
