from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import creche as cr

NAMES = [
    "AbsoluteError", "Adadelta", "Adagrad", "Adam", "AdamW", "BinaryCrossEntropy", "Change", "ClassificationEvaluation",
    "CategoryEmbedding", "Cluster", "Colony", "ColumnInspection", "EmbeddedColumns", "LinearEmbedding",
    "MultilabelEvaluation", "PeriodicEmbedding", "SetWeight",
    "CrossEntropy", "CrossValidation", "CustomLoss", "DNNClassifier", "DNNRegressor",
    "Database", "DivergedError", "EarlyStopping", "EncodedTable", "GroupFactors", "ParameterGroups", "encode",
    "Elu", "Preprocessing", "Ensemble", "EpochRecord", "FileError", "Gelu", "GeluTanh", "Halving", "History", "Huber",
    "Identity", "LBFGS", "Layer", "LeakyRelu", "LearningRates", "Lion", "Member", "Mish", "Model", "ModelServer",
    "NAdam", "Network",
    "RegressionEvaluation", "OptunaSweep", "Plan", "PlanError", "Poisson", "ProcessError", "Provenance", "Quantile",
    "RAdam", "RMSprop", "ReadOptions", "Record", "Recording", "Relu", "CrecheError", "CrecheWarning",
    "Run", "SGD", "Schema", "Selu",
    "FitProgress", "StepProgress", "FittedModel", "TabularClassifier", "TabularRegressor", "fit",
    "Sigmoid", "Silu", "Softplus", "Split", "SquaredError", "TableError", "Tanh", "Verification", "Windows",
    "__version__",
    "cross_validate", "datasets", "describe_recipe", "explain", "find_learning_rate", "from_torch", "initializers",
    "inspect_columns", "linear_range",
    "load", "log_range", "plots", "predict_file", "report", "resume", "schedules", "serve", "studio", "sweep",
    "sweep_with_optuna", "tracking", "train", "verify",
]  # fmt: skip


def in_a_fresh_process(code: str) -> str:
    package = str(Path(cr.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package, os.environ.get("PYTHONPATH", "")])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_public_names() -> None:
    assert sorted(cr.__all__) == sorted(NAMES)
    assert set(dir(cr)) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_imported(name: str) -> None:
    assert getattr(cr, name) is not None


def test_a_package_is_pickled_by_its_name() -> None:
    """As cloudpickle does with the packages that a function uses."""
    for package in (cr, cr.explain):
        assert pickle.loads(pickle.dumps(package)) is package


def test_star_import() -> None:
    found: dict[str, object] = {}
    exec("from creche import *", found)
    assert set(NAMES) <= set(found)


def test_another_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'creche' has no attribute 'trian'"):
        cr.trian  # noqa: B018


def test_importing_it_imports_nothing_heavy() -> None:
    loaded = set(in_a_fresh_process("import sys, creche; print(*sys.modules)").split())
    heavy = {
        "polars",
        "narwhals",
        "rich",
        "typer",
        "matplotlib",
        "numpy",
        "pandas",
        "creche._core",
        "creche.training.train.train",
    }
    assert "creche" in loaded
    assert not loaded & heavy


def test_training_on_arrays_needs_no_table_library() -> None:
    code = """
import sys
import numpy as np
import creche as cr
cr.train(np.eye(8), [0, 1] * 4, hidden=[3], epochs=1, threads=1, validation_fraction=0, standardize=False)
print(*sys.modules)
"""
    loaded = set(in_a_fresh_process(code).split())
    assert not loaded & {"polars", "narwhals", "rich", "typer", "matplotlib", "pandas"}
    assert not loaded & {f"creche.table.{name}" for name in ("training_summary", "label_leakage", "reading.excel")}


def test_the_version_is_that_of_the_project() -> None:
    project = Path(__file__).parents[2] / "pyproject.toml"
    assert cr.__version__ == tomllib.loads(project.read_text())["project"]["version"]


@pytest.mark.parametrize(
    "before",
    [
        "cr.train",
        pytest.param("cr.Run"),
        pytest.param("import creche.training.train"),
        pytest.param("import creche.cli.main; from creche.training.train import Run"),
        "cr.Model; cr.datasets; cr.Plan; cr.History; cr.ClassificationEvaluation",
    ],
)
def test_names_do_not_depend_on_what_was_used_before(before: str) -> None:
    code = f"import creche as cr\n{before}\nprint(type(cr.train).__name__)"
    assert in_a_fresh_process(code) == "function"
