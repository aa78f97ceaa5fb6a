"""An engine built for float32 only says how to get float64."""

from __future__ import annotations

from types import ModuleType

import pytest

from creche import _core
from creche.errors import PlanError


@pytest.fixture
def single() -> ModuleType:
    engine = ModuleType("single")
    engine.Solo32 = object
    return _core._with_precisions(engine)


def test_float64_is_refused_with_the_way_to_build_it(single):
    with pytest.raises(PlanError, match=r"precision: needs .* float64 .* has float32 only; .* `pip install \.`"):
        _ = single.Solo64


def test_other_names_are_missing_as_usual(single):
    assert single.Solo32 is object
    for name in ("Anything", "Anything64"):
        assert not hasattr(single, name)


def test_the_engine_under_test_has_both_precisions():
    engine = _core.load()
    assert engine.Solo32 is not engine.Solo64
    assert "__getattr__" not in vars(engine)
