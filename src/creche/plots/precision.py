"""Precision and recall at every threshold."""

from __future__ import annotations

from typing import Any

import numpy as np

from creche.evaluation.curves import average_precision
from creche.plots.judged import judged_classes
from creche.plots.roc import drawn_classes, say_that_one_class_occurs
from creche.plots.style import axes_for, category, short, tidy

__all__ = ["precision_recall"]


def precision_recall(evaluation: Any, data: Any = None, y: Any = None, *, axes: Any = None) -> Any:
    """Precision against recall of each class against the rest; of two classes, of the second.

    The thin dotted lines are the base rates: the precision of saying the class of every row. In brackets the average
    precision, the area under the steps.

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
    >>> precision_recall(model, "penguins").get_ylabel()
    'precision: share of what is said that is right'

    """
    judged = judged_classes(evaluation, data, y)
    axes = axes_for(axes, 4.6, 4.4)
    shown, left_out = drawn_classes(judged.evaluation)
    for number in shown:
        name, look = judged.evaluation.classes[number], category(number)
        curve = judged.evaluation.precision_recall(name)
        axes.plot(
            np.append(0.0, curve.x), np.append(curve.y[0], curve.y), drawstyle="steps-pre", color=look["color"],
            linestyle=look["linestyle"], linewidth=1.8,
            label=f"{short(name)} (average {average_precision(curve):.3f})",
        )  # fmt: skip
        axes.axhline(curve.y[-1], color=look["color"], linestyle=":", linewidth=1, label=f"_base rate of {name}")
    if shown:
        axes.plot([], [], color="grey", linestyle=":", linewidth=1, label="base rate")
        axes.legend(frameon=False, loc="lower left", fontsize="small")
    else:
        say_that_one_class_occurs(axes)
    axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.04))
    axes.set_xlabel("recall: share of the class that is found")
    axes.set_ylabel("precision: share of what is said that is right")
    about = f"{short(judged.label)}: " if judged.label else ""
    what = short(judged.evaluation.classes[1]) if len(judged.evaluation.classes) == 2 else "each class against the rest"
    axes.set_title(
        about + (f"the {len(shown)} hardest classes ({left_out} more)" if left_out else what), fontsize="medium"
    )
    tidy(axes)
    return axes
