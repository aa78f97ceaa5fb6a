"""Sections of the page: what the model was trained on, its network, how it learned."""

from __future__ import annotations

from functools import partial
from typing import Any

from creche import plots
from creche.model import Model
from creche.plan.network import Network
from creche.reporting.figures import Figures
from creche.reporting.html import Html, facts, joined, table, tag
from creche.reporting.limits import ranges_of
from creche.reporting.subject import Subject
from creche.words import classes_in_words, metric_name, optimizer_in_words, purpose

__all__ = ["data_section", "learning_section", "network_section"]

COLUMNS_SHOWN = 100
SHARES_SHOWN = 40


def data_section(subject: Subject, figures: Figures) -> Html | None:
    """Rows, columns, classes, digests."""
    origin, labels = subject.origin, subject.model.labels
    said: list[tuple[str, Any]] = [("label", f"{labels.name}: {classes_in_words(labels)}")]
    parts = []
    if origin is not None:
        said.append(("rows", ", ".join(f"{count:,} for {purpose(name)}" for name, count in origin.rows.items())))
        said += [
            ("split", _split_in_words(subject)),
            ("digest of the table", tag("code", str(origin.data.get("total")))),
        ]
    parts.append(facts(said))
    if origin is not None and origin.schema is not None:
        parts.append(_columns(subject))
    elif not subject.model.features.of_table:
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
    return joined(parts)


def _columns(subject: Subject) -> Html:
    assert subject.origin is not None
    assert subject.origin.schema is not None
    ranges = {r.column: r for r in ranges_of(subject)}
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
    return joined([table(head, rows, left=(0, 1, 5)), under])


def _split_in_words(subject: Subject) -> str:
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


def network_section(subject: Subject, figures: Figures) -> Html | None:
    """The diagram and the plan."""
    model = subject.model
    if not isinstance(model, Model):
        rows = [
            (f"{share:.1%}", str(m.plan.network), optimizer_in_words(m.plan.optimizer), m.plan.batch_size, m.plan.seed)
            for share, m in zip(model.shares.tolist(), model.models, strict=True)
        ]
        said = tag("p", f"An ensemble of {len(model)} networks, whose predictions are averaged.")
        return joined([said, table(("share", "network", "optimizer", "batch size", "seed"), rows, left=(1, 2))])
    plan = model.plan
    network = plan.network
    described = f"{network.inputs} inputs; layers of {', '.join(str(layer.width) for layer in network.layers)} neurons"
    return joined(
        [
            figures.figure(
                partial(plots.network, model),
                "Neurons as circles, weights as lines: thicker is larger within a layer, dashed is negative.",
                f"Diagram of the network: {described}",
            ),
            facts(
                [
                    ("layers", f"{network}, {network.parameters:,} parameters, {plan.precision}"),
                    ("activation", _activations(network)),
                    ("loss", repr(plan.loss)),
                    ("optimizer", optimizer_in_words(plan.optimizer)),
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
    return ", ".join(dict.fromkeys(layer.activation.word for layer in network.layers[:-1])) or "none"


def learning_section(subject: Subject, figures: Figures) -> Html | None:
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
    return joined([tag("p", said), tag("div", *curves, class_="pair"), tag("p", note + "epoch's end.", class_="quiet")])
