"""CatBoost at its defaults, alone, or as a bag of folds that each stop at their best number of trees."""

from typing import Any

import catboost
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import KFold, StratifiedKFold

from benchmarks.tables.systems import SEED, THREADS, Predictions, Problem, spread_probabilities
from benchmarks.tables.systems.columns import number_dates, words_of

# Trees without improvement, after which a fold stops.
PATIENCE = 50


class CatBoost:
    """One model on all rows, or, with `n_folds`, the mean of as many that each leave a fold out."""

    def __init__(self, n_folds: int | None = None) -> None:
        self.n_folds = n_folds

    def fit(self, problem: Problem, inputs: pd.DataFrame, labels: NDArray[Any]) -> None:
        self.problem = problem
        frame = _with_words(inputs)
        self.models = []
        if self.n_folds is None:
            self.models.append(self._create().fit(self._pool(frame, labels)))
            return
        for train, held_out in self._divide(labels):
            model = self._create()
            # A class that is not among the training rows of a fold cannot be judged there.
            known = held_out if self._is_number else held_out[np.isin(labels[held_out], labels[train])]
            judged = self._pool(frame.iloc[known], labels[known])
            model.fit(self._pool(frame.iloc[train], labels[train]), eval_set=judged, early_stopping_rounds=PATIENCE)
            self.models.append(model)

    def predict(self, inputs: pd.DataFrame) -> Predictions:
        frame = _with_words(inputs)
        if self._is_number:
            return Predictions(np.mean([model.predict(frame) for model in self.models], axis=0))
        n_classes = self.problem.n_classes
        every = [
            spread_probabilities(model.predict_proba(frame), model.classes_.astype(int), n_classes)
            for model in self.models
        ]
        return Predictions(np.mean(every, axis=0))

    @property
    def _is_number(self) -> bool:
        return self.problem.task == "regression"

    def _create(self) -> Any:
        kind = catboost.CatBoostRegressor if self._is_number else catboost.CatBoostClassifier
        return kind(random_seed=SEED, thread_count=THREADS, verbose=False, allow_writing_files=False)

    def _divide(self, labels: NDArray[Any]) -> Any:
        assert self.n_folds is not None
        if self._is_number:
            return KFold(self.n_folds, shuffle=True, random_state=SEED).split(labels)
        return StratifiedKFold(self.n_folds, shuffle=True, random_state=SEED).split(labels, labels)

    @staticmethod
    def _pool(frame: pd.DataFrame, labels: NDArray[Any]) -> Any:
        return catboost.Pool(frame, labels, cat_features=words_of(frame))


def create(n_folds: int | None = None) -> CatBoost:
    return CatBoost(n_folds)


def _with_words(inputs: pd.DataFrame) -> pd.DataFrame:
    frame = number_dates(inputs)
    return frame.assign(
        **{name: frame[name].astype(object).where(frame[name].notna(), "missing") for name in words_of(frame)}
    )
