"""What is logged of each kind of result, and names and errors, without MLflow: tests/peers/test_mlflow.py has it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import creche as cr
from creche.errors import CrecheError, PlanError
from creche.tracking.entries import describe_networks, describe_result
from creche.tracking.hyperparameters import list_hyperparameters
from creche.tracking.mlflow import _clean_names

SMALL: dict[str, Any] = {"label": "species", "hidden": [3], "threads": 1}


def test_a_run_without_validation_rows_has_no_numbers_of_them() -> None:
    entry = describe_result(cr.train("penguins", **SMALL, epochs=2, validation_fraction=0))
    assert set(entry.epochs) == {"train_loss", "train_accuracy", "learning_rate"}
    assert "train/accuracy" in entry.metrics


def test_the_networks_of_a_sweep_come_best_first() -> None:
    colony = cr.sweep("penguins", **SMALL, epochs=2, learning_rate=[1e-6, 0.05], optimizer=["sgd", "adam"])
    found = dict(describe_networks(colony, limit=3))
    losses = [entry.epochs["validation_loss"][-1] for entry in found.values()]
    assert len(losses) == 3
    assert losses == sorted(losses)
    best = next(iter(found.values()))
    assert best.parameters == {"learning_rate": 0.05, "optimizer": "adam", "seed": 0}
    assert describe_result(colony).parameters["varied"] == "optimizer, learning_rate"


def test_networks_of_bags_have_parameters() -> None:
    colony = cr.sweep("penguins", **SMALL, epochs=1, seeds=2, bootstrap=True)
    member = colony[0]
    assert list_hyperparameters(member.plan, member.prepared.preparation)["epochs"] == 1


def test_another_result_is_an_error() -> None:
    with pytest.raises(PlanError, match="result: got dict; needs what train, cross_validate, sweep or fit returned"):
        cr.tracking.mlflow.log({})  # type: ignore[arg-type]


def test_names_are_cleaned_and_remain_different() -> None:
    names = ["F1 (Adelie)", "F1 [Adelie]", "95 %", "../../up", "", "a//b", "x" * 300, "x" * 301, "ok: 1/2.b-c_d"]
    cleaned = [name for name, _ in _clean_names(dict.fromkeys(names, 0.0))]
    assert cleaned[:6] == ["F1 _Adelie_", "F1 _Adelie__2", "95 _", "up", "_", "a/b"]
    assert cleaned[-1] == "ok: 1/2.b-c_d"
    assert len(set(cleaned)) == len(names)
    assert max(map(len, cleaned)) <= 250


def test_without_mlflow_the_error_tells_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    run = cr.train("penguins", **SMALL, epochs=1)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(CrecheError, match=r"needs the package mlflow: pip install 'creche\[mlflow\]'"):
        cr.tracking.mlflow.log(run)
