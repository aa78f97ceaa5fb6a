"""The confusion matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.errors import PlanError
from creche.evaluation.curves import average_precision, wilson_interval
from creche.evaluation.metrics import CALIBRATION_BINS
from creche.plan.arguments import check_whole_number
from creche.plots.evaluated import evaluate_classes
from creche.plots.style import (
    POSITIVE,
    VALIDATION,
    adjust_to_background,
    category_style,
    contrasting_color,
    resolve_axes,
    sequential_colormap,
    shorten,
    tidy_axes,
)

__all__ = [
    "confusion_matrix",
    "draw_single_class_note",
    "precision_recall",
    "reliability_diagram",
    "roc_curves",
    "select_classes",
]

CELLS_WITH_NUMBERS = 12  # along a side


CLASSES_NAMED = 40


def confusion_matrix(evaluation: Any, data: Any = None, y: Any = None, *, axes: Any = None) -> Any:
    """How many rows of each class were said to be what: counts, and shares of the row, which the shade shows.

    Parameters
    ----------
    evaluation : ClassificationEvaluation or Model
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
    judged = evaluate_classes(evaluation, data, y)
    counts, names = judged.evaluation.confusion, [shorten(name) for name in judged.evaluation.classes]
    n = len(names)
    side = min(2.2 + 0.75 * n, 9.0)
    axes = resolve_axes(axes, side + 0.6, side)
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, rows, out=np.zeros(counts.shape), where=rows > 0)
    image = axes.imshow(shares, cmap=sequential_colormap(), vmin=0, vmax=1)
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
    about = f" ({shorten(judged.label)})" if judged.label else ""
    axes.set_xlabel(f"said{about}")
    axes.set_ylabel(f"is{about}")
    axes.set_title(f"{judged.evaluation.rows:,} rows, {judged.evaluation.accuracy:.1%} right", fontsize="medium")
    return axes


def _write(axes: Any, image: Any, counts: Any, shares: Any) -> None:
    """Count and share of each cell, in whichever of black and white can be read there."""
    size = "medium" if len(counts) <= 6 else "x-small"
    for (row, column), count in np.ndenumerate(counts):
        share = f"\n{shares[row, column]:.1%}" if counts[row].any() else ""
        ink = contrasting_color(image.cmap(image.norm(shares[row, column])))
        weight = "bold" if row == column else "normal"
        axes.text(
            column, row, f"{count:,}{share}", ha="center", va="center", color=ink, fontsize=size, fontweight=weight
        )


COUNTS_HEIGHT, GAP = 0.2, 0.06  # of the counts' bars, below the zero line


def reliability_diagram(
    evaluation: Any, data: Any = None, y: Any = None, *, bins: int = CALIBRATION_BINS, axes: Any = None
) -> Any:
    """Rows in bins by how sure the network is: the share that is right, beside the mean probability it gave.

    On the diagonal, probabilities can be taken at their word; below it, the network is too sure of itself. The bars are
    intervals of 95 % (Wilson 1927), the columns below count the rows of each bin. The calibration error is
    `ClassificationEvaluation.calibration_error`, which has 15 bins (Naeini, Cooper & Hauskrecht 2015).

    Parameters
    ----------
    evaluation : ClassificationEvaluation or Model
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
    judged = evaluate_classes(evaluation, data, y)
    bins = check_whole_number("bins", bins, at_least=1)
    if bins > 1000:
        raise PlanError(f"bins: got {bins:,}; needs at most 1000")
    axes = resolve_axes(axes, 5.0, 4.4)
    curve = judged.evaluation.reliability(bins)
    line, chance = adjust_to_background(POSITIVE), adjust_to_background(VALIDATION)
    start = np.floor(bins / len(judged.evaluation.classes)) / bins  # nothing likeliest is less likely
    axes.plot([start, 1], [start, 1], **{**chance, "linewidth": 1.2}, label="as often right as it says")
    low, high = wilson_interval(curve.y, curve.weight)
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
    tidy_axes(axes)
    axes.legend(
        loc="lower right", bbox_to_anchor=(1, 0.25), fontsize="small", framealpha=0.75, edgecolor="none", borderpad=0.2
    )
    return axes


def _counts(axes: Any, curve: Any, bins: int) -> None:
    """Below the zero line, a column for each bin, as high as there are rows in it, with their number."""
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
            axes.text(left + 0.5 / bins, bottom + top + 0.01, f"{count:,.4g}", ha="center", fontsize="x-small")


CURVES_SHOWN = 8


def roc_curves(evaluation: Any, data: Any = None, y: Any = None, *, axes: Any = None) -> Any:
    """The ROC curve of each class against the rest, with the area under it; of two classes, that of the second.

    Of very many classes, those that are told apart least well.

    Parameters
    ----------
    evaluation : ClassificationEvaluation or Model
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
    >>> roc_curves(model, "penguins").get_xlabel()
    'false positive rate'

    """
    judged = evaluate_classes(evaluation, data, y)
    axes = resolve_axes(axes, 4.6, 4.4)
    shown, left_out = select_classes(judged.evaluation)
    for number in shown:
        of_class, look = judged.evaluation.per_class[number], category_style(number)
        curve = judged.evaluation.roc(of_class.name)
        axes.plot(
            curve.x, curve.y, color=look["color"], linestyle=look["linestyle"], linewidth=1.8,
            label=f"{shorten(of_class.name)} (AUC {of_class.auc:.3f})",
        )  # fmt: skip
    if not shown:
        draw_single_class_note(axes)
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1, label="by chance (AUC 0.5)")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="false positive rate", ylabel="true positive rate")
    axes.set_aspect("equal")
    axes.set_title(_title(judged, left_out), fontsize="medium")
    tidy_axes(axes)
    axes.legend(frameon=False, loc="lower right", fontsize="small")
    return axes


def select_classes(evaluation: Any) -> tuple[list[int], int]:
    """The numbers of the classes to draw a curve for, and how many others have one, too."""
    there = [i for i, c in enumerate(evaluation.per_class) if np.isfinite(c.auc)]
    if len(evaluation.classes) == 2:
        return there[-1:], 0
    hardest = sorted(there, key=lambda i: evaluation.per_class[i].auc)[:CURVES_SHOWN]
    return sorted(hardest), len(there) - len(hardest)


def draw_single_class_note(axes: Any) -> None:
    """In place of curves, which take two."""
    axes.text(0.5, 0.6, "one class only occurs in these rows", ha="center", transform=axes.transAxes)


def _title(judged: Any, left_out: int) -> str:
    classes = judged.evaluation.classes
    about = f"{shorten(judged.label)}: " if judged.label else ""
    if len(classes) == 2:
        return f"{about}{shorten(classes[1])} against {shorten(classes[0])}"
    if left_out:
        return f"{about}the {CURVES_SHOWN} classes told apart least ({left_out} more)"
    return f"{about}each class against the rest"


def precision_recall(evaluation: Any, data: Any = None, y: Any = None, *, axes: Any = None) -> Any:
    """Precision against recall of each class against the rest; of two classes, of the second.

    The thin dotted lines are the base rates: the precision of saying the class of every row. In brackets the average
    precision, the area under the steps.

    Parameters
    ----------
    evaluation : ClassificationEvaluation or Model
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
    >>> precision_recall(model, "penguins").get_ylabel()
    'precision: share of what is said that is right'

    """
    judged = evaluate_classes(evaluation, data, y)
    axes = resolve_axes(axes, 4.6, 4.4)
    shown, left_out = select_classes(judged.evaluation)
    for number in shown:
        name, look = judged.evaluation.classes[number], category_style(number)
        curve = judged.evaluation.precision_recall(name)
        axes.plot(
            np.append(0.0, curve.x), np.append(curve.y[0], curve.y), drawstyle="steps-pre", color=look["color"],
            linestyle=look["linestyle"], linewidth=1.8,
            label=f"{shorten(name)} (average {average_precision(curve):.3f})",
        )  # fmt: skip
        axes.axhline(curve.y[-1], color=look["color"], linestyle=":", linewidth=1, label=f"_base rate of {name}")
    if shown:
        axes.plot([], [], color="grey", linestyle=":", linewidth=1, label="base rate")
        axes.legend(frameon=False, loc="lower left", fontsize="small")
    else:
        draw_single_class_note(axes)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    axes.set_xlabel("recall: share of the class that is found")
    axes.set_ylabel("precision: share of what is said that is right")
    about = f"{shorten(judged.label)}: " if judged.label else ""
    what = (
        shorten(judged.evaluation.classes[1]) if len(judged.evaluation.classes) == 2 else "each class against the rest"
    )
    axes.set_title(
        about + (f"the {len(shown)} hardest classes ({left_out} more)" if left_out else what), fontsize="medium"
    )
    tidy_axes(axes)
    return axes
