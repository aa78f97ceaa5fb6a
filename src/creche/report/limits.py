"""Limitations of a model that can be found without knowing its purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from creche._advice import advise
from creche._phrases import list_first, write_number
from creche.evaluation import ClassificationEvaluation, MultilabelEvaluation, RegressionEvaluation
from creche.evaluation.bootstrap import MIN_ROWS
from creche.evaluation.metrics import compare_with_baseline, metric_name
from creche.plan.words import Task
from creche.report.subject import ReportSubject
from creche.table.table import Table

__all__ = ["ColumnRange", "Limitation", "baseline_name", "find_limitations", "find_ranges"]

FEW_ROWS, HIGH_MISSING, LOW_RECALL = 30, 0.2, 0.5
HIGH_CALIBRATION_ERROR, WIDE_INTERVAL = 0.05, 0.1
LOSS_RISE, LARGE_ERROR, LARGE_BIAS = 1.2, 5.0, 0.25  # the last two relative to the root mean squared error
NAMES_LISTED = 12


@dataclass(frozen=True, slots=True)
class Limitation:
    """Something to know before relying on a model.

    Attributes
    ----------
    topic : str
    text : str
        A sentence or two.

    """

    topic: str
    text: str


@dataclass(frozen=True, slots=True)
class ColumnRange:
    """The lowest value, the highest value and the median of a numeric column."""

    column: str
    low: float
    high: float
    median: float


def baseline_name(subject: ReportSubject) -> str:
    """Return what the metrics are compared with: ``"baseline (mean)"``."""
    return f"baseline ({subject.evaluation.constant})"


def find_limitations(subject: ReportSubject) -> list[Limitation]:
    """Return all limitations, the gravest first."""
    found = [*_check_rows(subject), *_check_baseline(subject)]
    checks: dict[Task, Callable[[Any], Iterator[Limitation]]] = {
        "classification": _check_classification, "regression": _check_regression, "multilabel": _check_labels,
    }  # fmt: skip
    check = checks[subject.model.labels.task]
    return [*found, *check(subject.evaluation), *_check_columns(subject), *_check_training(subject)]


def _check_rows(subject: ReportSubject) -> Iterator[Limitation]:
    topic, plan = "evaluation", subject.model_plan
    if subject.part == "train":
        others = "" if not subject.has_out_of_fold else "; the out-of-fold metrics are those to expect on new rows"
        yield Limitation(
            topic, f"It uses rows that the model was trained on, so the metrics are too optimistic{others}."
        )
    if subject.part == "other":
        known = subject.model.find_training_rows(subject.rows.x)
        used = ""
        if known is not None:
            used = f" But {known}, so the metrics are too optimistic."
        elif subject.model.training_summary is None:
            used = " If some of its rows were used in training, the metrics are too optimistic."
        yield Limitation(
            topic,
            f"The evaluation uses rows of {subject.source}, a table other than the one the model was trained on.{used}",
        )
    if subject.part == "validation" and plan is not None and plan.keep == "best":
        yield Limitation(
            topic,
            "The same validation rows decided which epoch's weights were kept, so the metrics are slightly too "
            f"optimistic; test rows ({advise('test_fraction')}) are used neither in training nor in that choice.",
        )
    count = len(subject.rows)
    if count < FEW_ROWS:
        no_intervals = " There are no confidence intervals: they need at least ten rows." if count < MIN_ROWS else ""
        yield Limitation(topic, f"There are only {count} rows, so every metric is uncertain.{no_intervals}")


def _check_baseline(subject: ReportSubject) -> Iterator[Limitation]:
    for comparison, text in (("worse", "worse"), ("unsure", "not clearly better")):
        names = [
            metric_name(name)
            for name, gain in subject.evaluation.gain.items()
            if compare_with_baseline(name, gain) == comparison
        ]
        if names:
            yield Limitation(
                "baseline", f"In {', '.join(names)} the model is {text} than the {baseline_name(subject)}."
            )


def _check_classification(evaluation: ClassificationEvaluation) -> Iterator[Limitation]:
    few = [f"{c.name} ({c.rows})" for c in evaluation.per_class if c.rows < FEW_ROWS]
    if few:
        yield Limitation("classes", f"Classes with fewer than {FEW_ROWS} rows in the evaluation: {_list_names(few)}.")
    missed = [f"{c.name} ({c.recall:.0%})" for c in evaluation.per_class if c.recall < LOW_RECALL]
    if missed:
        yield Limitation("classes", f"Classes with a recall below {LOW_RECALL:.0%}: {_list_names(missed)}.")
    low, high = evaluation.intervals.get("accuracy", (0.0, 0.0))
    if high - low > WIDE_INTERVAL:
        yield Limitation("accuracy", f"It is uncertain: its 95 % CI (bootstrap) is {low:.1%} to {high:.1%}.")
    if evaluation.calibration_error > HIGH_CALIBRATION_ERROR:
        curve = evaluation.reliability(1)
        mean, correct = float(curve.x[0]), float(curve.y[0])
        tendency = ""
        if abs(mean - correct) > 0.01:
            tendency = (
                f" On average the model is {'overconfident' if mean > correct else 'underconfident'}: the mean "
                f"probability of the predicted class is {mean:.1%}, and {correct:.1%} of the predictions are correct."
            )
        yield Limitation(
            "probabilities",
            "Probabilities are not well calibrated: the expected calibration error (ECE) is "
            f"{evaluation.calibration_error:.3f}.{tendency}",
        )


def _check_regression(evaluation: RegressionEvaluation) -> Iterator[Limitation]:
    if evaluation.quantiles:
        yield from _check_coverage(evaluation)
        return
    for label in evaluation.labels:
        true, predicted = evaluation.pairs(label)
        rmse = evaluation.per_label[label]["rmse"]
        largest = float(np.abs(true - predicted).max())
        if rmse > 0 and largest > LARGE_ERROR * rmse:
            yield Limitation(
                label, f"A few rows have far larger errors than the rest: up to {write_number(largest, 4)}."
            )
        bias = float((predicted - true).mean())
        if rmse > 0 and abs(bias) > LARGE_BIAS * rmse:
            direction = "high" if bias > 0 else "low"
            yield Limitation(label, f"Predictions are too {direction} on average, by {write_number(abs(bias), 4)}.")


def _check_labels(evaluation: MultilabelEvaluation) -> Iterator[Limitation]:
    yes = {label: round(share * evaluation.rows) for label, share in evaluation.shares.items()}
    few = [f"{label} ({count})" for label, count in yes.items() if count < FEW_ROWS]
    if few:
        yield Limitation("labels", f"Labels with fewer than {FEW_ROWS} rows of yes to evaluate: {_list_names(few)}.")
    recalls = {label: evaluation.per_label[label]["recall"] for label in evaluation.labels}
    missed = [f"{label} ({recall:.0%})" for label, recall in recalls.items() if recall < LOW_RECALL]
    if missed:
        yield Limitation("labels", f"Labels with less than {LOW_RECALL:.0%} of yes is found: {_list_names(missed)}.")


def _check_coverage(evaluation: RegressionEvaluation) -> Iterator[Limitation]:
    """Yield the quantiles that clearly more, or fewer, rows do not exceed than should."""
    quantiles = np.resize(evaluation.quantiles, len(evaluation.labels)).tolist()
    for label, quantile in zip(evaluation.labels, quantiles, strict=True):
        low, high = evaluation.label_intervals[label].get("coverage", (0.0, 1.0))
        if not low <= quantile <= high:
            yield Limitation(
                label,
                f"{evaluation.per_label[label]['coverage']:.1%} of the true values (95 % CI: {low:.1%} to {high:.1%}) "
                f"are at or below the prediction, where {quantile:.1%} should be.",
            )


def _check_columns(subject: ReportSubject) -> Iterator[Limitation]:
    schema = None if subject.origin is None else subject.origin.schema
    if schema is None:
        return
    used = set(subject.model.features.names)
    gaps = [
        f"{c.name} ({c.missing / c.rows:.0%})"
        for c in schema.columns
        if c.name in used and c.rows and c.missing > HIGH_MISSING * c.rows
    ]
    if gaps:
        yield Limitation("columns", f"Columns with many missing values: {_list_names(gaps)}.")
    dropped = [f"{c.name} ({c.reason})" for c in schema.columns if c.name not in used and c.reason]
    if dropped:
        yield Limitation("columns", f"Columns dropped: {_list_names(dropped)}.")
    complete = [c.name for c in schema.columns if c.name in used and not c.missing]
    if complete:
        yield Limitation(
            "columns",
            "Columns without missing values in training, so predictions for rows in which they are missing are "
            f"untested: {_list_names(complete)}.",
        )


def _check_training(subject: ReportSubject) -> Iterator[Limitation]:
    plan, origin = subject.model_plan, subject.origin
    if origin is None:
        yield Limitation("training", "The model has no record of its training.")
    if origin is None or plan is None:
        return
    rows = origin.rows.get("train", 0)
    if plan.network.parameters > rows:
        yield Limitation(
            "training",
            f"The network has more parameters ({plan.network.parameters:,}) than training rows ({rows:,}), "
            "enough to memorize them.",
        )
    labels = subject.model.labels
    counts = zip(labels.classes or (), labels.baseline, strict=False)
    few = [f"{name} ({share * rows:.0f})" for name, share in counts if share * rows < FEW_ROWS]
    if few:
        yield Limitation("classes", f"Classes with fewer than about {FEW_ROWS} training rows: {_list_names(few)}.")
    history = origin.history
    if history.has_validation:
        lowest, last = float(np.nanmin(history.validation_loss)), float(history.validation_loss[-1])
        if last > LOSS_RISE * lowest and plan.keep == "last":
            yield Limitation(
                "training",
                f"The validation loss was lowest in epoch {history.best_epoch + 1} and then rose from "
                f"{write_number(lowest, 4)} to "
                f"{write_number(last, 4)}, so training was probably too long ({advise('keep', 'best')} keeps the "
                "weights of the "
                "best "
                "epoch).",
            )


def find_ranges(subject: ReportSubject) -> list[ColumnRange]:
    """Return the range of each numeric column in the training rows, or else in the rows of the evaluation."""
    x = subject.reference_rows.x
    if not isinstance(x, Table):
        numbers = dict(zip(subject.model.features.names, np.asarray(x, dtype=np.float64).T, strict=False))
    else:
        columns = {name: x.columns[name] for name in subject.model.features.names if name in x.columns}
        numbers = {n: c.values.astype(np.float64) for n, c in columns.items() if c.kind in ("number", "whole")}
    found = []
    for name, values in numbers.items():
        known = values[np.isfinite(values)]
        if len(known):
            found.append(ColumnRange(name, float(known.min()), float(known.max()), float(np.median(known))))
    return found


def _list_names(names: list[str]) -> str:
    return list_first(names, NAMES_LISTED)
