"""The confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.plots.judged import judged_classes
from creche.plots.style import axes_for, ink_on, shades, short

__all__ = ["confusion_matrix"]

CELLS_WITH_NUMBERS = 12  # along a side
CLASSES_NAMED = 40


def confusion_matrix(evaluation: Any, data: Any = None, y: Any = None, *, axes: Any = None) -> Any:
    """How many rows of each class were said to be what: counts, and shares of the row, which the shade shows.

    Parameters
    ----------
    evaluation : ClassEvaluation or Model
    data, y : optional
        With a model, rows whose label is known, as for `Model.evaluate`.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If it is no evaluation of classes.
    TableError
        If the rows cannot be judged.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", epochs=5, threads=1).model
    >>> axes = confusion_matrix(model, "penguins")
    >>> [label.get_text() for label in axes.get_xticklabels()]
    ['Adelie', 'Chinstrap', 'Gentoo']

    """
    judged = judged_classes(evaluation, data, y)
    counts, names = judged.evaluation.confusion, [short(name) for name in judged.evaluation.classes]
    n = len(names)
    side = min(2.2 + 0.75 * n, 9.0)
    axes = axes_for(axes, side + 0.6, side)
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
    image = axes.imshow(shares, cmap=shades(), vmin=0, vmax=1)
    axes.grid(False)
    if n <= CELLS_WITH_NUMBERS:
        _write(axes, image, counts, shares)
    else:
        axes.figure.colorbar(image, ax=axes, label="share of the class", shrink=0.8)
    if n <= CLASSES_NAMED:
        crowded = n > CELLS_WITH_NUMBERS or sum(map(len, names)) > 9 * n
        axes.set_xticks(range(n), names, rotation=45 if crowded else 0, ha="right" if crowded else "center")
        axes.set_yticks(range(n), names)
        if n > CELLS_WITH_NUMBERS:
            axes.tick_params(labelsize="x-small")
    about = f" ({short(judged.label)})" if judged.label else ""
    axes.set_xlabel(f"said{about}")
    axes.set_ylabel(f"is{about}")
    axes.set_title(f"{judged.evaluation.rows:,} rows, {judged.evaluation.accuracy:.1%} right", fontsize="medium")
    return axes


def _write(axes: Any, image: Any, counts: Any, shares: Any) -> None:
    """Count and share of each cell, in whichever of black and white can be read there."""
    size = "medium" if len(counts) <= 6 else "x-small"
    for (row, column), count in np.ndenumerate(counts):
        share = f"\n{shares[row, column]:.1%}" if counts[row].any() else ""
        ink = ink_on(image.cmap(image.norm(shares[row, column])))
        weight = "bold" if row == column else "normal"
        axes.text(
            column, row, f"{count:,}{share}", ha="center", va="center", color=ink, fontsize=size, fontweight=weight
        )
