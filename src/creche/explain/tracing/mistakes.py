"""How far predictions are from the labels, row by row, class by class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ClassMistakes", "NumberMistakes"]


@dataclass(frozen=True, slots=True, eq=False)
class ClassMistakes:
    """Of probabilities.

    Attributes
    ----------
    truth : (n,) int
        The number of each row's class.
    probabilities : (n, C) float64
    differences : (n, C) float64
        By how much each differs from the label, which is 1 for the true class and 0 for the others.
    squares : (n, C) float64
    squared_error : (n,) float64
        The mean of a row's squares.
    cross_entropy : (n,) float64
        -log of the probability of the true class.

    Examples
    --------
    >>> one = ClassMistakes.of(np.array([[0.4, 0.3, 0.3]]), np.array([0]))
    >>> one.differences.round(12).tolist(), one.squares.round(12).tolist(), one.squared_error.round(12).tolist()
    ([[0.6, 0.3, 0.3]], [[0.36, 0.09, 0.09]], [0.18])

    """

    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    differences: NDArray[np.float64]
    squares: NDArray[np.float64]
    squared_error: NDArray[np.float64]
    cross_entropy: NDArray[np.float64]

    @classmethod
    def of(cls, probabilities: NDArray[Any], truth: NDArray[Any]) -> ClassMistakes:
        """From probabilities (n, C) and the numbers of the true classes, (n,)."""
        p = probabilities.astype(np.float64)
        label = np.eye(p.shape[1])[truth]
        differences = np.abs(label - p)
        squares = differences**2
        with np.errstate(divide="ignore"):
            cross_entropy = 0.0 - np.log(p[np.arange(len(p)), truth])  # of a probability of 1: 0, not -0
        return cls(truth.astype(np.int64), p, differences, squares, squares.mean(axis=1), cross_entropy)


@dataclass(frozen=True, slots=True, eq=False)
class NumberMistakes:
    """Of predicted numbers.

    Attributes
    ----------
    truth, predictions, differences, squares : (n, k) float64
        In the units of the labels; a difference is prediction - truth.
    scaled_truth, scaled_predictions, scaled_differences, scaled_squares : (n, k) float64
        As the network works with them: standardised, unless it was trained with ``standardize=False``.
    is_scaled : bool
        Whether the two differ.

    """

    truth: NDArray[np.float64]
    predictions: NDArray[np.float64]
    differences: NDArray[np.float64]
    squares: NDArray[np.float64]
    scaled_truth: NDArray[np.float64]
    scaled_predictions: NDArray[np.float64]
    scaled_differences: NDArray[np.float64]
    scaled_squares: NDArray[np.float64]
    is_scaled: bool

    @classmethod
    def of(
        cls, truth: NDArray[Any], predictions: NDArray[Any], scaled_truth: NDArray[Any], outputs: NDArray[Any]
    ) -> NumberMistakes:
        """From labels and predictions in their units and as the network has them, each (n, k)."""
        given, said, scaled, out = (array.astype(np.float64) for array in (truth, predictions, scaled_truth, outputs))
        off, scaled_off = said - given, out - scaled
        with np.errstate(over="ignore"):
            squares, scaled_squares = off**2, scaled_off**2
        is_scaled = not np.array_equal(given.astype(outputs.dtype), scaled_truth)
        return cls(given, said, off, squares, scaled, out, scaled_off, scaled_squares, is_scaled)
