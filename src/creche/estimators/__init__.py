"""scikit-learn estimators over `creche.train` and `creche.fit`, for pipelines, searches and other tools."""

from creche.estimators.classifier import DNNClassifier
from creche.estimators.regressor import DNNRegressor
from creche.estimators.tabular import TabularClassifier, TabularRegressor

__all__ = ["TRUSTED", "DNNClassifier", "DNNRegressor", "TabularClassifier", "TabularRegressor"]

# The types that a loader such as skops has to trust, if no parameter is an object of another type.
TRUSTED = tuple(
    f"{kind.__module__}.{kind.__qualname__}"
    for kind in (DNNClassifier, DNNRegressor, TabularClassifier, TabularRegressor)
)
