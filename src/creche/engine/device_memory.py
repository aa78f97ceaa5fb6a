"""The memory of a GPU: asked for before anything is allocated there."""

from __future__ import annotations

from creche._advice import advise
from creche.engine.device import Device
from creche.engine.native import Rows, format_gigabytes, rows_memory
from creche.engine.stored_rows import StoredRows
from creche.errors import PlanError
from creche.plan.plan import Plan

__all__ = ["check_device_memory", "needed_memory", "resident_memory"]

# Weights, gradients, the best weights, and up to four planes of the optimizer; L-BFGS has more.
ARRAYS_LIKE_WEIGHTS = 8
SPARE = 1.1  # what PyTorch keeps besides

WINDOW_BYTES = 1 << 28  # of a table that stays on the host, on the device at a time


def resident_memory(table: int, free: int) -> int:
    """Return how many bytes of a table are on a device at a time: all, unless it takes more than half of what is free.

    Examples
    --------
    >>> resident_memory(10**9, free=4 * 10**9), resident_memory(3 * 10**9, free=4 * 10**9)
    (1000000000, 268435456)

    """
    return table if table <= free // 2 else min(table, WINDOW_BYTES)


def needed_memory(
    plan: Plan, rows: Rows | StoredRows, validation: Rows | StoredRows | None, free: int
) -> tuple[int, int]:
    """Return how many bytes of a device the tables and the network need.

    Parameters
    ----------
    plan : Plan
        Its lengths are resolved.
    rows : Rows or StoredRows
    validation : Rows, StoredRows or None
    free : int
        How many bytes of the device are free.

    """
    network, itemsize = plan.network, 4 if plan.dtype == "float32" else 8
    tables = sum(_table_memory(table, free) for table in (rows, validation) if table is not None)
    # Of each layer: weighted sums, activations and the gradients of both.
    neurons = network.submodels * sum(4 * layer.width for layer in network.layers)
    activations = min(plan.batch_size, len(rows)) * neurons * itemsize
    return tables, network.parameters * itemsize * ARRAYS_LIKE_WEIGHTS + activations


def _table_memory(rows: Rows | StoredRows, free: int) -> int:
    if isinstance(rows, StoredRows):
        return min(rows.nbytes, WINDOW_BYTES)
    return resident_memory(rows_memory(rows), free)


def check_device_memory(
    device: Device, plan: Plan, rows: Rows | StoredRows, validation: Rows | StoredRows | None
) -> None:
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
    tables, network = needed_memory(plan, rows, validation, free)
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
