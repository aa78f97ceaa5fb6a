"""Weighting: how much each candidate counts, chosen greedily on out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from creche.evaluation.ordered_math import log, mean_rows, sum_rows
from creche.fitting.fold_tables import Judged
from creche.table.split import hash_sequence

__all__ = ["SMALLEST_PROBABILITY", "log_losses", "score_mean", "select_weights", "squared_errors"]

Array = NDArray[np.float64]

SMALLEST_PROBABILITY = 1e-7
STEPS = 40
# Selections from random halves of the candidates, whose weights are averaged (Caruana et al. 2004, section 2.3).
BAGS = 12
# Below this many rows, the best weights on them are mostly chance: all candidates count alike.
MIN_ROWS = 300


def log_losses(predicted: Array, judged: Judged) -> Array:
    """Return the loss of each row, (n,), for probabilities (n, classes)."""
    assert judged.classes is not None
    return -log(np.maximum(predicted[np.arange(len(predicted)), judged.classes], SMALLEST_PROBABILITY))


def squared_errors(predicted: Array, judged: Judged) -> Array:
    """Return the squared error of each row, (n,), the mean over the labels."""
    assert judged.numbers is not None
    errors = predicted - judged.numbers
    return np.asarray(sum_rows((errors * errors).T) / errors.shape[1])


def score_mean(predicted: Array, judged: Judged) -> float:
    """Return the log loss, or the mean squared error, of predictions for the judged rows."""
    losses = squared_errors(predicted, judged) if judged.classes is None else log_losses(predicted, judged)
    return float(sum_rows(losses * judged.weights))


def select_weights(predicted: Sequence[Array], judged: Judged, seed: int) -> Array:
    """Return the weight of each candidate, (candidates,), which sum to 1.

    From all candidates, and from random halves of them, 40 are selected one by one, with replacement, such that the
    loss of their mean prediction is lowest; the weights are how often each was selected (Caruana et al. 2004, "Ensemble
    selection from libraries of models").

    Parameters
    ----------
    predicted : sequence of (n, classes) or (n, labels) arrays
        The out-of-fold predictions of each candidate.
    judged : Judged
    seed : int
        Decides the random halves.

    """
    count = len(predicted)
    if count == 1 or len(judged) < MIN_ROWS:
        return np.full(count, 1.0 / count)
    library = _Library.of(predicted, judged)
    counts = library.select(np.arange(count))
    if count > 3:
        for bag in range(BAGS):
            order = np.argsort(hash_sequence(seed * BAGS + bag, count), kind="stable")
            counts = counts + library.select(np.sort(order[: max(2, (count + 1) // 2)]))
    return np.asarray(counts / sum_rows(counts))


@dataclass(frozen=True, slots=True, eq=False)
class _Library:
    """What the loss of a mean prediction depends on.

    Attributes
    ----------
    values : (candidates, n, k) array
        The probability of the true class, k = 1; or the errors of numbers, in standard deviations of the labels.
    weights : (n,) array
    is_classification : bool

    """

    values: Array
    weights: Array
    is_classification: bool

    @classmethod
    def of(cls, predicted: Sequence[Array], judged: Judged) -> Self:
        if judged.classes is not None:
            rows = np.arange(len(judged))
            return cls(np.stack([each[rows, judged.classes] for each in predicted])[:, :, None], judged.weights, True)
        assert judged.numbers is not None
        centered = judged.numbers - mean_rows(judged.numbers, judged.weights)
        scale = np.sqrt(mean_rows(centered * centered, judged.weights))
        errors = np.stack([(each - judged.numbers) / np.where(scale > 0, scale, 1.0) for each in predicted])
        return cls(errors, judged.weights, False)

    def select(self, chosen: NDArray[np.int64]) -> Array:
        """Return the shares, (candidates,), of a greedy selection among some candidates."""
        counts = np.zeros(len(self.values))
        best_counts, best_loss = counts, np.inf
        total = np.zeros(self.values.shape[1:])
        for size in range(1, STEPS + 1):
            losses = self._losses((self.values[chosen] + total) / size)
            at = int(np.argmin(losses))
            counts[chosen[at]] += 1.0
            total = total + self.values[chosen[at]]
            if losses[at] < best_loss:
                best_loss, best_counts = float(losses[at]), counts.copy()
        return np.asarray(best_counts / sum_rows(best_counts))

    def _losses(self, means: Array) -> Array:
        """Return the mean loss, (m,), of m mean predictions, (m, n, k)."""
        losses = -log(np.maximum(means, SMALLEST_PROBABILITY)) if self.is_classification else means * means
        of_labels = mean_rows(np.moveaxis(losses, 1, 0), self.weights)
        return np.asarray(sum_rows(of_labels.T) / of_labels.shape[1])
