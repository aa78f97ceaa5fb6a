"""A driver's library and a compiler in place of those of CUDA: launches take the lanes of a warp in turn."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from creche.engine.device_colony.compile import Compiled, Compiler
from tests.engine.host_device import HostMemory

OUT_OF_MEMORY, NO_DEVICE = 2, 100
TEXTS = {OUT_OF_MEMORY: b"out of memory", NO_DEVICE: b"no CUDA-capable device is detected"}
ATTRIBUTES = {75: 9, 76: 0, 97: 232448}


class FakeCompiler(Compiler):
    """Its code says for which shape it is."""

    def __init__(self) -> None:
        self.version = "13.5"
        self.compiled: list[tuple[tuple[int, ...], str, str]] = []

    def compile(self, widths: Sequence[int], loss: str, architecture: str, *more: str) -> Compiled:
        self.compiled.append((tuple(widths), loss, architecture))
        return Compiled(",".join(map(str, widths)).encode(), "", "")


class FakeDriver:
    """The functions of libcuda that are called, with their names."""

    def __init__(self, native: ModuleType | None = None, gpus: int = 1, memory: int = 2**30) -> None:
        self.native, self.gpus = native, gpus
        self.host = HostMemory(memory=memory)
        self.modules: list[bytes] = []
        self.launched: list[tuple[Any, ...]] = []

    def cuInit(self, flags: int) -> int:
        return 0 if self.gpus else NO_DEVICE

    def cuGetErrorString(self, result: int, text: Any) -> int:
        text._obj.value = TEXTS.get(result)
        return 0

    def cuDeviceGetCount(self, count: Any) -> int:
        count._obj.value = self.gpus
        return 0

    def cuDriverGetVersion(self, version: Any) -> int:
        version._obj.value = 13000
        return 0

    def cuDeviceGet(self, device: Any, number: int) -> int:
        device._obj.value = number
        return 0

    def cuDevicePrimaryCtxRetain(self, context: Any, device: int) -> int:
        context._obj.value = 7
        return 0

    def cuCtxSetCurrent(self, context: Any) -> int:
        return 0

    def cuDeviceGetName(self, name: Any, length: int, device: int) -> int:
        name.value = b"Fake H200"
        return 0

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: int) -> int:
        value._obj.value = ATTRIBUTES[attribute]
        return 0

    def cuMemGetInfo_v2(self, free: Any, total: Any) -> int:
        free._obj.value, total._obj.value = self.host.free_memory(), self.host.memory
        return 0

    def cuMemAlloc_v2(self, address: Any, size: Any) -> int:
        if size.value > self.host.free_memory():
            return OUT_OF_MEMORY
        address._obj.value = self.host.allocate(size.value)
        return 0

    def cuMemFree_v2(self, address: Any) -> int:
        self.host.free(address.value)
        return 0

    def cuMemcpyHtoD_v2(self, address: Any, source: Any, size: Any) -> int:
        ctypes.memmove(address.value, source, size.value)
        return 0

    def cuMemcpyDtoH_v2(self, to: Any, address: Any, size: Any) -> int:
        ctypes.memmove(to, address.value, size.value)
        return 0

    def cuModuleLoadData(self, module: Any, code: bytes) -> int:
        self.modules.append(code)
        module._obj.value = len(self.modules)
        return 0

    def cuModuleGetFunction(self, function: Any, module: Any, name: bytes) -> int:
        assert name == b"train"
        function._obj.value = module.value
        return 0

    def cuFuncSetAttribute(self, function: Any, attribute: int, value: int) -> int:
        assert (attribute, value <= ATTRIBUTES[97]) == (8, True)
        return 0

    def cuLaunchKernel(self, function: Any, *launch: Any) -> int:
        *size, shared, stream, arguments, extra = launch
        assert self.native is not None
        assert (stream, extra) == (None, None)
        bytes_of_warp = ctypes.c_longlong.from_address(arguments[1]).value
        argument = ctypes.string_at(arguments[0], 104)
        self.launched.append((*size, shared))
        widths = [int(width) for width in self.modules[function.value - 1].decode().split(",")]
        self.native.launch_on_host(argument, widths, bytes_of_warp)
        return 0

    def cuCtxSynchronize(self) -> int:
        return 0
