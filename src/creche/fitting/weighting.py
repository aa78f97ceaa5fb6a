"""Weighting: how much each candidate counts in the mean, by the out-of-fold predictions of all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from creche._ordered_math import exp, log, mean_rows, sum_rows
from creche.fitting.fold_tables import Judged

__all__ = ["SMALLEST_PROBABILITY", "fit_weights", "log_losses", "number_losses", "score_mean"]

Array = NDArray[np.float64]

SMALLEST_PROBABILITY = 1e-7
# Updates come near to the best weights only slowly, which keeps tables of few rows from being overfitted.
STEPS, FEW_ROWS_STEPS, FEW_ROWS = 1_000, 100, 1_500
# In rows: a prior that holds the weights together where few rows cannot tell candidates apart.
PRIOR_ROWS = 0.1
# Below this share of an equal one, a weight is taken for 0, and the candidate's networks are not kept.
LEAST_SHARE = 0.05
# Only candidates whose log loss, or root mean squared error, is within this ratio of the best one's are weighted, but
# of the best ones at least LEAST_WEIGHTED and at most MOST_WEIGHTED.
LARGEST_RATIO = 1.05
MOST_WEIGHTED, LEAST_WEIGHTED = 16, 4
# The largest change of a weight's logarithm in a step, so that a step never goes too far.
LARGEST_STEP = 1.0


def log_losses(predicted: Array, judged: Judged) -> Array:
    """Return the loss of each row, (n,), for probabilities (n, classes)."""
    assert judged.classes is not None
    return -log(np.maximum(predicted[np.arange(len(predicted)), judged.classes], SMALLEST_PROBABILITY))


def number_losses(predicted: Array, judged: Judged) -> Array:
    """Return the squared error of each row, or its pinball loss, (n,): the mean over the labels, or quantiles."""
    assert judged.numbers is not None
    errors = predicted - judged.numbers
    return np.asarray(sum_rows(_losses_and_slopes(errors, _levels(judged))[0].T) / errors.shape[1])


def _levels(judged: Judged) -> Array | None:
    """Return the quantile of each number, (labels,); None for the mean."""
    assert judged.numbers is not None
    return np.resize(np.array(judged.quantiles), judged.numbers.shape[1]) if judged.quantiles else None


def _losses_and_slopes(errors: Array, levels: Array | None) -> tuple[Array, Array]:
    """Return e² and e, or of quantiles the pinball loss and its derivative, for predicted less true numbers e."""
    if levels is None:
        return errors * errors, errors
    slopes = np.where(errors > 0, 1 - levels, np.where(errors < 0, -levels, 0.0))
    return slopes * errors, slopes


def score_mean(predicted: Array, judged: Judged) -> float:
    """Return the log loss, or the mean squared error or pinball loss, of predictions for the judged rows."""
    losses = number_losses(predicted, judged) if judged.classes is None else log_losses(predicted, judged)
    return float(sum_rows(losses * judged.weights))


def fit_weights(predicted: Sequence[Array], judged: Judged) -> Array:
    """Return the weight of each candidate, (candidates,), which sum to 1.

    They are those of stacking (Wolpert 1992; Breiman 1996): the weights, 0 or more, with which the mean of the
    candidates' predictions has the lowest loss. They are found from equal weights on by multiplicative updates, with a
    small Dirichlet prior. For probabilities, an update is a step of the EM algorithm for the shares of a mixture
    (Dempster, Laird & Rubin 1977); for numbers, one of exponentiated gradient on the logarithm of the mean squared
    error, or of the pinball loss of quantiles (Kivinen & Warmuth 1997). Greedy selection (Caruana et al. 2004) overfits
    tables of few hundred rows more.

    Only candidates about as good as the best one are weighted at all: on small tables, weights cannot be told from 0 by
    their predictions, and of many candidates that should have none, each would keep a little.

    Parameters
    ----------
    predicted : sequence of (n, classes) or (n, labels) arrays
        The out-of-fold predictions of each candidate.
    judged : Judged

    """
    selected = _select(predicted, judged)
    weights = np.zeros(len(predicted))
    weights[selected] = _stack([predicted[n] for n in selected], judged)
    return weights


def _select(predicted: Sequence[Array], judged: Judged) -> list[int]:
    """Return the positions of the candidates that are weighted, in ascending order."""
    losses = [score_mean(each, judged) for each in predicted]
    ranked = sorted(range(len(losses)), key=lambda n: (losses[n], n))
    limit = losses[ranked[0]] * (LARGEST_RATIO if judged.classes is not None else LARGEST_RATIO**judged.unit_power)
    close = sum(loss <= limit for loss in losses)
    return sorted(ranked[: min(max(close, LEAST_WEIGHTED), MOST_WEIGHTED)])


def _stack(predicted: Sequence[Array], judged: Judged) -> Array:
    count = len(predicted)
    weights = np.full(count, 1.0 / count)
    if count == 1:
        return weights
    update = _class_update(predicted, judged) if judged.classes is not None else _number_update(predicted, judged)
    for _ in range(FEW_ROWS_STEPS if len(judged) < FEW_ROWS else STEPS):
        weights = update(weights)
    weights = np.where(weights * count < LEAST_SHARE, 0.0, weights)
    return np.asarray(weights / sum_rows(weights))


def _class_update(predicted: Sequence[Array], judged: Judged) -> Callable[[Array], Array]:
    """Return the update for probabilities: each weight becomes its share of the probability of the true classes."""
    rows = np.arange(len(judged))
    true = np.stack([each[rows, judged.classes] for each in predicted], axis=1)
    true, rows_each = np.maximum(true, SMALLEST_PROBABILITY), judged.weights * len(judged)

    def update(weights: Array) -> Array:
        shares = true * weights
        shares = shares / sum_rows(shares.T)[:, np.newaxis]
        totals = sum_rows(shares * rows_each[:, np.newaxis]) + PRIOR_ROWS
        return np.asarray(totals / sum_rows(totals))

    return update


def _number_update(predicted: Sequence[Array], judged: Judged) -> Callable[[Array], Array]:
    """Return the update for numbers, by the gradient of the logarithm of the mean squared error or pinball loss."""
    assert judged.numbers is not None
    centered = judged.numbers - mean_rows(judged.numbers, judged.weights)
    scale = np.sqrt(mean_rows(centered * centered, judged.weights))
    errors = np.stack([(each - judged.numbers) / np.where(scale > 0, scale, 1.0) for each in predicted], axis=1)
    errors = np.moveaxis(errors, 2, 1).reshape(-1, len(predicted))  # rows and labels, candidates
    row_weights = np.repeat(judged.weights, judged.numbers.shape[1]) / judged.numbers.shape[1]
    each = _levels(judged)
    levels = None if each is None else np.tile(each, len(judged))

    def update(weights: Array) -> Array:
        mean = sum_rows((errors * weights).T)
        losses, slopes = _losses_and_slopes(mean, levels)
        loss = float(sum_rows(losses * row_weights))
        if loss == 0.0:
            return weights
        gradient = sum_rows(errors * (slopes * row_weights)[:, np.newaxis]) / loss
        gradient = np.clip(gradient - sum_rows(gradient * weights), -LARGEST_STEP, LARGEST_STEP)
        changed = weights * exp(-gradient) + PRIOR_ROWS / len(judged)
        return np.asarray(changed / sum_rows(changed))

    return update
