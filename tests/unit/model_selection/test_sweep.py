"""Sweeps: tables, ranking, effects, errors, and the confirmation before training."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import creche as cr
from creche.model_selection.cost_estimate import Estimate
from creche.model_selection.results import explained_share, group_values
from creche.model_selection.sweep import sweep
from tests.unit.model_selection.sweeps import run_sweep

JOB: dict[str, Any] = {"optimizer": ["adam", "sgd"], "learning_rate": [0.001, 0.05, 1e8], "seeds": 4}


@pytest.fixture(scope="module")
def colony() -> cr.Colony:
    return run_sweep(**JOB)


def test_the_table_has_a_row_for_each_member_the_best_first(colony: cr.Colony) -> None:
    table = colony.table()
    assert table.columns == [
        "rank", "member", "optimizer", "learning_rate", "seed", "status", "epochs", "train_loss", "validation_loss",
        "train_accuracy", "validation_accuracy",
    ]  # fmt: skip
    assert sorted(table["member"]) == list(range(24))
    for row in table.iter_rows(named=True):
        member = colony[row["member"]]
        assert {name: row[name] for name in member.choice} == member.choice
        assert (row["status"], row["epochs"]) == (member.status, member.epoch)
        if member.status == "diverged":
            assert row["rank"] is None
            continue
        assert row["validation_loss"] == member.history.validation_loss.min()
        assert row["train_accuracy"] == member.history.train_metric[member.kept_epoch - 1]
    ranked = table.filter(pl.col("rank").is_not_null())
    assert ranked["rank"].to_list() == list(range(1, len(ranked) + 1))
    assert ranked["validation_loss"].is_sorted()
    assert 0 < len(ranked) < 24
    assert colony.best("network").number == table["member"][0]


def test_plans_are_means_over_the_seeds(colony: cr.Colony) -> None:
    plans = colony.plans()
    assert len(plans) == 6
    table = colony.table()
    for row in plans.iter_rows(named=True):
        of = table.filter((pl.col("optimizer") == row["optimizer"]) & (pl.col("learning_rate") == row["learning_rate"]))
        losses = of["validation_loss"].drop_nulls().to_numpy()
        assert (row["networks"], row["diverged"]) == (4, int((of["status"] == "diverged").sum()))
        if len(losses) > 1:
            assert row["mean_validation_loss"] == pytest.approx(losses.mean())
            assert row["std_validation_loss"] == pytest.approx(losses.std(ddof=1))
            assert (row["min_validation_loss"], row["max_validation_loss"]) == (losses.min(), losses.max())
    sound = plans.filter(pl.col("diverged") == 0)
    assert plans.head(len(sound)).equals(sound)
    assert sound["mean_validation_loss"].is_sorted()


def test_the_best_is_the_median_member_of_the_plan_with_the_lowest_mean(colony: cr.Colony) -> None:
    losses = {}
    for member in colony:
        key = (member.choice["optimizer"], member.choice["learning_rate"])
        losses.setdefault(key, []).append(
            np.inf if member.status == "diverged" else member.history.validation_loss.min()
        )
    plan = min(losses, key=lambda key: np.mean(losses[key]))
    best = colony.best()
    assert (best.choice["optimizer"], best.choice["learning_rate"]) == plan
    assert best.history.validation_loss.min() == sorted(losses[plan])[1]  # the lower of the two in the middle of four
    with pytest.raises(cr.PlanError, match=r"by: got 'seed'"):
        colony.best("seed")  # type: ignore[arg-type]


@given(seed=st.integers(0, 500), kinds=st.integers(2, 5), each=st.integers(2, 6))
def test_the_share_explained_is_that_of_the_textbook(seed: int, kinds: int, each: int) -> None:
    rng = np.random.default_rng(seed)
    groups = np.repeat(np.arange(kinds), each)
    numbers = rng.standard_normal(kinds * each) + groups * rng.uniform(0, 2)
    by_group = [numbers[groups == g] for g in range(kinds)]
    mean_square_within = sum(((g - g.mean()) ** 2).sum() for g in by_group) / (kinds * each - kinds)
    between = sum(len(g) * (g.mean() - numbers.mean()) ** 2 for g in by_group)
    total = ((numbers - numbers.mean()) ** 2).sum()
    epsilon_squared = (between - (kinds - 1) * mean_square_within) / total  # Kelley 1935
    assert explained_share(numbers, groups) == pytest.approx(max(0, epsilon_squared), abs=1e-9)


def test_effects_find_the_argument_that_matters() -> None:
    colony = run_sweep(learning_rate=[1e-5, 0.05], shuffle=[True, False], seeds=6)
    effects = {effect.argument: effect for effect in colony.effects()}
    assert list(effects) == ["learning_rate", "shuffle", "seed"]
    assert effects["learning_rate"].share > 0.5
    assert effects["learning_rate"].best_value == "0.05"
    assert effects["shuffle"].share < 0.1
    assert 0 < effects["seed"].share < 0.5
    losses = [m.history.validation_loss[-1] for m in colony if m.choice["learning_rate"] == 0.05]
    assert effects["learning_rate"].median == sorted(losses)[5]


def test_a_single_seed_has_no_effect() -> None:
    effects = run_sweep(learning_rate=[0.001, 0.01]).effects()
    assert [effect.argument for effect in effects] == ["learning_rate"]
    assert np.isnan(effects[0].share)


def test_groups_of_numbers_are_in_ascending_order() -> None:
    groups, names = group_values([3, 1, 2, 1])
    assert (groups.tolist(), names) == ([2, 0, 1, 0], ["1", "2", "3"])
    groups, names = group_values(np.geomspace(1e-4, 1, 80).tolist())
    assert (len(names), names[0][:8], np.bincount(groups).tolist()) == (8, "0.0001 t", [10] * 8)
    assert (np.diff(groups) >= 0).all()


def test_without_validation_rows_the_training_loss_decides() -> None:
    colony = run_sweep(validation_fraction=0, seeds=3)
    assert colony.partition == "train"
    losses = [member.history.train_loss[-1] for member in colony]
    assert colony.best("network").number == int(np.argmin(losses))
    assert losses[colony.best().number] == sorted(losses)[1]
    assert colony.table()["validation_loss"].null_count() == 3


def test_if_all_networks_diverge_the_error_names_lower_rates() -> None:
    with pytest.raises(cr.DivergedError, match=r"all 4 networks diverged, with learning rates from 1e\+07 to 1e\+08"):
        run_sweep(optimizer="sgd", learning_rate=[1e7, 1e8], seeds=2)


def test_ctrl_c_hands_over_the_colony() -> None:
    """Members that had not begun, because their pack came later, have no results."""

    def interrupt(colony: cr.Colony) -> None:
        if colony.has_ranked_member():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        run_sweep(epochs=10_000_000, seeds=12, on_progress=interrupt)
    colony = caught.value.colony  # type: ignore[attr-defined]
    assert colony.interrupted
    assert {member.status for member in colony} == {"running"}
    assert colony.best().epoch > 0
    not_begun = [member.number for member in colony if member.epoch == 0]
    losses = colony.table().sort("member")["validation_loss"]
    assert losses.is_null().arg_true().to_list() == not_begun
    assert len(not_begun) < 12
    assert colony.seconds > 0


def test_more_networks_than_memory_are_refused_at_once() -> None:
    with pytest.raises(cr.PlanError, match=r"a sweep of 10,000,000,000 networks needs about .* more than .* available"):
        run_sweep(seeds=10**10)


def test_confirm_is_called_before_training(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Estimate] = []
    # A clock that goes on by the same amount each time it is looked at: how fast the machine is does not matter.
    ticks = count()
    clock = SimpleNamespace(monotonic=lambda: next(ticks) / 100)
    monkeypatch.setattr("creche.scale.sizing.time", clock)

    def confirm(estimate: Estimate) -> bool:
        asked.append(estimate)
        return False

    with pytest.raises(cr.PlanError, match="nothing was trained: 12 networks were not confirmed"):
        run_sweep(learning_rate=[0.1, 0.2, 0.3], seeds=4, confirm=confirm)
    assert asked[0].networks == 12
    assert asked[0].memory > 12 * 100
    assert asked[0].seconds > 0
    with pytest.raises(cr.PlanError):
        run_sweep(learning_rate=[0.1, 0.2, 0.3], seeds=4, confirm=confirm, epochs=60_000)
    with pytest.raises(cr.PlanError):
        run_sweep(
            learning_rate=[0.1, 0.2, 0.3], seeds=4, confirm=confirm, epochs=60_000, halving=cr.Halving(0.5, 30_000)
        )
    whole, halved = asked[1:]
    assert whole.seconds > 20 * asked[0].seconds
    assert halved.seconds < 0.95 * whole.seconds


def test_the_public_name_is_the_function() -> None:
    assert cr.sweep is sweep
