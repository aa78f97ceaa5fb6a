"""Sweeps with folds against `creche.cross_validate` of each plan alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

import creche as cr
from tests.unit.model_selection.sweeps import PENGUINS, digests, interrupt_after, run_sweep, weight_bytes
from tests.unit.small_runs import line

SOME: dict[str, Any] = {"hidden": [[5], [3, 3]], "learning_rate": [0.01, 0.03], "seeds": 2, "folds": 3}


@pytest.mark.parametrize("stopping", [None, 2])
def test_a_plan_has_the_results_of_its_own_cross_validation(stopping: int | None) -> None:
    job: dict[str, Any] = {"epochs": 12, "early_stopping": stopping, "class_weight": "balanced"}
    colony = run_sweep(**{**SOME, **job}, repeats=2, seed=3)
    assert len(colony) == 4 * 3 * 2 * 2
    plans = colony.plans()
    for hidden in SOME["hidden"]:
        for rate in SOME["learning_rate"]:
            alone = cr.cross_validate(
                "penguins", **PENGUINS, hidden=hidden, learning_rate=rate, folds=3, repeats=2, seeds=2, seed=3, **job,
            )  # fmt: skip
            plan_members = [m for m in colony if m.choice["hidden"] == hidden and m.choice["learning_rate"] == rate]
            assert [(m.choice["repeat"], m.choice["fold"], m.choice["seed"]) for m in plan_members] == [
                (p.repeat, p.fold, p.seed) for p in alone.fold_members
            ]
            assert [weight_bytes(m) for m in plan_members] == [weight_bytes(m) for m in alone.members]
            words = "-".join(map(str, hidden))
            plan_row = next(row for row in plans.to_dicts() if (row["hidden"], row["learning_rate"]) == (words, rate))
            for metric, name in (("log_loss", "validation_loss"), ("accuracy", "validation_accuracy")):
                spread = alone.summary()[metric]
                for part, value in (("mean", spread.mean), ("low", spread.low), ("high", spread.high)):
                    assert plan_row[f"{part}_{name}"] == pytest.approx(value, rel=1e-4), (part, name)
            assert plan_row["networks"] == 12


def test_the_best_plan_has_the_lowest_mean_and_others_a_gap_to_it() -> None:
    colony = run_sweep(**SOME)
    losses = colony.results.validation_loss.reshape(3, 4, 2).mean(axis=2)  # folds, plans
    plans = colony.plans()
    order = np.argsort(losses.mean(axis=0))
    assert plans["plan"].to_list() == order.tolist()
    assert plans["mean_validation_loss"].to_list() == pytest.approx(np.sort(losses.mean(axis=0)))
    behind = losses - losses[:, order[:1]]
    for row, plan in zip(plans.to_dicts(), order, strict=True):
        off = t.ppf(0.975, 2) * np.sqrt((1 / 3 + 1 / 2) * behind[:, plan].var(ddof=1))
        assert row["gap"] == pytest.approx(behind[:, plan].mean())
        assert row["low_gap"] == pytest.approx(behind[:, plan].mean() - off, abs=2e-3)  # 115 of 344 rows, not a third
        assert row["high_gap"] == pytest.approx(behind[:, plan].mean() + off, abs=2e-3)
    plan_keys = [
        tuple(map(repr, (colony.choices[i]["hidden"], colony.choices[i]["learning_rate"]))) for i in colony.ranking()
    ]
    assert list(dict.fromkeys(plan_keys)) == [plan_keys[0], plan_keys[6], plan_keys[12], plan_keys[18]]
    best = colony.best()
    assert best.choice["hidden"] == SOME["hidden"][order[0] // 2]
    assert best.choice["learning_rate"] == SOME["learning_rate"][order[0] % 2]
    assert [effect.argument for effect in colony.effects()][-2:] == ["fold", "seed"]
    assert {"fold", "seed"} <= set(colony.table().columns)


def test_plans_with_different_losses_are_compared_by_their_metric() -> None:
    x, y = line(60)
    colony = cr.sweep(
        x, y, loss=["huber", "squared_error"], hidden=[4], epochs=20, folds=3, early_stopping=3, threads=1
    )
    plans = colony.plans()
    alone = cr.cross_validate(x, y, loss="huber", hidden=[4], epochs=20, folds=3, early_stopping=3, threads=1)
    plan_row = next(row for row in plans.to_dicts() if row["loss"] == "huber")
    assert plan_row["mean_validation_rmse"] == pytest.approx(alone.summary()["rmse"].mean, rel=1e-4)
    assert plan_row["high_validation_rmse"] == pytest.approx(alone.summary()["rmse"].high, rel=1e-4)
    assert plans["gap"].to_list() == sorted(plans["gap"])
    assert plans["gap"][1] == pytest.approx(plans["mean_validation_rmse"][1] - plans["mean_validation_rmse"][0])


def test_a_plan_that_diverges_on_a_fold_ranks_last() -> None:
    x, y = line(60)
    colony = cr.sweep(
        x, y, learning_rate=[0.001, 0.5, 1e6], optimizer="sgd", hidden=[6], activation="relu", epochs=30, folds=3,
        seeds=6, threads=1,
    )  # fmt: skip
    plans = colony.plans()
    assert plans["learning_rate"].to_list() == [0.001, 0.5, 1e6]
    assert plans["diverged"].to_list()[::2] == [0, 18]
    assert 0 < plans["diverged"][1] < 18
    assert colony.best().choice["learning_rate"] == 0.001
    assert plans["low_gap"][2] is None


@pytest.mark.usefixtures("reports_often")
def test_a_sweep_with_folds_resumes_from_its_file(tmp_path: Path) -> None:
    file = tmp_path / "sweep"
    whole = run_sweep(**SOME, epochs=1000)
    with pytest.raises(KeyboardInterrupt) as stopped:
        run_sweep(**SOME, epochs=1000, checkpoint=file, on_progress=interrupt_after(2))
    assert stopped.value.colony.interrupted  # type: ignore[attr-defined]
    assert digests(run_sweep(**SOME, epochs=1000, checkpoint=file, resume=True)) == digests(whole)
    with pytest.raises(cr.FileError, match="belongs to another sweep"):
        run_sweep(**{**SOME, "folds": 2}, epochs=1000, checkpoint=file, resume=True)
    shared = {**SOME, "folds": 6}
    run_sweep(**shared, checkpoint=tmp_path / "six")
    with pytest.raises(cr.FileError, match=r"belongs to another sweep: .*preparation.folds"):
        run_sweep(**{**SOME, "folds": 3, "repeats": 2}, checkpoint=tmp_path / "six", resume=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"folds": 1}, "folds: got 1; needs a whole number of at least 2"),
        ({"repeats": 2}, "repeats: got 2, but there are no folds"),
        ({"folds": 3, "repeats": 0}, "repeats: got 0"),
        ({"folds": 3, "halving": True}, "halving: cannot be combined with folds"),
        ({"folds": 3, "test_fraction": 0.2}, "test_fraction: got 0.2, which cannot be combined with folds"),
        (
            {"folds": 3, "validation_data": "penguins"},
            "validation_data: got 'penguins', which cannot be combined with folds",
        ),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        run_sweep(**arguments)


def test_a_sweep_with_folds_has_no_ensemble() -> None:
    with pytest.raises(
        cr.PlanError, match="ensemble: the networks of a sweep with folds were trained on different rows"
    ):
        run_sweep(folds=2).ensemble()
