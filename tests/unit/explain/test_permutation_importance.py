"""Permutation importance: against scikit-learn's on the same network, and against shuffling the table itself."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from matplotlib import pyplot as plt
from sklearn import inspection
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import log_loss, roc_auc_score

import creche as cr
from creche.engine.parameters import Parameters
from creche.explain import permutation_importance
from creche.explain.encoded_rows import EncodedRows, column_blocks
from creche.explain.rows import create_batch, read_rows
from tests.unit.small_runs import line, two_classes


@pytest.fixture(scope="module")
def model() -> cr.Model:
    return cr.train(
        "penguins", label="species", hidden=[5], learning_rate=0.02, epochs=20, threads=1, keep="last"
    ).model


@pytest.fixture(scope="module")
def ensemble(model: cr.Model) -> cr.Ensemble:
    """Networks with different encoders."""
    same = {"label": "species", "hidden": [4], "epochs": 8, "threads": 1, "learning_rate": 0.03}
    models = [model, cr.train("penguins", preprocessing="quantile", **same).model, cr.train("penguins", **same).model]
    return cr.Ensemble(models, weights=[1, 2, 3], temperature=1.4, threads=1)


@pytest.fixture(scope="module")
def mixed() -> pl.DataFrame:
    """Every kind of column, some cells missing; the label depends on the first number and the word."""
    rng = np.random.default_rng(5)
    n = 120
    number, word = rng.standard_normal(n), rng.choice(["red", "green", "blue"], n)
    days = np.datetime64("2020-01-01") + rng.integers(0, 900, n).astype("timedelta64[D]")
    y = np.where(number + 1.5 * (word == "red") + 0.2 * rng.standard_normal(n) > 0.5, "yes", "no")
    table = pl.DataFrame({"number": number, "word": word, "day": days, "well": rng.random(n) > 0.5, "y": y})
    return table.with_columns(
        pl.when(pl.arange(n) % 11 == 3).then(None).otherwise(pl.col("number")).alias("number"),
        pl.when(pl.arange(n) % 13 == 5).then(None).otherwise(pl.col("word")).alias("word"),
    )


def summing_to_one(p: Any) -> Any:
    """In float64, for which scikit-learn finds the sums of float32 too far from 1."""
    p = p.astype(np.float64)
    return p / p.sum(axis=1, keepdims=True)


class Wrapped(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A model as scikit-learn sees it."""

    def __init__(self, model: cr.Model | None = None) -> None:
        self.model = model
        self.fitted_ = True

    @property
    def classes_(self) -> Any:
        assert self.model is not None
        return np.array(self.model.classes)

    def fit(self, x: Any, y: Any) -> Wrapped:
        return self

    def predict(self, x: Any) -> Any:
        assert self.model is not None
        return self.model.predict(x)

    def predict_proba(self, x: Any) -> Any:
        assert self.model is not None
        return summing_to_one(self.model.predict_proba(x))


def test_scikit_learn_agrees(model: cr.Model) -> None:
    """Shuffles differ, so that the means of many are compared, by what they may differ by chance."""
    penguins = cr.datasets.penguins().to_pandas()
    x, y = penguins.drop(columns="species"), penguins["species"]
    for metric, scoring in (("log_loss", "neg_log_loss"), ("accuracy", "accuracy")):
        ours = permutation_importance(model, x, y, metric=metric, repeats=60, n_resamples=0)
        theirs = inspection.permutation_importance(Wrapped(model), x, y, scoring=scoring, n_repeats=10, random_state=0)
        for name, mean, own in zip(ours.columns, ours.importance, ours.deviation, strict=True):
            place = list(x.columns).index(name)
            chance = np.hypot(theirs.importances_std[place] / np.sqrt(10), own / np.sqrt(60))
            assert mean == pytest.approx(theirs.importances_mean[place], abs=4.5 * chance + 1e-6)


def test_the_very_numbers_of_scikit_learns_metrics(model: cr.Model) -> None:
    """With the same shuffle of the table itself."""
    penguins = cr.datasets.penguins()
    y = penguins["species"].to_numpy()
    order = np.random.default_rng([7, 0]).permutation(len(y))
    for metric, judge, sign in (
        ("log_loss", lambda p: log_loss(y, p), 1),
        ("auc", lambda p: roc_auc_score(y, p, multi_class="ovr"), -1),
    ):
        found = permutation_importance(model, penguins, metric=metric, repeats=1, seed=7, n_resamples=0)
        plain = judge(summing_to_one(model.predict_proba(penguins)))
        assert found.score == pytest.approx(plain, rel=1e-5)
        for name, value in zip(found.columns, found.importance, strict=True):
            shuffled = penguins.with_columns(penguins[name][order.tolist()].alias(name))
            p = summing_to_one(model.predict_proba(shuffled))
            assert value == pytest.approx(sign * (judge(p) - plain), abs=1e-6)


@pytest.mark.parametrize("preprocessing", ["standard", "quantile"])
def test_shuffling_encoded_cells_is_encoding_the_shuffled_table(mixed: pl.DataFrame, preprocessing: str) -> None:
    network = cr.train(mixed, label="y", hidden=[3], epochs=3, preprocessing=preprocessing, threads=1).model
    order = np.random.default_rng(0).permutation(len(mixed))
    encoded = EncodedRows(network, read_rows(network, mixed))
    before = encoded.predict()
    for column, name in enumerate(network.features.names):
        shuffled = mixed.with_columns(mixed[name][order.tolist()].alias(name))
        assert encoded.predict_shuffled(column, order).tolist() == network.predict_proba(shuffled).tolist()
    assert encoded.predict().tolist() == before.tolist()


def test_of_an_ensemble_with_several_encoders(ensemble: cr.Ensemble) -> None:
    penguins = cr.datasets.penguins()
    order = np.random.default_rng(0).permutation(len(penguins))
    encoded = EncodedRows(ensemble, read_rows(ensemble, penguins))
    np.testing.assert_array_equal(encoded.predict(), ensemble.predict_proba(penguins))
    for column, name in enumerate(ensemble.features.names):
        shuffled = penguins.with_columns(penguins[name][order.tolist()].alias(name))
        np.testing.assert_array_equal(encoded.predict_shuffled(column, order), ensemble.predict_proba(shuffled))
    found = permutation_importance(ensemble, penguins, repeats=3)
    assert found.score == pytest.approx(ensemble.evaluate(penguins, n_resamples=0).log_loss, rel=1e-12)
    assert found.columns[0] == "bill_length_mm"


@pytest.mark.parametrize(
    "metric", ["accuracy", "balanced_accuracy", "log_loss", "auc", "f1", "brier", "calibration_error"]
)
def test_the_score_is_that_of_evaluate(model: cr.Model, metric: str) -> None:
    weights = np.random.default_rng(0).random(344) + 0.1
    found = permutation_importance(model, "penguins", metric=metric, repeats=2, sample_weight=weights, n_resamples=30)
    judged = model.evaluate("penguins", sample_weight=weights, n_resamples=0)
    assert found.score == pytest.approx(judged.metrics()[metric], rel=1e-12)
    assert found.importance.tolist() == sorted(found.importance, reverse=True)
    assert (found.low <= found.high).all()


@pytest.mark.parametrize("metric", [None, "rmse", "mae", "r2"])
def test_numbers(metric: str | None) -> None:
    x, y = line()
    network = cr.train(x, y, hidden=[6], epochs=60, learning_rate=0.03, threads=1).model
    found = permutation_importance(network, x, y, metric=metric, repeats=10)
    assert found.columns == ("x0", "x2", "x1")
    assert found.metric == (metric or "rmse")
    assert found.score == pytest.approx(network.evaluate(x, y, n_resamples=0).metrics()[found.metric], rel=1e-12)
    assert found.low[0] > found.high[1] > found.low[1] > found.high[2]
    if metric == "mae":  # of a line, shuffled: the mean absolute difference of two normal numbers is 2 / sqrt(pi)
        expected = np.array([700, 300]) * 2 / np.sqrt(np.pi)
        np.testing.assert_allclose(found.importance[:2] + found.score, expected, rtol=0.15)


def test_of_a_quantile_its_own_loss() -> None:
    x, y = line(80)
    network = cr.train(x, y, hidden=[4], epochs=3, loss="quantile", threads=1).model
    assert permutation_importance(network, x, y, repeats=1, n_resamples=0).metric == "pinball"


def test_a_column_that_is_not_used_matters_exactly_nothing(model: cr.Model) -> None:
    (w, b), *others = model.weights
    w = w.copy()
    w[column_blocks(model.features)[model.features.names.index("body_mass_g")]] = 0
    found = permutation_importance(
        replace(model, parameters=Parameters.of_layers([(w, b), *others])), "penguins", repeats=3
    )
    place = found.columns.index("body_mass_g")
    assert (found.importance[place], found.low[place], found.high[place]) == (0, 0, 0)


def test_intervals_hold_what_other_rows_of_the_same_kind_give() -> None:
    """On many tables of 80 rows, the intervals cover the importance on very many rows at their nominal rate."""
    rng = np.random.default_rng(1)
    x, y = two_classes(4000, seed=9)
    y = np.where(rng.random(4000) < 0.1, 1 - y, y)
    network = cr.train(x[:400], y[:400], hidden=[4], epochs=20, learning_rate=0.02, threads=1).model
    expected = permutation_importance(network, x, y, repeats=10, n_resamples=0)
    truth = dict(zip(expected.columns, expected.importance, strict=True))
    held = []
    for begin in range(400, 4000, 80):
        rows = slice(begin, begin + 80)
        found = permutation_importance(network, x[rows], y[rows], repeats=10, n_resamples=100, seed=begin)
        held += [
            low <= truth[name] <= high
            for name, low, high in zip(found.columns, found.low, found.high, strict=True)
            if name != "x2"
        ]
    assert 0.85 <= np.mean(held) <= 1


def test_the_same_seed_gives_the_same_and_columns_do_not_disturb_each_other(model: cr.Model) -> None:
    first, second, other = (permutation_importance(model, "penguins", repeats=2, seed=s) for s in (3, 3, 4))
    assert (first.repeats == second.repeats).all()
    assert (first.low == second.low).all()
    assert (first.repeats != other.repeats).any()
    batch = permutation_importance(model, create_batch(model, "penguins"), repeats=2, seed=3)
    assert (batch.repeats == first.repeats).all()


def test_the_table(model: cr.Model) -> None:
    found = permutation_importance(model, "penguins", repeats=3)
    table = found.table()
    assert table.columns == ["column", "importance", "low", "high", "deviation"]
    assert table["column"].to_list() == list(found.columns)
    np.testing.assert_allclose(table["deviation"], found.repeats.std(axis=1, ddof=1))
    np.testing.assert_allclose(found.importance, found.repeats.mean(axis=1))
    without = permutation_importance(model, "penguins", repeats=1, n_resamples=0)
    assert without.table()["low"].to_list() == without.table()["deviation"].to_list() == [None] * 6
    assert without.to_dict()["columns"][0]["interval"] is None


def test_what_cannot_be_worked_out(model: cr.Model) -> None:
    penguins = cr.datasets.penguins()
    for data, message in (
        (penguins.drop("species"), "has no column 'species'"),
        (penguins.drop("sex"), "has no column 'sex'"),
        (penguins.head(1), "data: has one row; shuffling cells among rows needs at least two"),
        (None, "data: is missing; a model does not store rows"),
        (penguins.select(pl.all().exclude("species")).head(3).to_numpy(), "or arrays X and y"),
    ):
        with pytest.raises(cr.TableError, match=re.escape(message)):
            permutation_importance(model, data)
    with pytest.raises(cr.TableError, match="metric: auc is undefined on these 20 rows"):
        permutation_importance(model, penguins.head(20), metric="auc")
    for arguments, message in (
        ({"metric": "acuracy"}, "metric: got 'acuracy'; did you mean 'accuracy'? Choose one of accuracy, balanced_"),
        ({"metric": "rmse"}, "metric: got 'rmse'"),
        ({"repeats": 0}, "repeats: got 0; needs a whole number of at least 1"),
        ({"seed": -1}, "seed: got -1"),
        ({"n_resamples": -1}, "n_resamples: got -1"),
    ):
        with pytest.raises(cr.PlanError, match=re.escape(message)):
            permutation_importance(model, "penguins", **arguments)
    with pytest.raises(cr.PlanError, match="model: got DataFrame; needs a Model, an Ensemble"):
        permutation_importance(penguins, "penguins")


def test_arrays_and_frames_for_one_another() -> None:
    x, y = two_classes()
    frame = pl.DataFrame(x, schema=["a", "b", "c"])
    of_array = cr.train(x, y, hidden=[3], epochs=3, threads=1).model
    of_table = cr.train(frame, y, hidden=[3], epochs=3, threads=1).model
    for network, names in ((of_array, {"x0", "x1", "x2"}), (of_table, {"a", "b", "c"})):
        found, other = (permutation_importance(network, rows, y, repeats=2) for rows in (x, frame))
        assert set(found.columns) == names
        assert (found.repeats == other.repeats).all()
    with pytest.raises(cr.TableError, match="X: has 2 columns; the network was trained on 3"):
        permutation_importance(of_array, x[:, :2], y)


def test_two_rows_are_enough(model: cr.Model) -> None:
    found = permutation_importance(model, cr.datasets.penguins()[[0, 200]], repeats=4)
    assert len(found) == 6
    assert np.isfinite(found.importance).all()


def test_the_picture_shows_the_numbers(model: cr.Model) -> None:
    found = permutation_importance(model, "penguins", repeats=3)
    axes = found.plot()
    assert [label.get_text() for label in axes.get_yticklabels()] == list(found.columns)
    widths = {round(bar.get_y() + 0.31): bar.get_width() for bar in axes.patches}
    assert [widths[place] for place in (5, 4, 3, 2, 1, 0)] == found.importance.tolist()
    segments = axes.collections[0].get_segments()
    np.testing.assert_allclose([s[:, 0] for s in segments], np.column_stack([found.low, found.high]))
    higher = permutation_importance(model, "penguins", metric="accuracy", repeats=1, n_resamples=0).plot()
    assert higher.get_xlabel() == "decrease of accuracy when the column is shuffled"
    assert higher.get_legend() is None
    plt.close("all")


def test_there_are_no_intervals_from_fewer_than_ten_rows() -> None:
    model = cr.train("penguins", label="species", epochs=2, threads=1).model
    few = permutation_importance(model, cr.datasets.penguins().head(9), metric="accuracy", repeats=2)
    assert np.isnan(few.low).all()
    assert np.isnan(few.high).all()
    enough = permutation_importance(model, cr.datasets.penguins().head(10), metric="accuracy", repeats=2)
    assert not np.isnan(enough.low).any()
