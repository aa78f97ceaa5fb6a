"""A cross-validation as a page of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.text import Text

from rookery.cli.render_evaluation import evaluation_page, metric_name
from rookery.cli.tables import plain_table

if TYPE_CHECKING:
    from rookery.cross_validation import CrossValidation

__all__ = ["folds_page"]

FOLDS_SHOWN = 20
METRICS_SHOWN = 5


def folds_page(crossed: CrossValidation) -> RenderableType:
    """Each fold's metrics, their mean and spread, and how good all held-out predictions are together."""
    summary = crossed.summary()
    names = list(summary)[:METRICS_SHOWN]
    table = plain_table("fold", "rows", *(metric_name(name) for name in names))
    for fold, evaluation in list(enumerate(crossed.evaluations, 1))[:FOLDS_SHOWN]:
        metrics = evaluation.metrics()
        table.add_row(str(fold), f"{evaluation.rows:,}", *(f"{metrics[name]:.4f}" for name in names))
    if len(crossed.evaluations) > FOLDS_SHOWN:
        table.add_row("…", "", *("" for _ in names))
    table.add_row("mean", "", *(f"{summary[name][0]:.4f}" for name in names), style="bold")
    table.add_row("±", "", *(f"{summary[name][1]:.4f}" for name in names), style="dim")
    how = Text(f"{len(crossed.runs)} networks, each judged on the rows of its fold (± one standard deviation)")
    return Group(how, Text(), table, Text(), evaluation_page(crossed.evaluation, "held-out rows", crossed.called))
