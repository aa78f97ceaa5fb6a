"""ROC curves: what is found against what is falsely said, at every threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.plots.judged import judged_classes
from creche.plots.style import axes_for, category, short, tidy

__all__ = ["drawn_classes", "roc_curves", "say_that_one_class_occurs"]

CURVES_SHOWN = 8


def roc_curves(evaluation: Any, data: Any = None, y: Any = None, *, axes: Any = None) -> Any:
    """The ROC curve of each class against the rest, with the area under it; of two classes, that of the second.

    Of very many classes, those that are told apart least well.

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
    >>> roc_curves(model, "penguins").get_xlabel()
    'false positive rate'

    """
    judged = judged_classes(evaluation, data, y)
    axes = axes_for(axes, 4.6, 4.4)
    shown, left_out = drawn_classes(judged.evaluation)
    for number in shown:
        of_class, look = judged.evaluation.per_class[number], category(number)
        curve = judged.evaluation.roc(of_class.name)
        axes.plot(
            curve.x, curve.y, color=look["color"], linestyle=look["linestyle"], linewidth=1.8,
            label=f"{short(of_class.name)} (AUC {of_class.auc:.3f})",
        )  # fmt: skip
    if not shown:
        say_that_one_class_occurs(axes)
    axes.plot([0, 1], [0, 1], color="grey", linestyle=":", linewidth=1, label="by chance (AUC 0.5)")
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="false positive rate", ylabel="true positive rate")
    axes.set_aspect("equal")
    axes.set_title(_title(judged, left_out), fontsize="medium")
    tidy(axes)
    axes.legend(frameon=False, loc="lower right", fontsize="small")
    return axes


def drawn_classes(evaluation: Any) -> tuple[list[int], int]:
    """The numbers of the classes to draw a curve for, and how many others have one, too."""
    there = [i for i, c in enumerate(evaluation.per_class) if np.isfinite(c.auc)]
    if len(evaluation.classes) == 2:
        return there[-1:], 0
    hardest = sorted(there, key=lambda i: evaluation.per_class[i].auc)[:CURVES_SHOWN]
    return sorted(hardest), len(there) - len(hardest)


def say_that_one_class_occurs(axes: Any) -> None:
    """In place of curves, which take two."""
    axes.text(0.5, 0.6, "one class only occurs in these rows", ha="center", transform=axes.transAxes)


def _title(judged: Any, left_out: int) -> str:
    classes = judged.evaluation.classes
    about = f"{short(judged.label)}: " if judged.label else ""
    if len(classes) == 2:
        return f"{about}{short(classes[1])} against {short(classes[0])}"
    if left_out:
        return f"{about}the {CURVES_SHOWN} classes told apart least ({left_out} more)"
    return f"{about}each class against the rest"
