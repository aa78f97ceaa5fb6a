"""Where the members of a colony train: on the processor, on a GPU one to a warp, or one after the other on PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from creche import _core
from creche.engine.choice import FLOPS_PER_STEP, SECONDS_ON_CPU, flops_per_row, new_run, seconds_on_processor
from creche.engine.device import CPU, Device, describe_device, find_gpu
from creche.engine.device_colony.colony import MemberSpec, Table
from creche.engine.device_colony.cuda import CudaDevice
from creche.engine.device_colony.groups import new_colonies, reason_against
from creche.engine.hardware import Hardware
from creche.engine.turns import RunsInTurn
from creche.errors import CrecheWarning
from creche.plan.plan import Plan

if TYPE_CHECKING:
    from creche.engine.job import Job

__all__ = ["choose_colony_device", "describe_place", "place_members"]


def choose_colony_device(hardware: Hardware, jobs: Sequence[Job]) -> Device:
    """Return the device of a colony: that of the hardware, or what "auto" stands for with all of its work."""
    if hardware.device.kind != "auto":
        return hardware.device
    if sum(seconds_on_processor(job.plan, len(job.rows), hardware.threads) for job in jobs) < SECONDS_ON_CPU:
        return CPU
    gpu = find_gpu()
    return CPU if gpu is None or not all(map(_suits_gpu, jobs, _find_reasons(jobs))) else gpu


def _suits_gpu(job: Job, reason: str | None) -> bool:
    flops = flops_per_row(job.plan) * min(job.plan.batch_size, len(job.rows))
    return reason is None or flops >= FLOPS_PER_STEP


def _find_reasons(jobs: Sequence[Job]) -> list[str | None]:
    """Return for each network why no kernel can train it; None if one can.

    It is worked out once for those that differ by their seed only.
    """
    engine = _core.load()
    known: dict[tuple[object, ...], str | None] = {}
    reasons = []
    for job in jobs:
        plan, rows = job.plan, len(job.rows)
        parts = id(plan.network), id(plan.loss), id(plan.optimizer)
        kind = *parts, plan.precision, plan.batch_size, plan.shuffle, plan.changes, rows
        if kind not in known:
            known[kind] = reason_against(engine, plan, rows)
        reasons.append(known[kind])
    return reasons


def describe_place(device: Device, plan: Plan, rows: int) -> dict[str, str] | None:
    """Return what `describe_device` tells of a member of a colony, with "kernel" if one trained it.

    The bytes of a kernel are those of the processor.
    """
    facts = describe_device(device)
    if facts is not None and device.kind == "cuda" and reason_against(_core.load(), plan, rows) is None:
        facts["kernel"] = "colony"
    return facts


def place_members(
    jobs: Sequence[Job],
    members: Sequence[MemberSpec],
    tables: Sequence[Table],
    hardware: Hardware,
    *,
    warns: bool = True,
) -> list[tuple[Any, int]]:
    """Create networks at their beginning on a GPU, or wherever the compiled engine does not train.

    Parameters
    ----------
    jobs : sequence of Job
    members : sequence of (plan of the engine, number of the training table, number of the validation table)
        One for each job.
    tables : sequence of (x, classes, targets, weights)
    hardware : Hardware
        Its device is not "auto".
    warns : bool
        Whether to warn of networks that take turns.

    Returns
    -------
    list of (colony, int)
        For each job what trains it, with the methods of the engine's `Colony32`, and its number there.

    Warns
    -----
    CrecheWarning
        If some networks cannot be trained together on a GPU of CUDA, and take turns.

    """
    placed: dict[int, tuple[Any, int]] = {}
    alone = list(range(len(jobs)))
    if hardware.device.kind == "cuda":
        engine = _core.load()
        reasons = _find_reasons(jobs)
        together = [number for number in alone if reasons[number] is None]
        alone = [number for number in alone if reasons[number] is not None]
        if alone and warns:
            warnings.warn(
                f"device: {len(alone):,} of {len(jobs):,} networks take turns on {hardware.device}, as no kernel can "
                f"train them together: {reasons[alone[0]]} (network {alone[0] + 1:,})",
                CrecheWarning,
                stacklevel=2,
            )
        if together:
            gpu = CudaDevice(hardware.device.index)
            colonies = new_colonies(engine, [members[n] for n in together], tables, gpu, hardware.threads)
            for colony, numbers in colonies:
                placed |= {together[number]: (colony, place) for place, number in enumerate(numbers)}
    if alone:
        turns = RunsInTurn([new_run(jobs[n].plan, jobs[n].rows, jobs[n].validation, hardware) for n in alone])
        placed |= {number: (turns, place) for place, number in enumerate(alone)}
    return [placed[number] for number in range(len(jobs))]
