"""The scores by which an exported model computes intervals, or sets of classes, as `FittedModel.predict` does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.errors import PlanError
from creche.model.fitted import FittedModel
from creche.model.predictor import Predictor

__all__ = ["find_scores"]


def find_scores(model: Predictor, coverage: float) -> NDArray[np.float64]:
    """Return half the width of the interval of each number; for classes, 1 less the smallest probability in a set.

    Raises
    ------
    PlanError
        If the model has no intervals, or none of this coverage.

    """
    if model.labels.is_multilabel:
        raise PlanError(
            f"interval: got {coverage!r} for several labels of yes or no; leave it out", argument="interval"
        )
    if not isinstance(model, FittedModel):
        raise PlanError(
            f"interval: got {coverage!r} for a model that {advise('creche.fit')} did not make; leave it out",
            argument="interval",
        )
    return model.conformal_scores(coverage)
