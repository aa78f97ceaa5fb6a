"""The memory of a GPU: asked for before anything is allocated there."""

from __future__ import annotations

from creche._advice import advise
from creche.engine.device import Device
from creche.engine.native import Rows, format_gigabytes, rows_memory
from creche.errors import PlanError
from creche.plan.plan import Plan

__all__ = ["check_device_memory", "needed_memory"]

# Weights, gradients, the best weights, and up to four planes of the optimizer; L-BFGS has more.
ARRAYS_LIKE_WEIGHTS = 8
SPARE = 1.1  # what PyTorch keeps besides


def needed_memory(plan: Plan, rows: Rows, validation: Rows | None) -> tuple[int, int]:
    """Return how many bytes of a device the tables and the network need.

    Parameters
    ----------
    plan : Plan
        Its lengths are resolved.
    rows : Rows
    validation : Rows or None

    """
    network, itemsize = plan.network, 4 if plan.precision == "float32" else 8
    tables = rows_memory(rows) + (0 if validation is None else rows_memory(validation))
    # Of each layer: weighted sums, activations and the gradients of both.
    neurons = network.submodels * sum(4 * layer.width for layer in network.layers)
    activations = min(plan.batch_size, len(rows)) * neurons * itemsize
    return tables, network.parameters * itemsize * ARRAYS_LIKE_WEIGHTS + activations


def check_device_memory(device: Device, plan: Plan, rows: Rows, validation: Rows | None) -> None:
    """Check that a run fits into the free memory of a GPU of CUDA.

    Raises
    ------
    PlanError
        If it does not; nothing has been allocated yet.

    """
    if device.kind != "cuda":
        return
    import torch

    free, total = torch.cuda.mem_get_info(device.index)
    tables, network = needed_memory(plan, rows, validation)
    needed = int((tables + network) * SPARE)
    if needed <= free:
        return
    remedy = "give fewer columns or rows" if tables > network else "give smaller batches, or fewer or narrower layers"
    raise PlanError(
        f"device: the table ({format_gigabytes(tables)}) and the network ({format_gigabytes(network)}) need about "
        f"{format_gigabytes(needed)}, more than the {format_gigabytes(free)} free of {format_gigabytes(total)} on "
        f"{device} ({torch.cuda.get_device_name(device.index)}); {remedy}, or {advise('device', 'cpu')}",
        argument="device",
    )
