"""The models that a cross-validation leaves behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import creche as cr

FOLDS = {"label": "species", "folds": 3, "hidden": [4], "epochs": 12, "threads": 1}


@pytest.fixture(scope="module")
def crossed() -> cr.CrossValidation:
    return cr.cross_validate("penguins", **FOLDS, seeds=2)


def test_the_ensemble_predicts_the_mean_of_all_networks(crossed: cr.CrossValidation, tmp_path: Path) -> None:
    ensemble = crossed.ensemble()
    mean = np.mean([member.model.predict_proba("penguins") for member in crossed.members], axis=0)
    np.testing.assert_allclose(ensemble.predict_proba("penguins"), mean, rtol=1e-6)
    file = tmp_path / "ensemble.creche"
    ensemble.save(file)
    loaded = cr.load(file)
    assert isinstance(loaded, cr.Ensemble)
    np.testing.assert_array_equal(loaded.predict_proba("penguins"), ensemble.predict_proba("penguins"))
    assert loaded.provenance is not None
    assert loaded.provenance.rows == {"train": 344}
    assert loaded.provenance.evaluation["on"] == "out-of-fold"
    assert loaded.provenance.evaluation["log_loss"] == crossed.evaluation.metrics()["log_loss"]


def test_the_ensemble_knows_all_rows_of_the_table(crossed: cr.CrossValidation) -> None:
    counted = crossed.ensemble().evaluate("penguins", n_resamples=0).training_rows
    assert counted is not None
    assert (counted.count, counted.rows) == (344, 344)


def test_the_refitted_network_is_the_one_trained_on_all_rows_for_the_median_of_the_epochs(
    crossed: cr.CrossValidation, tmp_path: Path
) -> None:
    epochs = round(float(np.median([member.kept_epoch for member in crossed.members])))
    model = crossed.refit()
    alone = cr.train("penguins", label="species", hidden=[4], epochs=epochs, validation_fraction=0, threads=1)
    assert model.provenance is not None
    assert len(model.provenance.history) == epochs
    assert model.arrays().keys() == alone.model.arrays().keys()
    assert all((array == alone.model.arrays()[name]).all() for name, array in model.arrays().items())
    model.save(tmp_path / "refitted.creche")
    assert cr.verify(tmp_path / "refitted.creche", "penguins").same
    loaded = cr.load(tmp_path / "refitted.creche")
    assert loaded.provenance is not None
    assert loaded.provenance.evaluation["on"] == "out-of-fold"
    assert loaded.provenance.evaluation["log_loss"] == crossed.evaluation.metrics()["log_loss"]


def test_a_report_leads_with_the_out_of_fold_metrics(crossed: cr.CrossValidation, tmp_path: Path) -> None:
    accuracy = f"{crossed.evaluation.metrics()['accuracy']:.4f}"
    for name, model in (("ensemble", crossed.ensemble()), ("refitted", crossed.refit())):
        page = cr.report(model, "penguins", tmp_path / f"{name}.html").read_text()
        summary = page.partition('id="summary"')[2].partition('id="intended')[0]
        assert "On 344 rows, each predicted by networks of the cross-validation that were not trained on it" in summary
        assert summary.index(accuracy) < summary.index("On the 344 rows it was trained on")


def test_a_column_that_groups_the_rows_is_no_feature_of_the_refitted_network() -> None:
    penguins = cr.datasets.penguins().with_row_index("nest").with_columns(pl.col("nest") // 3)
    crossed = cr.cross_validate(penguins, **FOLDS | {"group": "nest", "early_stopping": False, "epochs": 2})
    model = crossed.refit()
    assert model.provenance is not None
    assert model.provenance.rows == {"train": 344}
    assert "nest" not in model.features.names


def test_rows_that_no_network_has_learned_are_none_of_its_training_rows() -> None:
    random = np.random.default_rng(0)
    sold = pl.DataFrame(
        {"day": np.arange(200) // 2, "x": random.standard_normal(200), "y": random.standard_normal(200)}
    )
    crossed = cr.cross_validate(sold, **FOLDS | {"label": "y", "time": "day", "early_stopping": False})
    counted = crossed.ensemble().evaluate(sold, n_resamples=0).training_rows
    assert counted is not None
    assert (counted.count, counted.rows) == (150, 200)  # three of four periods


def test_untrained_networks_are_no_model_to_refit() -> None:
    with pytest.raises(cr.PlanError, match=r"refit: the networks of the folds were trained for 0 epochs"):
        cr.cross_validate("penguins", **FOLDS | {"epochs": 0}).refit()
