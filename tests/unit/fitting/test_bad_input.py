"""Tables and arguments on which a fit could stumble: each is a clear error, or a model that works."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import creche as cr
from tests.unit.small_runs import two_classes

pytestmark = pytest.mark.usefixtures("tiny")

X, Y = two_classes(rows=60)
ROW = np.arange(60)
WORDS = np.where(Y == 1, "yes", "no")


def fit(x: NDArray[Any], y: NDArray[Any], **arguments: Any) -> cr.FittedModel:
    return cr.fit(x, y, **({"effort": "fast", "threads": 1} | arguments))


WORKING: dict[str, Callable[[], tuple[Any, Any]]] = {
    "a class with fewer rows than folds": lambda: (X, np.where(ROW < 2, "rare", WORDS)),
    "a class with one row": lambda: (X, np.where(ROW == 7, "rare", WORDS)),
    "a class with one row of two": lambda: (X, np.where(ROW == 7, "yes", "no")),
    "a column that is constant after a split": lambda: (np.column_stack([X[:, 0], ROW == 5]), WORDS),
    "only a column that is constant after a split": lambda: ((ROW == 5).astype(float)[:, np.newaxis], WORDS),
    "only constant columns": lambda: (np.ones((60, 2)), WORDS),
    "one column": lambda: (X[:, :1], WORDS),
    "10,000 columns": lambda: (np.random.default_rng(0).standard_normal((24, 10_000)), WORDS[:24]),
    "100 classes": lambda: (np.repeat(X, 4, axis=0), np.array([f"c{i % 100}" for i in range(240)])),
    "labels among the columns": lambda: (np.column_stack([X, Y]), WORDS),
    "copies of two rows": lambda: (X[[1, 2] * 30], WORDS[[1, 2] * 30]),
    "copies of one row with different labels": lambda: (X[[0] * 60], WORDS),
    "five rows": lambda: (X[:5], np.array(["a", "b", "a", "b", "a"])),
    "five rows with numbers": lambda: (X[:5], X[:5, 0] * 3.5),
    "two rows": lambda: (X[:2], np.array(["a", "b"])),
    "two rows with numbers": lambda: (X[:2], np.array([0.5, 1.5])),
    "three rows": lambda: (X[:3], np.array(["a", "b", "a"])),
    "numbers beyond float32": lambda: (X * 1e300, WORDS),
}

WARNINGS = {
    "a class with one row": "row 7 is the only one of class 'rare'",
    "a class with one row of two": "row 7 is the only one of class 'yes'",
    "two rows": r"row 0 is the only one of class 'a' \(1 more class has only one row\)",
    "three rows": "row 1 is the only one of class 'b'",
}


@pytest.mark.parametrize("name", WORKING)
def test_a_model_that_works(name: str) -> None:
    x, y = WORKING[name]()
    with pytest.warns(cr.CrecheWarning, match=WARNINGS[name]) if name in WARNINGS else nullcontext():
        model = fit(x, y)
    predicted = model.predict(x)
    assert predicted.shape == y.shape
    assert np.isfinite(model.record.score)
    if model.classes is not None:
        assert set(predicted.tolist()) <= set(y.tolist()) == set(model.classes)
        probabilities = model.predict_proba(x)
        assert np.isfinite(probabilities).all()
        assert (probabilities > 0).all()
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.CrecheWarning)
        assert cr.verify(model, x, y).same


REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "one row": (lambda: fit(X[:1], WORDS[:1]), "has only one class"),
    "one row with a number": (lambda: fit(X[:1], np.array([1.5])), "needs a label that varies|has only one row"),
    "no rows": (lambda: fit(X[:0], WORDS[:0]), "is empty"),
    "labels all equal": (lambda: fit(X, np.full(60, "a")), "has only one class"),
    "numbers all equal": (lambda: fit(X, np.full(60, 2.5)), "needs a label that varies"),
    "weights all zero": (lambda: fit(X, WORDS, sample_weight=np.zeros(60)), "all are zero"),
    "a class of weight zero": (
        lambda: fit(X, WORDS, sample_weight=1.0 * (Y == 1)),
        r"has only one class \('yes'\) in the [0-9]+ rows of a weight above 0",
    ),
    "numbers of weight zero": (
        lambda: fit(X, ROW / 4, sample_weight=1.0 * (ROW == 3)),
        "data: has only one row of a weight above 0",
    ),
    "negative weights": (lambda: fit(X, WORDS, sample_weight=-np.ones(60)), "sample_weight"),
    "an unknown metric": (lambda: fit(X, WORDS, metric="logg_loss"), "did you mean 'log_loss'"),
    "a metric of numbers": (lambda: fit(X, WORDS, metric="rmse"), "metric: got 'rmse', which is for regression"),
    "a metric of classes": (lambda: fit(X, X[:, 0], metric="auc"), "metric: got 'auc', which is for classification"),
    "an unknown effort": (lambda: fit(X, WORDS, effort="bset"), "did you mean 'best'"),
    "a time limit of zero": (lambda: fit(X, WORDS, time_limit=0), "needs a number of seconds above 0"),
    "a negative time limit": (lambda: fit(X, WORDS, time_limit=-1.5), "needs a number of seconds above 0"),
    "an infinite time limit": (lambda: fit(X, WORDS, time_limit=float("inf")), "leave it out for no limit"),
    "a time limit of words": (lambda: fit(X, WORDS, time_limit="60"), "got '60'"),
    "an argument of train": (lambda: fit(X, WORDS, epochs=3), "unknown argument of fit"),
    "numbers that are infinite": (lambda: fit(np.where(ROW[:, None] == 3, np.inf, X), WORDS), "row 3, column 0 is inf"),
    "fewer labels": (lambda: fit(X, WORDS[:-1]), "59"),
    "labels too large to be squared": (
        lambda: fit(X, X[:, 0] * 1e300),
        "label 'y': row 0 is .*e.299; needs numbers up",
    ),
    "a negative seed": (lambda: fit(X, WORDS, seed=-1), "seed: got -1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_clear_error(name: str) -> None:
    attempt, message = REFUSED[name]
    with pytest.raises(cr.CrecheError, match=message) as refusal:
        attempt()
    assert len(str(refusal.value)) < 400


def test_a_budget_too_small_for_one_network_gives_the_best_it_has_and_says_so() -> None:
    with pytest.warns(cr.CrecheWarning, match="in the middle of the first configurations; the model is the best"):
        model = fit(X, WORDS, time_limit=1e-9)
    assert model.record.rounds[0].epochs == 1
    assert model.predict(X).shape == (60,)


def test_a_class_only_in_the_latest_rows_is_predicted_all_the_same() -> None:
    import polars as pl

    table = pl.DataFrame({"a": X[:, 0], "when": ROW * 1.5, "y": np.where(ROW > 55, "new", WORDS)})
    model = cr.fit(table, label="y", time="when", effort="fast", threads=1)
    assert model.classes == ("new", "no", "yes")
    assert (model.predict_proba(table)[:, 0] > 0).all()


def test_a_table_whose_encoded_rows_exceed_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("creche.engine.memory_checks.available_memory", lambda: 100)
    with pytest.raises(cr.PlanError, match=r"^data: 3 folds need about .* fit to fewer rows, or to fewer columns$"):
        fit(X, WORDS)
