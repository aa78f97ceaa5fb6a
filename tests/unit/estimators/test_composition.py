"""The estimators in the company of what else scikit-learn has."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score, learning_curve
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import creche as cr
from creche.estimators import DNNClassifier, DNNRegressor
from tests.unit.estimators.small_tables import QUICK, a_number, same_weights, three_classes


def penguins() -> tuple[Any, Any]:
    table = cr.datasets.penguins().to_pandas().dropna()
    return table.drop(columns="species"), table["species"]


def preparing() -> ColumnTransformer:
    words = ["island", "sex"]
    return make_column_transformer((OneHotEncoder(sparse_output=False), words), remainder=StandardScaler())


def test_a_search_gives_the_same_in_one_process_and_in_two() -> None:
    x, y = three_classes()
    grid = {"hidden": [(4,), (8, 8)], "optimizer": ["adam", cr.SGD(momentum=0.9)], "learning_rate": [0.1, 0.001]}
    searches = [GridSearchCV(DNNClassifier(**QUICK), grid, cv=3, n_jobs=jobs).fit(x, y) for jobs in (1, 2)]
    one, two = (search.cv_results_ for search in searches)
    for name in ("mean_test_score", "split0_test_score", "split2_test_score", "rank_test_score"):
        np.testing.assert_array_equal(one[name], two[name])
    assert one["mean_test_score"].std() > 0
    assert searches[0].best_params_ == searches[1].best_params_
    assert same_weights(searches[0].best_estimator_, searches[1].best_estimator_)


def test_a_search_sets_parameters_of_components() -> None:
    x, y = a_number()
    grid = {"optimizer__momentum": [0.0, 0.9], "early_stopping__patience": [2, 5]}
    network = DNNRegressor(**QUICK, optimizer=cr.SGD(), early_stopping=cr.EarlyStopping())
    search = GridSearchCV(network, grid, cv=2).fit(x, y)
    assert search.best_estimator_.optimizer == cr.SGD(momentum=search.best_params_["optimizer__momentum"])
    assert len(set(search.cv_results_["mean_test_score"])) > 1


def test_divergence_in_another_process_is_reported() -> None:
    x, y = a_number()
    network = DNNRegressor(**QUICK | {"learning_rate": 1e200})
    with pytest.raises(cr.DivergedError, match="with learning rate 1e\\+200") as info:
        cross_val_score(network, x, y, cv=2, n_jobs=2, error_score="raise")
    assert info.value.learning_rate == 1e200
    assert info.value.run is None


def test_a_pipeline_of_a_table_of_words_and_numbers() -> None:
    x, y = penguins()
    pipeline = make_pipeline(preparing(), DNNClassifier(**QUICK)).fit(x, y)
    assert pipeline.score(x, y) > 0.9
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict_proba(x), pipeline.predict_proba(x))
    named = make_pipeline(preparing(), DNNClassifier(**QUICK)).set_output(transform="pandas").fit(x, y)
    assert "onehotencoder__island_Biscoe" in named[-1].feature_names_in_
    np.testing.assert_array_equal(named.predict(x), pipeline.predict(x))


def test_cross_validation() -> None:
    x, y = three_classes(200)
    scores = cross_val_score(DNNClassifier(**QUICK | {"epochs": 40}), x, y, cv=4)
    assert scores.mean() > 0.7
    proba = cross_val_predict(DNNClassifier(**QUICK), x, y, cv=4, method="predict_proba")
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    sizes, train, test = learning_curve(DNNRegressor(**QUICK), *a_number(), cv=3, train_sizes=[0.3, 1.0])
    assert sizes.tolist() == [24, 80]
    assert np.isfinite(train).all()
    assert np.isfinite(test).all()


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_probabilities_can_be_calibrated(method: str) -> None:
    x, y = three_classes(300)
    calibrated = CalibratedClassifierCV(DNNClassifier(**QUICK | {"epochs": 40}), method=method, cv=3).fit(
        x[:200], y[:200]
    )
    assert calibrated.score(x[200:], y[200:]) > 0.7


def test_importance_by_permutation_finds_the_columns_that_matter() -> None:
    x, y = three_classes(300)
    fitted = DNNClassifier(**QUICK | {"epochs": 60}).fit(x, y)
    importances = permutation_importance(fitted, x, y, n_repeats=3, random_state=0).importances_mean
    assert min(importances[:2]) > max(importances[2:]) + 0.05


@pytest.mark.parametrize("as_table", [False, True])
def test_partial_dependence(as_table: bool) -> None:
    x, y = a_number(300)
    y = y + 40 * x[:, 2]
    table = pd.DataFrame(x, columns=["a", "b", "c", "d"]) if as_table else x
    fitted = DNNRegressor(**QUICK | {"epochs": 60}).fit(table, y)
    feature = "c" if as_table else 2
    curve = partial_dependence(fitted, table, [feature], grid_resolution=10)
    slope = np.polyfit(curve["grid_values"][0], curve["average"][0], 1)[0]
    assert 25 < slope < 55


def test_partial_dependence_is_drawn() -> None:
    pytest.importorskip("matplotlib").use("Agg")
    from sklearn.inspection import PartialDependenceDisplay

    x, y = three_classes()
    fitted = DNNClassifier(**QUICK).fit(x, y)
    display = PartialDependenceDisplay.from_estimator(fitted, x, [0, (0, 1)], target=2, grid_resolution=5)
    line, grid = display.axes_.ravel()
    (curve,) = line.get_lines()[:1]
    assert len(curve.get_xdata()) == 5
    probabilities = curve.get_ydata()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()
    assert np.ptp(probabilities) > 0
    assert grid.collections


def test_an_ensemble_with_other_estimators() -> None:
    x, y = three_classes(200)
    network = DNNClassifier(**QUICK)
    votes = VotingClassifier([("network", network), ("line", LogisticRegression())], voting="soft").fit(x, y)
    assert votes.score(x, y) > 0.6
    assert BaggingClassifier(network, n_estimators=3, random_state=0).fit(x, y).score(x, y) > 0.6
    assert OneVsRestClassifier(network).fit(x, y).predict_proba(x).shape == (200, 3)
    x, number = a_number(200)
    stacked = StackingRegressor([("network", DNNRegressor(**QUICK)), ("line", Ridge())], cv=2).fit(x, number)
    assert np.isfinite(stacked.predict(x)).all()
    logged = TransformedTargetRegressor(DNNRegressor(**QUICK), func=np.log, inverse_func=np.exp).fit(x, number)
    assert (logged.predict(x) > 0).all()


def test_weights_are_routed_through_pipelines_and_searches() -> None:
    x, y = three_classes()
    weights = np.random.default_rng(0).random(120)
    with sklearn.config_context(enable_metadata_routing=True):
        network = DNNClassifier(**QUICK).set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        assert network.get_metadata_routing().fit.requests["sample_weight"] is True
        assert "validation_data" in network.get_metadata_routing().fit.requests
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), network)
        routed = pipeline.fit(x, y, sample_weight=weights)[-1]
        search = GridSearchCV(pipeline, {"dnnclassifier__hidden": [(8,)]}, cv=2).fit(x, y, sample_weight=weights)
        parts = DNNClassifier(**QUICK).set_partial_fit_request(sample_weight=True, classes=True)
        assert parts.get_metadata_routing().partial_fit.requests["classes"] is True
    scaled = StandardScaler().fit_transform(x)
    by_hand = DNNClassifier(**QUICK).fit(scaled, y, sample_weight=weights)
    assert same_weights(routed, by_hand)
    assert same_weights(search.best_estimator_[-1], by_hand)
    assert not same_weights(by_hand, DNNClassifier(**QUICK).fit(scaled, y))
