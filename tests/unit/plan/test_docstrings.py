"""`help(creche.Adam)`: each number of a component is documented with its default, and each rule with its formula."""

from __future__ import annotations

import ast
import re
from dataclasses import MISSING, fields
from typing import Any

import pytest

from creche.plan import ACTIVATIONS, INITIALIZERS, OPTIMIZERS, SCHEDULES

REGISTRIES: tuple[Any, ...] = (OPTIMIZERS, ACTIVATIONS, INITIALIZERS, SCHEDULES)
COMPONENTS = [component for registry in REGISTRIES for component in registry.members.values()]


@pytest.mark.parametrize("component", COMPONENTS, ids=lambda component: component.__name__)
def test_each_field_is_documented_with_its_default(component: Any) -> None:
    documented = dict(re.findall(r"^    (\w+) : (.+)$", component.__doc__, re.MULTILINE))
    assert set(documented) == {field.name for field in fields(component)}
    for field in fields(component):
        if field.default is None:
            assert documented[field.name].endswith(", optional")
        elif field.default is not MISSING and isinstance(field.default, bool | int | float | str):
            default = documented[field.name].rpartition("default ")[2]
            assert ast.literal_eval(default) == field.default, field.name


@pytest.mark.parametrize("component", OPTIMIZERS.members.values(), ids=lambda component: component.__name__)
def test_an_optimizer_is_documented_with_its_update_rule(component: Any) -> None:
    assert re.search(r"^        w <- w - eta ", component.__doc__, re.MULTILINE)
    assert re.search(r"\b(?:19|20)\d\d\b", component.__doc__)  # the paper


@pytest.mark.parametrize("component", ACTIVATIONS.members.values(), ids=lambda component: component.__name__)
def test_an_activation_is_documented_with_its_formula(component: Any) -> None:
    assert "f(z) = " in component.__doc__


@pytest.mark.parametrize("component", SCHEDULES.members.values(), ids=lambda component: component.__name__)
def test_a_schedule_is_documented_with_its_formula(component: Any) -> None:
    assert re.search(r"f(\(u\))? (=|<-|rises)", component.__doc__)
