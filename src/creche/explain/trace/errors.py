"""How far the predictions of a traced step are from the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassificationErrors", "RegressionErrors"]


@dataclass(frozen=True, slots=True, eq=False)
class ClassificationErrors:
    """How far predicted probabilities are from the labels.

    Attributes
    ----------
    true : (n,) int
        The number of each row's true class.
    probabilities : (n, C) float64
        The predicted probability of each class.
    differences : (n, C) float64
        The absolute differences from the label, which is 1 for the true class and 0 for the others.
    squares : (n, C) float64
        The squared differences.
    squared_error : (n,) float64
        The mean of a row's squares.
    cross_entropy : (n,) float64
        -log of the probability of the true class.

    Examples
    --------
    >>> one = ClassificationErrors.of(np.array([[0.4, 0.3, 0.3]]), np.array([0]))
    >>> one.differences.round(12).tolist(), one.squares.round(12).tolist(), one.squared_error.round(12).tolist()
    ([[0.6, 0.3, 0.3]], [[0.36, 0.09, 0.09]], [0.18])

    """

    true: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    differences: NDArray[np.float64]
    squares: NDArray[np.float64]
    squared_error: NDArray[np.float64]
    cross_entropy: NDArray[np.float64]

    @classmethod
    def of(cls, probabilities: NDArray[Any], true: NDArray[Any]) -> ClassificationErrors:
        """Return the errors of probabilities (n, C), given the numbers of the true classes, (n,)."""
        p = probabilities.astype(np.float64)
        label = np.eye(p.shape[1])[true]
        differences = np.abs(label - p)
        squares = differences**2
        with np.errstate(divide="ignore"):
            cross_entropy = 0.0 - np.log(p[np.arange(len(p)), true])  # 0, not -0, for a probability of 1
        return cls(true.astype(np.int64), p, differences, squares, squares.mean(axis=1), cross_entropy)


@dataclass(frozen=True, slots=True, eq=False)
class RegressionErrors:
    """How far predicted numbers are from the labels.

    Attributes
    ----------
    true, predicted, differences, squares : (n, k) float64
        In the units of the labels; a difference is predicted - true.
    scaled_true, scaled_predicted, scaled_differences, scaled_squares : (n, k) float64
        The same in the network's units: standardized, unless it was trained with ``standardize=False``.
    is_scaled : bool
        Whether the network's units differ from those of the labels.

    """

    true: NDArray[np.float64]
    predicted: NDArray[np.float64]
    differences: NDArray[np.float64]
    squares: NDArray[np.float64]
    scaled_true: NDArray[np.float64]
    scaled_predicted: NDArray[np.float64]
    scaled_differences: NDArray[np.float64]
    scaled_squares: NDArray[np.float64]
    is_scaled: bool

    @classmethod
    def of(
        cls, true: NDArray[Any], predicted: NDArray[Any], scaled_true: NDArray[Any], outputs: NDArray[Any]
    ) -> RegressionErrors:
        """Return the errors of predictions; all arrays are (n, k), the last two in the network's units."""
        is_scaled = not np.array_equal(true.astype(np.float64).astype(outputs.dtype), scaled_true)
        true, predicted, scaled_true, outputs = (a.astype(np.float64) for a in (true, predicted, scaled_true, outputs))
        differences, scaled_differences = predicted - true, outputs - scaled_true
        with np.errstate(over="ignore"):
            squares, scaled_squares = differences**2, scaled_differences**2
        return cls(
            true, predicted, differences, squares, scaled_true, outputs, scaled_differences, scaled_squares, is_scaled
        )
