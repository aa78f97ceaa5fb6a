"""scikit-learn: a multilayer perceptron, and logistic or ridge regression, with standard scaling and one-hot codes."""

from typing import Any

import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from benchmarks.tables.systems import SEED, Predictions, Problem
from benchmarks.tables.systems.columns import FilledNumbers, words_of

# Enough for these tables to converge; the default of 100 iterations is not.
ITERATIONS = 1_000


class Scikit:
    """Defaults, but for the iterations of logistic regression and the scaling of a number that is predicted."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def fit(self, problem: Problem, inputs: pd.DataFrame, labels: NDArray[Any]) -> None:
        self.filled = FilledNumbers(inputs)
        frame = self.filled.apply(inputs)
        words = words_of(frame)
        encoder = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), words), remainder=StandardScaler()
        )
        self.is_number = problem.task == "regression"
        estimator: Any
        if self.kind == "mlp":
            estimator = MLPRegressor(random_state=SEED) if self.is_number else MLPClassifier(random_state=SEED)
        else:
            estimator = Ridge() if self.is_number else LogisticRegression(max_iter=ITERATIONS)
        if self.is_number:
            estimator = TransformedTargetRegressor(estimator, transformer=StandardScaler())
        self.model = make_pipeline(encoder, estimator).fit(frame, labels)

    def predict(self, inputs: pd.DataFrame) -> Predictions:
        frame = self.filled.apply(inputs)
        return Predictions(self.model.predict(frame) if self.is_number else self.model.predict_proba(frame))


def create(kind: str) -> Scikit:
    return Scikit(kind)
