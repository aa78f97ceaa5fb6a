"""Components in words: no class name, no key with underscores, and every number that differs from its default."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

import creche as cr
from creche.plan import LOSSES, OPTIMIZERS, SCHEDULES, Network
from creche.plan.component import Component
from creche.plan.schedules import Cosine, Warmup
from creche.render.components import (
    describe_component,
    describe_early_stopping,
    describe_optimizer,
    describe_uncommon_choices,
)
from creche.table.encoders.preprocessing import Preprocessing
from tests.unit.plan.spec import NUMBERS

COMPONENTS = [
    member() if key != "custom" else cr.CustomLoss(lambda outputs, labels: (outputs, labels))
    for registry in (LOSSES, OPTIMIZERS, SCHEDULES)
    for key, member in registry.members.items()
]


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.key)
def test_a_component_is_described_in_words(component: Component) -> None:
    text = describe_component(component)
    assert text == component.title
    assert "_" not in text
    assert "=" not in text
    assert not text.endswith("()")


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.key)
def test_a_changed_number_is_in_the_description(component: Component) -> None:
    numbers = [f.name for f in fields(component) if isinstance(f.default, float)]
    taken = NUMBERS.get(type(component), numbers)  # L-BFGS refuses some
    for name in (name for name in numbers if name in taken):
        changed: Any = type(component).from_dict({**component.to_dict(), name: 0.625})
        assert f"{name.replace('_', ' ')} 0.625" in describe_component(changed)


def test_descriptions_of_nested_components() -> None:
    optimizer = cr.Adam(learning_rate=0.1, groups={"biases": {"learning_rate": 0.5, "weight_decay": 0}})
    factors = "groups: biases (learning rate × 0.5, weight decay × 0)"
    assert describe_optimizer(optimizer) == f"Adam, learning rate 0.1, {factors}"
    schedule = Warmup(length=100, per="step", then=Cosine(length=400, per="step"))
    assert describe_component(schedule) == "warmup, length 100 steps, then cosine, length 400 steps"
    preprocessing = Preprocessing.of("realmlp")
    assert describe_component(preprocessing) == "robust scaling, smooth clip, two categories as -1 and 1"


def test_early_stopping_in_words() -> None:
    stopping = cr.EarlyStopping(patience=7, min_delta=0.01)
    assert describe_early_stopping(stopping) == "after 7 epochs without improvement of more than 0.01 in loss"
    assert describe_early_stopping(cr.EarlyStopping()) == "after a tenth of the epochs without improvement in loss"


def test_only_uncommon_choices_are_described() -> None:
    network = Network.of(1, [], 1)
    assert describe_uncommon_choices(cr.Plan(network, shuffle=False)) == []
    plan = cr.Plan(network, shuffle=cr.Windows(1000, 50), dropout_schedule="cosine")
    assert describe_uncommon_choices(plan) == [
        ("dropout schedule", "cosine"), ("order of rows", "windows of 50 blocks of 1,000 rows"),
    ]  # fmt: skip
