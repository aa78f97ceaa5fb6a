"""Sections of the page that explain: what the network uses, one step taken apart, the loss against a weight."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from creche import explain
from creche.engine.inside import losses_of_many
from creche.engine.machine import resolve_threads
from creche.explain.batch import batch_of
from creche.model import Model
from creche.plots.style import axes_for
from creche.reporting.figures import Figures
from creche.reporting.html import Html, joined, tag
from creche.reporting.step import step_html
from creche.reporting.subject import Subject, first_rows
from creche.table.columns import Table
from creche.table.observations import Observations

__all__ = ["spared_least", "step_section", "uses_section", "weight_section"]

COLUMNS_DRAWN = 4
ROWS_OF_A_STEP = 20
WEIGHTS_TRIED = 64
ROWS_AT_MOST = 2000  # an explanation of the first so many is as good, and takes seconds


def uses_section(subject: Subject, figures: Figures) -> Html:
    """Permutation importance, and partial dependence on the columns that matter most."""
    rows = first_rows(subject.rows, ROWS_AT_MOST)
    importance = explain.permutation_importance(subject.model, rows.x, rows.y)
    parts = [
        figures.figure(
            _drawing(importance), "How much worse it becomes when a column's cells are shuffled among the rows.",
            "Importance of the columns",
        )
    ]  # fmt: skip
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
    if not isinstance(subject.model, Model):
        return None
    rows = subject.seen
    spread = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), ROWS_OF_A_STEP)).astype(np.int64))
    return step_html(explain.trace(subject.model, rows.take(spread)))  # from everywhere, so of several classes


def weight_section(subject: Subject, figures: Figures) -> Html | None:
    """The loss against the weight of the first layer that the network could spare least."""
    if not isinstance(subject.model, Model):
        return None
    rows = first_rows(subject.seen, ROWS_AT_MOST)
    row, column = spared_least(subject.model, rows)
    curve = explain.loss_against_weight(subject.model, rows.x, rows.y, layer=0, row=row, column=column)
    name = subject.model.features.inputs[row]
    return figures.figure(
        _drawing(curve),
        f"The loss as one weight changes, from {name} to neuron {column} of the first layer, all others as they are; "
        "the slope where it stands is its gradient. Of that layer's weights it is the one without which the loss would "
        "be worst.",
        f"Loss against the weight from {name} to neuron {column}",
    )


def spared_least(model: Model, rows: Observations) -> tuple[int, int]:
    """Of the largest weights of the first layer, the one without which the loss of these rows would be highest."""
    first, bias = model.weights[0]
    largest = np.argsort(-np.abs(first), axis=None, kind="stable")[:WEIGHTS_TRIED]
    places = [np.unravel_index(int(place), first.shape) for place in largest]
    without = np.repeat(first[np.newaxis], len(places), axis=0)
    for one, place in zip(without, places, strict=True):
        one[place] = 0
    same = [tuple(np.repeat(array[np.newaxis], len(places), axis=0) for array in layer) for layer in model.weights[1:]]
    stack: Any = [(without, np.repeat(bias[np.newaxis], len(places), axis=0)), *same]
    batch = batch_of(model, rows.x, rows.y)
    losses = losses_of_many(model.plan, stack, batch.rows, resolve_threads(model.threads))
    row, column = places[int(np.argmax(np.where(np.isfinite(losses), losses, -np.inf)))]
    return int(row), int(column)


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
    return [name for name in columns if name in known and not _is_empty(subject, name)]


def _is_empty(subject: Subject, column: str) -> bool:
    """Whether no row holds a value of it, so that there is none to try."""
    x = first_rows(subject.rows, ROWS_AT_MOST).x
    return isinstance(x, Table) and bool(x.columns[column].missing.all())
