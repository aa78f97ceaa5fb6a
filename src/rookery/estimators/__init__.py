"""scikit-learn estimators: faces over `rookery.train` for pipelines, searches and whatever else takes an estimator."""

from rookery.estimators.classifier import DNNClassifier
from rookery.estimators.regressor import DNNRegressor

__all__ = ["DNNClassifier", "DNNRegressor"]
