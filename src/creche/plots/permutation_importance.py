"""A plot of how much a model's predictions depend on each column."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.evaluation.metrics import is_lower_better, metric_name
from creche.explain.permutation_importance import PermutationImportance
from creche.plots.style import category_style, draws, resolve_axes, shorten, text_color, tidy_axes

__all__ = ["permutation_importance"]

COLUMNS_SHOWN = 20
INCHES_PER_COLUMN = 0.3


@draws
def permutation_importance(importance: PermutationImportance, *, axes: Any = None) -> Any:
    """Draw the importance of the columns as bars, the most important at the top, with 95 % intervals.

    At most 20 columns are drawn.

    Parameters
    ----------
    importance : PermutationImportance

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", hidden=[5], epochs=5, threads=1).model
    >>> axes = permutation_importance(cr.explain.permutation_importance(model, "penguins", repeats=3))
    >>> axes.get_xlabel()
    'increase of log loss when the column is shuffled'

    """
    count = min(len(importance), COLUMNS_SHOWN)
    axes = resolve_axes(axes, 5.6, 1.2 + INCHES_PER_COLUMN * max(count, 4))
    values, places = importance.importance[:count], np.arange(count)[::-1]
    axes.barh(places, values, height=0.62, color=category_style(0)["color"], zorder=2)
    low, high = importance.low[:count], importance.high[:count]
    if not np.isnan(low).all():
        ink = text_color()
        axes.hlines(places, low, high, color=ink, linewidth=1.4, zorder=3, label="95 % CI (bootstrap)")
        for ends in (low, high):
            axes.plot(ends, places, "|", color=ink, markersize=6, zorder=3)
        axes.legend(frameon=False, fontsize="small", loc="lower right")
    axes.axvline(0, color="grey", linewidth=0.8, zorder=1)
    axes.set_yticks(places, [shorten(name) for name in importance.columns[:count]])
    axes.set_ylim(-0.7, count - 0.3)
    change = "increase" if is_lower_better(importance.metric) else "decrease"
    axes.set_xlabel(f"{change} of {metric_name(importance.metric)} when the column is shuffled")
    if count < len(importance):
        axes.set_title(f"the {count} most important of {len(importance)} columns", fontsize="medium")
    tidy_axes(axes)
    axes.grid(visible=False, axis="y")
    return axes
