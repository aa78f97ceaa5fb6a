"""Chooses the engine that carries out a plan, by its device; the one place that does."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from creche.engine import native
from creche.engine.device import CPU, Device, check_precision, find_gpu
from creche.engine.device_memory import check_device_memory
from creche.engine.feeding import check_stored, new_run_from_file
from creche.engine.hardware import Hardware
from creche.engine.native import Rows
from creche.engine.stored_rows import StoredRows
from creche.errors import CrecheWarning
from creche.plan.losses import CustomLoss
from creche.plan.plan import Plan

__all__ = [
    "FLOPS_PER_STEP", "SECONDS_ON_CPU", "choose_device", "flops_per_row", "new_predictor", "new_run",
    "seconds_on_processor",
]  # fmt: skip

# A GPU pays off in a step of more operations than this, and where a run takes longer on the processor than it takes to
# start a GPU. Both are estimates: they were not measured on a GPU.
FLOPS_PER_STEP = 10_000_000
SECONDS_ON_CPU = 2.0

# Operations per second of a core: about half of what `benchmarks/wide_jobs.py` measures with AVX-512.
FLOPS_PER_SECOND = 40e9


def new_run(plan: Plan, rows: Rows | StoredRows, validation: Rows | StoredRows | None, hardware: Hardware) -> Any:
    """Create a run of the plan at its beginning: a `Solo32` or `Solo64` of the compiled engine, or a `TorchRun`.

    All have the same face, and the states of one can be set in the other.

    Parameters
    ----------
    plan : Plan
        Its lengths are resolved.
    rows : Rows or StoredRows
    validation : Rows, StoredRows or None
    hardware : Hardware

    Raises
    ------
    PlanError
        If it would not fit into the memory of the device, or the device cannot do what the plan says.
    FileError
        If stored rows cannot be read.

    Warns
    -----
    CrecheWarning
        If the device has to wait for a loss in Python.

    """
    device = choose_device(hardware, plan, len(rows))
    check_precision(device, plan)
    if isinstance(rows, StoredRows):
        check_stored(plan)
        if device.is_native:
            return new_run_from_file(plan, rows, validation, hardware.threads)
    elif isinstance(validation, StoredRows):
        raise TypeError("validation: rows in a file are for runs whose training rows are in one")
    elif device.is_native:
        return native.new_run(plan, rows, validation, hardware.threads)
    check_device_memory(device, plan, rows, validation)
    if isinstance(plan.loss, CustomLoss):
        warnings.warn(
            f"loss: {plan.loss.name!r} is a Python function, which the processor calls for each batch, so that "
            f"{device} waits for it; a built-in loss is faster there",
            CrecheWarning,
            stacklevel=2,
        )
    from creche.engine.torch.run import TorchRun

    return TorchRun(plan, rows, validation, str(device))


def new_predictor(plan: Plan, parameters: Mapping[str, NDArray[Any]], hardware: Hardware) -> Any:
    """Create a network that predicts, on the hardware's device: `Predictor32`, `Predictor64` or a `TorchPredictor`."""
    if hardware.device.is_native:
        return native.new_predictor(plan, parameters, hardware.threads)
    from creche.engine.torch.predictor import TorchPredictor

    return TorchPredictor(plan, parameters, str(hardware.device))


def choose_device(hardware: Hardware, plan: Plan, rows: int) -> Device:
    """Return the device that trains: that of the hardware, or what "auto" stands for with this work.

    Examples
    --------
    >>> from creche.plan.plan import Plan
    >>> plan = Plan.from_dict({"network": {"inputs": 4, "layers": [{"width": 3}]}})
    >>> str(choose_device(Hardware(1, Device("auto")), plan, rows=100))
    'cpu'

    """
    device = hardware.device
    if device.kind != "auto":
        return device
    if flops_per_row(plan) * min(plan.batch_size, rows) < FLOPS_PER_STEP:
        return CPU
    return CPU if seconds_on_processor(plan, rows, hardware.threads) < SECONDS_ON_CPU else find_gpu() or CPU


def flops_per_row(plan: Plan) -> int:
    """Return about how many operations a training step takes for each row."""
    return 6 * plan.network.parameters * plan.network.submodels


def seconds_on_processor(plan: Plan, rows: int, threads: int) -> float:
    """Return about how long the compiled engine would take for all epochs."""
    return flops_per_row(plan) * rows * plan.epochs / (FLOPS_PER_SECOND * threads)
