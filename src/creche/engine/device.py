"""The device that networks are trained on: chosen by a word, checked before anything is read or allocated."""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from creche._advice import advise
from creche.errors import PlanError, nearest
from creche.plan.words import DEVICES, DeviceName

if TYPE_CHECKING:
    from creche.plan.plan import Plan

__all__ = [
    "CPU",
    "Device",
    "DeviceKind",
    "check_precision",
    "describe_device",
    "find_gpu",
    "name_device",
    "resolve_device",
    "resolve_predicting_device",
]

DeviceKind: TypeAlias = Literal["cpu", "cuda", "mps", "auto"]

VARIABLE = "CRECHE_DEVICE"

LEAST_CAPABILITY = (8, 0)  # of GPUs that multiply tf32 and bfloat16


@dataclass(frozen=True, slots=True)
class Device:
    """Where networks are trained.

    Attributes
    ----------
    kind : {"cpu", "cuda", "mps", "auto"}
        "auto" is replaced by one of the others as soon as the plan and the number of rows are known.
    index : int
        Which of several GPUs.
    engine : {"native", "torch"}
        The engine that a processor trains with; a GPU has its own.

    Examples
    --------
    >>> str(Device("cuda", 1)), str(CPU)
    ('cuda:1', 'cpu')

    """

    kind: DeviceKind
    index: int = 0
    engine: Literal["native", "torch"] = "native"

    def __str__(self) -> str:
        return f"cuda:{self.index}" if self.kind == "cuda" else self.kind

    @property
    def word(self) -> DeviceName:
        """The word that stands for it."""
        return cast("DeviceName", str(self))

    @property
    def is_native(self) -> bool:
        """Whether the compiled engine trains, on the processor."""
        return self.kind == "cpu" and self.engine == "native"


CPU = Device("cpu")


def resolve_device(device: str | Device | None) -> Device:
    """Return the device of a word: the argument, else ``CRECHE_DEVICE``, else the processor.

    Raises
    ------
    PlanError
        If there is no such word, or this machine does not have the device. It is never replaced by another.

    Examples
    --------
    >>> str(resolve_device("cpu"))
    'cpu'
    >>> resolve_device("gpu")
    Traceback (most recent call last):
    creche.errors.PlanError: device: got 'gpu'; did you mean 'cuda'? Choose one of cpu, cuda, cuda:1, mps, auto

    """
    if isinstance(device, Device):
        return device
    where, word = ("device", device) if device is not None else (VARIABLE, os.environ.get(VARIABLE, "").strip())
    if device is None and not word:
        return CPU
    found = _parse(where, word)
    if found.kind == "cuda":
        _check_cuda(where, str(word), found.index)
    elif found.kind == "mps":
        _check_mps(where)
    return found


def resolve_predicting_device(device: str | Device | None) -> Device:
    """Return the device for predictions, as `resolve_device` does; "auto" is the processor, which has no start to pay.

    Examples
    --------
    >>> str(resolve_predicting_device("auto"))
    'cpu'

    """
    found = resolve_device(device)
    return CPU if found.kind == "auto" else found


def find_gpu() -> Device | None:
    """Return the first GPU of CUDA; None if there is none, or no PyTorch that could use it."""
    if not find_spec("torch"):
        return None
    import torch

    return Device("cuda") if torch.cuda.is_available() else None


def describe_device(device: Device) -> dict[str, str] | None:
    """Return what the bits of a device depend on; None for the compiled engine, whose bits no processor changes.

    Returns
    -------
    dict of str to str, or None
        Its word as "device", and the versions of PyTorch and, on a GPU, of CUDA and the driver, with the GPU's name.

    """
    if device.is_native:
        return None
    import torch

    facts = {"device": str(device), "torch": str(torch.__version__)}
    if device.kind == "cuda":
        facts["name"] = torch.cuda.get_device_name(device.index)
        facts["cuda"] = str(torch.version.cuda)
        facts["driver"] = _driver_version()
    return facts


def name_device(facts: Mapping[str, str] | None) -> str:
    """Name what trained a network, by what `describe_device` returned.

    Examples
    --------
    >>> name_device({"device": "cuda:0", "torch": "2.13.0", "name": "NVIDIA H100", "cuda": "13.0", "driver": "13000"})
    'cuda:0 (NVIDIA H100, PyTorch 2.13.0, CUDA 13.0, driver 13000)'
    >>> name_device(None)
    'the processor'

    """
    if facts is None:
        return "the processor"
    parts = (("name", ""), ("torch", "PyTorch "), ("cuda", "CUDA "), ("driver", "driver "), ("kernel", "kernel of a "))
    return f"{facts['device']} ({', '.join(label + facts[part] for part, label in parts if part in facts)})"


def _driver_version() -> str:
    """Return the newest version of CUDA that the driver knows, as drivers give it: 13000 for 13.0."""
    version = ctypes.c_int(0)
    try:
        ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    except (OSError, AttributeError):
        return "unknown"
    return str(version.value)


def check_precision(device: Device, plan: Plan) -> None:
    """Check that a device has the plan's precision.

    "tf32" is for GPUs; PyTorch on the processor, which only tests use, rounds operands likewise.

    Raises
    ------
    PlanError
        If it does not.

    """
    if device.kind == "mps" and plan.precision == "float64":
        raise PlanError(
            f"precision: 'mps' has no float64; give {advise('precision', 'float32')}, or {advise('device', 'cpu')}",
            argument="precision",
        )
    if plan.precision not in ("tf32", "bfloat16") or device.kind == "auto" or device.engine == "torch":
        return
    if device.kind != "cuda" and plan.precision == "tf32":
        raise PlanError(
            f"precision: {plan.precision!r} needs a GPU of NVIDIA, and this network would be trained on "
            f"{str(device)!r}; give {advise('device', 'cuda')}, or {advise('precision', 'float32')}",
            argument="precision",
        )
    if device.kind == "cuda":
        _check_capability(device, plan)


def _check_capability(device: Device, plan: Plan) -> None:
    import torch

    found = torch.cuda.get_device_capability(device.index)
    if found < LEAST_CAPABILITY:
        needed, has = (".".join(map(str, capability)) for capability in (LEAST_CAPABILITY, found))
        raise PlanError(
            f"precision: {plan.precision!r} needs a GPU of compute capability {needed} or newer, and {device} "
            f"({torch.cuda.get_device_name(device.index)}) has {has}; give {advise('precision', 'float32')}",
            argument="precision",
        )


def _parse(where: str, word: object) -> Device:
    typed = word.strip().lower() if isinstance(word, str) else ""
    if (match := re.fullmatch(r"cuda(?::(\d{1,4}))?", typed)) is not None:
        return Device("cuda", int(match[1] or 0))
    if typed in ("cpu", "mps", "auto"):
        return Device(typed)  # type: ignore[arg-type]
    raise PlanError(f"{where}: got {word!r}; {nearest(word, DEVICES)}", argument="device")


def _check_torch(where: str, word: str) -> None:
    if not find_spec("torch"):
        raise PlanError(
            f"{where}: {word!r} needs PyTorch, which is not installed; install it (pip install 'creche[torch]'), or "
            f"leave {advise('device')} out to train on the processor",
            argument="device",
        )


def _check_cuda(where: str, word: str, index: int) -> None:
    _check_torch(where, word)
    import torch

    if not torch.backends.cuda.is_built():
        raise PlanError(
            f"{where}: {word!r}, but this PyTorch ({torch.__version__}) is a build without CUDA; install one with it, "
            f"or leave {advise('device')} out",
            argument="device",
        )
    if not torch.cuda.is_available():
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        why = "" if visible is None else f" (CUDA_VISIBLE_DEVICES is {visible!r})"
        raise PlanError(
            f"{where}: {word!r}, but no GPU is visible{why}; check that nvidia-smi lists one, or "
            f"leave {advise('device')} out",
            argument="device",
        )
    count = torch.cuda.device_count()
    if index >= count:
        names = ", ".join(f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(count))
        raise PlanError(f"{where}: there is no {word!r} on this machine; choose one of {names}", argument="device")


def _check_mps(where: str) -> None:
    _check_torch(where, "mps")
    import torch

    if not torch.backends.mps.is_built():
        raise PlanError(
            f"{where}: 'mps', but this PyTorch ({torch.__version__}) is a build without MPS, for GPUs of "
            f"Apple; leave {advise('device')} out",
            argument="device",
        )
    if not torch.backends.mps.is_available():
        raise PlanError(
            f"{where}: 'mps' needs macOS 14 or newer on an Apple processor; leave {advise('device')} out",
            argument="device",
        )
