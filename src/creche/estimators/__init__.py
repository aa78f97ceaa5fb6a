"""scikit-learn estimators over `creche.train` and `creche.fit`, for pipelines, searches and other tools."""

from creche.estimators.classifier import DNNClassifier
from creche.estimators.regressor import DNNRegressor
from creche.estimators.tabular import TabularClassifier, TabularRegressor

__all__ = ["DNNClassifier", "DNNRegressor", "TabularClassifier", "TabularRegressor"]
