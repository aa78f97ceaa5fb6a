"""How much a network uses each column."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.evaluation.metrics import is_lower_better, metric_name
from creche.explain.permutation_importance import PermutationImportance
from creche.plots.style import category_style, resolve_axes, shorten, tidy_axes

__all__ = ["permutation_importance"]

COLUMNS_SHOWN = 20


INCHES_A_COLUMN = 0.3


def permutation_importance(importance: PermutationImportance, *, axes: Any = None) -> Any:
    """The columns as bars, the most important above, with intervals of 95 %; of very many, the first twenty.

    Parameters
    ----------
    importance : PermutationImportance
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=5, threads=1).model
    >>> axes = permutation_importance(cr.explain.permutation_importance(model, "penguins", repeats=3))
    >>> axes.get_xlabel()
    'log loss becomes higher by'

    """
    count = min(len(importance), COLUMNS_SHOWN)
    axes = resolve_axes(axes, 5.6, 1.2 + INCHES_A_COLUMN * max(count, 4))
    values, places = importance.importance[:count], np.arange(count)[::-1]
    axes.barh(places, values, height=0.62, color=category_style(0)["color"], zorder=2)
    low, high = importance.low[:count], importance.high[:count]
    if not np.isnan(low).all():
        axes.hlines(places, low, high, color=_ink(), linewidth=1.4, zorder=3, label="95 % of resamples of the rows")
        for ends in (low, high):
            axes.plot(ends, places, "|", color=_ink(), markersize=6, zorder=3)
        axes.legend(frameon=False, fontsize="small", loc="lower right")
    axes.axvline(0, color="grey", linewidth=0.8, zorder=1)
    axes.set_yticks(places, [shorten(name) for name in importance.columns[:count]])
    axes.set_ylim(-0.7, count - 0.3)
    way = "higher" if is_lower_better(importance.metric) else "lower"
    axes.set_xlabel(f"{metric_name(importance.metric)} becomes {way} by")
    if count < len(importance):
        axes.set_title(f"the {count} of {len(importance)} columns that matter most", fontsize="medium")
    tidy_axes(axes)
    axes.grid(visible=False, axis="y")
    return axes


def _ink() -> Any:
    from matplotlib import rcParams

    return rcParams["text.color"]
