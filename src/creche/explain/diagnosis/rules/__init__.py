"""The rules of a diagnosis, the gravest first: each looks at a case for one thing, and says what it sees or nothing."""

from __future__ import annotations

from collections.abc import Callable

from creche.explain.diagnosis.findings import Symptom
from creche.explain.diagnosis.rules.answers import same_answer
from creche.explain.diagnosis.rules.divergence import diverged
from creche.explain.diagnosis.rules.layers import dead_layer, saturated_layer
from creche.explain.diagnosis.rules.overfitting import overfitting
from creche.explain.diagnosis.rules.rates import rate_too_high, rate_too_low, too_short
from creche.explain.diagnosis.rules.scales import label_scale, mixed_scales
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["RULES"]

RULES: dict[str, Callable[[RunFacts], Symptom | None]] = {
    "diverged": diverged,
    "unlike_scales": mixed_scales,
    "label_scale": label_scale,
    "same_answer": same_answer,
    "rate_too_high": rate_too_high,
    "rate_too_low": rate_too_low,
    "too_short": too_short,
    "overfitting": overfitting,
    "dead_layer": dead_layer,
    "saturated_layer": saturated_layer,
}
