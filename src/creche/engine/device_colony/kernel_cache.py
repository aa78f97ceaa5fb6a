"""Compiled kernels, kept in the user's cache folder: compiling one takes seconds."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from creche._system.atomic_files import open_replacement
from creche.engine.device_colony.compile import Compiler, source_digest

__all__ = ["cache_folder", "compiled_kernel"]


def cache_folder() -> Path:
    """Return where compiled kernels are kept: below ``XDG_CACHE_HOME``, or ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "creche" / "kernels"


def compiled_kernel(compiler: Compiler, widths: Sequence[int], loss: str, architecture: str) -> bytes:
    """Return the code of a kernel for an architecture, from the cache or newly compiled.

    A file is named after the digest of all that its content depends on, so that none is ever out of date. Where the
    folder cannot be read or written, the kernel is compiled each time.

    Raises
    ------
    PlanError
        If it cannot be compiled.

    """
    depends_on = [source_digest(), compiler.version, *compiler.options(widths, loss, architecture)]
    path = cache_folder() / f"{sha256(chr(0).join(depends_on).encode()).hexdigest()}.cubin"
    with suppress(OSError):
        return path.read_bytes()
    code = compiler.compile(widths, loss, architecture).code
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open_replacement(path) as file:
            file.write(code)
    return code
