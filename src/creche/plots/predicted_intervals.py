"""The plot of predicted quantiles: the interval of each row, with its true value."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche._advice import advise
from creche.errors import PlanError, nearest
from creche.plots.evaluated import draws_regression, resolve_regression
from creche.plots.style import NEGATIVE, POSITIVE, VALIDATION, adjust_to_background, resolve_axes, shorten, tidy_axes

__all__ = ["predicted_intervals"]


@draws_regression
def predicted_intervals(
    evaluation: Any, data: Any = None, y: Any = None, *, label: str | None = None, axes: Any = None
) -> Any:
    """Draw the interval from the lowest to the highest predicted quantile of each row, and its true value.

    The rows are in the order of the quantile nearest to the median, which is a line. True values outside their interval
    are crosses.

    Parameters
    ----------
    label : str, optional
        Which label, if there are several; by default the first.

    Examples
    --------
    >>> import creche as cr
    >>> penguins = cr.datasets.penguins().drop_nulls()
    >>> model = cr.train(penguins, label="body_mass_g", quantiles=[0.05, 0.5, 0.95], epochs=5, threads=1).model
    >>> predicted_intervals(model, penguins).get_ylabel()
    'body_mass_g'

    """
    evaluated = resolve_regression(evaluation, data, y)
    found = evaluated.evaluation
    quantiles = found.quantiles
    if len(quantiles) < 2:
        raise PlanError(f"evaluation: is not of several quantiles; train with {advise('quantiles', [0.05, 0.5, 0.95])}")
    names = found.label_names
    if label is not None and label not in names:
        raise PlanError(f"label: got {label!r}; {nearest(label, names)}", argument="label")
    first = 0 if label is None else names.index(label) * len(quantiles)
    columns = [found.pairs(name) for name in found.labels[first : first + len(quantiles)]]
    true, predicted = columns[0][0], np.column_stack([each for _, each in columns])
    middle = int(np.argmin(np.abs(np.array(quantiles) - 0.5)))
    order = np.argsort(predicted[:, middle], kind="stable")
    predicted, true, place = predicted[order], true[order], np.arange(len(order))
    axes = resolve_axes(axes, 6.0, 4.0)
    line = adjust_to_background(VALIDATION)
    axes.fill_between(
        place, predicted[:, 0], predicted[:, -1], step="mid", facecolor=line["color"], alpha=0.2, linewidth=0,
        label=f"quantiles {quantiles[0]:g} to {quantiles[-1]:g}",
    )  # fmt: skip
    axes.plot(place, predicted[:, middle], color=line["color"], linewidth=1.2, label=f"quantile {quantiles[middle]:g}")
    inside = (predicted[:, 0] <= true) & (true <= predicted[:, -1])
    for rows, marker, style, name in ((inside, "o", POSITIVE, "true"), (~inside, "x", NEGATIVE, "true, outside")):
        axes.plot(
            place[rows], true[rows], marker, color=adjust_to_background(style)["color"], markersize=3.5, label=name
        )
    axes.set(
        xlabel="rows, in the order of their predictions",
        ylabel=shorten(names[first // len(quantiles)]),
    )
    axes.set_title(f"{inside.mean():.1%} within the interval; {found.interval:.0%} should be", fontsize="medium")
    tidy_axes(axes)
    axes.legend(frameon=False, loc="upper left", fontsize="small")
    return axes
