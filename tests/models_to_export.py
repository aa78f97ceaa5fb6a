"""Models of every kind that an export has to express, and the rows they were trained on, both small."""

from __future__ import annotations

import warnings
from functools import cache
from typing import Any

import numpy as np
import polars as pl

import creche as cr
from creche.model.calibration import Calibration
from creche.model.fitted import FittedModel

ROWS = 160
WORDS = ["north", "south", "east", "west", "münster"]
LOSSES = {"classification": ["cross_entropy", "binary_cross_entropy", "squared_error"],
          "regression": ["squared_error", "huber", "poisson"]}  # fmt: skip


@cache
def table() -> pl.DataFrame:
    """Every kind of column, with gaps, skewed and large numbers, rare words and dates of two centuries."""
    random = np.random.default_rng(7)
    number, skewed = random.normal(1e7, 300, ROWS), np.exp(random.normal(0, 3, ROWS))
    gap = random.random((ROWS, 4)) < 0.08
    days = random.integers(-20_000, 30_000, ROWS)
    words = [WORDS[int(k)] for k in np.minimum(random.geometric(0.4, ROWS) - 1, 4)]
    moments = [None if g else int(d) * 86_400_000_000 + 12_345_678_901 for g, d in zip(gap[:, 3], days, strict=True)]
    dates = pl.Series(moments).cast(pl.Datetime("us"))
    signal = (number - 1e7) / 300 + np.log(skewed) / 3 + np.array([word == "south" for word in words])
    return pl.DataFrame(
        {
            "number": [None if g else float(v) for g, v in zip(gap[:, 0], number, strict=True)],
            "skewed": skewed,
            "count": random.integers(0, 40, ROWS),
            "words": [None if g else word for g, word in zip(gap[:, 1], words, strict=True)],
            "code": [str(k) for k in random.integers(10, 30, ROWS)],
            "yes": [None if g else bool(v) for g, v in zip(gap[:, 2], random.random(ROWS) < 0.4, strict=True)],
            "day": dates,
            "site": ["a" if k else "b" for k in random.random(ROWS) < 0.5],
            "class": ["low" if s < -0.5 else "high" if s > 0.8 else "middle" for s in signal],
            "flag": [s > 0 for s in signal],
            "other": [s + d > 0 for s, d in zip(signal, random.normal(0, 1, ROWS), strict=True)],
            "amount": 100 + 20 * signal,
            "second": 5 - signal,
            "grade": [int(s > 0) * 3 + int(s > 1) for s in signal],
        }
    )  # fmt: skip


FEATURES = ("number", "skewed", "count", "words", "code", "yes", "day", "site")
ROLES = {"code": "categorical", "count": "numeric", "day": "datetime"}


def train(label: str | list[str] = "class", **arguments: Any) -> Any:
    labels = [label] if isinstance(label, str) else label
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        usual = {"epochs": 3, "hidden": [6, 6], "schema": ROLES, "threads": 1, "seed": 3, "early_stopping": None}
        run = cr.train(table().select(*FEATURES, *labels), label=label, **usual | arguments)
    return run.model


PREPROCESSINGS: list[dict[str, Any]] = [
    {"scaling": "standard"},
    {"scaling": "robust"},
    {"scaling": "quantile"},
    {"scaling": "none"},
    {"scaling": "robust", "clip": "smooth"},
    {"scaling": "quantile", "clip": "smooth"},
    {"scaling": "robust", "clip": "smooth", "scale_categories": True, "binary": "sign"},
    {"binary": "sign"},
    {"numeric_encoding": "piecewise_linear", "bins": 7},
    {"numeric_encoding": "piecewise_linear", "bins": 5, "bin_edges": "tree", "scaling": "quantile"},
    {"infrequent": 12},
    {"max_categories": 4, "buckets": 1},
]  # fmt: skip


LAYERS: list[dict[str, Any]] = [
    {"scale_inputs": True},
    {"parametric_activation": True, "activation": "mish"},
    {"normalization": "layer"},
    {"normalization": "batch", "epochs": 5},
    {"hidden": [6, 6, 6], "residual": True, "normalization": "layer", "parametric_activation": True},
    {"number_embedding": "periodic"},
    {"number_embedding": "linear"},
    {"number_embedding": "linear", "preprocessing": "piecewise_linear"},
    {"category_embedding": 3, "number_embedding": "periodic"},
    {"category_embedding": {"width": 3, "more_than": 0}},
    {"submodels": 3},
    {"submodels": 3, "weight_sharing": "full", "normalization": "layer", "scale_inputs": True},
    {"submodels": 2, "number_embedding": "periodic", "residual": True, "hidden": [6, 6]},
    {"hidden": []},
]

HEADS: list[tuple[Any, dict[str, Any]]] = [
    *[("class", {"loss": loss}) for loss in LOSSES["classification"]],
    *[("flag", {"loss": loss}) for loss in LOSSES["classification"]],
    *[("amount", {"loss": loss}) for loss in LOSSES["regression"]],
    ("class", {"ordered": True, "classes": ["low", "middle", "high"]}),
    ("flag", {"ordered": True}),
    ("amount", {"quantiles": [0.05, 0.5, 0.95]}),
    ("amount", {"quantiles": [0.5]}),
    ("amount", {"standardize": False}),
    (["amount", "second"], {}),
    (["flag", "other"], {}),
    ("grade", {}),
]

CALIBRATIONS: list[dict[str, Any]] = [
    {"temperature": 0.7, "mix": 0.1, "shares": (0.2, 0.3, 0.5)},
    {"temperature": 1.5, "offsets": (0.3, -0.2, 0.0)},
    {"matrix": ((1.1, 0.2, 0.0), (0.0, 0.9, -0.1), (0.3, 0.0, 1.0)), "offsets": (0.1, 0.0, -0.1)},
]


def ensemble(**more: Any) -> cr.Ensemble:
    """Networks of different shapes, encoders and precisions."""
    models = [
        train(seed=1), train(seed=2), train(hidden=[4], precision="float64"),
        train(preprocessing=cr.Preprocessing(scaling="quantile"), activation="relu"),
    ]  # fmt: skip
    return cr.Ensemble(models, weights=[1, 2, 3, 0], **more)


@cache
def fitted(*labels: str) -> Any:
    label = labels[0] if len(labels) == 1 else list(labels)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cr.fit(table().select(*FEATURES, *labels), label=label, effort="fast", threads=1, schema=ROLES)


def fitted_from(label: str | list[str], calibration: Calibration, **arguments: Any) -> Any:
    """Two small networks as a model of `creche.fit`, which keeps larger ones than a query can hold."""
    models = [train(label, seed=seed, **arguments) for seed in (1, 2)]
    scores = np.sort(np.random.default_rng(0).random((ROWS, len(models[0].labels.names))), axis=0)
    if models[0].labels.scale:
        scores = scores * np.array(models[0].labels.scale)
    known = scores[:, 0] if scores.shape[1] == 1 else scores
    return FittedModel(models, [1, 2], models[0].labels, calibration, fitted("class").record, known)


def fitted_with_intervals() -> list[Any]:
    """Models for everything that has an interval or a set."""
    bounded = Calibration(lowest=(95.0,), highest=(110.0,))
    return [
        fitted_from("class", Calibration(**CALIBRATIONS[1])),
        fitted_from("flag", Calibration()).with_threshold(0.3),
        fitted_from("amount", bounded),
        fitted_from(["amount", "second"], Calibration()),
        fitted_from("amount", bounded, quantiles=[0.1, 0.5, 0.9]),
    ]


def is_clear(model: Any, interval: float) -> Any:
    """Whether each class is in the set, or not, whatever rounding does to its probability."""
    score = model.conformal_scores(interval)[0]
    return np.abs(1 - model.predict_proba(table()) - score) > 1e-6


def calibrated(calibration: dict[str, Any]) -> Any:
    """Networks of three classes with this calibration."""
    model = cr.Ensemble([train(seed=1), train(seed=2)])
    model.calibration = Calibration(**calibration)
    return model


def with_custom_losses() -> list[Any]:
    """Networks for a number and for classes that were trained with losses of a user."""

    def log_cosh(outputs: Any, labels: Any) -> Any:
        error = outputs - labels
        return np.log(np.cosh(error)).mean(axis=1), np.tanh(error) / error.shape[1]

    def cross_entropy(outputs: Any, labels: Any) -> Any:
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        p = powers / powers.sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        return -np.log(p[rows, labels]), p - np.eye(p.shape[1])[labels]

    return [train("amount", loss=log_cosh), train("class", loss=cross_entropy)]
