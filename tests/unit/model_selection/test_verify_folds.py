"""Verification of the ensembles that cross-validations leave: trained again on the same folds, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import creche as cr
from creche.model.fold_origin import FoldMember, FoldOrigin
from creche.table.split import Split

FOLDS: dict[str, Any] = {"label": "species", "folds": 3, "hidden": [4], "epochs": 8, "threads": 1}


def stop_at_2(record: Any) -> bool:
    return bool(record.epoch == 2)


@pytest.mark.parametrize(
    "arguments",
    [
        {"seeds": 2, "repeats": 2},
        {"early_stopping": False},
        {"time": "year"},
        {"group": "nest"},
        {"label": "body_mass_g", "split_seed": 7},
        {"class_weight": "balanced", "seed": 3, "early_stopping": cr.EarlyStopping(watch="accuracy", patience=2)},
        {"on_epoch": stop_at_2},
    ],
    ids=["repeats", "all-epochs", "time", "group", "regression", "weights", "stopped"],
)
def test_the_networks_of_all_folds_are_trained_again(arguments: dict[str, Any], tmp_path: Path) -> None:
    penguins = cr.datasets.penguins().drop_nulls("body_mass_g").with_row_index("nest")
    penguins = penguins.with_columns(pl.col("nest") // 2, year=2001 + pl.col("nest") % 12)
    ensemble = cr.cross_validate(penguins, **{**FOLDS, **arguments}).ensemble()
    ensemble.save(tmp_path / "ensemble.creche")
    found = cr.verify(tmp_path / "ensemble.creche", penguins, threads=2)
    assert found.same, str(found)
    assert found.data_same


def test_a_loss_in_python_is_trained_again_if_it_is_given() -> None:
    def squared(outputs: Any, targets: Any) -> Any:
        return ((outputs - targets) ** 2).mean(axis=1), 2 * (outputs - targets) / outputs.shape[1]

    x = np.random.default_rng(0).normal(size=(60, 3))
    ensemble = cr.cross_validate(x, x.sum(axis=1), loss=squared, folds=3, hidden=[3], epochs=4, threads=1).ensemble()
    assert cr.verify(ensemble, x, x.sum(axis=1), loss=squared).same


def test_bootstrap_samples_of_folds_are_drawn_again(tmp_path: Path) -> None:
    colony = cr.sweep("penguins", **{**FOLDS, "hidden": [[3], [5]]}, seeds=2, bootstrap=True)
    colony.best_folds().ensemble().save(tmp_path / "bagged.creche")
    assert cr.verify(tmp_path / "bagged.creche", "penguins").same


def test_what_differs_is_told() -> None:
    penguins = cr.datasets.penguins()
    ensemble = cr.cross_validate(penguins, **FOLDS).ensemble()
    changed = penguins.with_columns(
        pl.when(pl.col("body_mass_g") > 6000).then(1).otherwise("body_mass_g").alias("body_mass_g")
    )
    found = cr.verify(ensemble, changed)
    assert not found.same
    assert not found.data_same
    assert "body_mass_g" in str(found)
    assert not cr.verify(ensemble, penguins.drop_nulls()).found  # the networks have inputs for what is missing


def test_an_ensemble_has_no_validation_table() -> None:
    ensemble = cr.cross_validate("penguins", **FOLDS).ensemble()
    with pytest.raises(cr.PlanError, match="validation_data: an ensemble has none"):
        cr.verify(ensemble, "penguins", validation_data="penguins")


def test_the_best_plan_of_a_sweep_is_the_cross_validation_of_its_arguments() -> None:
    colony = cr.sweep("penguins", **{**FOLDS, "hidden": [[3], [6]]}, learning_rate=[0.001, 0.01], seeds=2)
    best = colony.best_folds()
    plan = colony.plans().row(0, named=True)
    alone = cr.cross_validate(
        "penguins", **{**FOLDS, "hidden": [int(plan["hidden"])]}, learning_rate=plan["learning_rate"], seeds=2
    )
    np.testing.assert_array_equal(best.predictions, alone.predictions)
    assert best.fold_members == alone.fold_members
    assert best.evaluation.metrics() == alone.evaluation.metrics()
    refitted = best.refit().arrays()
    assert all((array == refitted[name]).all() for name, array in alone.refit().arrays().items())


def test_a_sweep_without_folds_has_no_cross_validation() -> None:
    colony = cr.sweep("penguins", label="species", hidden=[3], seeds=2, epochs=2, threads=1)
    with pytest.raises(cr.PlanError, match="folds: the sweep had none"):
        colony.best_folds()


ORIGIN = FoldOrigin(3, 1, 0, Split(), True, False, (FoldMember(1, 2, 5),), (7,))


def test_folds_go_to_plain_data_and_back() -> None:
    assert FoldOrigin.from_dict(ORIGIN.to_dict()) == ORIGIN
    assert ORIGIN.place(ORIGIN.members[0]) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"folds": -1}, {"members": [[1, 4, 0]]}, {"members": [[0, 1, 0]]}, {"members": [[1, 1]]}, {"members": 3},
        {"epochs": []}, {"epochs": ["7"]}, {"stops_early": 1}, {"split": None}, {"seed": True},
    ],
)  # fmt: skip
def test_folds_of_a_damaged_file_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(cr.FileError, match="provenance: its folds cannot be read"):
        FoldOrigin.from_dict({**ORIGIN.to_dict(), **change})
