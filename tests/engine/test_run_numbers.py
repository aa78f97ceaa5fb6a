"""The numbers of a run whose arrays another engine keeps are those of a run of the compiled engine."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.engine.small_plans import ALL_PARTS_BY_BATCH, EMBEDDINGS, GROUPS, OPTIMIZERS, STARTS, Job

NOT_COUNTED = 7  # the seconds of an epoch, among the numbers of its progress


def progress(state: dict[str, Any]) -> list[float]:
    return [number for i, number in enumerate(state["progress"].tolist()) if i != NOT_COUNTED]


@pytest.mark.parametrize("start", STARTS, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_first_parameters_are_those_of_a_run(engine: ModuleType, start: dict[str, Any], dtype: type) -> None:
    job = Job(sizes=(9, 6, 6, 3), dtype=dtype, parts=({**ALL_PARTS_BY_BATCH, **start},), embeddings=tuple(EMBEDDINGS))
    found = engine.initial_parameters(job.plan(engine), job.table()[0])
    expected = job.solo(engine).parameters()
    assert list(found) == list(expected) == list(engine.parameter_shapes(job.plan(engine)))
    assert all(found[name].dtype == dtype and (found[name] == expected[name]).all() for name in expected)


@pytest.mark.parametrize("kind", [kind for kind in OPTIMIZERS if kind != "lbfgs"])
def test_the_progress_is_that_of_a_run(engine: ModuleType, kind: str) -> None:
    job = Job(
        optimizer={"kind": kind, "momentum": 0.9}, validation=20, epochs=4,
        early_stopping={"patience": 1, "min_delta": 0.1},
        schedule={"kind": "reduce_on_plateau", "patience": 0.0, "factor": 0.5, "warmup": 2.0, "per_step": True},
    )  # fmt: skip
    run = job.solo(engine)
    numbers = engine.RunNumbers(job.plan(engine), job.rows)
    first = numbers.state()
    assert progress(first) == progress(run.state())
    status = "running"
    while status == "running":
        status = run.run(steps=1)
        state = run.state()
        numbers.count_step(0.0, 0.0, 0.0)
        if numbers.batch_in_epoch == numbers.batches:
            # What only the rows tell comes from the run.
            numbers.set_state({**numbers.state(), "progress": with_sums(numbers.state()["progress"], state)})
            validation = run.history()["validation_loss"][-1], run.history()["validation_metric"][-1]
            numbers.finish_epoch(validation)
        assert (numbers.epoch, numbers.step, numbers.batch_in_epoch) == (run.epoch, run.step, run.batch_in_epoch)
        assert (numbers.learning_rate, numbers.best_epoch) == (run.learning_rate, run.best_epoch)
        assert numbers.state()["progress"][-7:].tolist() == state["progress"][-7:].tolist()
    assert numbers.early_stopped == (status == "early_stopped")
    assert numbers.epoch > 1


def with_sums(numbers: Any, state: dict[str, Any]) -> Any:
    out = numbers.copy()
    out[3:6] = state["history.train_loss"][-1], 1.0, 0.0
    return out


def test_the_numbers_of_steps_are_those_of_the_formulas(engine: ModuleType) -> None:
    job = Job(
        sizes=(4, 3, 2), rows=10, batch_size=4,
        optimizer={"kind": "adamw", "learning_rate": 0.1, "beta1": 0.5, "beta2": 0.75, "weight_decay": 0.2},
        groups=({"learning_rate": 0.5},), schedule={"kind": "exponential", "factor": 0.5, "per_step": True},
        dropout_schedule={"kind": "exponential", "factor": 0.25, "per_step": True},
    )  # fmt: skip
    numbers = engine.RunNumbers(job.plan(engine), job.rows)
    assert numbers.planes == [0.0, 0.0]
    assert numbers.batches == 3
    groups = numbers.groups
    assert groups["0.weights"] != groups["0.bias"] == groups["1.bias"] != groups["1.weights"]
    assert groups["1.weights"][0] == groups["1.bias"][0], "their coefficients are the same"
    of_groups, factors = numbers.steps(3)
    assert factors.tolist() == [[1.0, 1.0], [0.25, 1.0], [0.0625, 1.0]]
    for step, rate in enumerate([0.1, 0.05, 0.025], start=1):
        learning_rate, _, beta1, rest1, beta2, rest2, scale, epsilon, clip, decay, l1, shrink = of_groups[
            step - 1, groups["0.weights"][1]
        ]
        assert (beta1, rest1, beta2, rest2, epsilon, decay, l1) == (0.5, 0.5, 0.75, 0.25, 1e-8, 0, 0)
        assert clip == np.inf
        assert learning_rate == pytest.approx(0.5 * rate / (1 - 0.5**step), rel=1e-15)
        assert scale == pytest.approx(1 / np.sqrt(1 - 0.75**step), rel=1e-15)
        assert shrink == pytest.approx(1 - 0.5 * rate * 0.2, rel=1e-15)
    assert of_groups[0, groups["0.bias"][1], -1] == 1, "biases do not shrink"
    assert numbers.step == 0
    with pytest.raises(ValueError, match="count: got 4; the epoch has 3 steps left"):
        numbers.steps(4)


def test_a_state_of_the_wrong_size_changes_nothing(engine: ModuleType) -> None:
    job = Job(groups=(GROUPS[2],))
    numbers = engine.RunNumbers(job.plan(engine), job.rows)
    state = numbers.state()
    for wrong, message in [
        ({"history.seconds": np.zeros(2)}, "history.seconds' has 2 epochs; 'progress' has 0"),
        ({"progress": np.ones(3)}, "'progress' has 3 numbers; needs 18"),
    ]:
        with pytest.raises(ValueError, match=message):
            numbers.set_state({**state, **wrong})
    with pytest.raises(ValueError, match=r"history.train_loss' is missing"):
        numbers.set_state({name: array for name, array in state.items() if name != "history.train_loss"})
    assert progress(numbers.state()) == progress(state)
    with pytest.raises(ValueError, match="rows: got 0; needs at least 1"):
        engine.RunNumbers(job.plan(engine), 0)
