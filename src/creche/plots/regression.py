"""Predicted numbers beside the true ones, and what is left between them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche.errors import PlanError, nearest
from creche.plots.evaluated import EvaluatedRows, evaluate_numbers
from creche.plots.style import (
    POSITIVE,
    VALIDATION,
    adjust_to_background,
    resolve_axes,
    sequential_colormap,
    shorten,
    tidy_axes,
)

__all__ = ["predicted_against_true", "residuals"]

POINTS_SHOWN = 3000  # more are counted in hexagons


NAMED = 3


def predicted_against_true(
    evaluation: Any, data: Any = None, y: Any = None, *, label: str | None = None, axes: Any = None
) -> Any:
    """A point for each row, at what is true and what was predicted; on the diagonal, both are the same.

    The rows furthest off are named. More than 3,000 rows are counted in hexagons.

    Parameters
    ----------
    evaluation : RegressionEvaluation or Model
    data, y : optional
        With a model, rows whose label is known, as for `Model.evaluate`.
    label : str, optional
        Which of several labels; by default the first.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If it is no evaluation of numbers, or there is no such label.
    TableError
        If the rows cannot be judged.

    Examples
    --------
    >>> import creche as cr
    >>> penguins = cr.datasets.penguins().drop_nulls()
    >>> model = cr.train(penguins, label="body_mass_g", epochs=5, threads=1).model
    >>> predicted_against_true(model, penguins).get_xlabel()
    'body_mass_g: true'

    """
    judged = evaluate_numbers(evaluation, data, y)
    name, truth, said = _pairs(judged, label)
    axes = resolve_axes(axes, 4.6, 4.4)
    _points(axes, truth, said)
    ends = [min(truth.min(), said.min()), max(truth.max(), said.max())]
    axes.plot(ends, ends, **{**adjust_to_background(VALIDATION), "linewidth": 1.2}, label="predicted = true")
    _name_worst(axes, judged, truth, said, truth, said)
    of_label = judged.evaluation.per_label[name]
    axes.set(xlabel=f"{shorten(name)}: true", ylabel=f"{shorten(name)}: predicted")
    r2 = f"R² {of_label['r2']:.3f}, " if np.isfinite(of_label["r2"]) else ""
    axes.set_title(f"{r2}root mean squared error {of_label['rmse']:.4g}", fontsize="medium")
    tidy_axes(axes)
    axes.legend(frameon=False, loc="upper left")
    return axes


def residuals(evaluation: Any, data: Any = None, y: Any = None, *, label: str | None = None, axes: Any = None) -> Any:
    """True less predicted, by what was predicted: points without any pattern are what is hoped for.

    The band is one root mean squared error to both sides. The rows furthest off are named.

    Parameters
    ----------
    evaluation : RegressionEvaluation or Model
    data, y : optional
        With a model, rows whose label is known, as for `Model.evaluate`.
    label : str, optional
        Which of several labels; by default the first.
    axes : matplotlib Axes, optional
        Where to draw; by default a new figure.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    PlanError
        If it is no evaluation of numbers, or there is no such label.
    TableError
        If the rows cannot be judged.

    Examples
    --------
    >>> import creche as cr
    >>> penguins = cr.datasets.penguins().drop_nulls()
    >>> model = cr.train(penguins, label="body_mass_g", epochs=5, threads=1).model
    >>> residuals(model, penguins).get_ylabel()
    'body_mass_g: true − predicted'

    """
    judged = evaluate_numbers(evaluation, data, y)
    name, truth, said = _pairs(judged, label)
    axes = resolve_axes(axes, 5.0, 4.0)
    left = truth - said
    _points(axes, said, left)
    line, rmse = adjust_to_background(VALIDATION), judged.evaluation.per_label[name]["rmse"]
    axes.axhline(0, color=line["color"], linewidth=1.2)
    if np.isfinite(rmse):
        axes.axhspan(-rmse, rmse, facecolor=line["color"], alpha=0.15)
        axes.set_title(f"band: ± root mean squared error ({rmse:.4g})", fontsize="medium")
    _name_worst(axes, judged, truth, said, said, left)
    axes.set(xlabel=f"{shorten(name)}: predicted", ylabel=f"{shorten(name)}: true − predicted")
    tidy_axes(axes)
    return axes


def _pairs(judged: EvaluatedRows, label: str | None) -> tuple[str, NDArray[np.float64], NDArray[np.float64]]:
    """The label, and what is true and predicted of it."""
    labels = judged.evaluation.labels
    name = labels[0] if label is None else label
    if name not in labels:
        raise PlanError(f"label: got {label!r}; {nearest(label, labels)}")
    truth, said = judged.evaluation.pairs(name)
    return name, truth, said


def _points(axes: Any, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    if len(x) > POINTS_SHOWN:
        hexagons = axes.hexbin(x, y, gridsize=40, bins="log", mincnt=1, cmap=sequential_colormap())
        axes.figure.colorbar(hexagons, ax=axes, label="rows")
        return
    alpha = float(np.clip(100 / max(len(x), 1), 0.35, 0.8))
    axes.plot(x, y, "o", color=adjust_to_background(POSITIVE)["color"], alpha=alpha, markersize=4.5, markeredgewidth=0)


def _name_worst(
    axes: Any, judged: EvaluatedRows, truth: NDArray[Any], said: NDArray[Any], x: NDArray[Any], y: NDArray[Any]
) -> None:
    """The rows furthest off, by what the user calls them; their names stay within the picture."""
    middle, highest = (x.min() + x.max()) / 2, y.min() + 0.9 * np.ptp(y)
    for place in np.argsort(-np.abs(truth - said), kind="stable")[:NAMED].tolist():
        if truth[place] != said[place]:
            axes.annotate(
                f"row {judged.row_numbers[place]:,}", (x[place], y[place]), textcoords="offset points", fontsize="small",
                xytext=(5 if x[place] < middle else -5, -4 if y[place] > highest else 4),
                ha="left" if x[place] < middle else "right", va="top" if y[place] > highest else "bottom",
            )  # fmt: skip
