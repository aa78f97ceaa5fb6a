"""LightGBM and XGBoost at their defaults, with words as categories."""

from typing import Any

import pandas as pd
from numpy.typing import NDArray

from benchmarks.tables.systems import SEED, THREADS, Predictions, Problem
from benchmarks.tables.systems.columns import Categories


class Trees:
    """The scikit-learn estimators of a library of gradient-boosted trees."""

    def __init__(self, classifier: Any, regressor: Any) -> None:
        self.estimators = {"classification": classifier, "regression": regressor}

    def fit(self, problem: Problem, inputs: pd.DataFrame, labels: NDArray[Any]) -> None:
        self.task = problem.task
        self.categories = Categories(inputs)
        self.model = self.estimators[problem.task].fit(self.categories.apply(inputs), labels)

    def predict(self, inputs: pd.DataFrame) -> Predictions:
        frame = self.categories.apply(inputs)
        is_number = self.task == "regression"
        return Predictions(self.model.predict(frame) if is_number else self.model.predict_proba(frame))


def create(library: str) -> Trees:
    common: dict[str, Any] = {"random_state": SEED, "n_jobs": THREADS}
    if library == "lightgbm":
        import lightgbm

        return Trees(lightgbm.LGBMClassifier(verbose=-1, **common), lightgbm.LGBMRegressor(verbose=-1, **common))
    import xgboost

    common["enable_categorical"] = True
    return Trees(xgboost.XGBClassifier(**common), xgboost.XGBRegressor(**common))
