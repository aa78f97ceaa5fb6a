"""Sections of the report that explain the model, and its figures."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from creche import explain
from creche._system.resources import resolve_threads
from creche.engine.introspection import evaluate_many
from creche.explain.rows import create_batch
from creche.explain.trace.narrative import describe_trace
from creche.model.model import Model
from creche.plots.inline_svg import inline_svg
from creche.plots.style import resolve_axes
from creche.render.html import Html, join_html, sections_html, tag
from creche.report.subject import ReportSubject, take_first_rows
from creche.table.observations import Observations
from creche.table.table import Table

__all__ = ["Figures", "find_critical_weight", "importance_section", "step_section", "weight_section"]

COLUMNS_DRAWN = 4
ROWS_OF_A_STEP = 20
WEIGHTS_TRIED = 64
ROWS_USED = 2000  # enough for an explanation, and fast


class Figures:
    """Draws the figures of one page; no two elements of the page have the same id."""

    def __init__(self) -> None:
        self._count = 0

    def figure(self, draw: Callable[[], Any], caption: str, description: str) -> Html:
        """Return a plot with its caption.

        Parameters
        ----------
        draw : callable
            Draws with `resolve_axes` and returns the Axes.
        caption : str
        description : str
            What the plot shows, for readers who cannot see it.

        """
        self._count += 1
        drawn = Html(inline_svg(draw, f"figure{self._count}-", description))
        return tag("figure", drawn, tag("figcaption", caption))


def importance_section(subject: ReportSubject, figures: Figures) -> Html:
    """Return the permutation importance, and the partial dependence on the most important columns."""
    rows = take_first_rows(subject.rows, ROWS_USED)
    importance = explain.permutation_importance(subject.model, rows.x, rows.y)
    parts = [
        figures.figure(
            _drawer(importance), "How much worse the metric becomes when the values of a column are shuffled among "
                                 "the rows.",
            "Permutation importance of the columns",
        )
    ]  # fmt: skip
    curves = []
    for column in _rank_columns(importance, subject)[:COLUMNS_DRAWN]:
        dependence = explain.partial_dependence(subject.model, rows.x, column)
        curves.append(
            figures.figure(
                _drawer(dependence), f"Mean prediction as {column} changes and all other columns keep their values.",
                f"Partial dependence on {column}",
            )
        )  # fmt: skip
    parts.append(tag("div", *curves, class_="pair"))
    return join_html(parts)


def step_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """Return the trace of one training step on a few rows."""
    if not isinstance(subject.model, Model) or subject.model.plan.network.submodels > 1:
        return None
    rows = subject.reference_rows
    spread = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), ROWS_OF_A_STEP)).astype(np.int64))
    step = explain.trace(subject.model, rows.take(spread))  # spread, so that several classes occur
    return sections_html(describe_trace(step, ROWS_OF_A_STEP, with_weights=False), heading="h3")


def weight_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """Return the loss against the weight of the first layer whose removal would raise the loss most."""
    if not isinstance(subject.model, Model) or subject.model.plan.network.submodels > 1:
        return None
    rows = take_first_rows(subject.reference_rows, ROWS_USED)
    row, column = find_critical_weight(subject.model, rows)
    curve = explain.loss_against_weight(subject.model, rows.x, rows.y, layer=0, source=row, target=column)
    name = subject.model.input_names[row]
    return figures.figure(
        _drawer(curve),
        f"The loss as a function of one weight, from {name} to neuron {column} of the first layer, with all others "
        "unchanged. The slope of the tangent is the gradient. Among the largest weights of that layer, this is the one "
        "whose removal would increase the loss most.",
        f"Loss against the weight from {name} to neuron {column}",
    )


def find_critical_weight(model: Model, rows: Observations) -> tuple[int, int]:
    """Return input and neuron of that large weight of the first layer whose removal would raise the loss most."""
    first = model.weights[0][0]
    largest = np.argsort(-np.abs(first), axis=None, kind="stable")[:WEIGHTS_TRIED]
    places = [np.unravel_index(int(place), first.shape) for place in largest]
    stack = model.parameters.repeat(len(places))
    for one, place in zip(stack.layers[0][0], places, strict=True):
        one[place] = 0
    batch = create_batch(model, rows.x, rows.y)
    losses = evaluate_many(model.plan, stack, batch.rows, resolve_threads(model.threads))
    row, column = places[int(np.argmax(np.where(np.isfinite(losses), losses, -np.inf)))]
    return int(row), int(column)


def _drawer(explanation: Any) -> Callable[[], Any]:
    """Return a function that draws a result."""
    return partial(_draw, explanation)


def _draw(explanation: Any) -> Any:
    axes = resolve_axes(None, 5.4, 4.0)
    explanation.plot(axes=axes)
    return axes


def _rank_columns(importance: Any, subject: ReportSubject) -> list[str]:
    """Return the columns that have values, the most important first."""
    columns, known = list(importance.columns), subject.model.features.names
    return [name for name in columns if name in known and not _is_empty(subject, name)]


def _is_empty(subject: ReportSubject, column: str) -> bool:
    """Whether the column is missing in all rows, so that there is no value to try."""
    x = take_first_rows(subject.rows, ROWS_USED).x
    return isinstance(x, Table) and bool(x.columns[column].missing.all())
