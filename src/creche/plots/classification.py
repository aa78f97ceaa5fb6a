"""Plots of a classifier's evaluation: confusion matrix, reliability, ROC curves, precision and recall."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from creche._phrases import write_number
from creche.errors import PlanError
from creche.evaluation import ClassificationEvaluation
from creche.evaluation.curves import ReliabilityCurve, average_precision, wilson_interval
from creche.evaluation.metrics import CALIBRATION_BINS
from creche.plan.arguments import check_whole_number
from creche.plots.evaluated import EvaluatedRows, draws_classification, resolve_classification
from creche.plots.style import (
    POSITIVE,
    VALIDATION,
    adjust_to_background,
    category_style,
    cell_colormap,
    cell_ink,
    resolve_axes,
    shorten,
    tidy_axes,
)

__all__ = ["confusion_matrix", "precision_recall", "reliability_diagram", "roc_curves"]

CELLS_WITH_NUMBERS = 12  # along a side of the confusion matrix
CLASSES_NAMED = 40
MOST_BINS = 1000
COUNTS_HEIGHT, GAP = 0.2, 0.06  # of the columns that count the rows of each bin, below the zero line
CURVES_SHOWN = 8


@draws_classification
def confusion_matrix(evaluation: Any, data: Any = None, y: Any = None, *, axes: Any = None) -> Any:
    """Draw the confusion matrix: true classes as rows, predicted classes as columns.

    Each cell has the number of rows and their share of the true class, which the shade shows too.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", epochs=5, threads=1).model
    >>> axes = confusion_matrix(model, "penguins")
    >>> [label.get_text() for label in axes.get_xticklabels()]
    ['Adelie', 'Chinstrap', 'Gentoo']

    """
    evaluated = resolve_classification(evaluation, data, y)
    counts, names = evaluated.evaluation.confusion, [shorten(name) for name in evaluated.evaluation.classes]
    n = len(names)
    side = min(2.2 + 0.75 * n, 9.0)
    axes = resolve_axes(axes, side + 0.6, side)
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
    image = axes.imshow(shares, cmap=cell_colormap(), vmin=0, vmax=1)
    axes.grid(False)
    if n <= CELLS_WITH_NUMBERS:
        _write_cells(axes, image, counts, shares)
    else:
        axes.figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    if n <= CLASSES_NAMED:
        is_crowded = n > CELLS_WITH_NUMBERS or sum(map(len, names)) > 9 * n
        axes.set_xticks(range(n), names, rotation=45 if is_crowded else 0, ha="right" if is_crowded else "center")
        axes.set_yticks(range(n), names)
        if n > CELLS_WITH_NUMBERS:
            axes.tick_params(labelsize="x-small")
    label = f" {shorten(evaluated.label)}" if evaluated.label else ""
    axes.set_xlabel(f"predicted{label}")
    axes.set_ylabel(f"true{label}")
    axes.set_title(
        f"{evaluated.evaluation.rows:,} rows, accuracy {evaluated.evaluation.accuracy:.1%}", fontsize="medium"
    )
    return axes


def _write_cells(axes: Any, image: Any, counts: NDArray[Any], shares: NDArray[np.float64]) -> None:
    """Write count and share into each cell, in black or white, whichever is readable there."""
    size = "medium" if len(counts) <= 6 else "x-small"
    for (row, column), count in np.ndenumerate(counts):
        share = f"\n{shares[row, column]:.1%}" if counts[row].any() else ""
        ink = cell_ink(image.cmap(image.norm(shares[row, column])))
        weight = "bold" if row == column else "normal"
        axes.text(
            column, row, f"{count:,}{share}", ha="center", va="center", color=ink, fontsize=size, fontweight=weight
        )


@draws_classification
def reliability_diagram(
    evaluation: Any, data: Any = None, y: Any = None, *, bins: int = CALIBRATION_BINS, axes: Any = None
) -> Any:
    """Draw the share of correct predictions against the predicted probability, for rows binned by that probability.

    On the diagonal the probabilities are calibrated; below it, the model is overconfident. Error bars are 95 %
    intervals (Wilson 1927); the columns below count the rows of each bin. The expected calibration error (ECE) is
    `ClassificationEvaluation.calibration_error`, which has 15 bins (Naeini, Cooper & Hauskrecht 2015).

    Parameters
    ----------
    bins : int, default 15
        The number of bins of equal width, at most 1000; empty ones are left out.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", epochs=5, threads=1).model
    >>> reliability_diagram(model, "penguins").get_xlabel()
    'probability of the predicted class'

    """
    evaluated = resolve_classification(evaluation, data, y)
    bins = check_whole_number("bins", bins, at_least=1)
    if bins > MOST_BINS:
        raise PlanError(f"bins: got {bins:,}; needs at most {MOST_BINS}")
    axes = resolve_axes(axes, 5.0, 4.4)
    curve = evaluated.evaluation.reliability(bins)
    line, diagonal = adjust_to_background(POSITIVE), adjust_to_background(VALIDATION)
    # The likeliest of C classes has a probability of at least 1 / C.
    start = np.floor(bins / len(evaluated.evaluation.classes)) / bins
    axes.plot([start, 1], [start, 1], **{**diagonal, "linewidth": 1.2}, label="perfectly calibrated")
    low, high = wilson_interval(curve.y, curve.weight)
    axes.errorbar(
        curve.x, curve.y, yerr=[curve.y - low, high - curve.y], fmt="o-", color=line["color"], markersize=5,
        linewidth=1.5, elinewidth=1, capsize=2, label="model",
    )  # fmt: skip
    _draw_bin_counts(axes, curve, bins)
    axes.set_xlim(start - 0.02, 1.02)
    axes.set_ylim(-COUNTS_HEIGHT - 2 * GAP, 1.04)
    axes.set_yticks(np.linspace(0, 1, 6))
    axes.set_xlabel("probability of the predicted class")
    axes.set_ylabel("share of correct predictions")
    axes.set_title(f"expected calibration error (ECE) {evaluated.evaluation.calibration_error:.3f}", fontsize="medium")
    tidy_axes(axes)
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 0.25), fontsize="small", framealpha=0.75, edgecolor="none", borderpad=0.2
    )
    return axes


def _draw_bin_counts(axes: Any, curve: ReliabilityCurve, bins: int) -> None:
    """Draw a column for each bin below the zero line, its height and number the rows in the bin."""
    place = np.minimum(np.floor(curve.x * bins + 1e-9), bins - 1)
    height = COUNTS_HEIGHT * curve.weight / curve.weight.max()
    bottom = -COUNTS_HEIGHT - 2 * GAP
    axes.bar(
        place / bins, height, width=1 / bins, bottom=bottom, align="edge", facecolor="none", hatch="////",
        linewidth=0.8, edgecolor=adjust_to_background(POSITIVE)["color"], alpha=0.6, label="_counts",
    )  # fmt: skip
    axes.axhline(0, color="grey", linewidth=0.6)
    if len(curve.x) <= 20:
        for left, top, count in zip(place / bins, height, curve.weight, strict=True):
            axes.text(left + 0.5 / bins, bottom + top + 0.01, write_number(count, 4), ha="center", fontsize="x-small")


@draws_classification
def roc_curves(evaluation: Any, data: Any = None, y: Any = None, *, axes: Any = None) -> Any:
    """Draw the ROC curve of each class against the rest, with the area under it (AUC).

    With two classes, one curve is drawn, that of the second class; with more than 8, those with the smallest areas.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", epochs=5, threads=1).model
    >>> roc_curves(model, "penguins").get_xlabel()
    'false positive rate'

    """
    evaluated = resolve_classification(evaluation, data, y)
    axes = resolve_axes(axes, 4.6, 4.4)
    numbers, left_out = _select_classes(evaluated.evaluation)
    for number in numbers:
        one, look = evaluated.evaluation.per_class[number], category_style(number)
        curve = evaluated.evaluation.roc(one.name)
        axes.plot(
            curve.x, curve.y, color=look["color"], linestyle=look["linestyle"], linewidth=1.8,
            label=f"{shorten(one.name)} (AUC {one.auc:.3f})",
        )  # fmt: skip
    if not numbers:
        _write_single_class_note(axes)
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1, label="by chance (AUC 0.5)")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="false positive rate", ylabel="true positive rate")
    axes.set_aspect("equal")
    _write_title(axes, evaluated, left_out)
    tidy_axes(axes)
    axes.legend(frameon=False, loc="lower right", fontsize="small")
    return axes


@draws_classification
def precision_recall(evaluation: Any, data: Any = None, y: Any = None, *, axes: Any = None) -> Any:
    """Draw precision against recall for each class against the rest.

    With two classes, one curve is drawn, that of the second class; with more than 8, those with the smallest areas
    under the ROC curve. The thin dotted lines are the base rates: the precision if every row is predicted to be of the
    class. The legend gives the average precision, the area under the steps.

    Examples
    --------
    >>> import creche as cr
    >>> model = cr.train("penguins", label="species", epochs=5, threads=1).model
    >>> precision_recall(model, "penguins").get_ylabel()
    'precision: share of predictions that are correct'

    """
    evaluated = resolve_classification(evaluation, data, y)
    axes = resolve_axes(axes, 4.6, 4.4)
    numbers, left_out = _select_classes(evaluated.evaluation)
    for number in numbers:
        name, look = evaluated.evaluation.classes[number], category_style(number)
        curve = evaluated.evaluation.precision_recall(name)
        axes.plot(
            np.append(0.0, curve.x), np.append(curve.y[0], curve.y), drawstyle="steps-pre", color=look["color"],
            linestyle=look["linestyle"], linewidth=1.8,
            label=f"{shorten(name)} (average precision {average_precision(curve):.3f})",
        )  # fmt: skip
        axes.axhline(curve.y[-1], color=look["color"], linestyle=":", linewidth=1, label=f"_base rate of {name}")
    if numbers:
        axes.plot([], [], color="grey", linestyle=":", linewidth=1, label="base rate")
        axes.legend(frameon=False, loc="lower left", fontsize="small")
    else:
        _write_single_class_note(axes)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    axes.set_xlabel("recall: share of the class found")
    axes.set_ylabel("precision: share of predictions that are correct")
    _write_title(axes, evaluated, left_out)
    tidy_axes(axes)
    return axes


def _select_classes(evaluation: ClassificationEvaluation) -> tuple[list[int], int]:
    """Return the numbers of the classes whose curves are drawn, and how many other classes have a curve."""
    known = [i for i, one in enumerate(evaluation.per_class) if np.isfinite(one.auc)]
    if len(evaluation.classes) == 2:
        return known[-1:], 0
    hardest = sorted(known, key=lambda i: evaluation.per_class[i].auc)[:CURVES_SHOWN]
    return sorted(hardest), len(known) - len(hardest)


def _write_single_class_note(axes: Any) -> None:
    """Say why there is no curve: it takes rows of two classes."""
    axes.text(0.5, 0.6, "all of these rows are of one class", ha="center", transform=axes.transAxes)


def _write_title(axes: Any, evaluated: EvaluatedRows, left_out: int) -> None:
    classes = evaluated.evaluation.classes
    label = f"{shorten(evaluated.label)}: " if evaluated.label else ""
    title = "each class against the rest"
    if len(classes) == 2:
        title = f"{shorten(classes[1])} against {shorten(classes[0])}"
    elif left_out:
        title = f"the {CURVES_SHOWN} classes with the smallest AUC ({left_out} more)"
    axes.set_title(label + title, fontsize="medium")
