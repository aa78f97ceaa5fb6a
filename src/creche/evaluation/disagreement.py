"""How far several networks disagree about a row: a measure of uncertainty that a single network cannot give."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from creche._ordered_math import log

__all__ = ["class_disagreement", "entropy", "number_disagreement"]

Numbers = NDArray[np.float64]


def class_disagreement(mean: Numbers, mean_entropy: Numbers) -> Numbers:
    """Return how much less certain the mean of several networks is than the networks themselves, for each row.

    The entropy of the mean minus the mean of the entropies (Houlsby et al. 2011, eq. 2), as a share of its largest
    possible value: 0 where all networks predict the same, 1 where each is certain of a different class.

    Parameters
    ----------
    mean : (n, classes) array
        The mean of the networks' probabilities.
    mean_entropy : (n,) array
        The mean of the entropies of each network's probabilities.

    Examples
    --------
    >>> networks = np.array([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> class_disagreement(networks.mean(axis=0), entropy(networks).mean(axis=0))
    array([1.])

    """
    return np.asarray(np.maximum(entropy(mean) - mean_entropy, 0) / np.log(mean.shape[1]))


def number_disagreement(variance: Numbers, scale: Numbers) -> Numbers:
    """Return the standard deviation among the predictions of several networks, for each row.

    Parameters
    ----------
    variance : (n, k) array
        The variance among the networks, for each of k labels.
    scale : (k,) array
        The standard deviation of each label. Several labels are divided by it and averaged; a single label keeps its
        own unit.

    Examples
    --------
    >>> number_disagreement(np.array([[4.0], [0.0]]), np.array([10.0]))
    array([2., 0.])

    """
    spread = np.sqrt(np.maximum(variance, 0))
    return np.asarray(spread[:, 0] if spread.shape[1] == 1 else (spread / scale).mean(axis=1))


def entropy(probabilities: Numbers) -> Numbers:
    """Return the entropy, in nats, of the probabilities along the last axis."""
    logs = log(np.where(probabilities > 0, probabilities, 1.0))
    return np.asarray(-(probabilities * logs).sum(axis=-1))
