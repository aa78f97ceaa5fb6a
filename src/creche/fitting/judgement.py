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


def conformity_scores(
    predicted: NDArray[np.float64], judged: Judged, *, is_multilabel: bool = False
) -> NDArray[np.float64]:
    """Return the sorted scores, (m,), or of several labels that are numbers (m, labels), each column sorted.

    Of more than 1,000, those at evenly spaced ranks are kept, the largest included.
    """
    if judged.classes is not None:
        scores = 1.0 - predicted[np.arange(len(judged)), judged.classes]
    else:
        assert judged.numbers is not None
        step = max(len(judged.quantiles), 1)
        true, low, high = judged.numbers[:, ::step], predicted[:, ::step], predicted[:, step - 1 :: step]
        # How far from the number, or outside the interval of quantiles, the label lies; below 0 inside.
        scores = np.maximum(low - true, true - high)
        if is_multilabel or scores.shape[1] == 1:
            scores = scores.max(axis=1)
    scores = np.sort(scores, axis=0)
    if len(scores) <= KEPT_SCORES:
        return scores
    ranks = (np.arange(1, KEPT_SCORES + 1) * len(scores) + KEPT_SCORES - 1) // KEPT_SCORES - 1
    return np.asarray(scores[ranks])
