"""The reliability diagram: whether what is said with 80 % is right in 80 % of the rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.errors import PlanError
from creche.evaluation.curves import wilson_interval
from creche.evaluation.measures import BINS
from creche.planning import whole
from creche.plots.judged import judged_classes
from creche.plots.style import POSITIVE, VALIDATION, axes_for, on_background, tidy

__all__ = ["reliability_diagram"]

COUNTS_HEIGHT, GAP = 0.2, 0.06  # of the counts' bars, below the zero line


def reliability_diagram(evaluation: Any, data: Any = None, y: Any = None, *, bins: int = BINS, axes: Any = None) -> Any:
    """Rows in bins by how sure the network is: the share that is right, beside the mean probability it gave.

    On the diagonal, probabilities can be taken at their word; below it, the network is too sure of itself. The bars are
    intervals of 95 % (Wilson 1927), the columns below count the rows of each bin. The calibration error is
    `ClassEvaluation.calibration_error`, which has 15 bins (Naeini, Cooper & Hauskrecht 2015).

    Parameters
    ----------
    evaluation : ClassEvaluation or Model
    data, y : optional
        With a model, rows whose label is known, as for `Model.evaluate`.
    bins : int, default 15
        Of equal width; empty ones are left out.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If it is no evaluation of classes, or there is no bin.
    TableError
        If the rows cannot be judged.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", epochs=5, threads=1).model
    >>> reliability_diagram(model, "penguins").get_xlabel()
    'probability of the class that was said'

    """
    judged = judged_classes(evaluation, data, y)
    bins = whole("bins", bins, at_least=1)
    if bins > 1000:
        raise PlanError(f"bins: got {bins:,}; needs at most 1000")
    axes = axes_for(axes, 5.0, 4.4)
    curve = judged.evaluation.reliability(bins)
    line, chance = on_background(POSITIVE), on_background(VALIDATION)
    start = np.floor(bins / len(judged.evaluation.classes)) / bins  # nothing likeliest is less likely
    axes.plot([start, 1], [start, 1], **{**chance, "linewidth": 1.2}, label="as often right as it says")
    low, high = wilson_interval(curve.y, curve.at)
    axes.errorbar(
        curve.x, curve.y, yerr=[curve.y - low, high - curve.y], fmt="o-", color=line["color"], markersize=5,
        linewidth=1.5, elinewidth=1, capsize=2, label="the network",
    )  # fmt: skip
    _counts(axes, curve, bins)
    axes.set_xlim(start - 0.02, 1.02)
    axes.set_ylim(-COUNTS_HEIGHT - 2 * GAP, 1.04)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_xlabel("probability of the class that was said")
    axes.set_ylabel("share of rows where it is right")
    axes.set_title(f"calibration error {judged.evaluation.calibration_error:.3f}", fontsize="medium")
    tidy(axes)
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 0.25), fontsize="small", framealpha=0.75, edgecolor="none", borderpad=0.2
    )
    return axes


def _counts(axes: Any, curve: Any, bins: int) -> None:
    """Below the zero line, a column for each bin, as high as there are rows in it, with their number."""
    place = np.minimum(np.floor(curve.x * bins + 1e-9), bins - 1)
    height = COUNTS_HEIGHT * curve.at / curve.at.max()
    bottom = -COUNTS_HEIGHT - 2 * GAP
    axes.bar(
        place / bins, height, width=1 / bins, bottom=bottom, align="edge", facecolor="none", hatch="////",
        linewidth=0.8, edgecolor=on_background(POSITIVE)["color"], alpha=0.6, label="_counts",
    )  # fmt: skip
    axes.axhline(0, color="grey", linewidth=0.6)
    if len(curve.x) <= 20:
        for left, top, count in zip(place / bins, height, curve.at, strict=True):
            axes.text(left + 0.5 / bins, bottom + top + 0.01, f"{count:,.4g}", ha="center", fontsize="x-small")
