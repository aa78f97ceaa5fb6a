"""Measures of predictions on test rows, from their formulas, with NumPy alone."""

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Classes = NDArray[np.int64]

# Probabilities are cut here before their logarithm is taken, so that one confident error does not decide a table.
SMALLEST_PROBABILITY = 1e-7
N_BINS = 15
COVERAGE = 0.9

# The measure that systems are compared by.
HEADLINE = {"classification": "log_loss", "regression": "rmse"}


def score_classes(labels: Classes, probabilities: Numbers) -> dict[str, float]:
    """Measure probabilities (n, classes) against labels 0, 1, ..."""
    return {
        "log_loss": log_loss(labels, probabilities),
        "auc": auc_one_vs_rest(labels, probabilities),
        "error": float(np.mean(probabilities.argmax(axis=1) != labels)),
        "brier": brier_score(labels, probabilities),
        "ece": calibration_error(labels, probabilities),
    }


def score_numbers(labels: Numbers, predictions: Numbers, interval: tuple[Numbers, Numbers] | None) -> dict[str, float]:
    """Measure predictions of numbers; `interval` has the bounds of a 90 % interval for each, if there are any."""
    scores = {
        "rmse": float(np.sqrt(np.mean((predictions - labels) ** 2))),
        "mae": float(np.mean(np.abs(predictions - labels))),
    }
    if interval is not None:
        low, high = interval
        scores["coverage_90"] = float(np.mean((low <= labels) & (labels <= high)))
    return scores


def log_loss(labels: Classes, probabilities: Numbers) -> float:
    """Return the mean of -log p(label), p cut to [1e-7, 1 - 1e-7]."""
    p = probabilities[np.arange(len(labels)), labels]
    return float(-np.mean(np.log(np.clip(p, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY))))


def auc_one_vs_rest(labels: Classes, probabilities: Numbers) -> float:
    """Return the area under the ROC curve: of class 1 for two classes, else the mean over the classes in the labels."""
    n_classes = probabilities.shape[1]
    columns = [1] if n_classes == 2 else range(n_classes)
    areas = [area_under_curve(labels == column, probabilities[:, column]) for column in columns]
    known = [area for area in areas if not np.isnan(area)]
    return float(np.mean(known)) if known else float("nan")


def area_under_curve(positive: NDArray[np.bool_], scores: Numbers) -> float:
    """Return the share of pairs (positive, negative) whose scores are in order, ties counted half."""
    n_positive = int(positive.sum())
    n_negative = len(positive) - n_positive
    if not n_positive or not n_negative:
        return float("nan")
    _, inverse, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_negative))


def brier_score(labels: Classes, probabilities: Numbers) -> float:
    """Return the mean over rows of the squared distance to the label, summed over classes; halved for two classes."""
    target = np.zeros_like(probabilities)
    target[np.arange(len(labels)), labels] = 1
    total = float(np.mean(np.sum((probabilities - target) ** 2, axis=1)))
    return total / 2 if probabilities.shape[1] == 2 else total


def calibration_error(labels: Classes, probabilities: Numbers) -> float:
    """Return the expected calibration error: |accuracy - confidence| in 15 bins of confidence of equal width."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == labels
    bins = np.minimum((confidence * N_BINS).astype(np.int64), N_BINS - 1)
    gaps = np.bincount(bins, weights=right - confidence, minlength=N_BINS)
    return float(np.abs(gaps).sum() / len(labels))


def majority_probabilities(labels: Classes, n_classes: int, n_rows: int) -> Numbers:
    """Return the frequency of each class among the training labels, for each of `n_rows` rows."""
    return np.tile(np.bincount(labels, minlength=n_classes) / len(labels), (n_rows, 1))
