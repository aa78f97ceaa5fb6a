"""The estimators over `creche.fit`: they are it, and work where scikit-learn's tools take an estimator."""

from __future__ import annotations

import pickle
import re
from typing import Any

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.metrics import d2_pinball_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

import creche as cr
from creche.estimators import TabularClassifier, TabularRegressor
from tests.unit.estimators.small_tables import a_number, three_classes
from tests.unit.fitting.small_fits import weights_of

pytestmark = pytest.mark.usefixtures("tiny_fits")

QUICK: dict[str, Any] = {"effort": "fast", "random_state": 0, "threads": 1}


def test_a_classifier_is_what_fit_returns() -> None:
    x, y = three_classes()
    words = np.array(["low", "middle", "high"])[y]
    weights = np.random.default_rng(0).integers(0, 3, len(y))
    fitted = TabularClassifier(**QUICK, class_weight="balanced").fit(x, words, sample_weight=weights)
    model = cr.fit(x, words, effort="fast", class_weight="balanced", sample_weight=weights.astype(float), threads=1)
    assert weights_of(fitted.model_) == weights_of(model)
    assert fitted.classes_.tolist() == ["high", "low", "middle"]
    assert fitted.classes_.dtype == words.dtype == fitted.predict(x).dtype
    assert fitted.record_ is fitted.model_.record
    assert fitted.n_features_in_ == 4
    np.testing.assert_array_equal(fitted.predict(x), model.predict(x))
    np.testing.assert_array_equal(fitted.predict_proba(x), model.predict_proba(x))
    np.testing.assert_array_equal(fitted.predict_log_proba(x), np.log(model.predict_proba(x)))


def test_a_regressor_is_what_fit_returns() -> None:
    x, y = a_number()
    fitted = TabularRegressor(**QUICK).fit(x, y)
    model = cr.fit(x, y, effort="fast", threads=1)
    assert weights_of(fitted.model_) == weights_of(model)
    np.testing.assert_array_equal(fitted.predict(x), model.predict(x))
    both = np.column_stack([y, -y])
    assert TabularRegressor(**QUICK).fit(x, both).predict(x).shape == both.shape


def test_intervals_and_sets() -> None:
    x, y = a_number()
    regressor = TabularRegressor(**QUICK).fit(x, y)
    predicted, interval = regressor.predict(x, interval=0.8)
    np.testing.assert_array_equal(predicted, regressor.predict(x))
    assert interval.shape == (len(y), 2)
    x, y = three_classes()
    classifier = TabularClassifier(**QUICK).fit(x, y)
    predicted, sets = classifier.predict(x, interval=0.8)
    np.testing.assert_array_equal(predicted, classifier.predict(x))
    assert sets.shape == (len(y), 3)
    assert sets[np.arange(len(y)), predicted].all()


def test_a_metric_chooses_the_threshold() -> None:
    x, y = three_classes()
    rare = y == 2
    classifier = TabularClassifier(**QUICK, metric="f1").fit(x, rare)
    assert classifier.model_.threshold is not None
    predicted = classifier.predict(x)
    assert predicted.dtype == bool
    np.testing.assert_array_equal(predicted, classifier.predict_proba(x)[:, 1] >= classifier.model_.threshold)


def test_frames_with_words_and_missing_values() -> None:
    penguins = cr.datasets.penguins()
    x, y = penguins.drop("species"), penguins["species"]
    classifier = TabularClassifier(**QUICK, schema={"sex": "ignore"}).fit(x, y)
    assert classifier.feature_names_in_.tolist() == x.columns
    assert "sex" not in classifier.model_.features.names
    assert classifier.score(x, y) > 0.9
    np.testing.assert_array_equal(classifier.predict(x.to_pandas()), classifier.predict(x))
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(x.rename({"island": "isle"}))


def test_ordered_classes_are_learnt_as_fit_learns_them() -> None:
    x, y = three_classes()
    grades = y * 10 + 5
    fitted = TabularClassifier(**QUICK, ordered=True).fit(x, grades)
    model = cr.fit(x, grades, effort="fast", task="classification", ordered=True, threads=1)
    assert fitted.model_.labels.is_ordered
    assert fitted.model_.models[0].plan.network.outputs == 2  # the questions "above 5?" and "above 15?"
    assert weights_of(fitted.model_) == weights_of(model)
    np.testing.assert_allclose(fitted.predict_proba(x).sum(axis=1), 1, rtol=1e-6)
    assert fitted.classes_.tolist() == [5, 15, 25]
    assert clone(fitted).ordered is True


@pytest.mark.parametrize("estimator", [TabularClassifier(**QUICK, ordered=True), cr.DNNClassifier(ordered=True)])
def test_words_have_no_order(estimator: Any) -> None:
    x, y = three_classes()
    with pytest.raises(ValueError, match="ordered: y holds words, whose order is not known; number the classes"):
        estimator.fit(x, np.array(["low", "middle", "high"])[y])


def test_quantiles_are_predicted_in_order_and_scored_by_their_pinball_loss() -> None:
    x, y = a_number(rows=200)
    fitted = TabularRegressor(**QUICK, quantiles=[0.1, 0.5, 0.9]).fit(x, y)
    predicted = fitted.predict(x)
    assert predicted.shape == (200, 3)
    assert (np.diff(predicted, axis=1) >= 0).all()
    assert fitted.record_.metric == "pinball"
    expected = np.mean([d2_pinball_score(y, predicted[:, k], alpha=q) for k, q in enumerate((0.1, 0.5, 0.9))])
    assert fitted.score(x, y) == pytest.approx(expected)
    model = cr.fit(x, y, effort="fast", task="regression", quantiles=[0.1, 0.5, 0.9], threads=1)
    assert weights_of(fitted.model_) == weights_of(model)
    limits = fitted.predict(x, interval=0.8)[1]
    assert np.mean((limits[:, 0] <= y) & (y <= limits[:, 1])) >= 0.8
    assert clone(fitted).get_params()["quantiles"] == [0.1, 0.5, 0.9]


@pytest.mark.parametrize("several", [False, True])
def test_one_quantile_is_scored_by_its_pinball_loss_too(several: bool) -> None:
    x, y = a_number(rows=200)
    y = np.column_stack([y, x[:, 0]]) if several else y
    fitted = cr.DNNRegressor(loss=cr.Quantile(0.9), epochs=5, random_state=0).fit(x, y)
    assert fitted.score(x, y) == pytest.approx(d2_pinball_score(y, fitted.predict(x), alpha=0.9))


def test_clones_pickles_and_random_states() -> None:
    x, y = three_classes(rows=60)
    classifier = TabularClassifier(**QUICK).fit(x, y)
    again = clone(classifier).fit(x, y)
    assert weights_of(again.model_) == weights_of(classifier.model_)
    loaded = pickle.loads(pickle.dumps(classifier))
    np.testing.assert_array_equal(loaded.predict_proba(x), classifier.predict_proba(x))
    drawn = [TabularClassifier(**QUICK | {"random_state": np.random.RandomState(seed)}).fit(x, y) for seed in (1, 1, 2)]
    digests = [weights_of(each.model_) for each in drawn]
    assert digests[0] == digests[1] != digests[2]


def test_it_works_in_pipelines_searches_and_cross_validation() -> None:
    x, y = three_classes(rows=60)
    pipeline = make_pipeline(FunctionTransformer(), TabularClassifier(**QUICK))
    assert cross_val_score(pipeline, x, y, cv=2).shape == (2,)
    search = GridSearchCV(TabularClassifier(**QUICK), {"metric": ["log_loss", "accuracy"]}, cv=2).fit(x, y)
    assert search.best_params_["metric"] in ("log_loss", "accuracy")
    assert search.predict(x).shape == (60,)


def test_verbose_prints_a_line_for_each_round(capsys: pytest.CaptureFixture[str]) -> None:
    TabularRegressor(**QUICK | {"effort": "best"}, verbose=1).fit(*a_number(rows=60))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "0 configurations tried, 2 in training"
    assert re.match(r"2 configurations tried, \d in training, lowest out-of-fold loss \d", lines[1])
    assert len(lines) > 2
    TabularRegressor(**QUICK).fit(*a_number(rows=60))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"effort": "bset"}, "did you mean 'best'"),
        ({"metric": "rmse"}, "metric: got 'rmse'"),
        ({"time_limit": 0}, "time_limit: got 0"),
    ],
)
def test_invalid_parameters_are_refused_in_fit(parameters: dict[str, Any], message: str) -> None:
    estimator = TabularClassifier(**QUICK | parameters)
    with pytest.raises(ValueError, match=message):
        estimator.fit(*three_classes(rows=30))


@pytest.mark.parametrize("quantiles", [[0.9, 0.1], [0.5, 1.0], []])
def test_invalid_quantiles_are_refused(quantiles: list[float]) -> None:
    with pytest.raises(ValueError, match="quantiles: got"):
        TabularRegressor(**QUICK, quantiles=quantiles).fit(*a_number(rows=30))


def test_unknown_parameters_are_refused_at_once() -> None:
    with pytest.raises(TypeError, match="effrt: unknown argument of TabularClassifier; did you mean 'effort'"):
        TabularClassifier(effrt="fast")  # type: ignore[call-arg]


def test_lazy_frames_are_collected() -> None:
    x, y = a_number(rows=40)
    frame = pl.DataFrame(x, schema=list("abcd"))
    regressor = TabularRegressor(**QUICK).fit(frame.lazy(), y)
    np.testing.assert_array_equal(regressor.predict(frame.lazy()), regressor.predict(frame))
