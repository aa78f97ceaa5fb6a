"""What a report says of out-of-fold metrics, and of the configurations that `creche.fit` tried."""

from __future__ import annotations

from functools import partial

from creche import plots
from creche._phrases import format_count
from creche.evaluation.metrics import MAIN_METRICS, metric_name, metrics_for
from creche.model.ensemble import Ensemble
from creche.model.fitted import FittedModel
from creche.model.model import Model
from creche.render.html import Html, join_html, table, tag
from creche.render.words import format_interval, format_number
from creche.report.explanations import Figures

__all__ = ["describe_out_of_fold", "out_of_fold_table", "tried_section"]

TRIED_LISTED = 40


def describe_out_of_fold(model: Model | Ensemble) -> str:
    """Return a sentence with the most important metric on rows that the model was not trained on."""
    if not isinstance(model, FittedModel):
        return _describe_cross_validation(model)
    record = model.record
    baseline = "" if record.baseline is None else f"; that of the baseline is {format_number(record.baseline)}"
    interval = ""
    if model.provenance is not None and record.metric in (known := model.provenance.evaluation.get("intervals", {})):
        interval = f" (95 % CI: {format_interval(*known[record.metric])})"
    return (
        f"On {format_count(record.judged_rows, 'row')} that its networks were not trained on (out of fold), its "
        f"{record.score_name} is {format_number(record.score)}{interval}{baseline}."
    )


def _describe_cross_validation(model: Model | Ensemble) -> str:
    """Return the sentence for a model that a cross-validation has left behind."""
    assert model.provenance is not None
    found = model.provenance.evaluation
    key = next(name for name in MAIN_METRICS if name in found)
    bounds = found.get("intervals", {}).get(key)
    interval = "" if bounds is None else f" (95 % CI: {format_interval(*bounds)})"
    return (
        f"On {format_count(found['rows'], 'row')}, each predicted by networks of the cross-validation that were "
        f"not trained on it (out of fold), the {metric_name(key)} is {format_number(found[key])}{interval}."
    )


def out_of_fold_table(model: Model | Ensemble) -> Html | None:
    """Return the metrics of the out-of-fold predictions."""
    if model.provenance is None:
        return None
    found = model.provenance.evaluation
    intervals = found.get("intervals", {})
    rows = []
    for metric in metrics_for(model.labels.task, len(model.quantiles), is_ordered=model.labels.is_ordered):
        if found.get(metric.key) is not None:
            bounds = format_interval(*intervals[metric.key]) if metric.key in intervals else ""
            rows.append((metric_name(metric.key), tag("strong", format_number(found[metric.key])), bounds))
    head = ("metric", "value", "95 % CI (bootstrap)")
    return table(head, rows, caption="Out of fold: each row is predicted by networks that were not trained on it")


def tried_section(model: FittedModel, figures: Figures) -> Html:
    """Return the configurations that were tried, and the loss by epoch of the one that counts most."""
    record = model.record
    folds = format_count(record.folds, "fold") if record.folds > 1 else "one split"
    kept = sum(each.weight > 0 for each in record.tried)
    count = f"{format_count(len(record.tried), 'configuration')} {'was' if len(record.tried) == 1 else 'were'}"
    text = f"{count} trained on {folds}, and {kept} kept; status: {record.status}."
    rows = [
        (
            each.name, format_number(each.score), f"{each.weight:.1%}" if each.weight else "",
            "-".join(map(str, each.arguments["hidden"])) or "linear", f"{each.epoch} of {each.epochs}",
        )
        for each in record.tried[:TRIED_LISTED]
    ]  # fmt: skip
    head = ("configuration", record.score_name, "weight", "hidden layers", "best epoch")
    parts = [tag("p", text), table(head, rows, left=(0, 3))]
    if len(record.tried) > TRIED_LISTED:
        parts.append(tag("p", f"and {len(record.tried) - TRIED_LISTED:,} more configurations", class_="quiet"))
    if model.provenance is not None and len(model.provenance.history):
        history = model.provenance.history
        name = max(record.tried, key=lambda each: each.weight).name
        parts.append(
            figures.figure(
                partial(plots.loss_curves, history),
                f"The loss of {name}, the configuration with the largest weight, by epoch: the mean over its folds, "
                "each evaluated on its held-out rows.",
                f"The held-out loss goes from {history.watched_loss[0]:.3g} to {history.watched_loss[-1]:.3g}",
            )
        )
    return join_html(parts)
