"""The rules of a diagnosis, the gravest first: each looks at a case for one thing, and says what it sees or nothing."""

from __future__ import annotations

from collections.abc import Callable

from creche.explain.case import Case
from creche.explain.findings import Symptom
from creche.explain.rules.answers import same_answer
from creche.explain.rules.divergence import diverged
from creche.explain.rules.layers import dead_layer, saturated_layer
from creche.explain.rules.overfitting import overfitting
from creche.explain.rules.rates import rate_too_high, rate_too_low, too_short
from creche.explain.rules.scales import label_scale, unlike_scales

__all__ = ["RULES"]

RULES: dict[str, Callable[[Case], Symptom | None]] = {
    "diverged": diverged,
    "unlike_scales": unlike_scales,
    "label_scale": label_scale,
    "same_answer": same_answer,
    "rate_too_high": rate_too_high,
    "rate_too_low": rate_too_low,
    "too_short": too_short,
    "overfitting": overfitting,
    "dead_layer": dead_layer,
    "saturated_layer": saturated_layer,
}
