"""The compiled engine: one module per instruction-set level, and the choice among them.

All levels compute the same bits; a better one is only faster. `CRECHE_ISA` (``x86-64-v3``, ``x86-64-v4``, ``neon``)
overrides the choice, for tests.
"""

from __future__ import annotations

import importlib
import os
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from creche._advice import advise
from creche.errors import PlanError

__all__ = ["levels", "load"]


@cache
def levels() -> tuple[str, ...]:
    """Return the instruction-set levels that this processor runs and this installation has, best first."""
    from creche._core import _detect

    return tuple(level for level in _detect.supported_levels() if find_spec(_module(level)) is not None)


def _module(level: str) -> str:
    return f"creche._core._{level.replace('-', '_')}"


def load(level: str | None = None) -> ModuleType:
    """Load the engine of one level (by default ``CRECHE_ISA``, or else the best that this processor runs).

    Raises
    ------
    PlanError
        If this processor or this installation does not have the level.
    ImportError
        If the processor runs none of the levels.

    """
    available = levels()
    if not available:
        raise ImportError(
            "this processor has neither AVX2 with FMA (x86-64-v3) nor 64-bit Arm instructions, and Creche's engine "
            "needs one of them; any x86-64 processor since about 2013, or any 64-bit Arm processor, will do"
        )
    where = "level" if level else "CRECHE_ISA"
    level = level or os.environ.get("CRECHE_ISA") or available[0]
    if level not in available:
        raise PlanError(f"{where}: got {level!r}; choose one that this machine runs: {', '.join(available)}")
    return _import(level)


@cache
def _import(level: str) -> ModuleType:
    return _with_precisions(importlib.import_module(_module(level)))


def _with_precisions(engine: ModuleType) -> ModuleType:
    """Make an engine that was built without float64 say so when float64 is asked for."""
    if not {"Solo64", "__getattr__"} & vars(engine).keys():

        def missing(name: str) -> Any:
            if name.removesuffix("64") + "32" not in vars(engine):
                raise AttributeError(f"module {engine.__name__!r} has no attribute {name!r}")
            raise PlanError(
                f"precision: needs the engine in float64 (asked for by {advise('precision', 'float64')}, or by an "
                "explanation that "
                "computes in it), but this build of Creche, as `make demo` makes it, has float32 only; build both "
                "with `pip install .` in the folder of Creche's sources"
            )

        engine.__getattr__ = missing  # type: ignore[method-assign]
    return engine
