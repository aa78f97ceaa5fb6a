"""The types of words are held to the registries, and words are taken in any case."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

import polars as pl
import pytest

import creche as cr
from creche.evaluation import metrics
from creche.evaluation.metrics import METRICS, MetricName, ThresholdMetric
from creche.evaluation.threshold import THRESHOLD_METRICS
from creche.plan import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES, words
from creche.plan.words import canonical_word, check_word
from creche.plots.recording import STATISTICS
from creche.table.encoders.preprocessing import PRESETS
from creche.table.roles import ROLES
from creche.training.recorder import QUANTITIES


@pytest.mark.parametrize(
    ("kind", "listed"),
    [
        (words.ActivationName, ACTIVATIONS.words),
        (words.InitializerName, INITIALIZERS.words),
        (words.LossName, LOSSES.words),
        (words.OptimizerName, OPTIMIZERS.words),
        (words.ScheduleName, SCHEDULES.words),
        (words.Role, ROLES),
        (words.PreprocessingName, (*words.SCALINGS, *PRESETS)),
        (words.RecordedQuantity, QUANTITIES),
        (words.RecordedStatistic, STATISTICS),
        (MetricName, METRICS),
        (ThresholdMetric, THRESHOLD_METRICS),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_type_of_words_is_the_list_of_words(kind: Any, listed: Any) -> None:
    assert get_args(kind) == tuple(listed)


@pytest.mark.parametrize("registry", [ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES], ids=lambda r: r.name)
def test_components_are_taken_by_their_key_in_any_case(registry: Any) -> None:
    for key, component in registry.members.items():
        for spelled in (key.upper(), key.title(), key.replace("_", ""), key.replace("_", "-")):
            assert type(registry.of(spelled)) is component
            assert type(registry.of({"kind": spelled})) is component
        if component.__name__ != "Step":
            assert canonical_word(component.__name__, registry.words) == key  # "LeakyRelu", "RMSprop"


def test_no_two_words_are_spelled_alike() -> None:
    for registry in (ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES):
        assert len({key.replace("_", "") for key in registry.words}) == len(registry.words)


def test_an_unknown_word_is_refused_with_the_nearest() -> None:
    with pytest.raises(cr.PlanError, match=r"^task: got 'classes'; did you mean 'classification'\? Choose") as refusal:
        check_word("task", "classes", words.TASKS)
    assert refusal.value.argument == "task"


def test_the_same_network_whatever_the_case() -> None:
    arguments: dict[str, Any] = {"label": "species", "hidden": [3], "epochs": 2, "threads": 1}
    plain = cr.train(
        "penguins", **arguments, optimizer="rmsprop", activation="leaky_relu", loss="cross_entropy",
        schedule="one_cycle", initializer="he_normal", task="classification", precision="float64",
        preprocessing="robust", duplicates="together", missing_label="drop",
        class_weight="balanced", schema={"island": "ignore", "sex": "categorical"},
    )  # fmt: skip
    varied = cr.train(
        "penguins", **arguments, optimizer="RMSprop", activation="LeakyReLU", loss="CrossEntropy",
        schedule="OneCycle", initializer="He-Normal", task="Classification", precision="Float64",
        preprocessing="Robust", duplicates="Together", missing_label="Drop",
        class_weight="Balanced", schema={"island": "Ignore", "sex": "Categorical"},
    )  # fmt: skip
    assert varied.plan == plain.plan
    assert varied.prepared.preparation == plain.prepared.preparation
    assert (varied.model.weights[0][0] == plain.model.weights[0][0]).all()


def test_a_sweep_takes_words_in_any_case() -> None:
    colony = cr.sweep(
        "penguins", label="species", hidden=[3], epochs=1, threads=1, optimizer=["Adam", "SGD"], task="Classification",
        precision="Float32",
    )  # fmt: skip
    assert [member.plan.optimizer.key for member in colony] == ["adam", "sgd"]


def test_an_estimator_takes_words_in_any_case() -> None:
    network = cr.DNNRegressor([3], optimizer="Adam", activation="ReLU", precision="Float32", epochs=1)  # type: ignore[arg-type]
    assert network.fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 2.0]).model_.plan.precision == "float32"


TWO = pl.DataFrame({"island": ["Biscoe", "Dream"] * 20, "mass": [3000.0 + 10 * i for i in range(40)]})


@pytest.fixture(scope="module")
def run() -> cr.Run:
    return cr.train(TWO, label="island", hidden=[3], epochs=2, threads=1, record="weights")


WORDS: list[Callable[[cr.Run, Any], object]] = [
    lambda run, tmp: cr.explain.partial_dependence(run.model, TWO, "mass", kind="Average"),  # type: ignore[arg-type]
    lambda run, tmp: cr.explain.nearest_rows(run.model, TWO, 1, k=1, space="Last_Hidden"),  # type: ignore[arg-type]
    lambda run, tmp: cr.explain.loss_surface(run.model, TWO, points=3, directions="Random"),  # type: ignore[arg-type]
    lambda run, tmp: cr.explain.permutation_importance(run.model, TWO, repeats=1, metric="Log-Loss"),  # type: ignore[arg-type]
    lambda run, tmp: run.model.choose_threshold(TWO, metric="F1"),  # type: ignore[arg-type]
    lambda run, tmp: run.model.evaluate(TWO, missing_label="Drop", n_resamples=0),  # type: ignore[arg-type]
    lambda run, tmp: cr.predict_file(run.model, TWO, tmp / "out", format="JSONL"),  # type: ignore[arg-type]
    lambda run, tmp: cr.plots.recorded_numbers(run.recording, statistic="Weight_Norm"),  # type: ignore[arg-type]
    lambda run, tmp: cr.plots.save_all(run.model, TWO, tmp, format="SVG", missing_label="DROP"),  # type: ignore[arg-type]
    lambda run, tmp: cr.sweep(
        "penguins", label="species", hidden=[2], epochs=1, threads=1, learning_rate=[0.1, 0.2], samples=1,
        method="Random",  # type: ignore[arg-type]
    ),
    lambda run, tmp: cr.ReadOptions(format="CSV"),  # type: ignore[arg-type]
]  # fmt: skip


@pytest.mark.parametrize("call", WORDS)
def test_every_function_takes_its_words_in_any_case(call: Any, run: cr.Run, tmp_path: Path) -> None:
    call(run, tmp_path)


@pytest.mark.parametrize("kind", SCHEDULES.members.values())
def test_schedules_take_their_unit_in_any_case(kind: Any) -> None:
    assert kind(per="Epoch").per == "epoch"


def public_functions() -> Iterator[tuple[str, Any]]:
    for module in (cr, cr.datasets, cr.explain, cr.plots):
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value):
                methods = inspect.getmembers(value, inspect.isfunction)
                yield from ((f"{name}.{key}", method) for key, method in methods if not key.startswith("_"))
            elif callable(value):
                yield name, inspect.unwrap(value)


def test_words_in_a_docstring_are_a_literal_type() -> None:
    checked, wrong = 0, []
    for name, function in public_functions():
        parameters = inspect.signature(function).parameters
        for argument, listed in re.findall(r"(?m)^(\w+) : (\{\"[^}]*\})", inspect.getdoc(function) or ""):
            if argument in parameters:
                checked += 1
                types = [find_type(function, word) for word in re.findall(r"\w+", str(parameters[argument].annotation))]
                if set(re.findall(r"\"([^\"]+)\"", listed)) not in [set(get_args(kind)) for kind in types]:
                    wrong.append(f"{name}: {argument} : {listed} is {parameters[argument].annotation}")
    assert wrong == []
    assert checked >= 15


def find_type(function: Any, word: str) -> Any:
    return getattr(words, word, getattr(metrics, word, function.__globals__.get(word)))
