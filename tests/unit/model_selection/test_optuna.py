"""Sweeps with Optuna: what is asked, trained and told, and what remains of an incomplete round."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

import creche as cr
from tests.unit.model_selection.sweeps import PENGUINS, interrupt_after, weight_bytes

optuna = pytest.importorskip("optuna")
COMPLETE, FAIL = optuna.trial.TrialState.COMPLETE, optuna.trial.TrialState.FAIL


def chosen(**arguments: Any) -> cr.OptunaSweep:
    return cr.sweep_with_optuna(
        "penguins", **{**PENGUINS, "hidden": [5], "epochs": 5, "pack": 6, "rounds": 2, **arguments}
    )


@pytest.fixture(autouse=True)
def quiet() -> Any:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(before)


def test_members_equal_those_of_train_and_trials_have_their_losses() -> None:
    """Shapes, optimizers and batch sizes differ, so that one round trains packs of several kinds."""
    found = chosen(
        hidden=[[5, 5], [4], []], optimizer=["sgd", "adam", cr.AdamW(weight_decay=0.1)], activation="tanh",
        batch_size=cr.linear_range(8, 64), learning_rate=cr.log_range(1e-4, 0.1), dropout=[0.0, 0.2], pack=8,
    )  # fmt: skip
    assert (len(found.colony), len(found.study.trials), found.trial_numbers) == (16, 16, tuple(range(16)))
    for member, trial in zip(found.colony, found.study.trials, strict=True):
        alone = cr.train("penguins", **{**PENGUINS, "epochs": 5, "activation": "tanh", **member.choice}, split_seed=0)
        assert weight_bytes(member) == weight_bytes(alone)
        assert trial.value == alone.history.validation_loss.min()
        assert trial.params["learning_rate"] == member.choice["learning_rate"]
        assert trial.params["batch_size"] == member.choice["batch_size"]
        assert trial.user_attrs["members"] == [member.number]
    assert {trial.params["hidden"] for trial in found.study.trials} <= {"5-5", "4", "none"}
    assert weight_bytes(found.best()) == weight_bytes(found.colony[found.study.best_trial.number])
    table = found.table()
    assert table["trial"].to_list() == table["member"].to_list()
    assert len(found.colony.ensemble(4)) >= 1


def test_the_same_call_chooses_the_same() -> None:
    one, other = (chosen(learning_rate=cr.log_range(1e-4, 1), seed=3) for _ in range(2))
    assert one.colony.choices == other.colony.choices
    assert one.colony.choices != chosen(learning_rate=cr.log_range(1e-4, 1), seed=4).colony.choices


def test_a_trial_with_several_seeds_has_their_mean_loss() -> None:
    found = chosen(learning_rate=cr.log_range(1e-3, 0.1), seeds=3, seed=5, pack=2)
    assert [member.choice["seed"] for member in found.colony] == [5, 6, 7] * 4
    losses = found.colony.results.loss.reshape(4, 3)
    np.testing.assert_array_equal([trial.value for trial in found.study.trials], losses.mean(axis=1))
    assert found.trial_numbers == (0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3)


def test_a_diverged_trial_has_an_infinite_loss() -> None:
    found = chosen(optimizer="sgd", learning_rate=[0.01, 1e8], pack=8)
    for member, trial in zip(found.colony, found.study.trials, strict=True):
        assert (trial.state, trial.value == np.inf) == (COMPLETE, member.choice["learning_rate"] == 1e8)
    assert found.best().choice["learning_rate"] == 0.01
    with pytest.raises(cr.DivergedError, match="all 12 networks diverged"):
        chosen(optimizer="sgd", learning_rate=[1e7, 1e8])


def test_a_study_is_continued() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    chosen(learning_rate=cr.log_range(1e-3, 0.1), study=study)
    found = chosen(learning_rate=cr.log_range(1e-3, 0.1), study=study)
    assert len(study.trials) == 24
    assert found.trial_numbers == tuple(range(12, 24))
    assert study.trials[12].user_attrs["members"] == [0]


def test_a_space_in_which_one_choice_depends_on_another() -> None:
    def space(trial: Any) -> dict[str, Any]:
        optimizer = trial.suggest_categorical("optimizer", ["sgd", "adam"])
        depth = trial.suggest_int("depth", 1, 2)
        hidden = [trial.suggest_int(f"width_{i}", 2, 6) for i in range(depth)]
        extra = {"momentum": trial.suggest_float("momentum", 0.0, 0.9)} if optimizer == "sgd" else {}
        return {"optimizer": optimizer, "hidden": hidden, **extra}

    found = chosen(space=space, learning_rate=[0.01, 0.1], pack=8)
    assert set(found.colony.varied_arguments) == {"learning_rate", "optimizer", "hidden", "momentum"}
    for member, trial in zip(found.colony, found.study.trials, strict=True):
        assert member.choice["momentum"] == trial.params.get("momentum")
        widths = [trial.params[f"width_{i}"] for i in range(trial.params["depth"])]
        assert [layer.width for layer in member.plan.network.layers[:-1]] == widths
    assert found.colony.table().height == 16


def test_trials_with_different_losses_have_their_error() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal((60, 2))
    found = cr.sweep_with_optuna(
        x, x[:, 0], hidden=[3], epochs=3, loss=["huber", "squared_error"], pack=4, rounds=1, threads=1
    )
    expected = [member.history.validation_metric[-1] for member in found.colony]
    np.testing.assert_allclose([trial.value for trial in found.study.trials], expected)


def test_ctrl_c_keeps_the_completed_rounds() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    arguments: dict[str, Any] = {"learning_rate": cr.log_range(1e-3, 0.1), "study": study, "rounds": 5}
    seen: list[cr.Colony] = []

    def report(colony: cr.Colony) -> None:
        if all(colony is not other for other in seen):
            seen.append(colony)
        if len(seen) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt) as caught:
        chosen(**arguments, on_progress=report)
    assert [trial.state for trial in study.trials] == [COMPLETE] * 12 + [FAIL] * 6
    kept = caught.value.sweep  # type: ignore[attr-defined]
    assert (len(kept.colony), kept.trial_numbers) == (12, tuple(range(12)))
    with pytest.raises(KeyboardInterrupt) as caught:
        chosen(**{**arguments, "study": None}, on_progress=interrupt_after(1))
    assert not hasattr(caught.value, "sweep")


def test_an_invalid_plan_leaves_no_running_trial() -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    with pytest.raises(cr.PlanError, match=r"momentum: adamw? has no momentum"):
        chosen(study=study, optimizer=["adam", "adamw"], momentum=[0.1, 0.9])
    assert {trial.state for trial in study.trials} == {FAIL}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "no argument has several values; give one a range or a list of values, or give a space"),
        ({"dropout": [0.0, 0.1], "pack": 0}, "pack: got 0"),
        ({"dropout": [0.0, 0.1], "rounds": 0}, "rounds: got 0"),
        (
            {"dropout": [0.0, 0.1], "pack": 10**9},
            "pack: got 1,000,000,000 trials of 1 seeds; needs at most 100,000 networks",
        ),
        ({"dropout": []}, "dropout: got an empty list"),
        ({"droput": [0.1]}, "did you mean 'dropout'"),
        ({"space": lambda trial: {"threads": 2}}, "space: returns 'threads', which cannot differ"),
        ({"dropout": [0.0, 0.1], "study": "study"}, "study: got str; needs an Optuna study"),
    ],
)
def test_invalid_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(cr.PlanError, match=message):
        chosen(**arguments)


@pytest.mark.parametrize("directions", [["maximize"], ["minimize", "minimize"]])
def test_a_study_with_other_directions_is_refused(directions: list[str]) -> None:
    study = optuna.create_study(directions=directions)
    with pytest.raises(cr.PlanError, match=f"study: has the directions {', '.join(directions)}; needs one, minimize"):
        chosen(dropout=[0.0, 0.1], study=study)


def test_without_optuna_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(cr.CrecheError, match=r"pip install optuna"):
        chosen(dropout=[0.0, 0.1])
