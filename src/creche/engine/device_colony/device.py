"""What a colony needs of a device: memory, copies, and a kernel for each shape and loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Device", "Kernel", "LaunchSize", "as_bytes"]


@dataclass(frozen=True, slots=True)
class LaunchSize:
    """How many networks a launch trains, and what each takes.

    Attributes
    ----------
    members : int
    warps_per_block : int
    bytes_of_warp : int
        The memory that the lanes of a warp share.

    """

    members: int
    warps_per_block: int
    bytes_of_warp: int

    @property
    def blocks(self) -> int:
        """The blocks of the launch; the last may be partly empty."""
        return -(-self.members // self.warps_per_block)

    @property
    def bytes_of_block(self) -> int:
        """The shared memory of a block."""
        return self.warps_per_block * self.bytes_of_warp


class Kernel(Protocol):
    """The kernel of a shape and a loss."""

    def launch(self, size: LaunchSize, argument: bytes) -> None:
        """Train, and return when all networks have ended their epochs."""


class Device(Protocol):
    """A GPU, or what replaces one in a test."""

    @property
    def name(self) -> str:
        """For messages, such as ``cuda:0 (NVIDIA H200)``."""

    @property
    def bytes_per_block(self) -> int:
        """The most shared memory that a block can have."""

    def free_memory(self) -> int:
        """Return the bytes that can be allocated."""

    def allocate(self, size: int) -> int:
        """Return the address of new memory."""

    def free(self, address: int) -> None:
        """Give memory back."""

    def upload(self, address: int, data: NDArray[np.uint8]) -> None:
        """Copy to the device."""

    def download(self, address: int, to: NDArray[np.uint8]) -> None:
        """Copy from the device."""

    def kernel(self, widths: Sequence[int], loss: str) -> Kernel:
        """Return the kernel of a shape and a loss, which may have to be compiled."""


def as_bytes(array: NDArray[Any]) -> NDArray[np.uint8]:
    """Return a contiguous array as its bytes."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
