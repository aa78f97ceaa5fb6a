"""A GPU of NVIDIA through the driver's own library, so that no toolkit and no PyTorch is needed.

The context is the primary one, which PyTorch uses, too: both see the same memory.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._advice import advise
from creche.engine.device_colony.compile import Compiler
from creche.engine.device_colony.device import LaunchSize
from creche.engine.device_colony.kernel_cache import compiled_kernel
from creche.engine.native import format_gigabytes
from creche.errors import PlanError

__all__ = ["CudaDevice", "CudaKernel"]

LANES = 32

# Numbers of cuda.h.
OUT_OF_MEMORY = 2
MAJOR, MINOR = 75, 76  # of the compute capability
BYTES_PER_BLOCK = 97  # of shared memory, where a kernel asks for it
DYNAMIC_BYTES = 8


class CudaDevice:
    """One GPU.

    Parameters
    ----------
    number : int
        As in ``cuda:1``, among those that ``CUDA_VISIBLE_DEVICES`` leaves.
    library : ctypes.CDLL, optional
        The driver's library.
    compiler : Compiler, optional

    Raises
    ------
    PlanError
        If there is no driver, or no such GPU.

    """

    def __init__(self, number: int = 0, library: Any = None, compiler: Compiler | None = None) -> None:
        self._library = library or _load_driver()
        self._given_compiler = compiler
        self._kernels: dict[tuple[tuple[int, ...], str], CudaKernel] = {}
        if result := self._library.cuInit(0):
            raise PlanError(
                f"device: no GPU can be used ({self._text(result)}); {_visible()}leave {advise('device')} out"
            )
        count = self._integer("cuDeviceGetCount")
        if not 0 <= number < count:
            raise PlanError(
                f"device: got 'cuda:{number}', but {count or 'no'} GPU{'' if count == 1 else 's'} "
                f"{'is' if count == 1 else 'are'} visible; {_visible()}{_numbers(count)}leave {advise('device')} out"
            )
        self._device = self._integer("cuDeviceGet", number)
        context = ctypes.c_void_p()
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), self._device)
        self._context = context
        name = ctypes.create_string_buffer(256)
        self._call("cuDeviceGetName", name, len(name), self._device)
        self.name = f"cuda:{number} ({name.value.decode()})"
        self.driver_version = self._integer("cuDriverGetVersion")

    @property
    def architecture(self) -> str:
        """What the GPU runs, such as ``sm_90``."""
        return f"sm_{self._attribute(MAJOR)}{self._attribute(MINOR)}"

    @property
    def compiler(self) -> Compiler:
        """What compiles its kernels."""
        return self._given_compiler or self._compiler

    @cached_property
    def _compiler(self) -> Compiler:
        return Compiler()

    @property
    def bytes_per_block(self) -> int:
        """The most shared memory that a block can have."""
        return self._attribute(BYTES_PER_BLOCK)

    def free_memory(self) -> int:
        """Return the bytes that can be allocated."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        self._call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value

    def allocate(self, size: int) -> int:
        """Return the address of new memory."""
        address = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size), needs=size)
        return address.value

    def free(self, address: int) -> None:
        """Give memory back."""
        self._call("cuMemFree_v2", ctypes.c_uint64(address))

    def upload(self, address: int, data: NDArray[np.uint8]) -> None:
        """Copy to the GPU."""
        self._call("cuMemcpyHtoD_v2", ctypes.c_uint64(address), _pointer(data), ctypes.c_size_t(data.nbytes))

    def download(self, address: int, to: NDArray[np.uint8]) -> None:
        """Copy from the GPU."""
        self._call("cuMemcpyDtoH_v2", _pointer(to), ctypes.c_uint64(address), ctypes.c_size_t(to.nbytes))

    def kernel(self, widths: Sequence[int], loss: str) -> CudaKernel:
        """Return the kernel of a shape and a loss, compiled if no cache has it."""
        key = (tuple(widths), loss)
        if key not in self._kernels:
            code = compiled_kernel(self.compiler, widths, loss, self.architecture)
            module, function = ctypes.c_void_p(), ctypes.c_void_p()
            self._call("cuModuleLoadData", ctypes.byref(module), code)
            self._call("cuModuleGetFunction", ctypes.byref(function), module, b"train")
            self._kernels[key] = CudaKernel(self, function)
        return self._kernels[key]

    def launch(self, function: ctypes.c_void_p, size: LaunchSize, argument: bytes) -> None:
        """Launch a kernel and wait for its end."""
        given = ctypes.create_string_buffer(argument, len(argument))
        bytes_of_warp = ctypes.c_longlong(size.bytes_of_warp)
        addresses = (ctypes.c_void_p * 2)(ctypes.addressof(given), ctypes.addressof(bytes_of_warp))
        self._call("cuFuncSetAttribute", function, DYNAMIC_BYTES, size.bytes_of_block)
        grid = (size.blocks, 1, 1, LANES * size.warps_per_block, 1, 1)
        self._call("cuLaunchKernel", function, *grid, size.bytes_of_block, None, addresses, None)
        self._call("cuCtxSynchronize")

    def _attribute(self, number: int) -> int:
        return self._integer("cuDeviceGetAttribute", number, self._device)

    def _integer(self, name: str, *arguments: Any) -> int:
        value = ctypes.c_int()
        self._call(name, ctypes.byref(value), *arguments)
        return value.value

    def _call(self, name: str, *arguments: Any, needs: int = 0) -> None:
        if hasattr(self, "_context"):  # of this thread
            self._library.cuCtxSetCurrent(self._context)
        result = getattr(self._library, name)(*arguments)
        if result == OUT_OF_MEMORY:
            raise PlanError(
                f"device: {format_gigabytes(needs)} more do not fit into the memory of {self.name}; train fewer "
                f"networks at once, end other programs on it, or leave {advise('device')} out"
            )
        if result:
            raise PlanError(
                f"device: {name} of the GPU's driver failed ({self._text(result)}); leave {advise('device')} out"
            )

    def _text(self, result: int) -> str:
        text = ctypes.c_char_p()
        self._library.cuGetErrorString(result, ctypes.byref(text))
        return text.value.decode() if text.value else f"error {result}"


class CudaKernel:
    """A compiled kernel on a GPU.

    Parameters
    ----------
    device : CudaDevice
    function : ctypes.c_void_p

    """

    def __init__(self, device: CudaDevice, function: ctypes.c_void_p) -> None:
        self._device, self._function = device, function

    def launch(self, size: LaunchSize, argument: bytes) -> None:
        """Train, and return when all networks have ended their epochs."""
        self._device.launch(self._function, size, argument)


def _load_driver() -> Any:
    try:
        return ctypes.CDLL("libcuda.so.1")
    except OSError:
        raise PlanError(
            "device: this machine has no driver for GPUs of NVIDIA (libcuda.so.1); install one, or leave "
            f"{advise('device')} out"
        ) from None


def _pointer(array: NDArray[np.uint8]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def _visible() -> str:
    """Say what hides GPUs, if that is so."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    return "" if chosen is None else f"CUDA_VISIBLE_DEVICES is {chosen!r}; "


def _numbers(count: int) -> str:
    choices = "cuda:0" if count == 1 else f"cuda:0 to cuda:{count - 1}"
    return f"choose {choices}, or " if count else ""
