"""The report's sections on the model: summary, data, network, training and errors."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from creche import plots
from creche._phrases import format_count, write_number
from creche.evaluation.classification import Misclassification
from creche.evaluation.metrics import METRICS, compare_with_baseline, metric_name
from creche.evaluation.regression import LargeError
from creche.explain.cells import format_cell, format_difference
from creche.model.model import Model
from creche.pages.terms import link_term
from creche.plan.network import Network
from creche.render.components import describe_component, describe_optimizer, describe_uncommon_choices
from creche.render.html import Html, facts_table, join_html, table, tag
from creche.render.words import (
    describe_classes,
    describe_quantiles,
    describe_threshold,
    format_interval,
    format_number,
    name_purpose,
)
from creche.report.explanations import Figures
from creche.report.fitted import describe_out_of_fold, out_of_fold_table, tried_section
from creche.report.limits import baseline_name, find_ranges
from creche.report.subject import ReportSubject
from creche.table.encoders.preprocessing import Preprocessing
from creche.table.table import Table

__all__ = ["TERM", "data_section", "errors_section", "network_section", "summary_section", "training_section"]

ERRORS_LISTED, CELLS_LISTED, CLASSES_LISTED, LABELS_DRAWN = 8, 12, 40, 4
COLUMNS_LISTED, SHARES_LISTED = 100, 40
TERM = "term-"  # what the ids of the definitions in the glossary begin with
DIGITS = 5  # of numbers in cells that are not whole
CLASSES_IN_A_PAIR = 8  # the confusion matrix of more classes needs the whole width
COMPARISONS = {"better": "better", "unsure": "≈ not clearly better", "worse": "worse", "": ""}


def summary_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """Return the task, the main metric and a table of all metrics with the baseline."""
    parts: list[Html | None] = [tag("p", _describe_task(subject))]
    if subject.has_out_of_fold:
        parts += [tag("p", describe_out_of_fold(subject.model), class_="lead"), out_of_fold_table(subject.model)]
        parts.append(tag("p", _describe_result(subject)))
    else:
        parts.append(tag("p", _describe_result(subject), class_="lead"))
    return join_html([*parts, _metrics_table(subject)])


def _describe_task(subject: ReportSubject) -> str:
    count = len(subject.model.features.names)
    columns = f"from {format_count(count, 'column')}"
    if subject.model.classes is None:
        if subject.model.labels.is_multilabel:
            return f"The model predicts the probability of yes of {subject.label} {columns}."
        if subject.model.quantiles:
            return f"The model predicts {describe_quantiles(subject.model.quantiles)} of {subject.label} {columns}."
        return f"The model predicts {subject.label}, a number, {columns}."
    classes = describe_classes(subject.model.labels)
    return f"The model predicts the probability of each class of {subject.label} ({classes}) {columns}."


def _describe_result(subject: ReportSubject) -> str:
    evaluation = subject.evaluation
    name = evaluation.main_metric
    value, bounds, baseline = (
        evaluation.metrics()[name], evaluation.intervals.get(name), evaluation.baseline.get(name, np.nan),
    )  # fmt: skip
    if METRICS[name].bounds == (0.0, 1.0):
        interval = "" if bounds is None else f" (95 % CI: {bounds[0]:.1%} to {bounds[1]:.1%})"
        result, reference = f"{value:.1%}{interval}", f"{baseline:.1%}"
    else:
        interval = "" if bounds is None else f" (95 % CI: {format_interval(*bounds)})"
        result, reference = f"{format_number(value)}{interval}", format_number(baseline)
    return (
        f"On {subject.rows_description} its {metric_name(name)} is {result}; that of the {baseline_name(subject)} is "
        f"{reference}."
    )


def _metrics_table(subject: ReportSubject) -> Html:
    evaluation = subject.evaluation
    rows = []
    for name, value in evaluation.metrics().items():
        of_baseline = evaluation.baseline.get(name, np.nan) if METRICS[name].has_baseline else np.nan
        bounds = format_interval(*evaluation.intervals[name]) if name in evaluation.intervals else ""
        comparison = COMPARISONS[compare_with_baseline(name, evaluation.gain.get(name))]
        strong = tag("strong", format_number(value))
        rows.append((link_term(metric_name(name), TERM), strong, bounds, format_number(of_baseline), comparison))
    head = ("metric", "value", "95 % CI (bootstrap)", baseline_name(subject), "vs. baseline")
    return table(head, rows, left=(0, 4))


def data_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """Return the label, the rows, the columns and the classes of the training table."""
    origin, labels = subject.origin, subject.model.labels
    facts: list[tuple[str, Any]] = [("label", f"{labels.name}: {describe_classes(labels)}")]
    if subject.model.threshold is not None:
        facts.append(("threshold", describe_threshold(subject.model.threshold, labels)))
    parts = []
    if origin is not None:
        facts.append(("rows", ", ".join(f"{count:,} for {name_purpose(name)}" for name, count in origin.rows.items())))
        facts += [
            ("split", _describe_split(subject)),
            ("SHA-256 of the table", tag("code", str(origin.data.get("total")))),
        ]
    parts.append(facts_table(facts))
    if origin is not None and origin.schema is not None:
        parts.append(_columns_table(subject))
    elif not subject.model.features.has_column_names:
        parts.append(tag("p", f"The model was trained on arrays of {len(subject.model.features.names):,} columns."))
    if labels.classes is not None and len(labels.classes) <= SHARES_LISTED:
        rows = 0 if origin is None else origin.rows.get("train", 0)
        shares = zip(labels.classes, labels.baseline, strict=True)
        parts.append(
            table(
                ("class", "share of the training rows", *(["training rows (approximate)"] if rows else [])),
                [(c, f"{share:.1%}", *([f"{share * rows:,.0f}"] if rows else [])) for c, share in shares],
            )
        )
    elif labels.is_multilabel:
        shares = zip(labels.names, labels.baseline, strict=True)
        parts.append(table(("label", "yes among the training rows"), [(n, f"{share:.1%}") for n, share in shares]))
    elif labels.quantiles:
        title = f"{describe_quantiles(labels.quantiles)} of the training rows"
        baselines = zip(labels.predicted_names, labels.baseline, strict=True)
        parts.append(table(("label", title), [(name, format_cell(value, DIGITS)) for name, value in baselines]))
    elif labels.classes is None:
        means = zip(labels.names, labels.baseline, labels.scale, strict=True)
        head = ("label", "mean of the training rows", "standard deviation")
        parts.append(
            table(
                head,
                [(n, format_cell(mean, 5), format_cell(scale, 5) if scale != 1 else "") for n, mean, scale in means],
            )
        )
    return join_html(parts)


def _columns_table(subject: ReportSubject) -> Html:
    assert subject.origin is not None
    assert subject.origin.schema is not None
    ranges = {r.column: r for r in find_ranges(subject)}
    rows = []
    for column in subject.origin.schema.columns[:COLUMNS_LISTED]:
        r = ranges.get(column.name)
        examples = f"dropped: {column.reason}" if column.reason else ", ".join(column.examples)
        bounds = "" if r is None else f"{format_cell(r.low, DIGITS)} to {format_cell(r.high, DIGITS)}"
        missing = f"{column.missing:,}" + (f" ({column.missing / column.rows:.0%})" if column.missing else "")
        rows.append((column.name, column.role, missing, f"{column.distinct:,}", bounds, examples))
    more = len(subject.origin.schema.columns) - COLUMNS_LISTED
    rows_name = "training" if subject.prepared is not None else "evaluation"
    head = ("column", "role", "missing", "distinct", f"range in the {rows_name} rows", "examples")
    note = tag("p", f"and {more:,} more columns", class_="quiet") if more > 0 else None
    return join_html([table(head, rows, left=(0, 1, 5)), note])


def _describe_split(subject: ReportSubject) -> str:
    assert subject.origin is not None
    split = subject.origin.preparation.split
    if split.column is not None:
        return f"by the column {split.column}"
    if split.time is not None:
        return f"by time: the latest rows by {split.time} held out"
    if split.group is not None:
        return f"at random by group: rows with the same {split.group} stay together"
    if not split.validation_fraction and not split.test_fraction:
        return "no rows held out"
    return "at random" + (", stratified by class" if split.stratify and subject.is_classification else "")


def network_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """Return the diagram of the network and its plan; for an ensemble, a table of its networks."""
    model = subject.model
    if not isinstance(model, Model):
        rows = [
            (f"{share:.1%}", str(m.plan.network), describe_optimizer(m.plan.optimizer), m.plan.batch_size, m.plan.seed)
            for share, m in zip(model.shares.tolist(), model.models, strict=True)
        ]
        text = tag("p", f"An ensemble of {len(model)} networks; their predictions are averaged with these weights.")
        return join_html([text, table(("weight", "network", "optimizer", "batch size", "seed"), rows, left=(1, 2))])
    plan = model.plan
    network = plan.network
    description = (
        f"{network.widths[0]} inputs; layers of {', '.join(str(layer.width) for layer in network.layers)} neurons"
    )
    diagram = None
    if network.submodels == 1:
        diagram = figures.figure(
            partial(plots.network, model),
            "Neurons are circles and weights are lines: thicker lines are larger weights of the layer, dashed lines "
            "negative ones.",
            f"Diagram of the network: {description}",
        )
    return join_html(
        [
            diagram,
            facts_table(
                [
                    ("layers", network.describe(plan.precision)),
                    ("activation", _activations(network)),
                    *_preprocessing_fact(subject),
                    ("loss", describe_component(plan.loss)),
                    ("optimizer", describe_optimizer(plan.optimizer)),
                    ("learning rate schedule", describe_component(plan.schedule)),
                    *describe_uncommon_choices(plan),
                    ("batch size", f"{plan.batch_size:,}"),
                    ("seed", str(plan.seed)),
                ]
            ),
            tag("details", tag("summary", "Distribution of the weights"), figures.figure(
                partial(plots.weight_histograms, model), "The weights of each layer, without biases.",
                f"Histograms of the weights of {len(network.layers)} layers",
            )),
        ]
    )  # fmt: skip


def _preprocessing_fact(subject: ReportSubject) -> list[tuple[str, str]]:
    """Return how columns became inputs, if numbers were not only standardized."""
    if subject.origin is None or subject.origin.preparation.preprocessing == Preprocessing():
        return []
    return [("preprocessing", describe_component(subject.origin.preparation.preprocessing))]


def _activations(network: Network) -> str:
    return ", ".join(dict.fromkeys(layer.activation.key for layer in network.layers[:-1])) or "none"


def training_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """Return loss and metric by epoch; for a model of `creche.fit`, what it tried."""
    if (fitted := subject.fitted_model) is not None:
        return tried_section(fitted, figures)
    origin, plan = subject.origin, subject.model_plan
    if origin is None or len(origin.history) == 0:
        return None
    history = origin.history
    best = history.best_epoch
    which = "validation" if history.has_validation else "training"
    planned = f" of {plan.epochs:,}" if plan is not None else ""
    text = f"{len(history):,}{planned} epochs, {origin.steps:,} steps; status: {origin.status.replace('_', ' ')}."
    if best >= 0:
        text += f" The {which} loss was lowest in epoch {best + 1:,}: {write_number(history.watched_loss[best], 4)}."
    if origin.kept_epoch is not None:
        text += f" The weights are those of epoch {origin.kept_epoch:,}."
    curves = [
        figures.figure(
            partial(plots.loss_curves, history),
            "The loss by epoch.",
            f"The {which} loss goes from {history.watched_loss[0]:.3g} to {history.watched_loss[-1]:.3g}",
        )
    ]
    # A squared error of quantiles, or a share of right outputs, would mislead.
    if len(subject.model.quantiles) < 2 and not subject.model.labels.is_ordered:
        curves.append(figures.figure(
            partial(plots.metric_curves, history), f"The {metric_name(history.metric)} by epoch.",
            f"The {metric_name(history.metric)} of the training rows goes from "
            f"{write_number(history.train_metric[0], 3)} to "
            f"{write_number(history.train_metric[-1], 3)}",
        ))  # fmt: skip
    note = (
        "A training value is the mean over the batches of an epoch, each computed just before its step; a validation "
        "value is that of the network at the end of the epoch."
    )
    return join_html([tag("p", text), tag("div", *curves, class_="pair"), tag("p", note, class_="quiet")])


def errors_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """Return the plots of the evaluation, the metrics of each class, and the rows with the largest errors."""
    draw = _classification_errors if subject.is_classification else _regression_errors
    draw = _multilabel_errors if subject.model.labels.is_multilabel else draw
    return join_html([*draw(subject, figures), _largest_errors_table(subject)])


def _classification_errors(subject: ReportSubject, figures: Figures) -> list[Html]:
    evaluated, evaluation = subject.evaluated, subject.evaluation
    counts = evaluation.confusion
    wrong = int(counts.sum() - np.trace(counts))
    parts = [
        figures.figure(
            partial(plots.confusion_matrix, evaluated),
            "Rows by true and predicted class, with their share of the true class.",
            f"Confusion matrix: {wrong} of {evaluation.rows} rows are not on the diagonal",
        ),
        figures.figure(
            partial(plots.reliability_diagram, evaluated),
            "Share of correct predictions by predicted probability; below the diagonal, the model is overconfident.",
            f"Reliability diagram; the expected calibration error (ECE) is {evaluation.calibration_error:.3f}",
        ),
        figures.figure(
            partial(plots.roc_curves, evaluated), "True positive rate against false positive rate at every threshold.",
            f"ROC curves{_describe_value('the mean area under them', evaluation.auc)}",
        ),
        figures.figure(
            partial(plots.precision_recall, evaluated), "Precision against recall at every threshold.",
            "Precision-recall curves",
        ),
    ]  # fmt: skip
    pair = parts[:2] if len(evaluation.classes) > CLASSES_IN_A_PAIR else [tag("div", *parts[:2], class_="pair")]
    return [*pair, _classes_table(subject), tag("div", *parts[2:], class_="pair")]


def _describe_value(name: str, value: float) -> str:
    """Return a clause with a value; nothing if it is NaN."""
    return f"; {name} is {value:.3f}" if np.isfinite(value) else ""


def _classes_table(subject: ReportSubject) -> Html:
    """Return the metrics of each class; if there are more than 40, of those with the lowest F1."""
    classes = subject.evaluation.per_class
    if len(classes) > CLASSES_LISTED:
        classes = sorted((c for c in classes if c.rows), key=lambda c: float(np.nan_to_num(c.f1)))[:CLASSES_LISTED]
    rows = [
        (
            c.name, f"{c.rows:,}", format_number(c.precision), format_number(c.recall),
            tag("strong", format_number(c.f1)), format_interval(*c.f1_interval) if c.f1_interval else "",
            format_number(c.auc),
        )
        for c in classes
    ]  # fmt: skip
    return table(("class", "rows", "precision", "recall", "F1", "95 % CI (bootstrap)", "AUC"), rows)


def _regression_errors(subject: ReportSubject, figures: Figures) -> list[Html]:
    parts = []
    if len(subject.model.quantiles) > 1:
        return _interval_errors(subject, figures)
    for label in subject.evaluation.labels[:LABELS_DRAWN]:
        metrics = subject.evaluation.per_label[label]
        both = [
            figures.figure(
                partial(plots.predicted_against_true, subject.evaluated, label=label),
                "Predicted against true values, one point for each row; on the diagonal, both are equal.",
                f"{label}, predicted against true{_describe_value('R²', metrics['r2'])}",
            ),
            figures.figure(
                partial(plots.residuals, subject.evaluated, label=label),
                "Residuals (predicted minus true) against predicted values; they should show no pattern.",
                f"Errors of {label}, predicted − true; their root mean square is {write_number(metrics['rmse'], 4)}",
            ),
        ]
        parts.append(tag("div", *both, class_="pair"))
    return parts


def _multilabel_errors(subject: ReportSubject, figures: Figures) -> list[Html]:
    """Return the metrics of each label, and the pictures of the first few."""
    evaluation, parts = subject.evaluation, []
    for label in evaluation.labels[:LABELS_DRAWN]:
        own, metrics = subject.evaluated.of_label(label), evaluation.per_label[label]
        both = [
            figures.figure(
                partial(plots.confusion_matrix, own), f"{label}: rows by true and predicted answer.",
                f"Confusion matrix of {label}: {metrics['hamming_loss']:.1%} of the rows are not on the diagonal",
            ),
            figures.figure(
                partial(plots.precision_recall, own), f"{label}: precision against recall at every threshold.",
                f"Precision-recall curves of {label}{_describe_value('the area under its ROC curve', metrics['auc'])}",
            ),
        ]  # fmt: skip
        parts.append(tag("div", *both, class_="pair"))
    return [_labels_table(subject), *parts]


def _labels_table(subject: ReportSubject) -> Html:
    """Return the metrics of each label; if there are more than 40, of those with the lowest F1."""
    evaluation = subject.evaluation
    labels = list(evaluation.labels)
    if len(labels) > CLASSES_LISTED:
        labels = sorted(labels, key=lambda label: float(np.nan_to_num(evaluation.per_label[label]["f1"])))
    rows = []
    for label in labels[:CLASSES_LISTED]:
        metrics, bounds = evaluation.per_label[label], evaluation.label_intervals[label].get("f1")
        rows.append(
            (
                label, f"{evaluation.shares[label]:.1%}", f"{metrics['hamming_loss']:.1%}",
                format_number(metrics["precision"]), format_number(metrics["recall"]),
                tag("strong", format_number(metrics["f1"])), format_interval(*bounds) if bounds else "",
                format_number(metrics["auc"]),
            )
        )  # fmt: skip
    return table(("label", "yes", "wrong", "precision", "recall", "F1", "95 % CI (bootstrap)", "AUC"), rows)


def _interval_errors(subject: ReportSubject, figures: Figures) -> list[Html]:
    """Return the picture of the predicted intervals of each label, and how often each quantile is right."""
    evaluation = subject.evaluation
    several = len(evaluation.label_names) > 1
    drawn = [
        figures.figure(
            partial(plots.predicted_intervals, subject.evaluated, label=label),
            "True values in the order of the predictions; the band reaches from the lowest to the highest quantile.",
            f"Predicted intervals{f' of {label}' if several else ''}: {evaluation.interval_coverage:.1%} of the true "
            f"values{' of all labels' if several else ''} lie within them, {evaluation.interval:.0%} should",
        )
        for label in evaluation.label_names[:LABELS_DRAWN]
    ]
    rows = []
    names = evaluation.labels if several else [f"{quantile:g}" for quantile in evaluation.quantiles]
    for name, label in zip(names, evaluation.labels, strict=True):
        metrics, bounds = evaluation.per_label[label], evaluation.label_intervals[label].get("coverage")
        share = "" if bounds is None else f"{bounds[0]:.1%} to {bounds[1]:.1%}"
        covered = tag("strong", f"{metrics['coverage']:.1%}")
        rows.append((name, format_number(metrics["pinball"]), covered, share))
    head = ("quantile", "pinball loss", "true at or below", "95 % CI (bootstrap)")
    return [*drawn, table(head, rows)]


def _largest_errors_table(subject: ReportSubject) -> Html:
    """Return the rows with the largest errors, with their values."""
    errors = subject.evaluation.largest_errors(ERRORS_LISTED)
    if not errors:
        return tag("p", "All of these rows are predicted correctly.")
    columns = subject.model.features.columns[:CELLS_LISTED]
    rows: list[tuple[Any, ...]] = []
    for error in errors:
        cells = [_format_cell(subject, error.row, i, column.name) for i, column in enumerate(columns)]
        rows.append((str(subject.evaluated.row_numbers[error.row]), *_error_cells(error), *cells))
    texts = tuple(i for i, column in enumerate(columns) if column.role != "numeric")
    head: tuple[str, ...]
    own: tuple[int, ...]
    if subject.is_classification:
        head, own = ("row", "true", "predicted", "p(predicted)", "p(true)"), (0, 1, 2)
    elif len(subject.evaluation.labels) > 1:
        head, own = ("row", "true", "predicted", "predicted − true", "label"), (0, 4)
    else:
        head, own = ("row", "true", "predicted", "predicted − true"), (0,)
        rows = [(*row[:4], *row[5:]) for row in rows]
    left = (*own, *(len(head) + i for i in texts))
    return table((*head, *(column.name for column in columns)), rows, left=left, caption="Largest errors")


def _error_cells(error: Misclassification | LargeError) -> tuple[Any, ...]:
    if isinstance(error, Misclassification):
        return error.true, error.predicted, f"{error.probability:.3f}", f"{error.true_probability:.3f}"
    difference = error.predicted - error.true
    return (
        format_cell(error.true, DIGITS),
        format_cell(error.predicted, DIGITS),
        format_difference(difference),
        error.label,
    )


def _format_cell(subject: ReportSubject, place: int, column: int, name: str) -> str:
    x = subject.rows.x
    value = x.columns[name].take(np.array([place])).to_objects()[0] if isinstance(x, Table) else x[place, column]
    return format_cell(None if value != value else value, DIGITS)
