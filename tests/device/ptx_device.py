"""A stand-in for a GPU that executes the PTX of the kernels, as C, in the memory of the process."""

from __future__ import annotations

import ctypes
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from creche.engine.device_colony.compile import Compiled, Compiler
from creche.engine.device_colony.device import LaunchSize
from tests.device.ptx_to_c import translate
from tests.engine.host_device import HostMemory

GCC = ["gcc", "-std=gnu11", "-O0", "-ffp-contract=off", "-fno-strict-aliasing", "-fwrapv", "-fPIC", "-shared"]
CAN_RUN = platform.machine() == "x86_64"  # changing stacks is written for it


@dataclass
class PtxKernel:
    library: ctypes.CDLL

    def launch(self, size: LaunchSize, argument: bytes) -> None:
        parameters = argument + size.bytes_of_warp.to_bytes(8, "little")
        apart = self.library.launch(size.blocks, 32 * size.warps_per_block, size.bytes_of_block, parameters)
        assert not apart, "lanes of a warp have ended at different barriers"


@dataclass
class PtxDevice(HostMemory):
    folder: Path = field(default_factory=Path)
    compiled: list[Compiled] = field(default_factory=list)

    def kernel(self, widths: Sequence[int], loss: str) -> PtxKernel:
        self.compiled.append(Compiler().compile(widths, loss, "sm_90", "--ptxas-options=-v"))
        source = self.folder / "kernel.c"
        source.write_text(translate(self.compiled[-1].ptx))
        subprocess.run([*GCC, "-march=x86-64-v3", source, "-o", self.folder / "kernel.so", "-lm"], check=True)
        return PtxKernel(ctypes.CDLL(str(self.folder / "kernel.so")))
