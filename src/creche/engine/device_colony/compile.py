"""Compiling the kernels of core/device with NVRTC, the run-time compiler of CUDA, which needs no GPU and no toolkit."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from creche import _core
from creche._advice import advise
from creche.errors import PlanError

__all__ = ["Compiled", "Compiler", "source_digest", "source_folder"]

# Each is core/device/std.hpp.
STANDARD_HEADERS = (
    "algorithm", "array", "cmath", "cstddef", "cstdint", "cstring", "limits", "stdexcept", "type_traits", "utility",
)  # fmt: skip

# Nothing is contracted or reassociated, subnormal numbers stay, and divisions and roots are rounded correctly.
OPTIONS = (
    "-std=c++20", "--fmad=false", "--ftz=false", "--prec-div=true", "--prec-sqrt=true", "-default-device",
    "-DCRECHE_LEVEL=gpu", "--diag-suppress=161,1097",  # pragmas and attributes of other compilers
)  # fmt: skip


@cache
def source_folder() -> Path:
    """Return the folder of the engine's headers: of the installed package, or of the sources.

    Raises
    ------
    PlanError
        If this installation has none.

    """
    installed = Path(_core.__file__).parent / "headers"
    for folder in (installed, Path(__file__).resolve().parents[4] / "core"):
        if (folder / "device" / "kernel.cu").exists():
            return folder
    raise PlanError("device: this installation lacks the sources of the GPU's kernels; install Creche anew")


@cache
def source_digest() -> str:
    """Return the digest of all that a kernel may include."""
    folder = source_folder()
    digest = sha256()
    for path in sorted(path for pattern in ("*.hpp", "*.cu") for path in folder.rglob(pattern)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


class Compiled(NamedTuple):
    """A compiled kernel: the code of a GPU, the PTX that it was assembled from, and the messages of the compiler."""

    code: bytes
    ptx: str
    log: str


class Compiler:
    """NVRTC.

    Parameters
    ----------
    library : ctypes.CDLL, optional
        By default the one of the nvidia-cuda-nvrtc package, which a PyTorch with CUDA brings, or of the system.

    Raises
    ------
    PlanError
        If there is none.

    """

    def __init__(self, library: Any = None) -> None:
        self._library = library or find_library()
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._check(self._library.nvrtcVersion(ctypes.byref(major), ctypes.byref(minor)), "asking for its version")
        self.version = f"{major.value}.{minor.value}"

    def compile(self, widths: Sequence[int], loss: str, architecture: str, *more: str) -> Compiled:
        """Compile the kernel of a shape and a loss.

        Parameters
        ----------
        widths : sequence of int
            The inputs, then the neurons of each layer.
        loss : str
            The engine's word for its kind.
        architecture : str
            That of the GPU, such as ``sm_90``.
        *more : str
            Further options.

        Raises
        ------
        PlanError
            If NVRTC does not know the architecture.

        """
        library, program = self._library, ctypes.c_void_p()
        options = [option.encode() for option in (*self.options(widths, loss, architecture), *more)]
        options.append(b"-I" + bytes(source_folder()))
        names = [name.encode() for name in STANDARD_HEADERS]
        contents = [b'#include "device/std.hpp"\n'] * len(names)
        text = (source_folder() / "device" / "kernel.cu").read_bytes()
        self._check(
            library.nvrtcCreateProgram(
                ctypes.byref(program), text, b"kernel.cu", len(names), _strings(contents), _strings(names)
            ),
            "reading a kernel",
        )
        try:
            failed = library.nvrtcCompileProgram(program, len(options), _strings(options))
            log = self._text(program, "ProgramLog")
            if failed:
                raise PlanError(
                    f"device: NVRTC {self.version} cannot compile a kernel for {architecture}; install a newer "
                    f"nvidia-cuda-nvrtc, or leave {advise('device')} out\n{log}"
                )
            return Compiled(self._read(program, "CUBIN"), self._text(program, "PTX"), log)
        finally:
            library.nvrtcDestroyProgram(ctypes.byref(program))

    @staticmethod
    def options(widths: Sequence[int], loss: str, architecture: str) -> list[str]:
        """Return the options of a kernel, all but the folder of the headers."""
        name = "".join(map(str.capitalize, loss.split("_")))
        shape = ",".join(map(str, widths))
        return [*OPTIONS, f"-DCRECHE_SHAPE={shape}", f"-DCRECHE_LOSS={name}", f"--gpu-architecture={architecture}"]

    def _text(self, program: ctypes.c_void_p, what: str) -> str:
        return self._read(program, what).rstrip(b"\0").decode()

    def _read(self, program: ctypes.c_void_p, what: str) -> bytes:
        size = ctypes.c_size_t()
        self._check(getattr(self._library, f"nvrtcGet{what}Size")(program, ctypes.byref(size)), f"reading {what}")
        content = ctypes.create_string_buffer(size.value)
        self._check(getattr(self._library, f"nvrtcGet{what}")(program, content), f"reading {what}")
        return content.raw

    def _check(self, result: int, doing: str) -> None:
        if result:
            raise PlanError(f"device: NVRTC failed at {doing} (error {result}); reinstall nvidia-cuda-nvrtc")


def _strings(texts: Sequence[bytes]) -> Any:
    return (ctypes.c_char_p * len(texts))(*texts)


def find_library() -> Any:
    """Load NVRTC.

    Raises
    ------
    PlanError
        If it is not installed.

    """
    for name in _candidates():
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    raise PlanError(
        "device: training many networks on a GPU needs NVRTC, CUDA's run-time compiler; install it by `pip install "
        f"nvidia-cuda-nvrtc`, or leave {advise('device')} out"
    )


def _candidates() -> Iterator[str]:
    """Yield the files of the packages, the newest first, then the name for the system's loader."""
    spec = find_spec("nvidia")
    folders = spec.submodule_search_locations if spec else None
    found = [path for folder in folders or () for path in Path(folder).glob("*/lib/libnvrtc.so.*")]
    yield from map(str, sorted(found, key=lambda path: path.name, reverse=True))
    yield "libnvrtc.dylib" if sys.platform == "darwin" else "libnvrtc.so"
    yield from ("libnvrtc.so.13", "libnvrtc.so.12")
