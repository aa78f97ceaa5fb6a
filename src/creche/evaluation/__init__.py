"""Evaluation: how good predictions are, how sure that is, and what could be said without a network."""

from creche.evaluation.classification import ClassEvaluation, ClassTruth
from creche.evaluation.regression import NumberEvaluation
from creche.evaluation.threshold import Threshold, choose_threshold

__all__ = ["ClassEvaluation", "ClassTruth", "NumberEvaluation", "Threshold", "choose_threshold"]
