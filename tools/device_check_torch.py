"""The parts of the device check about the torch engine; each takes the device, so that a processor can do them, too."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np

from creche.engine.choice import new_run
from creche.engine.device import CPU, Device
from creche.engine.device_memory import check_device_memory
from creche.engine.hardware import Hardware
from creche.engine.run_state import PROGRESS
from creche.engine.torch.capture import COMPILE
from creche.errors import PlanError
from creche.plan import Network, Plan

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "benchmarks"))
from gpu_wide import SHAPES, Shape, graphs, rows_of, run_of, time_run

Facts = dict[str, Any]

__all__ = ["compiled", "launch_floor", "parity", "precisions", "torch_again", "torch_memory"]

SMALL = Shape(10, (10, 10), 3, 20)
MIDDLE, LARGE = SHAPES[1], SHAPES[2]
FLOAT64, FLOAT32 = 1e-9, 1e-4  # how much losses may differ from those of the processor, relatively


def losses(run: Any, epochs: int) -> Any:
    """Train, and return the loss of each epoch."""
    run.run(epochs=epochs)
    return run.history()["train_loss"]


def state_digest(run: Any) -> str:
    """The digest of a run's state but for the seconds that it took."""
    digest = hashlib.sha256()
    for name, array in sorted(run.state().items()):
        if name == "history.seconds":
            continue
        kept = array.copy()
        if name == "progress":
            kept[PROGRESS.index("seconds")] = 0
        digest.update(name.encode() + kept.tobytes())
    return digest.hexdigest()


def parity(device: Device) -> Facts:
    """The losses of the processor: five epochs in float64, one in float32."""
    found: Facts = {"ok": True}
    for shape in (SMALL, MIDDLE):
        for precision, epochs, tolerance in (("float64", 5, FLOAT64), ("float32", 1, FLOAT32)):
            if precision == "float64" and device.kind == "mps":
                continue
            ours, theirs = (losses(run_of(shape, where, precision), epochs) for where in (CPU, device))  # type: ignore[arg-type]
            difference = float(np.max(np.abs(ours - theirs) / np.abs(ours)))
            found[f"{shape}, {precision}"] = difference
            found["ok"] &= difference <= tolerance
    return found


def launch_floor(device: Device, seconds: float = 0.5) -> Facts:
    """The microseconds of a step of three networks: on the processor, kernel by kernel, and as a graph."""
    found: Facts = {"ok": True}
    for shape in SHAPES:
        micros = {"cpu": time_run(shape, CPU, seconds=seconds)}
        for captured in (False, True):
            with graphs(captured):
                micros["graph" if captured else "eager"] = time_run(shape, device, seconds=seconds)
        found[str(shape)] = {"flops": shape.flops, **{name: round(value, 1) for name, value in micros.items()}}
    return found


def compiled(device: Device, seconds: float = 0.5) -> Facts:
    """The middle network with steps that PyTorch compiles: the time of a step, and the loss of an epoch."""
    expected = losses(run_of(MIDDLE, device), 1)
    os.environ[COMPILE] = "1"
    try:
        micros = time_run(MIDDLE, device, seconds=seconds)
        found = losses(run_of(MIDDLE, device), 1)
    finally:
        del os.environ[COMPILE]
    difference = float(np.max(np.abs(found - expected) / np.abs(expected)))
    return {"ok": difference <= FLOAT32, "micros": round(micros, 1), "difference": difference}


def precisions(device: Device, shape: Shape = LARGE, seconds: float = 0.5) -> Facts:
    """The largest network in float32, tf32 and bfloat16: the time of a step, and the loss of an epoch."""
    found: Facts = {"ok": True}
    expected = None
    for precision in ("float32", "tf32", "bfloat16"):
        loss = float(losses(run_of(shape, device, precision), 1)[0])  # type: ignore[arg-type]
        micros = time_run(shape, device, precision, seconds)  # type: ignore[arg-type]
        expected = loss if expected is None else expected
        found[precision] = {"micros": round(micros, 1), "loss": loss}
        found["ok"] &= abs(loss - expected) <= 0.02 * expected
    return found


def torch_again(device: Device) -> Facts:
    """The same bytes in a second run, in one that stops and is resumed by another, and kernel by kernel."""
    whole = []
    for captured in (True, True, False):
        with graphs(captured):
            run = run_of(MIDDLE, device, epochs=2)
            run.run()
            whole.append(state_digest(run))
    first, second = (run_of(MIDDLE, device, epochs=2) for _ in range(2))
    first.run(steps=11)
    second.set_state(first.state())
    second.run()
    resumed = state_digest(second)
    same = whole[0] == whole[1] == resumed
    return {"ok": same, "resumed": resumed == whole[0], "eager_equals_graphs": whole[0] == whole[2]}


def torch_memory(device: Device) -> Facts:
    """A network that does not fit: a message, and nothing is allocated."""
    import torch

    free, _ = torch.cuda.mem_get_info(device.index)
    width = int((free / 8) ** 0.5)
    plan = Plan(Network.of(8, [width, width], 2), task="classification", epochs=1).resolved(64)
    rows = rows_of(Shape(8, (8,), 2, 8))
    before = torch.cuda.memory_allocated(device.index)
    try:
        check_device_memory(device, plan, rows, None)
        new_run(plan, rows, None, Hardware(1, device))
    except PlanError as error:
        return {"ok": torch.cuda.memory_allocated(device.index) == before, "message": str(error)}
    return {"ok": False, "message": "no error"}
