"""scikit-learn estimators: faces over `creche.train` for pipelines, searches and whatever else takes an estimator."""

from creche.estimators.classifier import DNNClassifier
from creche.estimators.regressor import DNNRegressor

__all__ = ["DNNClassifier", "DNNRegressor"]
