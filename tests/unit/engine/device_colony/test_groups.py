"""Which networks a kernel can train, and which share a launch."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import pytest

from creche import _core
from creche.engine.device_colony.groups import group_members, new_colonies, reason_against
from creche.errors import PlanError
from creche.plan.changes import Change
from creche.plan.losses import CustomLoss
from creche.plan.network import Network
from creche.plan.plan import Plan
from tests.engine.host_device import HostDevice
from tests.engine.small_plans import Job
from tests.engine.test_colony import alone, in_colony, members_and_tables


def plan(hidden: tuple[int, ...] = (6,), **arguments: Any) -> Plan:
    network = Network.of(5, hidden, 3, activation="tanh")
    named = {"loss": "cross_entropy", "batch_size": 16, **arguments}
    return Plan(network, task="classification", epochs=6, **named).resolved(40)


def test_an_ordinary_plan_fits() -> None:
    assert reason_against(_core.load(), plan(), 40) is None


def half_error(outputs: Any, labels: Any) -> Any:
    return outputs[:, 0] / 2, np.full_like(outputs, 0.5)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        (plan(precision="float64"), "precision is float64; these kernels compute in float32"),
        (plan((64,)), "layer 1 has 64 neurons; at most 32 fit"),
        (plan(loss=CustomLoss(half_error)), "the loss 'half_error' is a Python function"),
        (plan(changes=(Change(3, batch_size=5),)), "the plan changes while it runs"),
        (plan(optimizer="lbfgs", batch_size=40), "L-BFGS searches lines over all weights together"),
    ],
)
def test_what_does_not_fit(made: Plan, reason: str) -> None:
    assert reason_against(_core.load(), made, 40) == reason


def test_members_of_one_shape_and_loss_share_a_launch() -> None:
    engine = _core.load()
    drawn = [
        Job(), Job(sizes=(4, 9, 3)), Job(seed=1, activation="tanh", optimizer={"kind": "sgd"}, rows=30),
        Job(loss="squared_error"), Job(seed=2, batch_size=7),
    ]  # fmt: skip
    members = [(job.plan(engine), number, -1) for number, job in enumerate(drawn)]
    assert group_members(members, [job.table() for job in drawn]) == [[0, 2, 4], [1], [3]]


def test_colonies_have_all_members(native: ModuleType) -> None:
    engine = _core.load()
    drawn = [Job(), Job(sizes=(4, 9, 3)), Job(seed=1)]
    members, tables = members_and_tables(engine, drawn)
    colonies = new_colonies(engine, members, tables, HostDevice(native=native), threads=1)
    assert [numbers for _, numbers in colonies] == [[0, 2], [1]]
    for colony, numbers in colonies:
        colony.run()
        for member, number in enumerate(numbers):
            assert in_colony(colony, member) == alone(engine, drawn[number])


def test_all_colonies_together_must_fit_into_memory(native: ModuleType) -> None:
    engine = _core.load()
    members, tables = members_and_tables(engine, [Job(), Job(sizes=(4, 9, 3))])
    [(one, _)] = new_colonies(engine, members[:1], tables, HostDevice(native=native), threads=1)
    device = HostDevice(native=native, memory=one.bytes_needed * 3 // 2)
    with pytest.raises(PlanError, match=r"^device: 2 networks need about .* free on the host; train fewer"):
        new_colonies(engine, members, tables, device, threads=1)
    assert device.allocated == {}


def test_launches_are_not_too_long() -> None:
    """A step of a network takes nanoseconds where there are many; 8,000 steps of an epoch leave 512 networks."""
    made = Job(batch_size=1).plan(_core.load())
    tables = [(np.zeros((8_000, 4), np.float32), np.zeros(8_000, np.int32), None, None)]
    groups = group_members([(made, 0, -1)] * 1_100, tables)
    assert [len(group) for group in groups] == [512, 512, 76]
    assert [number for group in groups for number in group] == list(range(1_100))
