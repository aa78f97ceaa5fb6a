"""Where the members of a colony train on a GPU, with the host in its place: the bytes are those of the processor."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from creche.engine import choice, placement
from creche.engine.colony import Crew
from creche.engine.device import CPU, Device
from creche.engine.hardware import Hardware
from creche.engine.job import Job
from creche.engine.native import Rows
from creche.errors import CrecheWarning
from creche.plan.network import Network
from creche.plan.plan import Plan
from tests.engine.host_device import HostDevice
from tests.unit.engine.test_crew import OTHERS, ROWS, bytes_of, job
from tests.unit.engine.test_device import fake_torch

GPU = Hardware(1, Device("cuda"))
BEYOND_A_WARP = (40,)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, native: ModuleType) -> HostDevice:
    """A GPU whose lanes the host takes in turn, and where a network alone trains on the processor."""
    device = HostDevice(native=native)

    def create_run(plan: Plan, rows: Rows, validation: Rows | None, hardware: Hardware) -> Any:
        return choice.new_run(plan, rows, validation, Hardware(hardware.threads))

    monkeypatch.setattr(placement, "CudaDevice", lambda number: device)
    monkeypatch.setattr(placement, "new_run", create_run)
    return device


def mixed_jobs() -> list[Job]:
    """Networks of two shapes that a warp trains, and between them some that are too wide for it."""
    made = [job(seed, "he_normal") for seed in range(3)]
    made.insert(1, job(7, "he_normal", BEYOND_A_WARP))
    return [*made, job(1, "he_normal", (8,), optimizer="adamw"), job(8, "he_normal", BEYOND_A_WARP)]


def test_each_network_has_the_bytes_of_the_processor_wherever_it_trains(gpu: HostDevice) -> None:
    with pytest.warns(CrecheWarning, match=r"^device: 2 of 6 networks take turns on cuda:0, as .* \(network 2\)$"):
        crew = Crew(mixed_jobs(), GPU)
    expected = Crew(mixed_jobs(), Hardware(1))
    for each in (crew, expected):
        each.run(2)
        each.stop([0])  # the others are created anew, silently
        each.run()
    assert len(gpu.launches) > 0
    assert {size.members for size in gpu.launches} <= {1, 2, 3}
    for number in range(len(crew)):
        assert crew.status(number) == expected.status(number)
        assert bytes_of(crew, number) == bytes_of(expected, number)


def test_networks_that_a_warp_trains_give_no_warning(gpu: HostDevice) -> None:
    crew = Crew([job(seed, "he_normal") for seed in range(2)], GPU)
    assert crew.device == Device("cuda")


def test_what_a_kernel_trained_is_told_from_what_pytorch_did(gpu: HostDevice, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "describe_device", lambda device: {"device": str(device), "torch": "2.13.0"})
    with pytest.warns(CrecheWarning, match="take turns"):
        crew = Crew(mixed_jobs(), GPU)
    assert crew.describe_device(0) == {"device": "cuda:0", "torch": "2.13.0", "kernel": "colony"}
    assert crew.describe_device(1) == {"device": "cuda:0", "torch": "2.13.0"}
    assert Crew([job(0, "he_normal")], Hardware(1)).describe_device(0) is None


def test_on_other_devices_networks_take_turns(gpu: HostDevice) -> None:
    crew = Crew([job(seed, "he_normal") for seed in range(2)], Hardware(1, Device("mps")))
    crew.run()
    assert gpu.launches == []
    assert [crew.status(number) for number in range(2)] == ["finished"] * 2


def test_auto_counts_the_work_of_all_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", fake_torch(gpus=1))
    monkeypatch.setattr("creche.engine.device.find_spec", lambda name: name)
    auto = Hardware(1, Device("auto"))
    small = Job(
        Plan(Network.of(5, (6, 4), 3), task="classification", loss="cross_entropy", epochs=1000).resolved(40),
        ROWS,
        OTHERS,
    )
    assert placement.choose_colony_device(auto, [small]) == CPU
    assert placement.choose_colony_device(auto, [small] * 50_000) == Device("cuda")
    x = np.zeros((40, 5), np.float32)
    middling = Job(
        Plan(Network.of(5, (100,), 3), task="classification", loss="cross_entropy", epochs=10**6).resolved(40),
        Rows(x, np.zeros(40, np.int32), None), None,
    )  # fmt: skip
    assert placement.choose_colony_device(auto, [small] * 50_000 + [middling]) == CPU
    monkeypatch.setitem(sys.modules, "torch", fake_torch(gpus=0))
    assert placement.choose_colony_device(auto, [small] * 50_000) == CPU
