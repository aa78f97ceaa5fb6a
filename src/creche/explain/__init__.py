"""How a network learns and what it uses, on the user's own data: ``creche.explain``.

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Module of this package -> the public names it holds.
_WHERE: dict[str, tuple[str, ...]] = {
    "comparison": ("Comparison", "compare"),
    "curve": ("LossAgainstWeight",),
    "landscape": ("loss_against_weight",),
    "surface": ("LossSurface", "loss_surface"),
    "doctor": ("diagnose",),
    "importance": ("permutation_importance",),
    "importances": ("PermutationImportance",),
    "attribution": ("integrated_gradients",),
    "attributions": ("IntegratedGradients",),
    "findings": ("Diagnosis", "Finding", "Trial"),
    "diverging": ("Divergence", "divergence"),
    "tracing.result": ("Trace",),
    "tracing.traced": ("trace",),
    "dependence": ("PartialDependence",),
    "depending": ("partial_dependence",),
    "neighbours": ("NearestRows", "nearest_rows"),
    "regions": ("DecisionRegions", "decision_regions"),
}

_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'creche.explain' has no attribute {name!r}")
    value = getattr(import_module(f"creche.explain.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
