"""Evaluation: how good predictions are, how sure that is, and what could be said without a network."""

from creche.evaluation.classification import ClassificationEvaluation, ClassificationTruth
from creche.evaluation.regression import RegressionEvaluation
from creche.evaluation.threshold import Threshold, choose_threshold

__all__ = ["ClassificationEvaluation", "ClassificationTruth", "RegressionEvaluation", "Threshold", "choose_threshold"]
