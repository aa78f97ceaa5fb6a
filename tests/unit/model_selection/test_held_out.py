"""Out-of-fold predictions, and the disagreement of the networks behind them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from tests.unit.small_runs import line, two_classes

QUICK: dict[str, Any] = {"hidden": [6], "epochs": 5, "threads": 1}


@pytest.mark.parametrize("task", ["classification", "a number", "regression"])
def test_rows_have_the_mean_prediction_of_their_networks_and_their_disagreement(task: str) -> None:
    """An `Ensemble` of each fold's networks predicts the same for its rows."""
    x, y = two_classes(50) if task == "classification" else line(50)
    labels = np.column_stack([y, -2 * y + x[:, 1]]) if task == "regression" else y
    crossed = cr.cross_validate(x, labels, folds=2, seeds=4, **QUICK)
    for fold in (1, 2):
        models = [m.model for m, place in zip(crossed.members, crossed.fold_members, strict=True) if place.fold == fold]
        ensemble = cr.Ensemble(models, threads=1)
        rows = crossed.members[(fold - 1) * 4].prepared.evaluation_part[1].observations.row_indices
        predicted = (
            ensemble.predict_proba(x[rows])
            if task == "classification"
            else ensemble.predict(x[rows]).reshape(len(rows), -1)
        )
        np.testing.assert_allclose(crossed.predictions[rows], predicted, rtol=1e-6)
        disagreement = ensemble.disagreement(x[rows])
        if task == "regression":  # in deviations of the label, which the ensemble knows of the training rows only
            spread = np.stack([m.predict(x[rows]) for m in models]).std(axis=0)
            disagreement = (spread / labels.std(axis=0)).mean(axis=1)
        np.testing.assert_allclose(crossed.disagreement[rows], disagreement, rtol=1e-6, atol=1e-12)
    assert (crossed.prediction_counts == 4).all()
    first = crossed.most_uncertain_rows(3)
    assert [d.disagreement for d in first] == sorted(crossed.disagreement, reverse=True)[:3]
    assert [d.row for d in first] == np.argsort(-crossed.disagreement, kind="stable")[:3].tolist()


def test_a_single_prediction_has_no_disagreement(tmp_path: Path) -> None:
    x, y = two_classes(40)
    crossed = cr.cross_validate(x, y, folds=2, **QUICK)
    assert np.isnan(crossed.disagreement).all()
    assert crossed.most_uncertain_rows() == []
    crossed.write_predictions(tmp_path / "rows.csv")
    lines = (tmp_path / "rows.csv").read_text().splitlines()
    assert lines[0] == "row,true_y,predicted_y,probability_0,probability_1,disagreement,networks"
    assert len(lines) == 41
    assert lines[1].split(",")[-2:] == ["", "1"]


def test_the_table_of_predictions() -> None:
    crossed = cr.cross_validate("penguins", label="species", folds=3, repeats=2, **QUICK)
    rows = crossed.predictions_table()
    assert rows["row"].to_list() == list(range(1, 345))
    assert rows["true_species"].to_list() == cr.datasets.penguins()["species"].to_list()
    probabilities = rows.select("probability_Adelie", "probability_Chinstrap", "probability_Gentoo").to_numpy()
    np.testing.assert_array_equal(probabilities, crossed.predictions)
    predicted = np.array(["Adelie", "Chinstrap", "Gentoo"])[probabilities.argmax(axis=1)]
    assert rows["predicted_species"].to_list() == predicted.tolist()
    right = (rows["true_species"] == rows["predicted_species"]).mean()
    assert right == pytest.approx(crossed.evaluation.metrics()["accuracy"])
    assert set(rows["networks"]) == {2}
    assert (rows["disagreement"] >= 0).all()


def test_quantile_predictions_are_evaluated_by_the_pinball_loss() -> None:
    x, y = line(60)
    crossed = cr.cross_validate(x, y, folds=3, loss=cr.Quantile(0.9), **QUICK)
    error = y - crossed.predictions[:, 0]
    assert crossed.evaluation.metrics()["pinball"] == pytest.approx(np.maximum(0.9 * error, -0.1 * error).mean())


def test_without_resamples_there_are_no_intervals() -> None:
    x, y = two_classes(40)
    assert cr.cross_validate(x, y, folds=2, n_resamples=0, **QUICK).evaluation.intervals == {}
    assert cr.cross_validate(x, y, folds=2, n_resamples=50, **QUICK).evaluation.intervals


def test_out_of_fold_predictions_do_not_overwrite_the_table(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    cr.datasets.penguins().write_csv(table)
    before = table.read_bytes()
    crossed = cr.cross_validate(table, label="species", folds=2, hidden=[3], epochs=1, threads=1)
    with pytest.raises(cr.PlanError, match="is the table itself; give another name"):
        crossed.write_predictions(table)
    assert table.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
