"""Sections of the page that explain: what the network uses, one step taken apart, the loss against a weight."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from rookery import explain
from rookery.model import Model
from rookery.plots.style import axes_for
from rookery.reporting.figures import Figures
from rookery.reporting.html import Html, joined, tag
from rookery.reporting.subject import Subject, first_rows

__all__ = ["step_section", "uses_section", "weight_section"]

COLUMNS_DRAWN = 4
ROWS_OF_A_STEP = 20
ROWS_AT_MOST = 2000  # an explanation of the first so many is as good, and takes seconds


def uses_section(subject: Subject, figures: Figures) -> Html | None:
    """Permutation importance, and partial dependence on the columns that matter most."""
    if not _is_there("permutation_importance", subject):
        return None
    rows = first_rows(subject.rows, ROWS_AT_MOST)
    importance = explain.permutation_importance(subject.model, rows.x, rows.y)
    parts = [
        figures.figure(
            _drawing(importance), "How much worse it becomes when a column's cells are shuffled among the rows.",
            "Importance of the columns",
        )
    ]  # fmt: skip
    if _is_there("partial_dependence", subject):
        curves = []
        for column in _by_importance(importance, subject)[:COLUMNS_DRAWN]:
            dependence = explain.partial_dependence(subject.model, rows.x, column)
            curves.append(
                figures.figure(
                    _drawing(dependence), f"What it says on average as {column} changes, all else as it is.",
                    f"Partial dependence on {column}",
                )
            )  # fmt: skip
        parts.append(tag("div", *curves, class_="pair"))
    return joined(parts)


def step_section(subject: Subject, figures: Figures) -> Html | None:
    """The trace of one training step on the first rows."""
    if not _is_there("trace", subject):
        return None
    seen = subject.rows if subject.prepared is None else subject.prepared.train.observations
    rows = first_rows(seen, ROWS_OF_A_STEP)
    trace = explain.trace(subject.model, rows.x, rows.y)
    shown = getattr(trace, "html", None)
    content = shown() if callable(shown) else shown
    return Html(content) if isinstance(content, str) else tag("pre", str(trace))


def weight_section(subject: Subject, figures: Figures) -> Html | None:
    """The loss against the largest weight of the first layer."""
    if not _is_there("loss_against_weight", subject):
        return None
    assert isinstance(subject.model, Model)
    seen = subject.rows if subject.prepared is None else subject.prepared.train.observations
    rows = first_rows(seen, ROWS_AT_MOST)
    weights = np.abs(subject.model.weights[0][0])
    row, column = (int(place) for place in np.unravel_index(int(weights.argmax()), weights.shape))
    curve = explain.loss_against_weight(subject.model, rows.x, rows.y, layer=0, row=row, column=column)
    name = subject.model.features.inputs[row]
    return figures.figure(
        _drawing(curve),
        f"The loss as the largest weight of the first layer changes, from {name} to neuron {column}, all others "
        "as they are; the slope where it stands is its gradient.",
        f"Loss against the weight from {name} to neuron {column}",
    )


def _is_there(name: str, subject: Subject) -> bool:
    return name in explain.__all__ and isinstance(subject.model, Model)


def _drawing(explanation: Any) -> Callable[[], Any]:
    """Draws what can plot itself into Axes."""
    return partial(_plotted, explanation)


def _plotted(explanation: Any) -> Any:
    axes = axes_for(None, 5.4, 4.0)
    explanation.plot(axes=axes)
    return axes


def _by_importance(importance: Any, subject: Subject) -> list[str]:
    """The columns, the most important first."""
    columns, known = list(importance.columns), subject.model.features.names
    return [name for name in columns if name in known]
