"""Evaluation: how good predictions are, how certain that is, and how they compare with a constant prediction."""

from typing import TypeAlias

from creche.evaluation.classification import ClassificationEvaluation, ClassificationLabels
from creche.evaluation.metrics import METRICS, Metric
from creche.evaluation.multilabel import MultilabelEvaluation
from creche.evaluation.regression import RegressionEvaluation
from creche.evaluation.threshold import Threshold, choose_threshold, choose_thresholds

# What a model's `evaluate` returns, by the kind of its labels.
AnyEvaluation: TypeAlias = ClassificationEvaluation | MultilabelEvaluation | RegressionEvaluation

__all__ = [
    "METRICS",
    "AnyEvaluation",
    "ClassificationEvaluation",
    "ClassificationLabels",
    "Metric",
    "MultilabelEvaluation",
    "RegressionEvaluation",
    "Threshold",
    "choose_threshold",
    "choose_thresholds",
]
