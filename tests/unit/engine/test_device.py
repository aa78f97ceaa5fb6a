"""The device that trains: its words, and the messages about devices that a machine lacks."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import creche as cr
from creche.engine import device as devices
from creche.engine.choice import choose_device
from creche.engine.device import CPU, Device, resolve_device
from creche.engine.device_memory import check_device_memory, needed_memory
from creche.engine.hardware import Hardware
from creche.engine.native import Rows
from creche.errors import PlanError
from creche.plan.plan import Plan
from creche.plan.words import DEVICES, DeviceName


def fake_torch(*, built: bool = True, gpus: int = 0, mps_built: bool = False) -> ModuleType:
    """Return a module that answers what is asked of PyTorch about GPUs."""
    torch = ModuleType("torch")
    torch.__version__ = "2.13.0+cpu"  # type: ignore[attr-defined]
    torch.backends = SimpleNamespace(  # type: ignore[attr-defined]
        cuda=SimpleNamespace(is_built=lambda: built),
        mps=SimpleNamespace(is_built=lambda: mps_built, is_available=lambda: False),
    )
    torch.cuda = SimpleNamespace(  # type: ignore[attr-defined]
        is_available=lambda: gpus > 0, device_count=lambda: gpus, get_device_name=lambda i: f"NVIDIA H100 {i}"
    )
    return torch


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Let a machine with PyTorch be described by `fake_torch`."""
    monkeypatch.delenv(devices.VARIABLE, raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(devices, "find_spec", lambda name: name)
    monkeypatch.setitem(sys.modules, "torch", fake_torch())
    return monkeypatch


def test_the_processor_trains_unless_another_device_is_asked_for(machine: pytest.MonkeyPatch) -> None:
    assert resolve_device(None) == CPU == resolve_device(" CPU ")
    machine.setitem(sys.modules, "torch", fake_torch(gpus=2))
    assert [str(resolve_device(word)) for word in ("cuda", "cuda:1", "Cuda:0")] == ["cuda:0", "cuda:1", "cuda:0"]
    machine.setenv(devices.VARIABLE, "cuda:1")
    assert resolve_device(None) == Device("cuda", 1)
    assert resolve_device("cpu") == CPU


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("gpu", "device: got 'gpu'; did you mean 'cuda'?"),
        ("cuda:-1", "device: got 'cuda:-1'; did you mean"),
        ("tpu", "device: got 'tpu'; "),
        (1, "device: got 1; "),
        (True, "device: got True; "),
    ],
)
def test_an_unknown_device_is_refused_with_those_there_are(
    machine: pytest.MonkeyPatch, word: object, message: str
) -> None:
    with pytest.raises(PlanError) as refused:
        resolve_device(word)  # type: ignore[arg-type]
    assert str(refused.value).startswith(message)
    assert all(known in str(refused.value) for known in DEVICES)
    assert refused.value.argument == "device"


def test_a_device_that_is_missing_is_never_replaced(machine: pytest.MonkeyPatch) -> None:
    def refusal(word: DeviceName, torch: ModuleType | None = None) -> str:
        if torch is not None:
            machine.setitem(sys.modules, "torch", torch)
        with pytest.raises(PlanError) as refused:
            resolve_device(word)
        return str(refused.value)

    assert refusal("cuda", fake_torch(built=False)) == (
        "device: 'cuda', but this PyTorch (2.13.0+cpu) is a build without CUDA; install one with it, or leave device "
        "out"
    )
    assert "no GPU is visible; check that nvidia-smi lists one" in refusal("cuda", fake_torch())
    machine.setenv("CUDA_VISIBLE_DEVICES", "")
    assert "no GPU is visible (CUDA_VISIBLE_DEVICES is '')" in refusal("cuda")
    assert refusal("cuda:2", fake_torch(gpus=2)) == (
        "device: there is no 'cuda:2' on this machine; choose one of cuda:0 (NVIDIA H100 0), cuda:1 (NVIDIA H100 1)"
    )
    assert "is a build without MPS" in refusal("mps")
    assert "needs macOS 14 or newer" in refusal("mps", fake_torch(mps_built=True))
    machine.setattr(devices, "find_spec", lambda name: None)
    assert "needs PyTorch, which is not installed; install it (pip install 'creche[torch]')" in refusal("cuda")


def test_a_device_of_the_environment_is_named_by_its_variable(machine: pytest.MonkeyPatch) -> None:
    machine.setenv(devices.VARIABLE, "gpu")
    with pytest.raises(PlanError, match=r"^CRECHE_DEVICE: got 'gpu'"):
        resolve_device(None)


def test_a_missing_device_is_told_before_the_table_is_read(machine: pytest.MonkeyPatch) -> None:
    for train in (cr.train, cr.fit, cr.sweep, cr.cross_validate):
        with pytest.raises(PlanError, match="no GPU is visible"):
            train("no-such-table.csv", label="species", device="cuda")


def test_float64_is_refused_where_the_device_has_none() -> None:
    whole = cr.train("penguins", label="species", epochs=0, precision="float64", threads=1)
    with pytest.raises(PlanError, match=r"^precision: 'mps' has no float64; give precision='float32', or device='cpu'"):
        cr.Run(whole.plan, whole.prepared, Hardware(1, Device("mps")))


def test_rounded_products_need_what_has_them(machine: pytest.MonkeyPatch) -> None:
    job = {"label": "species", "epochs": 1, "on_progress": False}
    with pytest.raises(PlanError, match=r"^precision: 'tf32' needs a GPU.* would be trained on 'cpu'; give device='cu"):
        cr.train("penguins", **job, precision="tf32")
    with pytest.raises(PlanError, match=r"^precision: 'tf32' needs a GPU"):
        cr.sweep("penguins", **job, seeds=2, precision="tf32")
    old = fake_torch(gpus=1)
    old.cuda.get_device_capability = lambda index: (7, 5)  # type: ignore[attr-defined]
    machine.setitem(sys.modules, "torch", old)
    with pytest.raises(PlanError) as refused:
        cr.train("penguins", **job, precision="bfloat16", device="cuda")
    assert str(refused.value).startswith("precision: 'bfloat16' needs a GPU of compute capability 8.0 or newer, and ")
    assert str(refused.value).endswith("cuda:0 (NVIDIA H100 0) has 7.5; give precision='float32'")


def test_memory_is_asked_for_before_anything_is_allocated(machine: pytest.MonkeyPatch) -> None:
    gpu = fake_torch(gpus=1)
    gpu.cuda.mem_get_info = lambda index: (60_000_000, 80_000_000_000)  # type: ignore[attr-defined]
    machine.setitem(sys.modules, "torch", gpu)
    x = np.zeros((25_000, 1_000), np.float32)
    with pytest.raises(PlanError) as refused:
        cr.train(x, np.arange(len(x)) % 2, hidden=[8], device="cuda", standardize=False, validation_fraction=0.0)
    message = str(refused.value)
    assert message.startswith(
        "device: the table (0.1 GB) and the network (0.0 GB) need about 0.1 GB, more than the 0.1 GB "
    )
    assert message.endswith("free of 80.0 GB on cuda:0 (NVIDIA H100 0); give fewer columns or rows, or device='cpu'")
    wide = Plan.from_dict({"network": {"inputs": 4, "layers": [{"width": 4096}, {"width": 4096}, {"width": 2}]}})
    few = Rows(np.zeros((9, 4), np.float32), np.zeros(9, np.int32), None)
    with pytest.raises(PlanError, match=r"give smaller batches, or fewer or narrower layers, or device='cpu'$"):
        check_device_memory(Device("cuda"), wide, few, None)
    check_device_memory(CPU, wide, few, None)


def test_of_a_table_that_does_not_fit_only_windows_are_counted() -> None:
    plan = Plan.from_dict({"network": {"inputs": 1_000, "layers": [{"width": 2}]}})
    rows = Rows(np.zeros((500_000, 1_000), np.float32), np.zeros(500_000, np.int32), None)
    whole, window = (needed_memory(plan, rows, rows.take(slice(0, 10)), free)[0] for free in (10**10, 10**9))
    assert whole == 500_010 * 1_001 * 4
    assert window == 2**28 + 10 * 1_001 * 4


def test_auto_leaves_small_networks_on_the_processor_and_moves_wide_ones(machine: pytest.MonkeyPatch) -> None:
    auto = Hardware(2, Device("auto"))
    wide = Plan.from_dict(
        {"network": {"inputs": 64, "layers": [{"width": 1024}, {"width": 1024}, {"width": 10}]},
         "batch_size": 1024, "epochs": 50}
    )  # fmt: skip
    small = Plan.from_dict({"network": {"inputs": 4, "layers": [{"width": 5}, {"width": 3}]}, "epochs": 50})
    assert choose_device(auto, wide, 100_000) == CPU  # no GPU is visible
    machine.setitem(sys.modules, "torch", fake_torch(gpus=1))
    assert choose_device(auto, wide, 100_000) == Device("cuda")
    assert choose_device(auto, wide, 100) == CPU
    assert choose_device(auto, small, 100_000_000) == CPU
    assert choose_device(Hardware(2, Device("cuda", 1)), small, 10) == Device("cuda", 1)


def test_predictions_are_made_by_the_processor_where_the_work_chooses(tmp_path: Path) -> None:
    colony = cr.sweep("penguins", label="species", hidden=[5], epochs=2, seeds=2, threads=1, on_progress=False)
    cr.Ensemble([member.model for member in colony]).save(tmp_path / "m.creche")
    ensemble = cr.load(tmp_path / "m.creche", device="auto")
    assert isinstance(ensemble, cr.Ensemble)
    assert {model.device for model in ensemble.models} == {CPU}  # together, in lanes


def test_a_change_of_the_plan_does_not_move_a_run(machine: pytest.MonkeyPatch) -> None:
    chosen: list[Device] = []
    machine.setattr("creche.training.planned_engine.choose_device", lambda *_: chosen.append(CPU) or CPU)
    changes = [{"step": 8, "batch_size": 50}]
    run = cr.train("penguins", label="species", epochs=2, device="auto", threads=1, changes=changes, on_progress=False)
    assert run.current_plan.batch_size == 50
    assert chosen == [CPU]


def test_a_run_tells_its_device() -> None:
    run = cr.train("penguins", label="species", epochs=1, device="auto", threads=1)
    assert str(run.device) == "cpu"
