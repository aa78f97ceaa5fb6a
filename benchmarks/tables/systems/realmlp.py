"""RealMLP-TD of pytabkit, as shipped, or with the settings that its authors recommend for log loss."""

from typing import Any

import pandas as pd
from numpy.typing import NDArray
from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

from benchmarks.tables.systems import SEED, THREADS, Predictions, Problem
from benchmarks.tables.systems.columns import FilledNumbers, words_of


class RealMLP:
    """Missing numbers are filled with the mean and marked by a column, because pytabkit takes none."""

    def __init__(self, for_log_loss: bool = False) -> None:
        self.settings: dict[str, Any] = {}
        if for_log_loss:
            self.settings = {"val_metric_name": "cross_entropy", "use_ls": False}

    def fit(self, problem: Problem, inputs: pd.DataFrame, labels: NDArray[Any]) -> None:
        self.is_number = problem.task == "regression"
        self.filled = FilledNumbers(inputs)
        frame = self.filled.apply(inputs)
        kind = RealMLP_TD_Regressor if self.is_number else RealMLP_TD_Classifier
        settings = {} if self.is_number else self.settings
        self.model = kind(device="cpu", random_state=SEED, n_threads=THREADS, **settings)
        self.model.fit(frame, labels, cat_col_names=words_of(frame))

    def predict(self, inputs: pd.DataFrame) -> Predictions:
        frame = self.filled.apply(inputs)
        return Predictions(self.model.predict(frame) if self.is_number else self.model.predict_proba(frame))


def create(for_log_loss: bool = False) -> RealMLP:
    return RealMLP(for_log_loss)
