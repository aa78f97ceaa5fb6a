"""Creche: `creche.train` with its defaults, and `creche.fit` at each effort."""

import inspect
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import creche
from benchmarks.tables.metrics import COVERAGE
from benchmarks.tables.systems import SEED, THREADS, Predictions, Problem, spread_probabilities


class Creche:
    """A function of the package and the arguments that it is called with."""

    def __init__(self, function: str, **arguments: Any) -> None:
        self.function = getattr(creche, function)
        self.arguments = arguments

    def fit(self, problem: Problem, inputs: pd.DataFrame, labels: NDArray[Any]) -> None:
        self.problem = problem
        label = "label"
        while label in inputs:
            label += "_"
        # Words, so that codes of classes are not taken for numbers.
        known = labels if problem.task == "regression" else np.array([f"class {code}" for code in labels], dtype=object)
        arguments = {"task": problem.task, "seed": SEED, "threads": THREADS, **self.arguments}
        taken = inspect.signature(self.function).parameters
        fitted = self.function(
            inputs.assign(**{label: known}),
            label=label,
            **{name: value for name, value in arguments.items() if name in taken},
        )
        self.model = getattr(fitted, "model", fitted)

    def predict(self, inputs: pd.DataFrame) -> Predictions:
        if self.problem.task == "regression":
            return Predictions(np.asarray(self.model.predict(inputs), dtype=float).reshape(-1), self._intervals(inputs))
        codes = np.array([int(str(name).split()[1]) for name in self.model.classes])
        return Predictions(spread_probabilities(self.model.predict_proba(inputs), codes, self.problem.n_classes))

    def _intervals(self, inputs: pd.DataFrame) -> tuple[NDArray[Any], NDArray[Any]] | None:
        if not isinstance(self.model, creche.FittedModel):
            return None
        _, limits = self.model.predict(inputs, interval=COVERAGE)
        return limits[:, 0], limits[:, 1]


def create(function: str, **arguments: Any) -> Creche:
    return Creche(function, **arguments)
