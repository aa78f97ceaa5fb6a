"""The rules of a diagnosis, the most serious first: each looks for one problem and returns a symptom or None."""

from __future__ import annotations

from collections.abc import Callable

from creche.explain.diagnosis.findings import Symptom
from creche.explain.diagnosis.rules.constant_prediction import find_constant_prediction
from creche.explain.diagnosis.rules.counts import find_counts
from creche.explain.diagnosis.rules.divergence import find_divergence
from creche.explain.diagnosis.rules.extreme_values import find_extreme_feature, find_extreme_label
from creche.explain.diagnosis.rules.imbalance import find_imbalance
from creche.explain.diagnosis.rules.learning_rate import (
    find_learning_rate_too_high,
    find_learning_rate_too_low,
    find_too_few_epochs,
)
from creche.explain.diagnosis.rules.neurons import find_dead_neurons, find_saturated_neurons
from creche.explain.diagnosis.rules.overfitting import find_overfitting
from creche.explain.diagnosis.rules.scales import find_unscaled_features, find_unscaled_label
from creche.explain.diagnosis.run_facts import RunFacts

__all__ = ["RULES"]

RULES: dict[str, Callable[[RunFacts], Symptom | None]] = {
    "divergence": find_divergence,
    "unscaled_features": find_unscaled_features,
    "unscaled_label": find_unscaled_label,
    "extreme_feature": find_extreme_feature,
    "extreme_label": find_extreme_label,
    "constant_prediction": find_constant_prediction,
    "counts": find_counts,
    "imbalance": find_imbalance,
    "learning_rate_too_high": find_learning_rate_too_high,
    "learning_rate_too_low": find_learning_rate_too_low,
    "too_few_epochs": find_too_few_epochs,
    "overfitting": find_overfitting,
    "dead_neurons": find_dead_neurons,
    "saturated_neurons": find_saturated_neurons,
}
