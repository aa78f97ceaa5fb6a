"""The types of words are held to the registries, and words are taken in any case."""

from __future__ import annotations

from typing import Any, get_args

import pytest

import creche as cr
from creche.plan import ACTIVATIONS, INITIALIZERS, LOSSES, OPTIMIZERS, SCHEDULES, words
from creche.plan.words import canonical_word, check_word
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
        (words.RecordedQuantity, QUANTITIES),
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
