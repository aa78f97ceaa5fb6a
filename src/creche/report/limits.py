"""Limits of a model that can be found without knowing what it is for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from creche.evaluation import ClassificationEvaluation
from creche.evaluation.metrics import compare_with_baseline, metric_name
from creche.report.subject import ReportSubject
from creche.table.table import Table

__all__ = ["ColumnRange", "Limitation", "find_limitations", "find_ranges"]

FEW_ROWS, MUCH_MISSING, BADLY_RECOGNISED = 30, 0.2, 0.5


BADLY_CALIBRATED, WIDE, ROSE, FAR_OFF = 0.05, 0.1, 1.2, 5.0


NAMED = 12


@dataclass(frozen=True, slots=True)
class Limitation:
    """Something to know before relying on the model: what it is about, and a sentence."""

    about: str
    text: str


@dataclass(frozen=True, slots=True)
class ColumnRange:
    """Between which numbers a column lies in the rows the network has seen."""

    column: str
    low: float
    high: float
    median: float


def find_limitations(subject: ReportSubject) -> list[Limitation]:
    """All limits found, the gravest first."""
    found = [*_of_rows(subject), *_of_gain(subject)]
    found += _of_classes(subject.evaluation) if subject.is_of_classes else _of_numbers(subject.evaluation)
    return [*found, *_of_columns(subject), *_of_training(subject)]


def _of_rows(subject: ReportSubject) -> Iterator[Limitation]:
    if subject.part == "train":
        yield Limitation(
            "the rows it is judged by",
            "It is judged by rows it was trained on: on new rows it will be worse.",
        )
    if subject.part == "given":
        yield Limitation(
            "the rows it is judged by",
            f"{subject.source} is not, as a whole, a table of its training. Should some of its rows have been "
            "trained on, the metrics are too good.",
        )
    if (
        subject.part == "validation"
        and subject.model_plan is not None
        and subject.model_plan.early_stopping is not None
    ):
        yield Limitation(
            "the rows it is judged by",
            "The same validation rows decided when to stop, so the metrics are a little too good; rows for testing "
            "(test_fraction) have no part in training.",
        )
    if len(subject.rows) < FEW_ROWS:
        yield Limitation("the rows it is judged by", f"They are few ({len(subject.rows)}): every metric is uncertain.")


def _of_gain(subject: ReportSubject) -> Iterator[Limitation]:
    always = "the commonest class" if subject.is_of_classes else "the mean"
    for sign, said in (("worse", "is worse than"), ("unsure", "may be no better than")):
        names = [
            metric_name(n) for n, gain in subject.evaluation.gain.items() if compare_with_baseline(n, gain) == sign
        ]
        if names:
            yield Limitation("the baseline", f"By {', '.join(names)}, it {said} always saying {always}.")


def _of_classes(evaluation: ClassificationEvaluation) -> Iterator[Limitation]:
    few = [c for c in evaluation.per_class if c.rows < FEW_ROWS]
    if few:
        named = [f"{c.name} ({c.rows})" for c in few]
        yield Limitation("classes", f"Classes with fewer than {FEW_ROWS} rows to judge them by: {_listed(named)}.")
    missed = [c for c in evaluation.per_class if c.recall < BADLY_RECOGNISED]
    if missed:
        named = [f"{c.name} ({c.recall:.0%})" for c in missed]
        yield Limitation("classes", f"Classes of which less than half are recognised: {_listed(named)}.")
    low, high = evaluation.intervals.get("accuracy", (0.0, 0.0))
    if high - low > WIDE:
        yield Limitation(
            "accuracy", f"It is known only roughly: 95 % of resamples lie between {low:.1%} and {high:.1%}."
        )
    if evaluation.calibration_error > BADLY_CALIBRATED:
        curve = evaluation.reliability(1)
        sure, right = float(curve.x[0]), float(curve.y[0])
        how = "too sure of itself" if sure > right + 0.01 else "too unsure" if sure < right - 0.01 else "off"
        yield Limitation(
            "probabilities",
            f"They are not to be taken at their word: the calibration error is {evaluation.calibration_error:.3f}; on "
            f"average the network is {how} ({sure:.1%} given to what it says, {right:.1%} right).",
        )


def _of_numbers(evaluation: Any) -> Iterator[Limitation]:
    for label in evaluation.labels:
        truth, said = evaluation.pairs(label)
        metrics = evaluation.per_label[label]
        off = float(np.abs(truth - said).max())
        if metrics["rmse"] > 0 and off > FAR_OFF * metrics["rmse"]:
            yield Limitation(label, f"Single rows are off by far more than most: by up to {off:.4g}.")
        bias = float((said - truth).mean())
        if metrics["rmse"] > 0 and abs(bias) > 0.25 * metrics["rmse"]:
            way = "high" if bias > 0 else "low"
            yield Limitation(label, f"Predictions are too {way} on the whole: by {abs(bias):.4g} on average.")


def _of_columns(subject: ReportSubject) -> Iterator[Limitation]:
    schema = None if subject.origin is None else subject.origin.schema
    if schema is None:
        return
    used = set(subject.model.features.names)
    gaps = [c for c in schema.columns if c.name in used and c.rows and c.missing > MUCH_MISSING * c.rows]
    if gaps:
        named = [f"{c.name} ({c.missing / c.rows:.0%})" for c in gaps]
        yield Limitation("columns", f"Columns with much missing: {_listed(named)}.")
    reasons = [c for c in schema.columns if c.name not in used and c.reason]
    if reasons:
        named = [f"{c.name} ({c.reason})" for c in reasons]
        yield Limitation("columns", f"Columns left out: {_listed(named)}.")
    without = [c.name for c in schema.columns if c.name in used and not c.missing]
    if without:
        yield Limitation(
            "columns", f"In training, never empty; what it says where they are is untested: {_listed(without)}."
        )


def _of_training(subject: ReportSubject) -> Iterator[Limitation]:
    plan, origin = subject.model_plan, subject.origin
    if origin is None:
        yield Limitation("training", "The model does not say how it was trained.")
    if origin is None or plan is None:
        return
    rows = origin.rows.get("train", 0)
    if plan.network.parameters > rows:
        yield Limitation(
            "training",
            f"It has more weights ({plan.network.parameters:,}) than it was given rows ({rows:,}): it could learn them "
            "by heart.",
        )
    labels = subject.model.labels
    counts = zip(labels.classes or (), labels.baseline, strict=False)
    few = [f"{name} ({share * rows:.0f})" for name, share in counts if share * rows < FEW_ROWS]
    if few:
        yield Limitation("classes", f"Classes with fewer than {FEW_ROWS} rows to learn from, about: {_listed(few)}.")
    history = origin.history
    if history.has_validation:
        lowest, last = float(np.nanmin(history.validation_loss)), float(history.validation_loss[-1])
        if last > ROSE * lowest and plan.early_stopping is None:
            yield Limitation(
                "training",
                f"The validation loss was lowest in epoch {history.best_epoch + 1} and then rose from {lowest:.4g} to "
                f"{last:.4g}: it may have been trained for too long (early_stopping takes the best epoch's weights).",
            )


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f", … ({more} more)" if more > 0 else "")


def find_ranges(subject: ReportSubject) -> list[ColumnRange]:
    """Of each column of numbers, in the rows it has seen; if they are not there, in those it is judged by."""
    x = subject.seen.x
    if not isinstance(x, Table):
        numbers = dict(zip(subject.model.features.names, np.asarray(x, dtype=np.float64).T, strict=False))
    else:
        kinds = ("number", "whole")
        named = {n: x.columns[n] for n in subject.model.features.names if n in x.columns}
        numbers = {n: c.values.astype(np.float64) for n, c in named.items() if c.kind in kinds}
    found = []
    for name, values in numbers.items():
        known = values[np.isfinite(values)]
        if len(known):
            found.append(ColumnRange(name, float(known.min()), float(known.max()), float(np.median(known))))
    return found
