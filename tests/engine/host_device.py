"""A stand-in for a GPU: its memory is that of the process, and a launch takes the lanes of a warp in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import numpy as np

from creche.engine.device_colony.device import LaunchSize


@dataclass
class HostKernel:
    native: ModuleType
    widths: list[int]
    launches: list[LaunchSize]

    def launch(self, size: LaunchSize, argument: bytes) -> None:
        self.native.launch_on_host(argument, self.widths, size.bytes_of_warp)
        self.launches.append(size)


@dataclass
class HostMemory:
    """The memory of the process in place of a device's."""

    memory: int = 2**30
    name: str = "the host"
    bytes_per_block: int = 48 * 1024
    allocated: dict[int, Any] = field(default_factory=dict)

    def free_memory(self) -> int:
        return self.memory - sum(array.nbytes for array in self.allocated.values())

    def allocate(self, size: int) -> int:
        array = np.empty(-(-size // 8), np.float64)  # aligned for every number
        address = int(array.ctypes.data)
        self.allocated[address] = array
        return address

    def free(self, address: int) -> None:
        del self.allocated[address]

    def upload(self, address: int, data: Any) -> None:
        self.allocated[address].view(np.uint8)[: data.nbytes] = data

    def download(self, address: int, to: Any) -> None:
        to[:] = self.allocated[address].view(np.uint8)[: to.nbytes]


@dataclass
class HostDevice(HostMemory):
    native: ModuleType | None = None
    launches: list[LaunchSize] = field(default_factory=list)

    def kernel(self, widths: Sequence[int], loss: str) -> HostKernel:
        assert self.native is not None
        return HostKernel(self.native, list(widths), self.launches)
