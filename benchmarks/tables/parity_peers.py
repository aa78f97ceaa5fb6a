"""The networks of papers that recipes stand for, trained on given training and validation rows.

Libraries are imported where they are used: no recipe needs all of them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables.parity import Parts
from benchmarks.tables.systems import Problem
from benchmarks.tables.systems.columns import words_of
from creche.table.encoders.normal_curve import build_curve, fit_references, interpolate


def train_realmlp_s(problem: Problem, parts: Parts, seed: int, threads: int) -> NDArray[Any]:
    """Train RealMLP-TD-S of pytabkit without label smoothing."""
    from pytabkit import RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor

    return _train_pytabkit(RealMLP_TD_S_Classifier, RealMLP_TD_S_Regressor, problem, parts, seed, threads)


def train_realmlp(problem: Problem, parts: Parts, seed: int, threads: int) -> NDArray[Any]:
    """Train RealMLP-TD of pytabkit without label smoothing."""
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    return _train_pytabkit(RealMLP_TD_Classifier, RealMLP_TD_Regressor, problem, parts, seed, threads)


def train_tabm_mini(problem: Problem, parts: Parts, seed: int, threads: int) -> NDArray[Any]:
    """Train TabM-mini of tabm with the settings of `systems/tabm_mini.py`.

    Numbers are scaled as ours: tabm leaves that to others, and TabArena's few quantiles have longer tails.
    """
    from benchmarks.tables.systems.tabm_mini import TabMMini

    network = TabMMini(seed, threads, NormalRanks())
    network.fit_beside(
        problem, parts.train.inputs, parts.train.labels, (parts.validation.inputs, parts.validation.labels)
    )
    return network.predict(parts.test.inputs).values


class NormalRanks:
    """Each column of numbers by the curve that preprocessing="quantile" fits."""

    def fit(self, values: NDArray[Any]) -> None:
        self.curves = [build_curve(tuple(fit_references(column).tolist())) for column in values.T]

    def transform(self, values: NDArray[Any]) -> NDArray[Any]:
        return np.column_stack(
            [interpolate(column, *curve) for column, curve in zip(values.T, self.curves, strict=True)]
        )


def _train_pytabkit(
    classifier: Any, regressor: Any, problem: Problem, parts: Parts, seed: int, threads: int
) -> NDArray[Any]:
    settings: dict[str, Any] = {"device": "cpu", "random_state": seed, "n_threads": threads}
    if problem.n_classes:
        model = classifier(val_metric_name="cross_entropy", use_ls=False, **settings)
    else:
        model = regressor(**settings)
    train, validation = parts.train, parts.validation
    model.fit(
        train.inputs, train.labels, X_val=validation.inputs, y_val=validation.labels,
        cat_col_names=words_of(train.inputs),
    )  # fmt: skip
    test = parts.test.inputs
    return np.asarray(model.predict_proba(test) if problem.n_classes else model.predict(test))
