"""Evaluation: how good predictions are, how certain that is, and how they compare with a constant prediction."""

from creche.evaluation.classification import ClassificationEvaluation, ClassificationLabels
from creche.evaluation.metrics import METRICS, Metric
from creche.evaluation.regression import RegressionEvaluation
from creche.evaluation.threshold import Threshold, choose_threshold

__all__ = [
    "METRICS",
    "ClassificationEvaluation",
    "ClassificationLabels",
    "Metric",
    "RegressionEvaluation",
    "Threshold",
    "choose_threshold",
]
