"""Pictures, one function each: ``creche.plots``. They need matplotlib (``pip install 'creche[plots]'``).

Each draws into the `axes` given, or into a new figure, and returns the Axes: several go side by side, and whatever
matplotlib can do to a picture can be done to it. Colours are told apart by everyone, lines also by their dashes, and
all of it can be read on a dark background (``matplotlib.style.use("dark_background")``).

Names are imported when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

# Module of this package -> the public names it holds.
_WHERE: dict[str, tuple[str, ...]] = {
    "attributions": ("integrated_gradients",),
    "compared": ("compared_losses", "compared_paths", "comparison"),
    "confusion": ("confusion_matrix",),
    "dependences": ("partial_dependence",),
    "history": ("loss_curves", "metric_curves"),
    "importances": ("permutation_importance",),
    "landscape": ("loss_against_weight", "loss_surface"),
    "learning_rates": ("learning_rate_bands", "learning_rate_curves"),
    "network_diagram": ("network",),
    "numbers": ("predicted_against_true", "residuals"),
    "precision": ("precision_recall",),
    "recorded": ("recorded_numbers", "recorded_weights"),
    "regions": ("decision_regions",),
    "reliability": ("reliability_diagram",),
    "roc": ("roc_curves",),
    "saving": ("save_all",),
    "weights": ("weight_histograms", "weights_over_epochs"),
}

_MODULE_OF = {name: module for module, names in _WHERE.items() for name in names}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'creche.plots' has no attribute {name!r}")
    value = getattr(import_module(f"creche.plots.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
