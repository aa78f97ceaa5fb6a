"""scikit-learn estimators over `creche.train`, for pipelines, searches and other tools that take an estimator."""

from creche.estimators.classifier import DNNClassifier
from creche.estimators.regressor import DNNRegressor

__all__ = ["DNNClassifier", "DNNRegressor"]
