"""Ensembles against a plain reference of greedy selection (Caruana et al. 2004), and in files."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

import creche as cr
from creche.model.calibration import apply_temperature
from creche.model_selection.ensemble_selection import fit_temperature, select_greedily
from tests.unit.model_selection.sweeps import run_sweep
from tests.unit.small_runs import line

Array = NDArray[np.float64]


def caruana(predicted: Array, true: NDArray[np.int64], size: int) -> list[int]:
    """Select members as in Caruana et al. 2004, one number at a time, and return them in order of selection."""
    rows = range(len(true))

    def log_loss(members: list[int]) -> float:
        mean = [sum(predicted[m][row][true[row]] for m in members) / len(members) for row in rows]
        return -sum(np.log(max(p, 1e-12)) for p in mean) / len(true)

    selected = list(range(max(1, min(size // 4, len(predicted)))))
    while len(selected) < size:
        selected.append(min(range(len(predicted)), key=lambda m: log_loss([*selected, m])))
    return selected


@given(members=st.integers(1, 6), size=st.integers(1, 9), seed=st.integers(0, 1000))
def test_selection_equals_the_reference(members: int, size: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    predicted = rng.dirichlet(np.ones(3), (members, 8))
    true = rng.integers(0, 3, 8)

    def loss(true_probabilities: Array) -> Array:
        return np.asarray(-np.log(np.maximum(true_probabilities, 1e-12)).mean(axis=-1))

    counts = select_greedily(predicted[:, np.arange(8), true], size, loss)
    assert counts.tolist() == np.bincount(caruana(predicted, true, size), minlength=members).tolist()


def test_the_ensemble_of_a_colony_equals_the_reference() -> None:
    colony = run_sweep(learning_rate=[0.003, 0.01, 0.03], hidden=[3], seeds=5)
    ensemble = colony.ensemble(7, temperature=False)
    part = colony[0].prepared.validation
    assert part is not None
    ranking = colony.ranking().tolist()
    predicted = np.array([colony[m].model.predict_proba(part.observations.x) for m in ranking], dtype=np.float64)
    classes = list(ensemble.classes or ())
    true = np.array([classes.index(y) for y in part.observations.y])
    counts = np.bincount(caruana(predicted, true, 7), minlength=len(predicted))
    assert ensemble.weights.tolist() == counts[counts > 0].tolist()
    for model, place in zip(ensemble.models, np.flatnonzero(counts), strict=True):
        np.testing.assert_array_equal(model.weights[0][0], colony[ranking[place]].model.weights[0][0])
    mean = np.average(predicted[counts > 0], axis=0, weights=counts[counts > 0])
    np.testing.assert_allclose(ensemble.predict_proba(part.observations.x), mean, rtol=1e-6)


def test_the_temperature_is_where_the_loss_is_lowest() -> None:
    rng = np.random.default_rng(0)
    true = rng.integers(0, 3, 400)
    logits = rng.standard_normal((400, 3)) + 2 * np.eye(3)[true]
    unsure = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    sure = apply_temperature(unsure, 0.2)
    weights = np.full(400, 1 / 400)

    def loss(temperature: float) -> float:
        return float(-np.log(apply_temperature(sure, temperature)[np.arange(400), true]).mean())

    found = fit_temperature(sure, true, weights)
    lowest = min(np.linspace(0.5, 20, 400), key=loss)
    assert found == pytest.approx(lowest, rel=0.1)
    np.testing.assert_allclose(apply_temperature(sure, 5.0), unsure, rtol=1e-9)


def test_regression_ensembles_predict_the_mean() -> None:
    x, y = line()
    colony = cr.sweep(x, y, hidden=[6], epochs=20, learning_rate=[0.01, 0.05], seeds=4, threads=1)
    ensemble = colony.ensemble(6)
    predicted = np.array([model.predict(x) for model in ensemble.models])
    np.testing.assert_allclose(ensemble.predict(x), np.average(predicted, axis=0, weights=ensemble.weights), rtol=1e-9)
    spread = np.sqrt(np.average((predicted - ensemble.predict(x)) ** 2, axis=0, weights=ensemble.weights))
    np.testing.assert_allclose(ensemble.disagreement(x), spread, rtol=1e-6, atol=1e-9)
    part = colony[0].prepared.validation
    assert part is not None
    rows = part.observations

    def error(of: Any) -> float:
        return float(np.sqrt(np.mean((of.predict(rows.x) - rows.y) ** 2)))

    assert error(ensemble) <= error(colony.best().model) * 1.0001


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy", "squared_error"])
def test_an_ensemble_of_different_networks_predicts_their_mean(loss: str) -> None:
    models = []
    for number, (hidden, precision, preprocessing) in enumerate(
        [
            ([4], "float32", "standard"),
            ([4], "float32", "standard"),
            ([4], "float32", "quantile"),
            ([], "float64", None),
        ]
        + [([3, 3], "float32", "standard")] * 18
    ):
        run = cr.train(
            "penguins", label="species", hidden=hidden, precision=precision, preprocessing=preprocessing, loss=loss,
            seed=number, split_seed=0, epochs=2, threads=1,
        )  # fmt: skip
        models.append(run.model)
    weights = np.random.default_rng(1).uniform(0, 1, len(models))
    ensemble = cr.Ensemble(models, weights.tolist(), threads=2)
    predicted = np.array([model.predict_proba("penguins") for model in models], dtype=np.float64)
    mean = np.average(predicted, axis=0, weights=weights)
    np.testing.assert_allclose(ensemble.predict_proba("penguins"), mean, rtol=1e-6)
    entropy = -np.where(
        predicted > 0, predicted * np.log(predicted, where=predicted > 0, out=np.zeros_like(predicted)), 0
    ).sum(axis=2)
    ensemble_entropy = -(mean * np.log(mean)).sum(axis=1)
    disagreement = (ensemble_entropy - np.average(entropy, axis=0, weights=weights)) / np.log(3)
    np.testing.assert_allclose(ensemble.disagreement("penguins"), disagreement, rtol=1e-6, atol=1e-9)


def test_binary_networks_with_one_output() -> None:
    table = cr.datasets.penguins().drop_nulls()
    colony = cr.sweep(table, label="sex", loss="binary_cross_entropy", hidden=[3], epochs=3, seeds=5, threads=1)
    models = [member.model for member in colony]
    mean = np.mean([model.predict_proba(table) for model in models], axis=0)
    assert mean.shape == (len(table), 2)
    np.testing.assert_allclose(cr.Ensemble(models).predict_proba(table), mean, rtol=1e-6)


def test_an_ensemble_can_be_pickled_after_it_has_predicted() -> None:
    ensemble = run_sweep(seeds=3).ensemble(2)
    predicted = ensemble.predict_proba("penguins")
    again = pickle.loads(pickle.dumps(ensemble))
    np.testing.assert_array_equal(again.predict_proba("penguins"), predicted)


def test_a_file_of_predictions_has_a_column_of_disagreement(tmp_path: Path) -> None:
    ensemble = run_sweep(seeds=3).ensemble(3)
    cr.predict_file(ensemble, "penguins", tmp_path / "predicted.parquet", keep=["species"])
    columns = pl.read_parquet(tmp_path / "predicted.parquet")
    assert columns.columns[-1] == "disagreement"
    np.testing.assert_allclose(columns["disagreement"], ensemble.disagreement("penguins"), rtol=1e-12)


def test_disagreement_is_0_for_equal_predictions_and_at_most_1() -> None:
    colony = run_sweep(seeds=3, epochs=2)
    one = colony[0].model
    np.testing.assert_allclose(cr.Ensemble([one, one]).disagreement("penguins"), 0, atol=1e-12)
    several = cr.Ensemble([member.model for member in colony]).disagreement("penguins")
    assert 0 < several.max() < 1


def test_an_ensemble_survives_a_file(tmp_path: Path) -> None:
    colony = run_sweep(optimizer=["sgd", "adam"], preprocessing=["standard", "quantile"], seeds=6)
    ensemble = colony.ensemble(8)
    ensemble.save(tmp_path / "ensemble.creche")
    loaded = cr.load(tmp_path / "ensemble.creche", threads=1)
    assert isinstance(loaded, cr.Ensemble)
    assert (len(loaded), loaded.temperature) == (len(ensemble), ensemble.temperature)
    np.testing.assert_array_equal(loaded.predict_proba("penguins"), ensemble.predict_proba("penguins"))
    np.testing.assert_array_equal(loaded.predict("penguins"), ensemble.predict("penguins"))
    assert loaded.provenance is not None
    assert ensemble.provenance is not None
    assert loaded.provenance.evaluation == ensemble.provenance.evaluation
    evaluation = loaded.evaluate("penguins", n_resamples=0)
    assert isinstance(evaluation, cr.ClassificationEvaluation)
    assert evaluation.rows == 344


def test_verify_refuses_an_ensemble_without_folds(tmp_path: Path) -> None:
    run_sweep(seeds=3).ensemble(2).save(tmp_path / "ensemble.creche")
    with pytest.raises(cr.PlanError, match=r"got an ensemble of \d networks? that does not hold how they were trained"):
        cr.verify(tmp_path / "ensemble.creche", "penguins")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"models": []}, "models: an ensemble needs at least one"),
        ({"weights": [1.0]}, "weights: got .*; needs a number of 0 or more for each of 2 models"),
        ({"weights": [0.0, 0.0]}, "weights: "),
        ({"weights": [1.0, -1.0]}, "weights: "),
        ({"temperature": 0.0}, "temperature: got 0.0"),
        ({"temperature": float("nan")}, "temperature: got nan"),
    ],
)
def test_invalid_ensembles_are_refused(arguments: dict[str, Any], message: str) -> None:
    models = [member.model for member in run_sweep(seeds=2, epochs=1)]
    with pytest.raises(cr.PlanError, match=message):
        cr.Ensemble(**{"models": models, **arguments})


def test_models_of_different_labels_are_refused() -> None:
    x, y = line()
    number = cr.train(x, y, hidden=[3], epochs=1, threads=1).model
    with pytest.raises(cr.PlanError, match="model 1 predicts another label, or from other columns, than model 0"):
        cr.Ensemble([run_sweep(epochs=1)[0].model, number])


@pytest.mark.parametrize("name", ["size", "candidates"])
def test_numbers_of_at_least_one(name: str) -> None:
    with pytest.raises(cr.PlanError, match=f"{name}: got 0"):
        run_sweep(epochs=1).ensemble(**{name: 0})
