"""Sections of the page: what the model is and how good, and where it errs."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from creche import plots
from creche.evaluation.classification import Misclassification
from creche.evaluation.metrics import (
    NOT_OF_BASELINES,
    compare_with_baseline,
    format_interval,
    format_number,
    metric_name,
    name_purpose,
)
from creche.evaluation.regression import LargeError
from creche.model.model import Model
from creche.plan.network import Network
from creche.render.html import Html, facts_table, join_html, table, tag
from creche.render.words import describe_classes, describe_optimizer
from creche.report.explanations import Figures
from creche.report.limits import find_ranges
from creche.report.subject import ReportSubject
from creche.table.table import Table

__all__ = ["data_section", "errors_section", "network_section", "summary_section", "training_section"]

MOST_MISTAKEN, CELLS_SHOWN, CLASSES_SHOWN, LABELS_SHOWN, CLASSES_BESIDE = 8, 12, 40, 4, 8


SIGNS = {"better": "better", "unsure": "≈ perhaps no better", "worse": "worse", "": ""}


def summary_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """A sentence or two, and all metrics beside the baseline."""
    return join_html([tag("p", _what_it_does(subject)), tag("p", _how_good(subject), class_="lead"), _metrics(subject)])


def _what_it_does(subject: ReportSubject) -> str:
    count = len(subject.model.features.names)
    columns = f"From {count:,} column{'' if count == 1 else 's'} of a row"
    if subject.model.classes is None:
        return f"{columns} it predicts {subject.label}, a number."
    shown = ", ".join(map(str, subject.model.classes[:CELLS_SHOWN]))
    more = len(subject.model.classes) - CELLS_SHOWN
    return (
        f"{columns} it gives the probability of each {subject.label}: {shown}{f' and {more} more' if more > 0 else ''}."
    )


def _how_good(subject: ReportSubject) -> str:
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
    between = "" if bounds is None else f" (95 % of resamples: {format_interval(*bounds)})"
    return (
        f"On {subject.which} it is off by {format_number(value)} (root mean squared){between}; always saying the mean would "
        f"be off by {format_number(always)}."
    )


def _metrics(subject: ReportSubject) -> Html:
    evaluation = subject.evaluation
    always = "always the commonest" if subject.is_of_classes else "always the mean"
    rows = []
    for name, value in evaluation.metrics().items():
        of_baseline = np.nan if name in NOT_OF_BASELINES else evaluation.baseline.get(name, np.nan)
        bounds = format_interval(*evaluation.intervals[name]) if name in evaluation.intervals else ""
        said = SIGNS[compare_with_baseline(name, evaluation.gain.get(name))]
        rows.append((metric_name(name), tag("strong", format_number(value)), bounds, format_number(of_baseline), said))
    return table(("metric", "", "95 % of resamples", always, "beside it"), rows, left=(0, 4))


def errors_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """Confusion, each class, the most mistaken rows, curves; of numbers, both pictures and the rows furthest off."""
    pictures = _of_classes(subject, figures) if subject.is_of_classes else _of_numbers(subject, figures)
    return join_html([*pictures, _mistaken(subject)])


def _of_classes(subject: ReportSubject, figures: Figures) -> list[Html]:
    judged, evaluation = subject.evaluated, subject.evaluation
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


def _each_class(subject: ReportSubject) -> Html:
    """Of very many classes, those that are recognised least."""
    classes = subject.evaluation.per_class
    if len(classes) > CLASSES_SHOWN:
        classes = sorted((c for c in classes if c.rows), key=lambda c: float(np.nan_to_num(c.f1)))[:CLASSES_SHOWN]
    rows = [
        (
            c.name, f"{c.rows:,}", format_number(c.precision), format_number(c.recall), tag("strong", format_number(c.f1)),
            format_interval(*c.f1_interval) if c.f1_interval else "", format_number(c.auc),
        )
        for c in classes
    ]  # fmt: skip
    return table(("class", "rows", "precision", "recall", "F1", "95 % of resamples", "AUC"), rows)


def _of_numbers(subject: ReportSubject, figures: Figures) -> list[Html]:
    parts = []
    for label in subject.evaluation.labels[:LABELS_SHOWN]:
        metrics = subject.evaluation.per_label[label]
        both = [
            figures.figure(
                partial(plots.predicted_against_true, subject.evaluated, label=label),
                "A point for each row; on the diagonal, it was predicted as it is.",
                f"{label}, predicted against true{_of_known('R²', metrics['r2'])}",
            ),
            figures.figure(
                partial(plots.residuals, subject.evaluated, label=label),
                "True less predicted; without a pattern is what is hoped for.",
                f"Residuals of {label}; their root mean square is {metrics['rmse']:.4g}",
            ),
        ]
        parts.append(tag("div", *both, class_="pair"))
    return parts


def _mistaken(subject: ReportSubject) -> Html:
    """The most mistaken rows with their cells."""
    mistaken = subject.evaluation.largest_errors(MOST_MISTAKEN)
    if not mistaken:
        return tag("p", "Of these rows it has none wrong.")
    columns = subject.model.features.columns[:CELLS_SHOWN]
    rows: list[tuple[Any, ...]] = []
    for mistake in mistaken:
        cells = [_cell(subject, mistake.place, i, column.name) for i, column in enumerate(columns)]
        rows.append((f"row {subject.evaluated.row_numbers[mistake.place]:,}", *_mistake(mistake), *cells))
    words = tuple(i for i, column in enumerate(columns) if column.role != "numeric")
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


def _mistake(mistake: Misclassification | LargeError) -> tuple[Any, ...]:
    if isinstance(mistake, Misclassification):
        return mistake.truth, mistake.predicted, f"{mistake.probability:.3f}", f"{mistake.of_truth:.3f}"
    return (
        f"{mistake.truth:.5g}",
        f"{mistake.predicted:.5g}",
        f"{mistake.predicted - mistake.truth:+.4g}",
        mistake.label,
    )


def _cell(subject: ReportSubject, place: int, number_of_column: int, name: str) -> str:
    x = subject.rows.x
    value = (
        x.columns[name].take(np.array([place])).to_objects()[0] if isinstance(x, Table) else x[place, number_of_column]
    )
    if value is None or value != value:
        return "missing"
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    return f"{value:.5g}" if isinstance(value, int | float | np.number) else str(value)


COLUMNS_SHOWN = 100


SHARES_SHOWN = 40


def data_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """Rows, columns, classes, digests."""
    origin, labels = subject.origin, subject.model.labels
    said: list[tuple[str, Any]] = [("label", f"{labels.name}: {describe_classes(labels)}")]
    parts = []
    if origin is not None:
        said.append(("rows", ", ".join(f"{count:,} for {name_purpose(name)}" for name, count in origin.rows.items())))
        said += [
            ("split", _split_in_words(subject)),
            ("digest of the table", tag("code", str(origin.data.get("total")))),
        ]
    parts.append(facts_table(said))
    if origin is not None and origin.schema is not None:
        parts.append(_columns(subject))
    elif not subject.model.features.has_column_names:
        parts.append(tag("p", f"It was trained on arrays of {len(subject.model.features.names):,} columns."))
    if labels.classes is not None and len(labels.classes) <= SHARES_SHOWN:
        rows = 0 if origin is None else origin.rows.get("train", 0)
        shares = zip(labels.classes, labels.baseline, strict=True)
        parts.append(
            table(
                ("class", "share of the training rows", *(["rows, about"] if rows else [])),
                [(c, f"{share:.1%}", *([f"{share * rows:,.0f}"] if rows else [])) for c, share in shares],
            )
        )
    elif labels.classes is None:
        means = zip(labels.names, labels.baseline, labels.scale, strict=True)
        head = ("label", "mean of the training rows", "standard deviation")
        parts.append(
            table(head, [(n, f"{mean:.5g}", f"{scale:.5g}" if scale != 1 else "") for n, mean, scale in means])
        )
    return join_html(parts)


def _columns(subject: ReportSubject) -> Html:
    assert subject.origin is not None
    assert subject.origin.schema is not None
    ranges = {r.column: r for r in find_ranges(subject)}
    rows = []
    for column in subject.origin.schema.columns[:COLUMNS_SHOWN]:
        r = ranges.get(column.name)
        examples = f"left out: {column.reason}" if column.reason else ", ".join(column.examples)
        between = "" if r is None else f"{r.low:.5g} to {r.high:.5g}"
        missing = f"{column.missing:,}" + (f" ({column.missing / column.rows:.0%})" if column.missing else "")
        rows.append((column.name, column.role, missing, f"{column.distinct:,}", between, examples))
    more = len(subject.origin.schema.columns) - COLUMNS_SHOWN
    whose = "training" if subject.prepared is not None else "judged"
    head = ("column", "role", "missing", "distinct", f"range of the {whose} rows", "such as")
    under = tag("p", f"and {more:,} more columns", class_="quiet") if more > 0 else None
    return join_html([table(head, rows, left=(0, 1, 5)), under])


def _split_in_words(subject: ReportSubject) -> str:
    assert subject.origin is not None
    split = subject.origin.preparation.split
    if split.column is not None:
        return f"by column {split.column}"
    if split.time is not None:
        return f"the latest by {split.time} kept out"
    if split.group is not None:
        return f"at random, rows of the same {split.group} together"
    if not split.validation_fraction and not split.test_fraction:
        return "no rows kept out"
    return "at random" + (", each class in proportion" if split.stratify and subject.is_of_classes else "")


def network_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """The diagram and the plan."""
    model = subject.model
    if not isinstance(model, Model):
        rows = [
            (f"{share:.1%}", str(m.plan.network), describe_optimizer(m.plan.optimizer), m.plan.batch_size, m.plan.seed)
            for share, m in zip(model.shares.tolist(), model.models, strict=True)
        ]
        said = tag("p", f"An ensemble of {len(model)} networks, whose predictions are averaged.")
        return join_html([said, table(("share", "network", "optimizer", "batch size", "seed"), rows, left=(1, 2))])
    plan = model.plan
    network = plan.network
    described = f"{network.inputs} inputs; layers of {', '.join(str(layer.width) for layer in network.layers)} neurons"
    return join_html(
        [
            figures.figure(
                partial(plots.network, model),
                "Neurons as circles, weights as lines: thicker is larger within a layer, dashed is negative.",
                f"Diagram of the network: {described}",
            ),
            facts_table(
                [
                    ("layers", f"{network}, {network.parameters:,} parameters, {plan.precision}"),
                    ("activation", _activations(network)),
                    ("loss", repr(plan.loss)),
                    ("optimizer", describe_optimizer(plan.optimizer)),
                    ("schedule of the learning rate", repr(plan.schedule)),
                    ("batch size", f"{plan.batch_size:,}"),
                    ("seed", str(plan.seed)),
                ]
            ),
            tag("details", tag("summary", "How large the weights are"), figures.figure(
                partial(plots.weight_histograms, model), "The weights of each layer, without biases.",
                f"Histograms of the weights of {len(network.layers)} layers",
            )),
        ]
    )  # fmt: skip


def _activations(network: Network) -> str:
    return ", ".join(dict.fromkeys(layer.activation.key for layer in network.layers[:-1])) or "none"


def training_section(subject: ReportSubject, figures: Figures) -> Html | None:
    """The losses and the metric by epoch."""
    origin, plan = subject.origin, subject.model_plan
    if origin is None or len(origin.history) == 0:
        return None
    history = origin.history
    best = history.best_epoch
    which = "validation" if history.has_validation else "training"
    ended = f" of {plan.epochs:,}" if plan is not None else ""
    said = f"{len(history):,}{ended} epochs, {origin.steps:,} steps, {origin.status.replace('_', ' ')}."
    if best >= 0:
        said += f" The {which} loss was lowest in epoch {best + 1:,}: {history.watched_loss[best]:.4g}."
    curves = [
        figures.figure(
            partial(plots.loss_curves, history), "The loss by epoch.",
            f"The {which} loss goes from {history.watched_loss[0]:.3g} to {history.watched_loss[-1]:.3g}",
        ),
        figures.figure(
            partial(plots.metric_curves, history), f"The {metric_name(history.metric)} by epoch.",
            f"The {metric_name(history.metric)} of the training rows goes from {history.train_metric[0]:.3g} to "
            f"{history.train_metric[-1]:.3g}",
        ),
    ]  # fmt: skip
    note = "Training numbers are means over an epoch's batches as they were trained on; validation numbers are of the "
    return join_html(
        [tag("p", said), tag("div", *curves, class_="pair"), tag("p", note + "epoch's end.", class_="quiet")]
    )
