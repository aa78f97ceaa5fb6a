"""The judgement of out-of-fold predictions: their evaluation, and how far off they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche.evaluation import (
    AnyEvaluation,
    ClassificationEvaluation,
    MultilabelEvaluation,
    RegressionEvaluation,
)
from creche.fitting.fold_tables import Judged
from creche.table.labels import LabelEncoder

__all__ = ["conformity_scores", "evaluate_judged"]

KEPT_SCORES = 1000


def evaluate_judged(
    predicted: NDArray[np.float64], judged: Judged, labels: LabelEncoder, threshold: float | None, n_resamples: int
) -> AnyEvaluation:
    """Return the evaluation of out-of-fold predictions."""
    baseline, weights = np.array(labels.baseline), judged.row_weights * len(judged)
    if judged.classes is not None:
        assert labels.classes is not None
        return ClassificationEvaluation.of(
            predicted, judged.classes, labels.classes, weights=weights, n_resamples=n_resamples, baseline=baseline,
            threshold=threshold, is_ordered=labels.is_ordered,
        )  # fmt: skip
    assert judged.numbers is not None
    if labels.is_multilabel:
        return MultilabelEvaluation.of(
            predicted, judged.numbers, weights=weights, n_resamples=n_resamples, labels=labels.names, baseline=baseline
        )
    return RegressionEvaluation.of(
        predicted, judged.numbers, weights=weights, n_resamples=n_resamples, quantiles=labels.quantiles,
        labels=labels.predicted_names, baseline=baseline,
    )  # fmt: skip


def conformity_scores(predicted: NDArray[np.float64], judged: Judged) -> NDArray[np.float64]:
    """Return the sorted scores; of more than 1,000, those at evenly spaced ranks, the largest included."""
    if judged.classes is not None:
        scores = 1.0 - predicted[np.arange(len(judged)), judged.classes]
    else:
        assert judged.numbers is not None
        scores = np.abs(predicted - judged.numbers).max(axis=1)
        if len(judged.quantiles) > 1:  # how far outside the interval the label lies; below 0 inside
            step = len(judged.quantiles)
            true, low, high = judged.numbers[:, ::step], predicted[:, ::step], predicted[:, step - 1 :: step]
            scores = np.maximum(low - true, true - high).max(axis=1)
    scores = np.sort(scores)
    if len(scores) <= KEPT_SCORES:
        return scores
    ranks = (np.arange(1, KEPT_SCORES + 1) * len(scores) + KEPT_SCORES - 1) // KEPT_SCORES - 1
    return np.asarray(scores[ranks])
