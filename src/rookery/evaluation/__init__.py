"""Evaluation: how good predictions are, how sure that is, and what could be said without a network."""

from rookery.evaluation.classes import ClassEvaluation, ClassTruth
from rookery.evaluation.numbers import NumberEvaluation
from rookery.evaluation.threshold import Threshold, choose_threshold

__all__ = ["ClassEvaluation", "ClassTruth", "NumberEvaluation", "Threshold", "choose_threshold"]
