"""Pictures in a page: SVG in it, once for a light and once for a dark background, of which the reader sees one."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from xml.etree import ElementTree

import numpy as np

from creche import explain
from creche._system.resources import resolve_threads
from creche.engine.introspection import evaluate_many
from creche.explain.rows import create_batch
from creche.explain.trace.narrative import describe_trace
from creche.model.model import Model
from creche.plots.save import FONT, render_picture
from creche.plots.style import resolve_axes
from creche.render.html import Html, join_html, sections_html, tag
from creche.report.subject import ReportSubject, take_first_rows
from creche.table.observations import Observations
from creche.table.table import Table

__all__ = ["Figures", "importance_section", "most_needed_weight", "step_section", "weight_section"]

REFERENCE = re.compile(r"url\(#([^)]+)\)")


OF_THAT_WIDTH = f"'{FONT}', Verdana, sans-serif"


UNNEEDED = {"metadata", "style"}


class Figures:
    """Makes the pictures of one page, in which no two elements have the same id."""

    def __init__(self) -> None:
        self._count = 0

    def figure(self, draw: Callable[[], Any], caption: str, said: str) -> Html:
        """A picture with its caption.

        Parameters
        ----------
        draw : callable
            Draws with `resolve_axes` and returns the Axes.
        caption : str
        said : str
            What it shows, for who cannot see it.

        """
        self._count += 1
        both = [
            tag("div", self._svg(render_picture(draw, "svg", dark, as_text=True), name, said), class_=f"only-{name}")
            for name, dark in (("light", False), ("dark", True))
        ]
        return tag("figure", *both, tag("figcaption", caption))

    def _svg(self, content: bytes, name: str, said: str) -> Html:
        """A file of SVG as an element of a page."""
        root = ElementTree.fromstring(content)
        prefix = f"{name}{self._count}-"
        for element in list(root.iter()):
            element.tag = _without_namespace(element.tag)
            for child in [c for c in element if _without_namespace(c.tag) in UNNEEDED]:
                element.remove(child)
            for key, value in list(element.attrib.items()):
                del element.attrib[key]
                plain = _without_namespace(key)
                if plain == "id":
                    value = prefix + value
                elif plain == "href":
                    value = value.replace("#", f"#{prefix}", 1)
                elif plain == "style":
                    value = value.replace(f"'{FONT}'", OF_THAT_WIDTH)
                element.attrib[plain] = REFERENCE.sub(lambda found: f"url(#{prefix}{found[1]})", value)
        width = float(root.attrib.pop("width").removesuffix("pt"))
        root.attrib.pop("height")
        root.attrib |= {"role": "img", "aria-label": said, "style": f"max-width: {width * 4 / 3:.0f}px"}
        return Html(ElementTree.tostring(root, encoding="unicode"))


def _without_namespace(name: Any) -> str:
    return str(name).rpartition("}")[2]


COLUMNS_DRAWN = 4


ROWS_OF_A_STEP = 20


WEIGHTS_TRIED = 64


ROWS_AT_MOST = 2000  # an explanation of the first so many is as good, and takes seconds


def importance_section(subject: ReportSubject, figures: Figures) -> Html:
    """Permutation importance, and partial dependence on the columns that matter most."""
    rows = take_first_rows(subject.rows, ROWS_AT_MOST)
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
    return join_html(parts)


def step_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """The trace of one training step on the first rows."""
    if not isinstance(subject.model, Model):
        return None
    rows = subject.seen
    spread = np.unique(np.linspace(0, len(rows) - 1, min(len(rows), ROWS_OF_A_STEP)).astype(np.int64))
    step = explain.trace(subject.model, rows.take(spread))  # spread, so that several classes occur
    return sections_html(describe_trace(step, ROWS_OF_A_STEP, with_weights=False), heading="h3")


def weight_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """The loss against the weight of the first layer that the network could spare least."""
    if not isinstance(subject.model, Model):
        return None
    rows = take_first_rows(subject.seen, ROWS_AT_MOST)
    row, column = most_needed_weight(subject.model, rows)
    curve = explain.loss_against_weight(subject.model, rows.x, rows.y, layer=0, source=row, target=column)
    name = subject.model.features.inputs[row]
    return figures.figure(
        _drawing(curve),
        f"The loss as one weight changes, from {name} to neuron {column} of the first layer, all others as they are; "
        "the slope where it stands is its gradient. Of that layer's weights it is the one without which the loss would "
        "be worst.",
        f"Loss against the weight from {name} to neuron {column}",
    )


def most_needed_weight(model: Model, rows: Observations) -> tuple[int, int]:
    """Of the largest weights of the first layer, the one without which the loss of these rows would be highest."""
    first, bias = model.weights[0]
    largest = np.argsort(-np.abs(first), axis=None, kind="stable")[:WEIGHTS_TRIED]
    places = [np.unravel_index(int(place), first.shape) for place in largest]
    without = np.repeat(first[np.newaxis], len(places), axis=0)
    for one, place in zip(without, places, strict=True):
        one[place] = 0
    same = [tuple(np.repeat(array[np.newaxis], len(places), axis=0) for array in layer) for layer in model.weights[1:]]
    stack: Any = [(without, np.repeat(bias[np.newaxis], len(places), axis=0)), *same]
    batch = create_batch(model, rows.x, rows.y)
    losses = evaluate_many(model.plan, stack, batch.rows, resolve_threads(model.threads))
    row, column = places[int(np.argmax(np.where(np.isfinite(losses), losses, -np.inf)))]
    return int(row), int(column)


def _drawing(explanation: Any) -> Callable[[], Any]:
    """Draws what can plot itself into Axes."""
    return partial(_plotted, explanation)


def _plotted(explanation: Any) -> Any:
    axes = resolve_axes(None, 5.4, 4.0)
    explanation.plot(axes=axes)
    return axes


def _by_importance(importance: Any, subject: ReportSubject) -> list[str]:
    """The columns, the most important first."""
    columns, known = list(importance.columns), subject.model.features.names
    return [name for name in columns if name in known and not _is_empty(subject, name)]


def _is_empty(subject: ReportSubject, column: str) -> bool:
    """Whether no row holds a value of it, so that there is none to try."""
    x = take_first_rows(subject.rows, ROWS_AT_MOST).x
    return isinstance(x, Table) and bool(x.columns[column].missing.all())
