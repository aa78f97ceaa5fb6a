"""What the modules of one instruction-set level share with each other, and keep from those of others."""

from __future__ import annotations

import ctypes
from types import ModuleType


def domains() -> list[str]:
    """The domains of nanobind in this process: each has its own translation of exceptions and its own types."""
    current, of_interpreter = ctypes.pythonapi.PyInterpreterState_Get, ctypes.pythonapi.PyInterpreterState_GetDict
    current.restype = of_interpreter.restype = ctypes.c_void_p
    of_interpreter.argtypes = [ctypes.c_void_p]
    # It lends its reference; as the type of a result, py_object would take it.
    found: dict[str, object] = ctypes.cast(of_interpreter(current()), ctypes.py_object).value
    return [key for key in found if key.startswith("__nb_internals_")]


def test_a_level_and_its_kernels_are_a_domain_of_their_own(level: str, engine: ModuleType, native: ModuleType) -> None:
    assert {engine.__name__, native.__name__} == {
        f"creche._core.{start}_{level.replace('-', '_')}" for start in ("", "_testing")
    }
    assert sum(key.endswith(f"_{level.replace('-', '_')}__") for key in domains()) == 1
    assert sum(key.endswith("_detect__") for key in domains()) == 1
