from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import creche as cr
from creche.training.plan_file import plan_to_arguments, read_plan, write_plan
from tests.unit.small_runs import digest

UNUSUAL: list[dict[str, Any]] = [
    {},
    {"hidden": [], "optimizer": cr.SGD(0.1, momentum=0.9, nesterov=True), "schedule": "cosine"},
    {"hidden": [4, 3], "activation": ["tanh", cr.LeakyRelu(0.2)], "dropout": [0.0, 0.25], "initializer": "he_uniform"},
    {"early_stopping": 3, "loss": cr.CrossEntropy(label_smoothing=0.1), "class_weight": "balanced"},
    {"schema": {"body_mass_g": "categorical"}, "preprocessing": "quantile", "test_fraction": 0.2, "duplicates": "drop"},
    {
        "hidden": [4, 4], "scale_inputs": [True, True, True], "normalization": "layer", "residual": True,
        "parametric_activation": [False, True], "initializer": "unit_variance", "bias_initializer": "sampled",
    },
    {"hidden": [4, 4], "scale_inputs": True, "normalization": ["layer", "batch"]},
    {"hidden": [4, 4], "scale_inputs": [False, True, False], "bias_initializer": ["normal", "zeros", "zeros"]},
    {"hidden": [4, 4], "submodels": 3, "weight_sharing": "full", "bias_initializer": "uniform"},
    {"class_weight": {"Adelie": 2.0}, "group": "island", "precision": "float64", "shuffle": False},
    {"shuffle": cr.Windows(block=7, window=5)},
]  # fmt: skip


@pytest.mark.parametrize("arguments", UNUSUAL)
@pytest.mark.parametrize("name", ["plan.toml", "plan.json"])
def test_a_plan_in_a_file_gives_the_same_bytes(tmp_path: Path, arguments: dict[str, Any], name: str) -> None:
    run = cr.train("penguins", label="species", **({"hidden": [5], "epochs": 3, "threads": 1} | arguments))
    write_plan(plan_to_arguments(run.plan, run.prepared.preparation), tmp_path / name)
    again = cr.train("penguins", **read_plan(tmp_path / name), threads=1)
    assert again.plan == run.plan
    assert again.prepared.preparation == run.prepared.preparation
    assert digest(again) == digest(run)


def test_a_plan_file_can_be_written_by_hand(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text('label = "species"\nhidden = [5, 5]\noptimizer = "adadelta"\n[schema]\nsex = "ignore"\n')
    assert read_plan(path) == {
        "label": "species", "hidden": [5, 5], "optimizer": "adadelta", "schema": {"sex": "ignore"}
    }  # fmt: skip
    assert cr.train("penguins", **read_plan(path), epochs=2, threads=1).plan.optimizer == cr.Adadelta()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('lable = "species"', "unknown key 'lable'; did you mean 'label'"),
        ("hidden = [5", "cannot be read as a plan"),
        ("threads = 3", "unknown key 'threads'"),
    ],
)
def test_an_invalid_file_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(text)
    with pytest.raises(cr.PlanError, match=says):
        read_plan(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(cr.FileError, match="needs a plan in TOML"):
        read_plan(tmp_path / "plan.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(cr.PlanError, match="byte 0 is not UTF-8"):
        read_plan(tmp_path / "binary.toml")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("label", 3, "label: got 3"), ("label", [1], "label: got"), ("label", {"species": 1}, "label: got"),
        ("standardize", "no", "standardize: got 'no'"), ("read_options", 3, "ReadOptions: got 3"),
        ("read_options", "csv", "ReadOptions: got 'csv'"), ("time", "", "has no column ''"),
        ("class_weight", [[[], 1]], "class_weight: got"), ("classes", ["a"], "classes: got"),
    ],
)  # fmt: skip
def test_an_invalid_value_in_a_file_is_refused(name: str, value: Any, says: str) -> None:
    with pytest.raises(cr.CrecheError, match=says):
        cr.train("penguins", **{"label": "species", "epochs": 1, "threads": 1, name: value})


def test_a_plan_file_holds_no_rows(tmp_path: Path) -> None:
    """Those that were there have no part in training, unless it stops early."""
    frame = cr.datasets.penguins().sample(fraction=1, shuffle=True, seed=0)
    beside = {"validation_data": frame[200:270], "test_data": frame[270:]}
    run = cr.train(frame[:200], label="species", hidden=[5], epochs=3, threads=1, test_fraction=0.2, **beside)
    write_plan(plan_to_arguments(run.plan, run.prepared.preparation), tmp_path / "plan.toml")
    assert digest(cr.train(frame[:200], **read_plan(tmp_path / "plan.toml"), threads=1)) == digest(run)
