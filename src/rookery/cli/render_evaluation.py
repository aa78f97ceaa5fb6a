"""An evaluation as a page of text."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rookery.evaluation import ClassEvaluation, NumberEvaluation

__all__ = ["confusion_matrix", "evaluation_page", "metric_table"]

CLASSES_SHOWN = 12
LABELS = {
    "auc": "AUC", "f1": "F1", "rmse": "root mean squared error", "mae": "mean absolute error", "r2": "R²",
    "pinball": "pinball loss", "brier": "Brier score",
}  # fmt: skip
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "calibration_error", "rmse", "mae", "pinball"})
# Of always saying the same, these say nothing: it is right as often as it claims, by construction.
NOT_OF_BASELINES = frozenset({"calibration_error"})
MARKS = {"≈": "the network may be no better than that", "!": "the network is worse than that"}


def evaluation_page(
    evaluation: ClassEvaluation | NumberEvaluation,
    which: str,
    rows: NDArray[Any] | None = None,
    most_mistaken: int = 5,
) -> RenderableType:
    """The metrics beside the baseline, the confusion matrix, the most mistaken rows.

    Parameters
    ----------
    evaluation : ClassEvaluation or NumberEvaluation
    which : str
        What the rows are called: "validation rows".
    rows : (n,) array, optional
        The number by which the user calls each of them; counted from 1, if not given.
    most_mistaken : int, default 5

    """
    called = np.arange(1, evaluation.rows + 1) if rows is None else rows
    parts: list[RenderableType] = [metric_table(evaluation, which)]
    marks = {_verdict(name, gain).strip() for name, gain in evaluation.gain.items()} - {""}
    if marks:
        said = " and ".join(f"{mark} {MARKS[mark]}" for mark in sorted(marks))
        parts.append(Text(f"  {said}", style="dim"))
    if isinstance(evaluation, ClassEvaluation):
        if len(evaluation.classes) <= CLASSES_SHOWN:
            parts += [Text(), confusion_matrix(evaluation, which)]
        else:
            parts += [Text(), _hardest_classes(evaluation)]
        parts += _mistaken_classes(evaluation, called, most_mistaken)
    else:
        parts += _mistaken_numbers(evaluation, called, most_mistaken)
    return Group(*parts)


def metric_table(evaluation: ClassEvaluation | NumberEvaluation, which: str) -> Table:
    """Each metric, its interval of 95 %, and what always saying the same would come to."""
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column(f"on {evaluation.rows:,} {which}", style="dim")
    table.add_column("", justify="right")
    if evaluation.intervals:
        table.add_column("95 % of resamples")
    is_class = isinstance(evaluation, ClassEvaluation)
    table.add_column("always the commonest" if is_class else "always the mean", justify="right", style="dim")
    for name, value in evaluation.metrics().items():
        of_baseline = np.nan if name in NOT_OF_BASELINES else evaluation.baseline.get(name, np.nan)
        cells: list[RenderableType] = [LABELS.get(name, name.replace("_", " ")), Text(_number(value), style="bold")]
        if evaluation.intervals:
            low, high = evaluation.intervals.get(name, (np.nan, np.nan))
            cells.append("" if np.isnan(low) else f"{_number(low)} to {_number(high)}")
        cells.append(_number(of_baseline) + _verdict(name, evaluation.gain.get(name)))
        table.add_row(*cells)
    return table


def _verdict(name: str, gain: tuple[float, float] | None) -> str:
    """A mark where the network is not surely better than always saying the same."""
    if gain is None or name in NOT_OF_BASELINES:
        return "  "
    low, high = (-gain[1], -gain[0]) if name in LOWER_IS_BETTER else gain
    return "  " if low > 0 else " ≈" if high > 0 else " !"


def _number(value: float) -> str:
    return "" if np.isnan(value) else f"{value:.4f}" if abs(value) < 10 else f"{value:.5g}"


def confusion_matrix(evaluation: ClassEvaluation, which: str) -> Table:
    """Truth down, what was said across, with totals; right ones bold."""
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column(which, style="dim")
    for name in evaluation.classes:
        table.add_column(f"said {name}", justify="right")
    table.add_column("all", justify="right", style="dim")
    table.add_column("recognised", justify="right", style="dim")
    for i, of_class in enumerate(evaluation.per_class):
        counts = evaluation.confusion[i]
        cells = [
            Text(f"{count:,}", style="bold green" if i == j else ("red" if count else "dim"))
            for j, count in enumerate(counts)
        ]
        recall = "" if np.isnan(of_class.recall) else f"{of_class.recall:.1%}"
        table.add_row(f"is {of_class.name}", *cells, f"{counts.sum():,}", recall)
    table.add_row("all", *(f"{n:,}" for n in evaluation.confusion.sum(axis=0)), f"{evaluation.rows:,}", "")
    return table


def _hardest_classes(evaluation: ClassEvaluation) -> Table:
    """Of very many classes, those that are recognised least."""
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in ("hardest classes", "rows", "recognised", "precision", "F1"):
        table.add_column(name, justify="left" if name == "hardest classes" else "right")
    there = [c for c in evaluation.per_class if c.rows]
    for c in sorted(there, key=lambda c: (np.nan_to_num(c.f1), str(c.name)))[:CLASSES_SHOWN]:
        table.add_row(str(c.name), f"{c.rows:,}", *(_number(v) for v in (c.recall, c.precision, c.f1)))
    return table


def _mistaken_classes(evaluation: ClassEvaluation, called: NDArray[Any], most: int) -> list[RenderableType]:
    mistaken = evaluation.mistaken(most)
    if not mistaken:
        return []
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in ("most mistaken", "is", "said", "with probability", "to the truth"):
        table.add_column(name, justify="right" if name.startswith(("with", "to")) else "left")
    for mistake in mistaken:
        said = Text(str(mistake.said), style="red")
        probabilities = f"{mistake.probability:.3f}", f"{mistake.of_truth:.3f}"
        table.add_row(f"row {called[mistake.place]}", str(mistake.truth), said, *probabilities)
    return [Text(), table]


def _mistaken_numbers(evaluation: NumberEvaluation, called: NDArray[Any], most: int) -> list[RenderableType]:
    mistaken = evaluation.mistaken(most)
    if not mistaken:
        return []
    table = Table(box=None, padding=(0, 2), header_style="dim")
    several = len(evaluation.labels) > 1
    for name in ("most mistaken", *(["label"] if several else []), "is", "said", "off by"):
        table.add_column(name, justify="left" if name in ("most mistaken", "label") else "right")
    for miss in mistaken:
        numbers = f"{miss.truth:.5g}", f"{miss.said:.5g}", f"{miss.said - miss.truth:+.4g}"
        table.add_row(f"row {called[miss.place]}", *([miss.label] if several else []), *numbers)
    return [Text(), table]
