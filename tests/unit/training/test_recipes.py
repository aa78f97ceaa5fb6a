"""Recipes: arguments by a name, in Python and on the command line, in plan files, sweeps and folds."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import creche as cr
from creche.cli.main import main
from creche.errors import PlanError
from creche.plan.words import RECIPES, TASKS
from creche.training import recipes

QUICK: dict[str, Any] = {"label": "species", "epochs": 2, "threads": 1}


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_trains_the_network_of_its_arguments(name: Any) -> None:
    run = cr.train("penguins", recipe=name, **QUICK)
    arguments = cr.describe_recipe(name, rows=len(run.prepared.train)) | QUICK
    again = cr.train("penguins", **arguments)
    assert again.plan == run.plan
    assert again.prepared.preparation == run.prepared.preparation
    for one, other in zip(run.model.weights, again.model.weights, strict=True):
        assert np.array_equal(one[0], other[0])


def test_realmlp_s_is_the_network_of_its_paper() -> None:
    """Holzmüller, Grinsztajn & Steinwart 2024, appendix A, for RealMLP-TD-S."""
    plan = cr.train("penguins", recipe="realmlp-s", **(QUICK | {"epochs": 0})).plan
    *hidden, output = plan.network.layers
    assert [layer.width for layer in hidden] == [256, 256, 256]
    assert {layer.activation.key for layer in hidden} == {"selu"}
    assert [layer.scale_inputs for layer in plan.network.layers] == [True, False, False, False]
    assert not any(layer.parametric_activation or layer.dropout for layer in plan.network.layers)
    assert (output.initializer.key, output.bias_initializer) == ("zeros", "zeros")  # type: ignore[union-attr]
    optimizer: Any = plan.optimizer
    assert (optimizer.learning_rate, optimizer.beta2, optimizer.weight_decay) == (0.04, 0.95, 0)
    assert optimizer.groups.scale.learning_rate == 6
    assert optimizer.groups.biases.learning_rate == 0.1
    assert (plan.schedule.key, plan.batch_size, plan.drop_last, plan.early_stopping) == ("cosine_log", 256, True, None)


def test_tabm_mini_is_the_network_of_its_paper() -> None:
    """Gorishniy, Kotelnikov & Babenko 2024, with the defaults of their package."""
    plan = cr.train("penguins", recipe="tabm-mini", **(QUICK | {"epochs": 0})).plan
    *hidden, _ = plan.network.layers
    assert [layer.width for layer in hidden] == [512, 512]
    assert {(layer.activation.key, layer.dropout) for layer in hidden} == {("relu", 0.1)}
    assert (plan.network.submodels, plan.network.weight_sharing, plan.network.submodel_start) == (32, "mini", "normal")
    assert plan.network.input_features[-1] < plan.network.inputs - 1  # columns with several inputs
    optimizer: Any = plan.optimizer
    assert (optimizer.key, optimizer.learning_rate, optimizer.weight_decay) == ("adamw", 2e-3, 3e-4)
    assert (optimizer.clip_norm, optimizer.regularize_bias) == (1.0, False)
    assert (plan.schedule.key, plan.early_stopping.patience) == ("constant", 17)  # type: ignore[union-attr]
    assert (plan.batch_size, plan.submodel_batches) == (32, "own")
    begun = cr.train("penguins", recipe="tabm-mini", **(QUICK | {"epochs": 0})).model.parameters
    for layer, inputs in enumerate(plan.network.widths[:-1]):
        for part in ("weights", "bias"):
            assert 0.9 / inputs**0.5 < np.abs(begun[f"{layer}.{part}"]).max() <= 1.0001 / inputs**0.5


def test_a_recipe_depends_on_the_task() -> None:
    of_tasks = {task: cr.describe_recipe("realmlp-s", task) for task in TASKS}
    assert {task: arguments["learning_rate"] for task, arguments in of_tasks.items()} == {
        "classification": 0.04, "regression": 0.07, "multilabel": 0.04,
    }  # fmt: skip
    x = np.random.default_rng(0).standard_normal((60, 3))
    run = cr.train(x, x[:, 0], recipe="realmlp-s", epochs=1, threads=1)
    assert run.plan.network.layers[0].activation.key == "mish"
    assert run.plan.optimizer.learning_rate == 0.07


@pytest.mark.parametrize(
    ("rows", "batch_size"),
    [(1, 32), (2_799, 32), (2_800, 64), (6_399, 128), (31_999, 256), (107_999, 512), (108_000, 1_024)],
)
def test_the_batch_size_of_tabm_depends_on_the_number_of_rows(
    rows: int, batch_size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cr.describe_recipe("tabm-mini", rows=rows)["batch_size"] == batch_size
    assert main(["recipe", "tabm-mini", "--rows", str(rows)]) == 0
    assert tomllib.loads(capsys.readouterr().out)["batch_size"] == batch_size


def test_submodels_of_tabm_share_batches_where_rows_come_in_windows(tmp_path: Path) -> None:
    data = tmp_path / "penguins.csv"
    cr.datasets.penguins().write_csv(data)
    arguments: dict[str, Any] = {"recipe": "tabm-mini", **QUICK, "epochs": 1, "batch_size": 500}
    on_disk: dict[str, Any] = {"memory": "100MB", "duplicates": "drop"}
    places: list[tuple[dict[str, Any], str]] = [
        ({}, "own"), ({"shuffle": False}, "own"), ({"shuffle": "windows:64,2"}, "shared"), (on_disk, "shared"),
        (on_disk | {"shuffle": False}, "shared"),
    ]  # fmt: skip
    for place, batches in places:
        run = cr.train(data, **arguments, **place)
        assert run.plan.submodel_batches == batches, place
        [member] = cr.sweep(data, **arguments, **place, seeds=1)
        assert member.plan == run.plan
        crossed = cr.cross_validate(data, **arguments, **place, folds=2)
        assert {member.plan.submodel_batches for member in crossed.members} == {batches}, place


def test_a_number_of_rows_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(PlanError, match="rows"):
        cr.describe_recipe("tabm-mini", rows=0)
    assert main(["recipe", "tabm-mini", "--rows", "0"]) == 2
    assert "rows" in capsys.readouterr().err


def test_training_folds_and_sweeps_take_the_batch_size_of_their_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipes, "TABM_BATCH_SIZES", {60: 4, 100: 8})
    x = np.random.default_rng(0).standard_normal((80, 2))
    arguments: dict[str, Any] = {"recipe": "tabm-mini", "validation_fraction": 0.1, "test_fraction": 0, "threads": 1}
    assert cr.train(x, x[:, 0], epochs=0, **arguments).plan.batch_size == 8  # 72 rows
    [member] = cr.sweep(x, x[:, 0], seeds=1, epochs=1, **arguments)
    assert member.plan.batch_size == 8
    crossed = cr.cross_validate(x, x[:, 0], recipe="tabm-mini", folds=2, epochs=1, threads=1)
    assert {member.plan.batch_size for member in crossed.members} == {4}


def test_what_a_recipe_only_suggests_can_be_given_besides() -> None:
    run = cr.train("penguins", recipe="realmlp-s", learning_rate=0.01, batch_size=64, seed=3, **QUICK)
    assert (run.plan.optimizer.learning_rate, run.plan.batch_size, run.plan.epochs, run.plan.seed) == (0.01, 64, 2, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hidden": (8,)}, "hidden: recipe='realmlp-s' sets it already; leave one of the two out"),
        ({"optimizer": "sgd"}, "optimizer: recipe='realmlp-s' sets it already"),
        ({"preprocessing": "quantile"}, "preprocessing: recipe='realmlp-s' sets it already"),
        ({"recipe": "realmpl"}, "recipe: got 'realmpl'; did you mean 'realmlp'"),
        ({"plan": cr.Plan(cr.Network.of(4, [3], 3))}, "plan: it sets recipe already"),
    ],
)
def test_an_argument_that_contradicts_is_refused(arguments: dict[str, Any], message: str) -> None:
    given = {"recipe": "realmlp-s", "label": "species", **arguments}
    with pytest.raises(PlanError, match=message):
        cr.train("penguins", **given)
    with pytest.raises(PlanError):
        cr.cross_validate("penguins", **given)


def test_a_sweep_and_folds_take_recipes() -> None:
    swept = cr.sweep("penguins", recipe=["plain", "realmlp-s"], weight_decay=[0.0, 0.1], seeds=2, **QUICK)
    assert len(list(swept)) == 8
    plans = {(member.plan.network.layers[0].activation.key, member.plan.optimizer.weight_decay) for member in swept}
    assert plans == {(key, decay) for key in ("relu", "selu") for decay in (0.0, 0.1)}
    crossed = cr.cross_validate("penguins", recipe="realmlp-s", folds=2, **QUICK)
    assert crossed.members[0].plan.network.layers[0].scale_inputs


def test_the_command_prints_the_plan_that_train_takes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "realmlp-s"]) == 0
    text = capsys.readouterr().out
    assert tomllib.loads(text)["hidden"] == [256, 256, 256]
    plan = tmp_path / "plan.toml"
    plan.write_text(text)
    saved = tmp_path / "saved.toml"
    call = ["train", "penguins", "--label", "species", "--epochs", "2", "--save-plan", str(saved)]
    assert main([*call, "--plan", str(plan)]) == 0
    by_file = saved.read_text()
    assert main([*call, "--recipe", "realmlp-s"]) == 0
    assert saved.read_text() == by_file
    assert main(["recipe", "realmpl"]) == 2
    assert "realmlp-s" in capsys.readouterr().err
