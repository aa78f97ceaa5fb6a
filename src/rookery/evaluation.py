"""How good predictions are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rookery.table.encode import class_numbers

__all__ = ["ClassEvaluation", "NumberEvaluation"]


@dataclass(frozen=True, slots=True)
class ClassEvaluation:
    """Of predicted probabilities of classes.

    Attributes
    ----------
    rows : int
    accuracy : float
        The share of rows whose likeliest class is the label.
    log_loss : float
        Mean of -log of the probability given to the label; probabilities below 1e-15 count as that.
    auc : float
        Area under the ROC curve, one class against the rest, the mean over the classes; NaN if only one occurs.
    confusion : (classes, classes) int64
        Rows: the label; columns: the prediction.
    classes : tuple

    """

    rows: int
    accuracy: float
    log_loss: float
    auc: float
    confusion: NDArray[np.int64]
    classes: tuple[Any, ...]

    @classmethod
    def of(cls, probabilities: NDArray[Any], y: NDArray[Any], classes: tuple[Any, ...], label: str) -> ClassEvaluation:
        """From probabilities (n, classes) and labels (n,)."""
        p = probabilities.astype(np.float64)
        truth = class_numbers(y, classes, label)
        said = p.argmax(axis=1)
        confusion = np.zeros((len(classes), len(classes)), dtype=np.int64)
        np.add.at(confusion, (truth, said), 1)
        log_loss = -np.log(np.maximum(p[np.arange(len(p)), truth], 1e-15)).mean()
        areas = [_area(p[:, c], truth == c) for c in range(len(classes))]
        known = [area for area in areas if area is not None]
        auc = float(np.mean(known)) if known else float("nan")
        return cls(len(p), float((said == truth).mean()), float(log_loss), auc, confusion, classes)


@dataclass(frozen=True, slots=True)
class NumberEvaluation:
    """Of predicted numbers, in the label's units.

    Attributes
    ----------
    rows : int
    rmse, mae : float
        Root mean squared error; mean absolute error.
    r2 : float
        1 - squared error / squared deviation from the mean; NaN if the label is constant.

    """

    rows: int
    rmse: float
    mae: float
    r2: float

    @classmethod
    def of(cls, predicted: NDArray[np.float64], y: NDArray[np.float64]) -> NumberEvaluation:
        """From predictions and labels, both (n,)."""
        error = predicted - y
        spread = ((y - y.mean()) ** 2).sum()
        r2 = float(1 - (error**2).sum() / spread) if spread > 0 else float("nan")
        return cls(len(y), float(np.sqrt((error**2).mean())), float(np.abs(error).mean()), r2)


def _area(score: NDArray[np.float64], positive: NDArray[np.bool_]) -> float | None:
    """The share of (positive, other) pairs that the score puts in order, ties half (Mann & Whitney 1947)."""
    n_positive = int(positive.sum())
    n_other = len(score) - n_positive
    if n_positive == 0 or n_other == 0:
        return None
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks = (last - (counts - 1) / 2)[inverse]  # from 1; ties share their mean
    return float((ranks[positive].sum() - n_positive * (n_positive + 1) / 2) / (n_positive * n_other))
