"""Sections of the page: what the model is and how good, and where it errs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from creche import plots
from creche.evaluation.classes import Mistake
from creche.evaluation.numbers import Miss
from creche.reporting.figures import Figures
from creche.reporting.html import Html, joined, table, tag
from creche.reporting.subject import Subject
from creche.table.columns import Table
from creche.words import NOT_OF_BASELINES, interval, metric_name, number, verdict

__all__ = ["mistakes_section", "summary_section"]

MOST_MISTAKEN, CELLS_SHOWN, CLASSES_SHOWN, LABELS_SHOWN, CLASSES_BESIDE = 8, 12, 40, 4, 8
SIGNS = {"better": "better", "unsure": "≈ perhaps no better", "worse": "worse", "": ""}


def summary_section(subject: Subject, figures: Figures) -> Html | None:
    """A sentence or two, and all metrics beside the baseline."""
    return joined([tag("p", _what_it_does(subject)), tag("p", _how_good(subject), class_="lead"), _metrics(subject)])


def _what_it_does(subject: Subject) -> str:
    count = len(subject.model.features.names)
    columns = f"From {count:,} column{'' if count == 1 else 's'} of a row"
    if subject.model.classes is None:
        return f"{columns} it predicts {subject.label}, a number."
    shown = ", ".join(map(str, subject.model.classes[:CELLS_SHOWN]))
    more = len(subject.model.classes) - CELLS_SHOWN
    return (
        f"{columns} it gives the probability of each {subject.label}: {shown}{f' and {more} more' if more > 0 else ''}."
    )


def _how_good(subject: Subject) -> str:
    evaluation = subject.evaluation
    name = "accuracy" if subject.is_of_classes else "rmse"
    value, bounds, always = (
        evaluation.metrics()[name], evaluation.intervals.get(name), evaluation.baseline.get(name, np.nan),
    )  # fmt: skip
    if subject.is_of_classes:
        between = "" if bounds is None else f" (95 % of resamples: {bounds[0]:.1%} to {bounds[1]:.1%})"
        return (
            f"On {subject.which} it is right in {value:.1%}{between}; always saying the commonest class would be right "
            f"in {always:.1%}."
        )
    between = "" if bounds is None else f" (95 % of resamples: {interval(*bounds)})"
    return (
        f"On {subject.which} it is off by {number(value)} (root mean squared){between}; always saying the mean would "
        f"be off by {number(always)}."
    )


def _metrics(subject: Subject) -> Html:
    evaluation = subject.evaluation
    always = "always the commonest" if subject.is_of_classes else "always the mean"
    rows = []
    for name, value in evaluation.metrics().items():
        of_baseline = np.nan if name in NOT_OF_BASELINES else evaluation.baseline.get(name, np.nan)
        bounds = interval(*evaluation.intervals[name]) if name in evaluation.intervals else ""
        said = SIGNS[verdict(name, evaluation.gain.get(name))]
        rows.append((metric_name(name), tag("strong", number(value)), bounds, number(of_baseline), said))
    return table(("metric", "", "95 % of resamples", always, "beside it"), rows, left=(0, 4))


def mistakes_section(subject: Subject, figures: Figures) -> Html | None:
    """Confusion, each class, the most mistaken rows, curves; of numbers, both pictures and the rows furthest off."""
    pictures = _of_classes(subject, figures) if subject.is_of_classes else _of_numbers(subject, figures)
    return joined([*pictures, _mistaken(subject)])


def _of_classes(subject: Subject, figures: Figures) -> list[Html]:
    judged, evaluation = subject.judged, subject.evaluation
    counts = evaluation.confusion
    wrong = int(counts.sum() - np.trace(counts))
    parts = [
        figures.figure(
            partial(plots.confusion_matrix, judged), "What each class was taken for: rows, and shares of the class.",
            f"Confusion matrix: {wrong} of {evaluation.rows} rows are not on the diagonal",
        ),
        figures.figure(
            partial(plots.reliability_diagram, judged),
            "Whether its probabilities can be taken at their word; below the diagonal it is too sure of itself.",
            f"Reliability diagram; the calibration error is {evaluation.calibration_error:.3f}",
        ),
        figures.figure(
            partial(plots.roc_curves, judged), "What is found against what is falsely said, at every threshold.",
            f"ROC curves{_of_known('the mean area under them', evaluation.auc)}",
        ),
        figures.figure(
            partial(plots.precision_recall, judged), "Precision against recall, at every threshold.",
            "Curves of precision and recall",
        ),
    ]  # fmt: skip
    # With very many classes, the matrix needs the whole width.
    above = parts[:2] if len(evaluation.classes) > CLASSES_BESIDE else [tag("div", *parts[:2], class_="pair")]
    return [*above, _each_class(subject), tag("div", *parts[2:], class_="pair")]


def _of_known(name: str, value: float) -> str:
    """A number in words, if there is one."""
    return f"; {name} is {value:.3f}" if np.isfinite(value) else ""


def _each_class(subject: Subject) -> Html:
    """Of very many classes, those that are recognised least."""
    classes = subject.evaluation.per_class
    if len(classes) > CLASSES_SHOWN:
        classes = sorted((c for c in classes if c.rows), key=lambda c: float(np.nan_to_num(c.f1)))[:CLASSES_SHOWN]
    rows = [
        (
            c.name, f"{c.rows:,}", number(c.precision), number(c.recall), tag("strong", number(c.f1)),
            interval(*c.f1_interval) if c.f1_interval else "", number(c.auc),
        )
        for c in classes
    ]  # fmt: skip
    return table(("class", "rows", "precision", "recall", "F1", "95 % of resamples", "AUC"), rows)


def _of_numbers(subject: Subject, figures: Figures) -> list[Html]:
    parts = []
    for label in subject.evaluation.labels[:LABELS_SHOWN]:
        metrics = subject.evaluation.per_label[label]
        both = [
            figures.figure(
                partial(plots.predicted_against_true, subject.judged, label=label),
                "A point for each row; on the diagonal, it was predicted as it is.",
                f"{label}, predicted against true{_of_known('R²', metrics['r2'])}",
            ),
            figures.figure(
                partial(plots.residuals, subject.judged, label=label),
                "True less predicted; without a pattern is what is hoped for.",
                f"Residuals of {label}; their root mean square is {metrics['rmse']:.4g}",
            ),
        ]
        parts.append(tag("div", *both, class_="pair"))
    return parts


def _mistaken(subject: Subject) -> Html:
    """The most mistaken rows with their cells."""
    mistaken = subject.evaluation.mistaken(MOST_MISTAKEN)
    if not mistaken:
        return tag("p", "Of these rows it has none wrong.")
    columns = subject.model.features.columns[:CELLS_SHOWN]
    rows: list[tuple[Any, ...]] = []
    for mistake in mistaken:
        cells = [_cell(subject, mistake.place, i, column.name) for i, column in enumerate(columns)]
        rows.append((f"row {subject.judged.called[mistake.place]:,}", *_mistake(mistake), *cells))
    words = tuple(i for i, column in enumerate(columns) if column.role != "number")
    head: tuple[str, ...]
    own: tuple[int, ...]
    if subject.is_of_classes:
        head, own = ("", "is", "said", "with probability", "to the truth"), (0, 1, 2)
        title = "The rows it is most wrong about, the surest first"
    elif len(subject.evaluation.labels) > 1:
        head, own, title = ("", "is", "predicted", "off by", "label"), (0, 4), "The rows furthest off"
    else:
        head, own, title = ("", "is", "predicted", "off by"), (0,), "The rows furthest off"
        rows = [(*row[:4], *row[5:]) for row in rows]
    left = (*own, *(len(head) + i for i in words))
    return table((*head, *(column.name for column in columns)), rows, left=left, caption=title)


def _mistake(mistake: Mistake | Miss) -> tuple[Any, ...]:
    if isinstance(mistake, Mistake):
        return mistake.truth, mistake.said, f"{mistake.probability:.3f}", f"{mistake.of_truth:.3f}"
    return f"{mistake.truth:.5g}", f"{mistake.said:.5g}", f"{mistake.said - mistake.truth:+.4g}", mistake.label


def _cell(subject: Subject, place: int, number_of_column: int, name: str) -> str:
    x = subject.rows.x
    value = x.columns[name].take(np.array([place])).objects()[0] if isinstance(x, Table) else x[place, number_of_column]
    if value is None or value != value:
        return "missing"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return f"{value:.5g}" if isinstance(value, int | float | np.number) else str(value)
