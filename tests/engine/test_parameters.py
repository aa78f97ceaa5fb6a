"""Parameters cross the boundary by name: those that the engine gives, and no others."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.engine.small_plans import Job

JOB = Job(sizes=(4, 5, 3), rows=30, epochs=2)
SHAPES = {"0.weights": (4, 5), "0.bias": (5,), "1.weights": (5, 3), "1.bias": (3,)}


def named(engine: ModuleType) -> dict[str, Any]:
    rng = np.random.default_rng(2)
    return {name: rng.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}


def test_they_are_named_and_ordered_as_in_files(engine) -> None:
    solo = JOB.solo(engine)
    state = [name.removeprefix("network.") for name in solo.state() if name.startswith("network.")]
    assert list(engine.parameter_shapes(JOB.plan(engine)).items()) == list(SHAPES.items())
    assert list(solo.parameters()) == list(solo.gradients(*JOB.table())[1]) == state == list(SHAPES)
    assert list(solo.introspect(*JOB.table())[5]) == list(SHAPES)
    assert {name: array.shape for name, array in solo.parameters().items()} == SHAPES


def test_a_plan_without_layers_has_none(engine) -> None:
    with pytest.raises(ValueError, match="plan: needs at least one layer"):
        engine.parameter_shapes(engine.Plan())


def test_what_is_set_is_what_is_read_whatever_the_order_and_the_layout(engine) -> None:
    given = named(engine)
    shuffled = {name: np.asfortranarray(given[name]) for name in reversed(given)}
    solo = JOB.solo(engine)
    solo.set_parameters(shuffled)
    predictor = engine.Predictor32(JOB.plan(engine), shuffled)
    for name, array in solo.parameters().items():
        assert array.tobytes() == given[name].tobytes()
    x = JOB.table()[0]
    relu = np.maximum(x @ given["0.weights"] + given["0.bias"], 0)
    np.testing.assert_allclose(predictor.outputs(x), relu @ given["1.weights"] + given["1.bias"], rtol=1e-4, atol=1e-5)


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"0.bias": None}, r"parameters: '0\.bias' is missing"),
    (
        {"2.weights": np.zeros((3, 1))},
        r"parameters: the network has no '2\.weights'; it has 0\.weights, 0\.bias, 1\.we",
    ),
    ({7: np.zeros(3)}, r"parameters: the network has no '7'; it has 0\.weights"),
    ({"0.weights": np.zeros((5, 4))}, r"parameters: '0\.weights': got shape \(5, 4\); needs \(4, 5\)"),
    ({"1.bias": np.zeros((1, 3))}, r"parameters: '1\.bias': got shape \(1, 3\); needs \(3\)"),
    ({"1.bias": "zero"}, r"parameters: '1\.bias' is not an array of numbers"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_others_are_refused_by_name_and_change_nothing(engine, change: dict[Any, Any], message: str) -> None:
    arrays = {name: array for name, array in {**named(engine), **change}.items() if array is not None}
    solo = JOB.solo(engine)
    before = solo.parameters()
    with pytest.raises(ValueError, match=message):
        solo.set_parameters(arrays)
    for name, array in solo.parameters().items():
        assert array.tobytes() == before[name].tobytes()
    with pytest.raises(ValueError, match=message):
        engine.Predictor32(JOB.plan(engine), arrays)


def test_a_state_without_an_array_is_refused_by_name(engine) -> None:
    state = JOB.solo(engine).state()
    for name, message in (("network.1.bias", "is missing"), ("progress", "is missing")):
        with pytest.raises(ValueError, match=f"state: '{name}' {message}"):
            JOB.solo(engine).set_state({key: array for key, array in state.items() if key != name})
    with pytest.raises(ValueError, match=r"state: 'network\.0\.bias': got shape \(4\); needs \(5\)"):
        JOB.solo(engine).set_state(state | {"network.0.bias": np.zeros(4, np.float32)})
    with pytest.raises(ValueError, match="state: 'progress' is not an array of numbers"):
        JOB.solo(engine).set_state(state | {"progress": None})


def test_the_history_from_an_epoch_on_is_the_end_of_the_whole_one(engine) -> None:
    solo = Job(rows=30, epochs=7, validation=10).solo(engine)
    solo.run()
    whole = solo.history()
    for first in (0, 1, 6, 7, 100):
        part = solo.history(first)
        assert list(part) == list(whole)
        for name, column in part.items():
            assert column.tobytes() == whole[name][first:].tobytes()
    with pytest.raises(ValueError, match="first: got -1; needs an epoch"):
        solo.history(-1)
