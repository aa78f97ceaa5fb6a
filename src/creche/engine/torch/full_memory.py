"""What is told when the memory of a device is full although it was asked for before: others use it, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from creche._advice import advise
from creche.errors import PlanError

__all__ = ["full_memory_told"]


@contextmanager
def full_memory_told(device: torch.device) -> Iterator[None]:
    """Turn PyTorch's error about full memory into one that says what to do.

    Raises
    ------
    PlanError
        In its place; what PyTorch keeps without use has been given back.

    """
    try:
        yield
    except torch.OutOfMemoryError as error:
        torch.cuda.empty_cache()
        raise PlanError(
            f"device: the memory of {str(device)!r} is full, which other programs may use, too; close them, give "
            f"smaller batches, fewer columns or narrower layers, or {advise('device', 'cpu')}",
            argument="device",
        ) from error
