"""The plots that belong to the page of a result."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeAlias

from creche import plots
from creche.errors import CrecheError
from creche.plots.inline_svg import inline_svg
from creche.plots.style import off_screen
from creche.render.html import Html, tag

if TYPE_CHECKING:
    from creche.model_selection.colony import Colony

__all__ = ["draw_figures"]

Picture: TypeAlias = tuple[str, Callable[[], Any]]
"""A caption, and a function that draws."""


def draw_figures(result: Any) -> list[Html]:
    """Draw the plots of a result; one that is impossible for it is left out."""
    figures: list[Html] = []
    for caption, draw in _list_pictures(result):
        try:
            digest = sha256(repr(result).encode()).hexdigest()[:8]
            with off_screen():
                svg = inline_svg(draw, f"creche-{digest}-{len(figures)}-", caption)
        except CrecheError:
            continue
        figures.append(tag("figure", Html(svg), tag("figcaption", caption)))
    return figures


def _list_pictures(result: Any) -> Iterator[Picture]:
    for kind in type(result).__mro__:
        if kind.__name__ in PICTURES:
            yield from PICTURES[kind.__name__](result)
            return
    plot = getattr(result, "plot", None)
    if plot is not None:
        yield _describe_plot(plot), plot


def _describe_plot(plot: Callable[..., Any]) -> str:
    """Return what a method draws, from its docstring: "Draw the curves (…)" is "The curves"."""
    sentence = re.split(r"[(.:,]", inspect.getdoc(plot) or "Draw the result")[0].removeprefix("Draw ").strip()
    return f"{sentence[:1].upper()}{sentence[1:]}"


def _evaluation_pictures(evaluation: Any) -> Iterator[Picture]:
    if hasattr(evaluation, "confusion"):
        yield "Confusion matrix", partial(plots.confusion_matrix, evaluation)
        yield "Predicted probabilities against observed frequencies", partial(plots.reliability_diagram, evaluation)
        return
    for label in evaluation.labels[:2]:
        caption = f"Predicted against true {label}" if label else "Predicted against true values"
        yield caption, partial(plots.predicted_against_true, evaluation, label=label)


def _history_pictures(history: Any) -> Iterator[Picture]:
    if len(history) > 1:
        yield "Loss by epoch", partial(plots.loss_curves, history)


def _run_pictures(run: Any) -> Iterator[Picture]:
    yield from _history_pictures(run.history)
    if run.status not in ("running", "diverged"):
        yield from list(_evaluation_pictures(run.evaluation))[:1]


def _model_pictures(model: Any) -> Iterator[Picture]:
    yield "The network", partial(plots.network, model)
    if model.provenance is not None:
        yield from _history_pictures(model.provenance.history)


def _fitted_pictures(model: Any) -> Iterator[Picture]:
    if model.out_of_fold is not None:
        yield from _evaluation_pictures(model.out_of_fold)


def _colony_pictures(colony: Colony) -> Iterator[Picture]:
    yield "Loss by epoch", lambda: _first_axes(colony.plot())
    if len(colony.varied_arguments) > 1:
        yield "Scores over two arguments", lambda: _first_axes(colony.plot_map())


def _comparison_pictures(comparison: Any) -> Iterator[Picture]:
    yield "Losses of the runs", partial(plots.losses_of_runs, comparison)
    yield "Paths of the runs", partial(plots.paths_of_runs, comparison)


def _attribution_pictures(attributions: Any) -> Iterator[Picture]:
    row = attributions.rows[0]
    yield f"Contributions to the prediction of row {row}", partial(attributions.plot, row)


def _first_axes(figure: Any) -> Any:
    return figure.axes[0]


PICTURES: dict[str, Callable[[Any], Iterator[Picture]]] = {
    "Evaluation": _evaluation_pictures,
    "Run": _run_pictures,
    "Model": _model_pictures,
    "Ensemble": lambda _: iter(()),
    "FittedModel": _fitted_pictures,
    "History": _history_pictures,
    "Member": lambda member: _history_pictures(member.history),
    "CrossValidation": lambda crossed: _evaluation_pictures(crossed.evaluation),
    "Colony": _colony_pictures,
    "OptunaSweep": lambda swept: _colony_pictures(swept.colony),
    "Comparison": _comparison_pictures,
    "IntegratedGradients": _attribution_pictures,
}
