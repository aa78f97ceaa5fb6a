"""Compiling kernels: what depends on what, and messages, with a library in place of NVRTC."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from creche.engine.device_colony import compile as compiling
from creche.engine.device_colony.compile import Compiler, source_digest, source_folder
from creche.errors import PlanError


class FakeNvrtc:
    """Refuses one architecture; otherwise the code is the options."""

    def nvrtcVersion(self, major: Any, minor: Any) -> int:
        major._obj.value, minor._obj.value = 13, 5
        return 0

    def nvrtcCreateProgram(self, program: Any, text: bytes, name: bytes, count: int, contents: Any, names: Any) -> int:
        assert b"train" in text
        assert set(names[:count]) >= {b"cmath", b"utility"}
        return 0

    def nvrtcCompileProgram(self, program: Any, count: int, options: Any) -> int:
        self.options = [option.decode() for option in options[:count]]
        return 6 if "--gpu-architecture=sm_999" in self.options else 0

    def nvrtcDestroyProgram(self, program: Any) -> int:
        return 0

    def __getattr__(self, name: str) -> Any:
        """The functions that read a text or its size."""
        assert name.startswith("nvrtcGet"), name

        def read(program: Any, to: Any) -> int:
            if name.endswith("Size"):
                to._obj.value = 1000
            else:
                to.value = b"invalid value for --gpu-architecture"
            return 0

        return read


def test_options_say_the_shape_the_loss_and_how_to_round() -> None:
    library = FakeNvrtc()
    Compiler(library).compile([4, 10, 3], "squared_error_of_classes", "sm_90")
    wanted = {"-DCRECHE_SHAPE=4,10,3", "-DCRECHE_LOSS=SquaredErrorOfClasses", "--fmad=false", "--ftz=false"}
    assert wanted <= set(library.options)
    assert f"-I{source_folder()}" in library.options


def test_an_architecture_that_nvrtc_does_not_know() -> None:
    with pytest.raises(PlanError, match=r"^device: NVRTC 13\.5 cannot compile a kernel for sm_999; install a newer"):
        Compiler(FakeNvrtc()).compile([4, 3], "huber", "sm_999")


def test_nvrtc_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(compiling.ctypes, "CDLL", missing)
    with pytest.raises(PlanError, match="needs NVRTC, CUDA's run-time compiler; install it by `pip install"):
        Compiler()


def test_the_digest_depends_on_every_header(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = source_digest()
    copied = tmp_path / "core"
    shutil.copytree(source_folder(), copied)
    monkeypatch.setattr(compiling, "source_folder", lambda: copied)
    source_digest.cache_clear()
    try:
        assert source_digest() == before
        header = copied / "simd" / "exp.hpp"
        header.write_text(header.read_text() + "// another comment\n")
        source_digest.cache_clear()
        assert source_digest() != before
    finally:
        source_digest.cache_clear()
