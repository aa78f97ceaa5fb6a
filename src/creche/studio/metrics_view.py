"""Metrics of an evaluation as the page shows them."""

from __future__ import annotations

import math

from creche.evaluation.evaluation import Evaluation
from creche.evaluation.metrics import METRICS, is_lower_better
from creche.studio.protocol.views import Metric

__all__ = ["describe_metrics"]


def describe_metrics(evaluation: Evaluation) -> tuple[Metric, ...]:
    """Return the metrics with those of a constant prediction, in the order of tables."""
    return tuple(
        Metric(
            key=key,
            title=METRICS[key].title,
            value=_finite(value),
            baseline=_finite(evaluation.baseline.get(key, math.nan)),
            lower_is_better=is_lower_better(key),
        )
        for key, value in evaluation.values.items()
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
