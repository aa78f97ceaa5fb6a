"""Shards on PyTorch: what the compiled engine ends with, and the same bits on any number of processes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from creche.plan.optimizers import LBFGS
from tests.engine.test_shards import STOPPED, Meeting, join, run_together
from tests.torch_engine.small_runs import SECONDS, create_plan, create_rows, network, train_both

pytestmark = pytest.mark.peers

PLANS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "dropout": ({"dropout": 0.4}, {}),
    "submodels": ({"submodels": 3}, {}),
    "batches of each submodel": ({"submodels": 3, "dropout": 0.4}, {"submodel_batches": "own"}),
    "lbfgs": ({}, {"optimizer": "lbfgs"}),
    "more shards than rows": ({}, {"batch_size": 3}),
}
ALL_PLANS = PLANS | {
    "lbfgs, points that are not finite": (
        {},
        {"optimizer": LBFGS(1e65), "loss": "squared_error", "task": "regression"},
    ),
}


def bytes_of(run: Any) -> dict[str, bytes]:
    state = run.state()
    state["progress"] = np.delete(state["progress"], 7)  # the seconds of the epoch
    return {name: array.tobytes() for name, array in state.items() if name not in SECONDS}


@pytest.mark.parametrize("case", PLANS)
def test_the_compiled_engine_ends_with_the_same(torch_run: Any, case: str) -> None:
    of, fields = PLANS[case]
    train_both(torch_run, create_plan(network(**of), **fields, shards=4), weighted=True, validation=True)


@pytest.mark.parametrize("case", ALL_PLANS)
def test_the_bits_of_one_process(torch_run: Any, case: str) -> None:
    of, fields = ALL_PLANS[case]
    plan = create_plan(network(**of), **fields, shards=4, precision="float32", epochs=2)
    rows = create_rows(plan, weighted=True)
    alone = torch_run(plan, rows, None, "cpu")
    assert alone.run() == "finished"
    for count in (2, 4):
        together = [torch_run(plan, rows, None, "cpu") for _ in range(count)]
        join(together)
        assert run_together(together) == ["finished"] * count
        for run in together:
            assert bytes_of(run) == bytes_of(alone)


def test_all_stop_before_the_same_step(torch_run: Any) -> None:
    plan = create_plan(shards=4, precision="float32")
    rows = create_rows(plan)
    together = [torch_run(plan, rows, None, "cpu") for _ in range(2)]
    meeting, steps = Meeting(2), 0

    def asks_to_stop(*given: Any) -> Any:
        nonlocal steps
        steps += 1
        return meeting.exchange(1, *((STOPPED, [], [], given[3]) if steps == 4 else given))

    together[0].join(0, 2, lambda *given: meeting.exchange(0, *given))
    together[1].join(1, 2, asks_to_stop)
    assert run_together(together) == ["interrupted"] * 2
    assert [run.step for run in together] == [3, 3]
    alone = torch_run(plan, rows, None, "cpu")
    alone.run(steps=3)
    assert {name: array.tobytes() for name, array in together[1].parameters().items()} == {
        name: array.tobytes() for name, array in alone.parameters().items()
    }


def test_a_loss_that_is_not_finite_on_one_process_ends_all(torch_run: Any) -> None:
    sgd = {"kind": "sgd", "learning_rate": 1e12}
    plan = create_plan(shards=4, precision="float32", loss="squared_error", task="regression", optimizer=sgd)
    rows = create_rows(plan)
    alone = torch_run(plan, rows, None, "cpu")
    assert alone.run() == "diverged"
    together = [torch_run(plan, rows, None, "cpu") for _ in range(2)]
    join(together)
    assert run_together(together) == ["diverged"] * 2
    for run in together:
        assert run.divergence == alone.divergence
        assert bytes_of(run) == bytes_of(alone)
