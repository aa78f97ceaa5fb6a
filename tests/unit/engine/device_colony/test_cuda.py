"""A GPU through its driver: members end as alone, kernels are kept, and messages say what to do."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import ModuleType

import pytest

from creche.engine.device_colony import cuda
from creche.engine.device_colony.colony import DeviceColony
from creche.engine.device_colony.cuda import CudaDevice
from creche.engine.device_colony.kernel_cache import cache_folder
from creche.errors import PlanError
from tests.engine.small_plans import Job
from tests.engine.test_colony import members_and_tables
from tests.engine.test_device_warp import assert_as_alone
from tests.unit.engine.device_colony.fake_cuda import FakeCompiler, FakeDriver


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return tmp_path


def test_members_end_as_alone(engine: ModuleType, native: ModuleType) -> None:
    driver = FakeDriver(native)
    device = CudaDevice(0, driver, FakeCompiler())
    assert (device.name, device.architecture, device.driver_version) == ("cuda:0 (Fake H200)", "sm_90", 13000)
    drawn = [Job(seed=n, validation=20, early_stopping={"patience": 1}, dropout=0.1, weighted=True) for n in range(9)]
    colony = assert_as_alone(engine, drawn, device)
    assert {size[:6] for size in driver.launched} == {(3, 1, 1, 128, 1, 1)}  # blocks of four networks
    del colony
    assert driver.host.allocated == {}


def test_a_kernel_is_compiled_once(engine: ModuleType, native: ModuleType) -> None:
    compiler = FakeCompiler()
    for _ in range(2):
        device = CudaDevice(0, FakeDriver(native), compiler)
        assert device.kernel([4, 3], "huber") is device.kernel([4, 3], "huber")
    device.kernel([4, 3], "poisson")
    assert compiler.compiled == [((4, 3), "huber", "sm_90"), ((4, 3), "poisson", "sm_90")]
    assert len(list(cache_folder().iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_no_error(native: ModuleType, cache: Path) -> None:
    (cache / "creche").write_text("a file in place of the folder")
    compiler = FakeCompiler()
    CudaDevice(0, FakeDriver(native), compiler).kernel([4, 3], "huber")
    assert len(compiler.compiled) == 1


def test_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(cuda.ctypes, "CDLL", missing)
    with pytest.raises(PlanError, match=r"^device: this machine has no driver for GPUs of NVIDIA \(libcuda\.so\.1\)"):
        CudaDevice()


def test_no_visible_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    with pytest.raises(PlanError, match=r"no CUDA-capable device is detected.*; CUDA_VISIBLE_DEVICES is ''; leave"):
        CudaDevice(0, FakeDriver(gpus=0))


@pytest.mark.parametrize(
    ("gpus", "message"), [(1, "1 GPU is visible; choose cuda:0, or"), (4, "choose cuda:0 to cuda:3")]
)
def test_a_gpu_that_does_not_exist(gpus: int, message: str) -> None:
    with pytest.raises(PlanError, match=f"^device: got 'cuda:7', but .*{message}"):
        CudaDevice(7, FakeDriver(gpus=gpus))


def test_memory_that_others_took_meanwhile(engine: ModuleType, native: ModuleType) -> None:
    driver = FakeDriver(native)
    members, tables = members_and_tables(engine, [Job()])
    colony = DeviceColony(engine, members, tables, CudaDevice(0, driver, FakeCompiler()))
    driver.host.memory = 100
    with pytest.raises(PlanError, match=r"^device: .* more do not fit into the memory of cuda:0 \(Fake H200\)"):
        colony.run()


def test_an_error_of_the_driver_has_its_words(native: ModuleType) -> None:
    driver = FakeDriver(native)
    device = CudaDevice(0, driver, FakeCompiler())
    driver.cuMemFree_v2 = lambda address: 100  # type: ignore[method-assign]
    with pytest.raises(PlanError, match=r"^device: cuMemFree_v2 of the GPU's driver failed \(no CUDA-capable device"):
        device.free(ctypes.c_uint64(8).value)
