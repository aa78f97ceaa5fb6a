"""How much the networks of an ensemble disagree about each row, as expressions."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from creche.exporting.sql.query import Expression, Query, Steps, number
from creche.model.calibration import TINY
from creche.model.ensemble import Ensemble

__all__ = ["measure_disagreement"]

SMALLEST_DIFFERENCE = 1e-100  # PostgreSQL refuses the square of one whose square is too small for a number


def measure_disagreement(
    query: Query, ensemble: Ensemble, predicted: Sequence[Sequence[Expression]], mean: Sequence[Expression]
) -> Steps:
    """Compute in one column what `Ensemble.disagreement` does.

    Parameters
    ----------
    query : Query
    ensemble : Ensemble
    predicted : sequence of sequence of str
        What each network predicts.
    mean : sequence of str
        Their mean, by their shares.

    """
    shares = [number(share) for share in ensemble.shares.tolist()]
    labels = ensemble.labels
    if labels.classes is not None:
        own = " + ".join(f"{share} * ({_entropy(query, p)})" for share, p in zip(shares, predicted, strict=True))
        gained = yield [f"({_entropy(query, mean)}) - ({own})"], []
        return (yield [f"{query.largest(gained[0], '0e0')} / {number(math.log(len(labels.classes)))}"], [])
    variances = []
    for each, middle in zip(zip(*predicted, strict=True), mean, strict=True):
        distances = [query.largest(f"abs({p} - {middle})", number(SMALLEST_DIFFERENCE)) for p in each]
        variances.append(" + ".join(f"{share} * {d} * {d}" for share, d in zip(shares, distances, strict=True)))
    spreads = yield [f"sqrt({variance})" for variance in variances], []
    if len(spreads) == 1:
        return spreads
    scales = labels.repeat(np.array(labels.scale, dtype=np.float64)) if labels.scale else np.ones(len(spreads))
    total = " + ".join(f"{spread} / {number(scale)}" for spread, scale in zip(spreads, scales.tolist(), strict=True))
    return (yield [f"({total}) / {len(spreads)}e0"], [])


def _entropy(query: Query, p: Sequence[Expression]) -> Expression:
    """Return the entropy of probabilities, in nats."""
    smallest = number(float(TINY))
    return f"-({' + '.join(f'{name} * ln({query.largest(name, smallest)})' for name in p)})"
