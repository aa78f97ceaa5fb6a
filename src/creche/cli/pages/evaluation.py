"""Reliability in text: how sure a network was, and how often it was right then."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche.cli.pages.tables import plain_table
from creche.evaluation import ClassificationEvaluation, RegressionEvaluation
from creche.evaluation.bootstrap import Interval
from creche.evaluation.curves import wilson_interval
from creche.evaluation.metrics import METRICS, compare_with_baseline, metric_name
from creche.render.words import CLASSES_SHOWN, format_interval, format_number

__all__ = ["confusion_matrix", "draw_reliability", "evaluation_page", "metric_table", "reliability_data"]

BINS = 10


WIDTH = 20


def draw_reliability(evaluation: ClassificationEvaluation) -> RenderableType:
    """Rows by the probability of the class that was said: the share that is right as a bar, what was said as a mark.

    Where the bar ends before the mark, the network was too sure of itself.
    """
    curve = evaluation.reliability(BINS)
    low, high = wilson_interval(curve.y, curve.weight)
    table = plain_table("said with", "rows", "probability", "right", "95 %", "", left=("",))
    for i, (mean, share, rows) in enumerate(zip(curve.x, curve.y, curve.weight, strict=True)):
        begin = min(np.floor(mean * BINS + 1e-9), BINS - 1) / BINS
        between = f"{low[i]:.1%} to {high[i]:.1%}"
        said = f"{begin:.1f} to {begin + 1 / BINS:.1f}"
        table.add_row(
            said, f"{rows:,.4g}", f"{mean:.1%}", Text(f"{share:.1%}", style="bold"), between, _bar(share, mean)
        )
    under = "  █ the share that is right   │ the probability that was said"
    return Group(table, Text(under, style="dim"))


def reliability_data(evaluation: ClassificationEvaluation) -> list[dict[str, float]]:
    """The same facts as plain data, for ``--json``."""
    curve = evaluation.reliability(BINS)
    bins = zip(curve.x.tolist(), curve.y.tolist(), curve.weight.tolist(), strict=True)
    return [{"rows": rows, "probability": mean, "right": share} for mean, share, rows in bins]


def _bar(share: float, mark: float) -> Text:
    """A bar as long as the share, with a mark."""
    filled, at = round(share * WIDTH), min(round(mark * WIDTH), WIDTH - 1)
    text = Text("█" * filled, style="blue") + Text("░" * (WIDTH - filled), style="dim")
    return text[:at] + Text("│", style="bold yellow") + text[at + 1 :]


SIGNS = {"unsure": " ≈", "worse": " !"}


MARKS = {"≈": "the network may be no better than that", "!": "the network is worse than that"}


def evaluation_page(
    evaluation: ClassificationEvaluation | RegressionEvaluation,
    which: str,
    rows: NDArray[Any] | None = None,
    most_mistaken: int = 5,
) -> RenderableType:
    """The metrics beside the baseline, the confusion matrix, the most mistaken rows.

    Parameters
    ----------
    evaluation : ClassificationEvaluation or RegressionEvaluation
    which : str
        What the rows are called: "validation rows".
    rows : (n,) array, optional
        The number by which the user calls each of them; counted from 1, if not given.
    most_mistaken : int, default 5

    """
    called = np.arange(1, evaluation.rows + 1) if rows is None else rows
    parts: list[RenderableType] = [metric_table(evaluation, which)]
    marks = {_sign(name, gain).strip() for name, gain in evaluation.gain.items()} - {""}
    if marks:
        said = " and ".join(f"{mark} {MARKS[mark]}" for mark in sorted(marks))
        parts.append(Text(f"  {said}", style="dim"))
    if isinstance(evaluation, ClassificationEvaluation):
        if len(evaluation.classes) <= CLASSES_SHOWN:
            parts += [Text(), confusion_matrix(evaluation, which)]
        else:
            parts += [Text(), _hardest_classes(evaluation)]
        parts += _mistaken_classes(evaluation, called, most_mistaken)
    else:
        parts += _mistaken_numbers(evaluation, called, most_mistaken)
    return Group(*parts)


def metric_table(evaluation: ClassificationEvaluation | RegressionEvaluation, which: str) -> Table:
    """Each metric, its interval of 95 %, and what always saying the same would come to."""
    always = "always the commonest" if isinstance(evaluation, ClassificationEvaluation) else "always the mean"
    head = f"on {evaluation.rows:,} {which if evaluation.rows != 1 else which.removesuffix('s')}"
    table = plain_table(head, "", *(["95 % of resamples"] if evaluation.intervals else []), always, left=(head,))
    table.columns[0].style = table.columns[-1].style = "dim"
    for name, value in evaluation.metrics().items():
        of_baseline = evaluation.baseline.get(name, np.nan) if METRICS[name].has_baseline else np.nan
        against = format_number(of_baseline) + _sign(name, evaluation.gain.get(name))
        _add_metric(table, metric_name(name), value, evaluation.intervals.get(name), against)
        for of_one, value_of_one, bounds in _one_by_one(evaluation, name):
            _add_metric(table, f"  of {of_one}", value_of_one, bounds, "")
    return table


def _one_by_one(
    evaluation: ClassificationEvaluation | RegressionEvaluation, name: str
) -> list[tuple[str, float, Interval | None]]:
    """F1 of each class, or a metric of each of several labels; nothing of very many."""
    if isinstance(evaluation, ClassificationEvaluation):
        if name != "f1" or len(evaluation.classes) > CLASSES_SHOWN:
            return []
        return [(str(c.name), c.f1, c.f1_interval) for c in evaluation.per_class]
    if not 1 < len(evaluation.labels) <= CLASSES_SHOWN:
        return []
    return [
        (label, evaluation.per_label[label][name], evaluation.label_intervals[label].get(name))
        for label in evaluation.labels
    ]


def _add_metric(table: Table, name: str, value: float, bounds: Interval | None, against: str) -> None:
    shown = [] if len(table.columns) == 3 else ["" if bounds is None else format_interval(*bounds)]
    table.add_row(name, Text(format_number(value), style="bold"), *shown, against)


def _sign(name: str, gain: Interval | None) -> str:
    """A mark where the network is not surely better than always saying the same."""
    return SIGNS.get(compare_with_baseline(name, gain), "  ")


def confusion_matrix(evaluation: ClassificationEvaluation, which: str) -> Table:
    """Truth down, what was said across, with totals; right ones bold."""
    table = plain_table(which, *(f"said {name}" for name in evaluation.classes), "all", "recognised", left=(which,))
    for column in (table.columns[0], *table.columns[-2:]):
        column.style = "dim"
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


def _hardest_classes(evaluation: ClassificationEvaluation) -> Table:
    """Of very many classes, those that are recognised least."""
    resampled = ("95 % of resamples",) if evaluation.intervals else ()
    head = ("hardest classes", "rows", "recognised", "precision", "F1", *resampled)
    table = plain_table(*head, left=("hardest classes",))
    there = [c for c in evaluation.per_class if c.rows]
    for c in sorted(there, key=lambda c: (np.nan_to_num(c.f1), str(c.name)))[:CLASSES_SHOWN]:
        bounds = [format_interval(*c.f1_interval) if c.f1_interval else ""] if resampled else []
        table.add_row(str(c.name), f"{c.rows:,}", *(format_number(v) for v in (c.recall, c.precision, c.f1)), *bounds)
    return table


def _mistaken_classes(evaluation: ClassificationEvaluation, called: NDArray[Any], most: int) -> list[RenderableType]:
    mistaken = evaluation.largest_errors(most)
    if not mistaken:
        return []
    head = ("most mistaken", "is", "said", "with probability", "to the truth")
    table = plain_table(*head, left=head[:3])
    for mistake in mistaken:
        said = Text(str(mistake.predicted), style="red")
        probabilities = f"{mistake.probability:.3f}", f"{mistake.true_probability:.3f}"
        table.add_row(f"row {called[mistake.row]}", str(mistake.true), said, *probabilities)
    return [Text(), table]


def _mistaken_numbers(evaluation: RegressionEvaluation, called: NDArray[Any], most: int) -> list[RenderableType]:
    mistaken = evaluation.largest_errors(most)
    if not mistaken:
        return []
    several = len(evaluation.labels) > 1
    head = ("most mistaken", *(["label"] if several else []), "is", "said", "off by")
    table = plain_table(*head, left=("most mistaken", "label"))
    for miss in mistaken:
        numbers = f"{miss.true:.5g}", f"{miss.predicted:.5g}", f"{miss.predicted - miss.true:+.4g}"
        table.add_row(f"row {called[miss.row]}", *([miss.label] if several else []), *numbers)
    return [Text(), table]
