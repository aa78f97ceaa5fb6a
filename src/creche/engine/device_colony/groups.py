"""Which networks a kernel can train, and which of them share a launch."""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType

from creche.engine.device_colony.colony import DeviceColony, MemberSpec, Table, check_memory
from creche.engine.device_colony.device import Device
from creche.engine.native import translate
from creche.plan.losses import CustomLoss
from creche.plan.plan import Plan

__all__ = ["group_members", "new_colonies", "reason_against"]

# Steps of networks in a launch of one epoch, so that it ends soon enough for Ctrl-C.
STEPS_OF_LAUNCH = 4_000_000
FEWEST, MOST = 512, 65_536  # networks of a launch


def reason_against(engine: ModuleType, plan: Plan, rows: int) -> str | None:
    """Return why no kernel can train a network; None if one can.

    Parameters
    ----------
    engine : module
        The compiled engine.
    plan : Plan
        Its lengths are resolved.
    rows : int
        The training rows.

    """
    if plan.precision != "float32":
        return f"precision is {plan.precision}; these kernels compute in float32"
    if isinstance(plan.loss, CustomLoss):
        return f"the loss {plan.loss.name!r} is a Python function"
    if plan.changes:
        return "the plan changes while it runs"
    return engine.reason_against_warp(translate(engine, plan, draws_weights=False), rows) or None


def group_members(members: Sequence[MemberSpec], tables: Sequence[Table]) -> list[list[int]]:
    """Return the numbers of members that train in the same launches: those of one shape and loss, not too many.

    Parameters
    ----------
    members : sequence of (plan, int, int)
        As of `DeviceColony`.
    tables : sequence of (x, classes, targets, weights)
        Likewise.

    """
    alike: dict[tuple[object, ...], list[int]] = {}
    steps = [-(-len(tables[train][0]) // plan.batch_size) for plan, train, _ in members]
    for number, (plan, _, _) in enumerate(members):
        shape = (plan.inputs, *(layer.width for layer in plan.layers), plan.loss.kind)
        alike.setdefault(shape, []).append(number)
    groups = []
    for numbers in alike.values():
        size = min(max(FEWEST, STEPS_OF_LAUNCH // max(steps[n] for n in numbers)), MOST)
        groups += [numbers[begin : begin + size] for begin in range(0, len(numbers), size)]
    return groups


def new_colonies(
    engine: ModuleType, members: Sequence[MemberSpec], tables: Sequence[Table], device: Device, threads: int
) -> list[tuple[DeviceColony, list[int]]]:
    """Create colonies of all members on a device, each with the numbers of its members in their order.

    Parameters
    ----------
    engine : module
        The compiled engine.
    members, tables : sequence
        As of `DeviceColony`; `reason_against` has nothing against any of them.
    device : Device
    threads : int
        For members that come back from the device.

    Raises
    ------
    PlanError
        If they do not fit into the memory of the device together.

    """
    groups = group_members(members, tables)
    colonies = [DeviceColony(engine, [members[n] for n in group], tables, device, threads) for group in groups]
    check_memory(device, colonies)
    return list(zip(colonies, groups, strict=True))
