"""The page of an evaluation: metrics, confusion matrix, largest errors and reliability."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche.evaluation import AnyEvaluation as Evaluation
from creche.evaluation import ClassificationEvaluation, MultilabelEvaluation, RegressionEvaluation, Threshold
from creche.evaluation.bootstrap import MIN_ROWS, Interval
from creche.evaluation.curves import wilson_interval
from creche.evaluation.metrics import METRICS, compare_with_baseline, metric_name
from creche.explain.cells import format_cell, format_difference
from creche.pages.charts import draw_marked_bar
from creche.pages.tables import BOOTSTRAP_INTERVAL, INTERVAL, note, plain_table
from creche.render.words import CLASSES_SHOWN, format_interval, format_number

__all__ = ["evaluation_page", "reliability_data", "reliability_page", "threshold_line"]

BINS = 10
SIGNS = {"unsure": " ≈", "worse": " !"}
MEANINGS = {"≈": "not clearly better than the baseline", "!": "worse than the baseline"}


def evaluation_page(
    evaluation: Evaluation, rows_name: str = "rows", row_numbers: NDArray[Any] | None = None, limit: int = 5
) -> RenderableType:
    """Render the metrics with the baseline, the confusion matrix, and the rows with the largest errors.

    Parameters
    ----------
    evaluation : ClassificationEvaluation or RegressionEvaluation
    rows_name : str, default "rows"
        What the rows are called: "validation rows".
    row_numbers : (n,) array, optional
        The user's number of each row; by default those of the evaluation, or else 1, 2, ….
    limit : int, default 5
        The number of rows with the largest errors.

    """
    if row_numbers is None:
        row_numbers = evaluation.row_numbers
    numbers = np.arange(1, evaluation.rows + 1) if row_numbers is None else row_numbers
    parts: list[RenderableType] = [_metric_table(evaluation, rows_name)]
    if evaluation.training_rows is not None:
        parts.append(note(f"{evaluation.training_rows}, so these numbers are too optimistic", "yellow"))
    parts += [note(line) for line in _notes(evaluation)]
    if isinstance(evaluation, ClassificationEvaluation):
        is_small = len(evaluation.classes) <= CLASSES_SHOWN
        parts += [Text(), _confusion_matrix(evaluation) if is_small else _hardest_classes(evaluation)]
        parts += _misclassified_rows(evaluation, numbers, limit)
    elif isinstance(evaluation, MultilabelEvaluation):
        parts += [Text(), _label_table(evaluation), *_surest_mistakes(evaluation, numbers, limit)]
    else:
        parts += [Text(), _quantile_table(evaluation)] if evaluation.quantiles else []
        parts += _largest_misses(evaluation, numbers, limit)
    return Group(*parts)


def threshold_line(chosen: Threshold, positive: Any) -> str:
    """Describe a threshold that was chosen on the rows of the page."""
    return (
        f"Threshold {chosen.threshold:.4f} for {positive}, chosen by {chosen.criterion.replace('_', ' ')}: "
        f"{chosen.value:.4f}, vs. {chosen.value_at_half:.4f} at 0.5 (on these same rows)."
    )


def reliability_page(evaluation: ClassificationEvaluation) -> RenderableType:
    """Render the accuracy of rows by confidence, the probability of the predicted class.

    A bar that ends before the mark shows overconfidence.
    """
    curve = evaluation.reliability(BINS)
    low, high = wilson_interval(curve.y, curve.weight)
    table = plain_table("confidence", "rows", "mean", "accuracy", f"{INTERVAL} (Wilson)", "", left=("",))
    for i, (confidence, accuracy, rows) in enumerate(zip(curve.x, curve.y, curve.weight, strict=True)):
        begin = min(np.floor(confidence * BINS + 1e-9), BINS - 1) / BINS
        table.add_row(
            f"{begin:.1f} to {begin + 1 / BINS:.1f}", _format_weight(rows), f"{confidence:.1%}",
            Text(f"{accuracy:.1%}", style="bold"), f"{low[i]:.1%} to {high[i]:.1%}",
            draw_marked_bar(accuracy, confidence),
        )  # fmt: skip
    return Group(table, note("█ accuracy   │ mean confidence"))


def _format_weight(rows: float) -> str:
    """Write a number of rows, which is a sum of weights where rows have weights."""
    return f"{rows:,.0f}" if rows == round(rows) else f"{rows:,.5g}"


def reliability_data(evaluation: ClassificationEvaluation) -> list[dict[str, float]]:
    """Return the bins of `reliability_page` as plain data, for ``--json``."""
    curve = evaluation.reliability(BINS)
    bins = zip(curve.x.tolist(), curve.y.tolist(), curve.weight.tolist(), strict=True)
    return [{"rows": rows, "confidence": confidence, "accuracy": accuracy} for confidence, accuracy, rows in bins]


def _metric_table(evaluation: Evaluation, rows_name: str) -> Table:
    """Render each metric with its confidence interval and the baseline's."""
    head = f"on {evaluation.rows:,} {rows_name if evaluation.rows != 1 else rows_name.removesuffix('s')}"
    has_intervals = bool(evaluation.intervals)
    table = plain_table(head, "", *([BOOTSTRAP_INTERVAL] if has_intervals else []), "baseline", left=(head,))
    table.columns[0].style = table.columns[-1].style = "dim"

    def add(name: str, value: float, interval: Interval | None, baseline: str) -> None:
        cells = ["" if interval is None else format_interval(*interval)] if has_intervals else []
        table.add_row(name, Text(format_number(value), style="bold"), *cells, baseline)

    for key, value in evaluation.metrics().items():
        baseline = evaluation.baseline.get(key, np.nan) if METRICS[key].has_baseline else np.nan
        sign = _sign(key, evaluation.gain.get(key))
        add(metric_name(key), value, evaluation.intervals.get(key), format_number(baseline) + sign)
        for name, own_value, interval in _split_metric(evaluation, key):
            add(f"  {name}", own_value, interval, "")
    return table


def _split_metric(evaluation: Evaluation, key: str) -> list[tuple[str, float, Interval | None]]:
    """Split F1 by class, and any metric of several labels by label; very many are not listed.

    Quantiles, and labels of yes or no, have tables of their own.
    """
    if isinstance(evaluation, ClassificationEvaluation):
        if key != "f1" or len(evaluation.classes) > CLASSES_SHOWN:
            return []
        return [(str(c.name), c.f1, c.f1_interval) for c in evaluation.per_class]
    if isinstance(evaluation, MultilabelEvaluation) or evaluation.quantiles:
        return []
    if not 1 < len(evaluation.labels) <= CLASSES_SHOWN:
        return []
    return [
        (label, evaluation.per_label[label][key], evaluation.label_intervals[label].get(key))
        for label in evaluation.labels
    ]


def _notes(evaluation: Evaluation) -> list[str]:
    """Explain the baseline, and the signs that the table has."""
    signs = {_sign(key, gain).strip() for key, gain in evaluation.gain.items()} - {""}
    notes = [f"{sign} {MEANINGS[sign]}" for sign in sorted(signs)]
    lines = [
        f"baseline: {evaluation.constant} of the training rows",
        *_interval_note(evaluation),
        *([", ".join(notes)] if notes else []),
    ]
    if evaluation.rows < MIN_ROWS:
        lines.append(f"no confidence intervals: they need at least {MIN_ROWS} rows")
    elif evaluation.intervals and isinstance(evaluation, ClassificationEvaluation) and _has_small_class(evaluation):
        lines.append(f"no confidence interval for classes of fewer than {MIN_ROWS} rows")
    return lines


def _interval_note(evaluation: Evaluation) -> list[str]:
    """Say what interval it is, and how many rows should lie in it, where several quantiles are predicted."""
    if not isinstance(evaluation, RegressionEvaluation) or evaluation.interval is None:
        return []
    low, high = evaluation.quantiles[0], evaluation.quantiles[-1]
    return [f"interval: from quantile {low:g} to {high:g}; {evaluation.interval:.4g} of the rows should lie in it"]


def _has_small_class(evaluation: ClassificationEvaluation) -> bool:
    return any(0 < c.rows < MIN_ROWS and not np.isnan(c.f1) for c in evaluation.per_class)


def _sign(key: str, gain: Interval | None) -> str:
    return SIGNS.get(compare_with_baseline(key, gain), "  ")


def _confusion_matrix(evaluation: ClassificationEvaluation) -> Table:
    """Render the true classes down and the predicted classes across, with totals, recall and precision."""
    head = "true ↓  predicted →"
    table = plain_table(head, *map(str, evaluation.classes), "total", "recall", left=(head,))
    for column in (table.columns[0], *table.columns[-2:]):
        column.style = "dim"
    for i, metrics in enumerate(evaluation.per_class):
        counts = evaluation.confusion[i]
        cells = [
            Text(f"{count:,}", style="bold green" if i == j else ("red" if count else "dim"))
            for j, count in enumerate(counts)
        ]
        table.add_row(str(metrics.name), *cells, f"{counts.sum():,}", _format_share(metrics.recall))
    totals = (f"{count:,}" for count in evaluation.confusion.sum(axis=0))
    table.add_row("total", *totals, f"{evaluation.rows:,}", "", style="dim")
    table.add_row("precision", *(_format_share(c.precision) for c in evaluation.per_class), "", "", style="dim")
    return table


def _format_share(share: float) -> str:
    return "" if np.isnan(share) else f"{share:.1%}"


def _hardest_classes(evaluation: ClassificationEvaluation) -> Table:
    """Render the classes with the lowest F1, where there are too many for a confusion matrix."""
    has_intervals = bool(evaluation.intervals)
    names = ("hardest classes", "rows", "recall", "precision", "F1", *([BOOTSTRAP_INTERVAL] if has_intervals else []))
    table = plain_table(*names, left=("hardest classes",))
    for c in evaluation.hardest_classes(CLASSES_SHOWN):
        cells = [format_interval(*c.f1_interval) if c.f1_interval else ""] if has_intervals else []
        table.add_row(str(c.name), f"{c.rows:,}", *(format_number(v) for v in (c.recall, c.precision, c.f1)), *cells)
    return table


def _misclassified_rows(
    evaluation: ClassificationEvaluation, row_numbers: NDArray[Any], limit: int
) -> list[RenderableType]:
    errors = evaluation.largest_errors(limit)
    if not errors:
        return []
    names = ("largest errors", "true", "predicted", "p(predicted)", "p(true)")
    table = plain_table(*names, left=names[:3])
    for error in errors:
        predicted = Text(str(error.predicted), style="red")
        probabilities = f"{error.probability:.3f}", f"{error.true_probability:.3f}"
        table.add_row(f"row {row_numbers[error.row]}", str(error.true), predicted, *probabilities)
    return [Text(), table]


def _label_table(evaluation: MultilabelEvaluation) -> Table:
    """Render the share of yes and the metrics of each label; of very many labels, of those with the lowest F1."""
    labels = list(evaluation.labels)
    if len(labels) > CLASSES_SHOWN:
        labels = sorted(labels, key=lambda label: float(np.nan_to_num(evaluation.per_label[label]["f1"])))
    has_intervals = bool(evaluation.intervals)
    head = "label" if len(labels) <= CLASSES_SHOWN else "hardest labels"
    interval = [BOOTSTRAP_INTERVAL] if has_intervals else []
    table = plain_table(head, "yes", "wrong", "precision", "recall", "F1", *interval, "AUC", left=(head,))
    for label in labels[:CLASSES_SHOWN]:
        metrics, bounds = evaluation.per_label[label], evaluation.label_intervals[label].get("f1")
        cells = ["" if bounds is None else format_interval(*bounds)] if has_intervals else []
        numbers = (format_number(metrics[key]) for key in ("precision", "recall"))
        table.add_row(
            label, _format_share(evaluation.shares[label]), _format_share(metrics["hamming_loss"]), *numbers,
            Text(format_number(metrics["f1"]), style="bold"), *cells, format_number(metrics["auc"]),
        )  # fmt: skip
    return table


def _surest_mistakes(evaluation: MultilabelEvaluation, row_numbers: NDArray[Any], limit: int) -> list[RenderableType]:
    errors = evaluation.largest_errors(limit)
    if not errors:
        return []
    names = ("largest errors", "label", "true", "predicted", "p(yes)")
    table = plain_table(*names, left=names[:4])
    for error in errors:
        true, predicted = ("yes", "no") if error.true else ("no", "yes")
        number = f"{error.predicted:.3f}"
        table.add_row(f"row {row_numbers[error.row]}", error.label, true, Text(predicted, style="red"), number)
    return [Text(), table]


def _quantile_table(evaluation: RegressionEvaluation) -> Table:
    """Render the pinball loss of each quantile, and the share of rows that do not exceed it, which should be as high.

    Of several labels, each has a line for each quantile.
    """
    has_intervals = bool(evaluation.intervals)
    interval = [BOOTSTRAP_INTERVAL] if has_intervals else []
    several = len(evaluation.quantiles) > 1
    head = "quantile" if several else f"quantile {evaluation.quantiles[0]:g}"
    table = plain_table(head, "pinball loss", *interval, "true at or below", *interval, left=(head,))
    names = [f"{q:g}" for q in evaluation.quantiles]
    names = names if len(evaluation.labels) == len(names) else list(evaluation.labels)
    for name, label in zip(names, evaluation.labels, strict=True):
        metrics, bounds = evaluation.per_label[label], evaluation.label_intervals[label]
        loss, share = bounds.get("pinball"), bounds.get("coverage")
        cells: list[str | Text] = [format_number(metrics["pinball"])]
        cells += ["" if loss is None else format_interval(*loss)] if has_intervals else []
        cells.append(Text(_format_share(metrics["coverage"]), style="bold"))
        cells += ["" if share is None else f"{share[0]:.1%} to {share[1]:.1%}"] if has_intervals else []
        table.add_row(name, *cells)
    return table


def _largest_misses(evaluation: RegressionEvaluation, row_numbers: NDArray[Any], limit: int) -> list[RenderableType]:
    errors = evaluation.largest_errors(limit)
    if not errors:
        return []
    has_labels = len(evaluation.labels) > 1
    head = "farthest outside the interval" if len(evaluation.quantiles) > 1 else "largest errors"
    names = (head, *(["label"] if has_labels else []), "true", "predicted", "error")
    table = plain_table(*names, left=(head, "label"))
    for error in errors:
        difference = error.predicted - error.true
        numbers = format_cell(error.true, 5), format_cell(error.predicted, 5), format_difference(difference)
        table.add_row(f"row {row_numbers[error.row]}", *([error.label] if has_labels else []), *numbers)
    return [Text(), table]
