"""Things to draw that are the same on every machine: nothing is trained, so no change of training changes a picture."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

import creche as cr
from creche.engine.parameters import Parameters
from creche.evaluation import ClassificationEvaluation, RegressionEvaluation
from creche.table.encoders.features import FeatureEncoder
from creche.table.encoders.numeric import NumericEncoder
from creche.table.labels import LabelEncoder

SPECIES = ("Adelie", "Chinstrap", "Gentoo")


def of_classes(classes: tuple[str, ...] = SPECIES, rows: int = 90) -> ClassificationEvaluation:
    """An evaluation of probabilities that are higher for the true class."""
    rng = np.random.Generator(np.random.PCG64(5))
    true = np.arange(rows) % len(classes)
    logits = rng.normal(size=(rows, len(classes))) + 1.6 * np.eye(len(classes))[true]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return ClassificationEvaluation.of(p, true, classes, n_resamples=0)


def of_numbers() -> RegressionEvaluation:
    rng = np.random.Generator(np.random.PCG64(6))
    true = np.linspace(2700, 6300, 60)
    return RegressionEvaluation.of(true + rng.normal(0, 250, 60), true, n_resamples=0, labels=("body_mass_g",))


def history(validation: bool = True) -> cr.History:
    epochs = np.arange(1, 31)
    loss = 1.1 * np.exp(-epochs / 6) + 0.01
    of_validation = 1.2 * np.exp(-epochs / 5) + 0.02 + 0.0004 * epochs
    none = np.full(30, np.nan)
    metrics = (1 - loss / 2, 1 - of_validation / 2) if validation else (1 - loss / 2, none)
    return cr.History(
        loss, of_validation if validation else none, *metrics, np.full(30, 0.01), np.full(30, 0.001), "accuracy"
    )


def model(hidden: tuple[int, ...] = (5, 4), inputs: int = 6, names: tuple[str, ...] = ()) -> cr.Model:
    """A classifier with random weights."""
    given = names or tuple(f"bill {i} mm" for i in range(inputs))
    plan = cr.Plan(cr.Network.of(len(given), list(hidden), 3), "classification", cr.CrossEntropy())
    rng = np.random.Generator(np.random.PCG64(7))
    widths = plan.network.widths
    weights = [(rng.normal(size=(a, b)).astype(np.float32), np.zeros(b, dtype=np.float32)) for a, b in pairwise(widths)]
    features = FeatureEncoder(tuple(NumericEncoder(name) for name in given), True)
    return cr.Model(
        plan, features, LabelEncoder(("species",), SPECIES, baseline=(0.4, 0.2, 0.4)), Parameters.of_layers(weights), 1
    )
