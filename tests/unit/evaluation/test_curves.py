"""Curves of predicted probabilities, against counting rows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import creche as cr


def test_curves_against_counting() -> None:
    rng = np.random.default_rng(0)
    score = rng.integers(0, 10, 60) / 10
    true = (rng.random(60) < score).astype(int)
    out = cr.ClassificationEvaluation.of(np.column_stack([1 - score, score]), true, ("no", "yes"), n_resamples=0)
    curve = out.roc("yes")
    for x, y, at in zip(curve.x, curve.y, curve.thresholds, strict=True):
        assert x == pytest.approx(((score >= at) & (true == 0)).sum() / (true == 0).sum())
        assert y == pytest.approx(((score >= at) & (true == 1)).sum() / (true == 1).sum())
    trapezes = sum((b - a) * (c + d) / 2 for (a, b), (c, d) in zip(pairwise(curve.x), pairwise(curve.y), strict=True))
    assert trapezes == pytest.approx(out.auc)
    for recall, precision, at in zip(
        *(getattr(out.precision_recall(), n) for n in ("x", "y", "thresholds")), strict=True
    ):
        predicted = score >= at
        assert recall == pytest.approx((predicted & (true == 1)).sum() / (true == 1).sum())
        assert precision == pytest.approx((predicted & (true == 1)).sum() / predicted.sum())
    bins = out.reliability(5)
    assert bins.weight.sum() == 60
    assert (bins.x * bins.weight).sum() == pytest.approx(np.maximum(score, 1 - score).sum())
    with pytest.raises(cr.TableError, match="target: got 'maybe'; choose one of 'no', 'yes'"):
        out.roc("maybe")
