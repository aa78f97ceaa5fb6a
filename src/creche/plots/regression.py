"""Plots of a regression's evaluation: predicted against true values, and residuals."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._phrases import write_number
from creche.errors import PlanError, nearest
from creche.plots.evaluated import EvaluatedRows, draws_regression, resolve_regression
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

POINTS_SHOWN = 3000  # more rows are counted in hexagons
ROWS_NAMED = 3


@draws_regression
def predicted_against_true(
    evaluation: Any, data: Any = None, y: Any = None, *, label: str | None = None, axes: Any = None
) -> Any:
    """Draw a point for each row, its predicted value against its true value; on the diagonal, both are the same.

    The rows with the largest errors are named. More than 3,000 rows are counted in hexagons.

    Parameters
    ----------
    label : str, optional
        Which label, if there are several; by default the first.

    Examples
    --------
    >>> import creche as cr
    >>> penguins = cr.datasets.penguins().drop_nulls()
    >>> model = cr.train(penguins, label="body_mass_g", epochs=5, threads=1).model
    >>> predicted_against_true(model, penguins).get_xlabel()
    'true body_mass_g'

    """
    evaluated = resolve_regression(evaluation, data, y)
    name, true, predicted = _read_pairs(evaluated, label)
    axes = resolve_axes(axes, 4.6, 4.4)
    _draw_points(axes, true, predicted)
    ends = [min(true.min(), predicted.min()), max(true.max(), predicted.max())]
    axes.plot(ends, ends, **{**adjust_to_background(VALIDATION), "linewidth": 1.2}, label="predicted = true")
    _name_largest_errors(axes, evaluated, true, predicted, true, predicted)
    metrics = evaluated.evaluation.per_label[name]
    axes.set(xlabel=f"true {shorten(name)}", ylabel=f"predicted {shorten(name)}")
    r2 = f"R² {metrics['r2']:.3f}, " if np.isfinite(metrics.get("r2", np.nan)) else ""
    if "rmse" in metrics:
        axes.set_title(f"{r2}root mean squared error {write_number(metrics['rmse'], 4)}", fontsize="medium")
    else:
        axes.set_title(
            f"{metrics['coverage']:.1%} of the true values are at or below the prediction", fontsize="medium"
        )
    tidy_axes(axes)
    axes.legend(frameon=False, loc="upper left")
    return axes


@draws_regression
def residuals(evaluation: Any, data: Any = None, y: Any = None, *, label: str | None = None, axes: Any = None) -> Any:
    """Draw the errors, predicted minus true, against the predicted values; they should show no pattern.

    The band is one root mean squared error to both sides of zero. The rows with the largest errors are named.

    Parameters
    ----------
    label : str, optional
        Which label, if there are several; by default the first.

    Examples
    --------
    >>> import creche as cr
    >>> penguins = cr.datasets.penguins().drop_nulls()
    >>> model = cr.train(penguins, label="body_mass_g", epochs=5, threads=1).model
    >>> residuals(model, penguins).get_ylabel()
    'error: predicted − true body_mass_g'

    """
    evaluated = resolve_regression(evaluation, data, y)
    name, true, predicted = _read_pairs(evaluated, label)
    axes = resolve_axes(axes, 5.0, 4.0)
    differences = predicted - true
    _draw_points(axes, predicted, differences)
    line, rmse = adjust_to_background(VALIDATION), evaluated.evaluation.per_label[name].get("rmse", np.nan)
    axes.axhline(0, color=line["color"], linewidth=1.2)
    if np.isfinite(rmse):
        axes.axhspan(-rmse, rmse, facecolor=line["color"], alpha=0.15)
        axes.set_title(f"band: ± root mean squared error ({write_number(rmse, 4)})", fontsize="medium")
    _name_largest_errors(axes, evaluated, true, predicted, predicted, differences)
    axes.set(xlabel=f"predicted {shorten(name)}", ylabel=f"error: predicted − true {shorten(name)}")
    tidy_axes(axes)
    return axes


def _read_pairs(evaluated: EvaluatedRows, label: str | None) -> tuple[str, NDArray[np.float64], NDArray[np.float64]]:
    """Return the label's name, its true values and its predicted values."""
    labels = evaluated.evaluation.labels
    name = labels[0] if label is None else label
    if name not in labels:
        raise PlanError(f"label: got {label!r}; {nearest(label, labels)}")
    true, predicted = evaluated.evaluation.pairs(name)
    return name, true, predicted


def _draw_points(axes: Any, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    if len(x) > POINTS_SHOWN:
        hexagons = axes.hexbin(x, y, gridsize=40, bins="log", mincnt=1, cmap=sequential_colormap())
        axes.figure.colorbar(hexagons, ax=axes, label="rows")
        return
    alpha = float(np.clip(100 / max(len(x), 1), 0.35, 0.8))
    axes.plot(x, y, "o", color=adjust_to_background(POSITIVE)["color"], alpha=alpha, markersize=4.5, markeredgewidth=0)


def _name_largest_errors(
    axes: Any,
    evaluated: EvaluatedRows,
    true: NDArray[np.float64],
    predicted: NDArray[np.float64],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> None:
    """Write the row numbers next to the points (x, y) with the largest errors, always inside the plot."""
    middle, highest = (x.min() + x.max()) / 2, y.min() + 0.9 * np.ptp(y)
    for place in np.argsort(-np.abs(true - predicted), kind="stable")[:ROWS_NAMED].tolist():
        if true[place] != predicted[place]:
            is_left, is_high = x[place] < middle, y[place] > highest
            axes.annotate(
                f"row {evaluated.row_numbers[place]}", (x[place], y[place]), textcoords="offset points",
                fontsize="small", xytext=(5 if is_left else -5, -4 if is_high else 4),
                ha="left" if is_left else "right", va="top" if is_high else "bottom",
            )  # fmt: skip
