"""Results in words: what things are called on pages, be they text or HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from creche.plan.optimizers import Optimizer
    from creche.table.labels import LabelEncoder

__all__ = [
    "CLASSES_SHOWN",
    "LABELS",
    "NOT_OF_BASELINES",
    "classes_in_words",
    "interval",
    "metric_name",
    "number",
    "optimizer_in_words",
    "purpose",
    "verdict",
]

CLASSES_SHOWN = 12
LABELS = {
    "auc": "AUC", "f1": "F1", "rmse": "root mean squared error", "mae": "mean absolute error", "r2": "R²",
    "pinball": "pinball loss", "brier": "Brier score",
}  # fmt: skip
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "calibration_error", "rmse", "mae", "pinball"})
# Of always saying the same, these say nothing: it is right as often as it claims, by construction.
NOT_OF_BASELINES = frozenset({"calibration_error"})


def metric_name(name: str) -> str:
    """What a metric is called on pages.

    Examples
    --------
    >>> metric_name("log_loss"), metric_name("r2")
    ('log loss', 'R²')

    """
    return LABELS.get(name, name.replace("_", " "))


def number(value: float) -> str:
    """A metric as it is shown; nothing where there is none.

    Examples
    --------
    >>> number(0.98765), number(-0.00001), number(292.4183), number(float("nan"))
    ('0.9877', '0.0000', '292.42', '')

    """
    shown = "" if np.isnan(value) else f"{value:.4f}" if abs(value) < 10 else f"{value:.5g}"
    return shown.removeprefix("-") if shown == "-0.0000" else shown


def interval(low: float, high: float) -> str:
    """Between which numbers; nothing where it is not known."""
    return "" if np.isnan(low) else f"{number(low)} to {number(high)}"


def verdict(name: str, gain: tuple[float, float] | None) -> str:
    """How a metric compares with always saying the same, by the interval of the difference.

    Returns
    -------
    {"better", "unsure", "worse", ""}
        Nothing where it is not known, or means nothing.

    Examples
    --------
    >>> verdict("accuracy", (0.1, 0.3)), verdict("log_loss", (0.1, 0.3)), verdict("auc", (-0.1, 0.1))
    ('better', 'worse', 'unsure')

    """
    if gain is None or name in NOT_OF_BASELINES:
        return ""
    low, high = (-gain[1], -gain[0]) if name in LOWER_IS_BETTER else gain
    return "better" if low > 0 else "unsure" if high >= 0 else "worse"


def purpose(part: str) -> str:
    """What the rows of a part are for."""
    return {"train": "training", "test": "testing"}.get(part, part)


def classes_in_words(labels: LabelEncoder) -> str:
    """The classes, or that it is a number."""
    if labels.classes is None:
        return "a number" if len(labels.names) == 1 else "numbers"
    shown = ", ".join(map(str, labels.classes[:CLASSES_SHOWN]))
    more = len(labels.classes) - CLASSES_SHOWN
    return f"{shown}, … ({more} more)" if more > 0 else shown


def optimizer_in_words(optimizer: Optimizer) -> str:
    """The optimizer, its learning rate even where it is the usual one."""
    shown = repr(optimizer)
    if "learning_rate=" in shown:
        return shown
    name, others = shown.removesuffix(")").split("(", 1)
    return f"{name}({', '.join(filter(None, [f'learning_rate={optimizer.learning_rate:g}', others]))})"
