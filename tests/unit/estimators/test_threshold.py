"""A decision threshold of the estimators, and scikit-learn's own ways to choose one."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV, TunedThresholdClassifierCV

import creche as cr
from creche.estimators import DNNClassifier, TabularClassifier
from tests.unit.estimators.small_tables import QUICK, three_classes

WORDS = np.array(["no", "yes"])


def rare(rows: int = 200) -> tuple[Any, Any]:
    """Two classes, the second rare and hard to tell."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(rows, 2))
    return x, WORDS[(x[:, 0] + rng.normal(size=rows) > 1.3).astype(int)]


def create(kind: str, **parameters: Any) -> Any:
    if kind == "network":
        return DNNClassifier(**{**QUICK, "epochs": 10, **parameters})
    return TabularClassifier(effort="fast", random_state=0, threads=1, **parameters)


@pytest.fixture(scope="module", params=["network", "tabular"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_the_second_class_is_predicted_from_the_threshold_on(kind: str, tmp_path: Path) -> None:
    x, y = rare()
    classifier = create(kind, threshold=0.2).fit(x, y)
    probability = classifier.predict_proba(x)[:, 1]
    expected = WORDS[(probability >= 0.2).astype(int)]
    assert 0 < (expected == "yes").mean() < 1
    np.testing.assert_array_equal(classifier.predict(x), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(classifier)).predict(x), expected)
    np.testing.assert_array_equal(clone(classifier).fit(x, y).predict(x), expected)
    classifier.model_.save(tmp_path / "model.creche")
    np.testing.assert_array_equal(cr.load(tmp_path / "model.creche").predict(x), expected)


def test_a_fixed_threshold_of_scikit_learn_is_the_same(kind: str) -> None:
    x, y = rare()
    own = create(kind, threshold=0.2).fit(x, y)
    fixed = FixedThresholdClassifier(create(kind), threshold=0.2, pos_label="yes").fit(x, y)
    np.testing.assert_array_equal(fixed.predict(x), own.predict(x))


def test_scikit_learn_tunes_a_threshold(kind: str) -> None:
    x, y = rare()
    fitted = create(kind).fit(x, y)
    tuned = TunedThresholdClassifierCV(FrozenEstimator(fitted), cv="prefit", refit=False, thresholds=50).fit(x, y)
    assert balanced_accuracy_score(y, tuned.predict(x)) > balanced_accuracy_score(y, fitted.predict(x))
    probability = fitted.predict_proba(x)[:, 1]
    np.testing.assert_array_equal(tuned.predict(x), WORDS[(probability >= tuned.best_threshold_).astype(int)])


def test_scikit_learn_tunes_a_threshold_on_folds() -> None:
    x, y = rare()
    tuned = TunedThresholdClassifierCV(create("network"), cv=3, thresholds=20).fit(x, y)
    assert 0 < tuned.best_threshold_ < 0.5


def test_a_search_over_thresholds() -> None:
    x, y = rare()
    grid = GridSearchCV(create("network"), {"threshold": [0.05, 0.2, None]}, scoring="balanced_accuracy", cv=3)
    assert grid.fit(x, y).best_params_["threshold"] is not None


def test_a_threshold_survives_more_training() -> None:
    x, y = rare()
    network = create("network", threshold=0.2)
    for _ in range(2):
        network.partial_fit(x, y, classes=WORDS)
    np.testing.assert_array_equal(network.predict(x), WORDS[(network.predict_proba(x)[:, 1] >= 0.2).astype(int)])


@pytest.mark.parametrize("threshold", [1.5, "0.5", True])
def test_what_is_no_probability_is_refused_before_training(threshold: Any, kind: str) -> None:
    with pytest.raises(ValueError, match=f"threshold: got {threshold!r}; needs a probability, from 0 to 1"):
        create(kind, threshold=threshold).fit(*rare())


def test_three_classes_have_no_threshold(kind: str) -> None:
    with pytest.raises(ValueError, match=r"threshold: got 0\.5; it is for models of two classes only"):
        create(kind, threshold=0.5).fit(*three_classes())
