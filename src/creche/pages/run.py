"""The pages of a training run, of a model and of an ensemble: what is printed, and the same facts as plain data."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche._phrases import format_count, list_first, write_number
from creche.engine.device import name_device
from creche.evaluation.metrics import metric_name
from creche.explain.cells import format_cell
from creche.pages.charts import BAR_WIDTH, draw_bar, draw_loss_curves, draw_network
from creche.pages.evaluation import evaluation_page
from creche.pages.tables import (
    BOOTSTRAP_INTERVAL,
    count_rows,
    facts_table,
    format_duration,
    note,
    part_sizes,
    plain_table,
)
from creche.render.components import describe_component, describe_optimizer, describe_uncommon_choices
from creche.render.text import terminal_width
from creche.render.words import (
    CLASSES_SHOWN,
    describe_classes,
    describe_threshold,
    format_interval,
    format_number,
    name_purpose,
)
from creche.table.datasets import NOT_FILES
from creche.table.encoders.preprocessing import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from creche.model.ensemble import Ensemble
    from creche.model.history import History
    from creche.model.model import Model
    from creche.model.provenance import Provenance
    from creche.table.observations import Observations
    from creche.table.partition import PartName
    from creche.table.preparation import Preparation
    from creche.table.schema import Schema
    from creche.training.run import Run

__all__ = [
    "ensemble_data",
    "ensemble_page",
    "epoch_table",
    "history_curves",
    "metric_table",
    "model_data",
    "model_page",
    "provenance_page",
    "run_data",
    "run_page",
    "schema_table",
]

MAX_EPOCHS = 8
MAX_CLASSES = 5  # the likeliest, where there are more classes than fit
MAX_VALUES = 12  # of the example row
MAX_COLUMNS = 100
MANY_COLUMNS = 200
COLUMNS_OF_MANY = 20  # that are shown where there are more than `MANY_COLUMNS`
EXAMPLES_WIDTH = 24  # characters
ROOM_BESIDE_BARS = 23  # for an indentation, a probability, "true class" and the gaps
DIGEST_LENGTH = 16


def run_page(run: Run) -> RenderableType:
    """Render a run: the table, the network, its loss by epoch, its evaluation and an example row.

    A run that still trains, or diverged, is not evaluated.
    """
    parts: list[RenderableType] = [_run_facts(run)]
    if run.prepared.schema is not None:
        parts += [Text(), schema_table(run.prepared.schema)]
    parts += _draw_model(run.model)
    history = run.history
    parts += history_curves(history)
    if len(history):
        labels = run.prepared.labels  # a squared error of quantiles, or a share of right outputs, would mislead
        has_metric = len(labels.quantiles) < 2 and not labels.is_ordered
        parts += [Text(), epoch_table(history, run.kept_epoch, has_metric)]
    if run.status in ("running", "diverged"):
        return Group(*parts)
    name, evaluation = run.evaluated_on, run.evaluation
    rows = run.prepared.evaluation_part[1].observations
    parts += [Text(), evaluation_page(evaluation, f"{name_purpose(name)} rows", rows.row_numbers)]
    parts += [Text(), _example_row(run, rows, name)]
    return Group(*parts)


def run_data(run: Run) -> dict[str, Any]:
    """Return the facts of the page as plain data, for ``--json``."""
    name, evaluation = run.evaluated_on, run.evaluation
    schema = run.prepared.schema
    return {
        "status": run.status,
        "steps": run.step,
        "kept_epoch": run.kept_epoch,
        "seconds": _seconds(run),
        "features": list(run.prepared.features.names),
        "schema": None if schema is None else schema.to_dict(),
        "label": run.prepared.labels.name,
        "task": run.plan.task,
        "task_note": run.prepared.task_note,
        "training_rows": len(run.prepared.train),
        "evaluated_on": name_purpose(name),
        "evaluation": evaluation.to_dict(),
        "history": run.history.to_dict(),
        "plan": run.plan.to_dict(),
    }


def model_page(model: Model) -> RenderableType:
    """Render a model: its columns, network, training and metrics."""
    plan, provenance = model.plan, model.provenance
    facts = facts_table()
    facts.add_row("label", f"{model.labels.name}: {describe_classes(model.labels)}")
    facts.add_row("network", plan.network.describe(plan.precision))
    if provenance is not None:
        _add_preprocessing(facts, provenance.preparation)
    facts.add_row("loss", describe_component(plan.loss))
    facts.add_row("optimizer", f"{describe_optimizer(plan.optimizer)}, batch size {plan.batch_size:,}")
    facts.add_row("schedule", describe_component(plan.schedule))
    for name, choice in describe_uncommon_choices(plan):
        facts.add_row(name, choice)
    if provenance is not None:
        for name, value in _training_facts(provenance, plan.epochs):
            facts.add_row(name, value)
    if model.threshold is not None:
        facts.add_row("threshold", describe_threshold(model.threshold, model.labels))
    parts: list[RenderableType] = [facts, *_draw_model(model)]
    if provenance is not None:
        parts += _recorded_parts(provenance)
    return Group(*parts)


def provenance_page(provenance: Provenance) -> RenderableType:
    """Render where a model comes from: its table, its training and its metrics."""
    facts = facts_table()
    for name, value in _training_facts(provenance, len(provenance.history)):
        facts.add_row(name, value)
    return Group(facts, *_recorded_parts(provenance))


def _recorded_parts(provenance: Provenance) -> list[RenderableType]:
    """Render the columns, the losses and the metrics that a model keeps."""
    parts: list[RenderableType] = []
    if provenance.schema is not None:
        parts += [Text(), schema_table(provenance.schema)]
    parts += history_curves(provenance.history)
    if "rows" in provenance.evaluation:
        parts += [Text(), metric_table(provenance)]
    return parts


def model_data(model: Model) -> dict[str, Any]:
    """Return the facts of the page as plain data, for ``--json``."""
    header, _ = model.to_parts()
    with np.errstate(over="ignore"):
        norms = [float(np.linalg.norm(weights.astype(np.float64))) for weights, _ in model.weights]
    finite = [norm if np.isfinite(norm) else None for norm in norms]
    return {**header, "parameters": model.plan.network.parameters, "norms": finite}


def ensemble_page(ensemble: Ensemble) -> RenderableType:
    """Render an ensemble: its networks and their shares, its columns and metrics."""
    facts = facts_table()
    facts.add_row("label", f"{ensemble.labels.name}: {describe_classes(ensemble.labels)}")
    averaged = ", whose predictions are averaged" if len(ensemble) > 1 else ""
    facts.add_row("ensemble", format_count(len(ensemble), "network") + averaged)
    if ensemble.classes is not None:
        facts.add_row("temperature", f"{ensemble.temperature:.4g}")
    if ensemble.threshold is not None:
        facts.add_row("threshold", describe_threshold(ensemble.threshold, ensemble.labels))
    table = plain_table("share", "network", "optimizer", "batch size", "seed", left=("network", "optimizer"))
    for share, model in zip(ensemble.shares.tolist(), ensemble.models, strict=True):
        plan = model.plan
        optimizer = describe_optimizer(plan.optimizer)
        table.add_row(f"{share:.1%}", str(plan.network), optimizer, str(plan.batch_size), str(plan.seed))
    parts: list[RenderableType] = [facts, Text(), table]
    provenance = ensemble.provenance
    if provenance is not None:
        if provenance.schema is not None:
            parts += [Text(), schema_table(provenance.schema)]
        parts += [Text(), metric_table(provenance)]
    return Group(*parts)


def ensemble_data(ensemble: Ensemble) -> dict[str, Any]:
    """Return the facts of the page as plain data, for ``--json``."""
    header, _ = ensemble.to_parts()
    return {**header, "shares": ensemble.shares.tolist()}


def _seconds(run: Run) -> float:
    return float(run.history.seconds.sum())


def _run_facts(run: Run) -> Table:
    plan, prepared = run.plan, run.prepared
    facts = facts_table()
    facts.add_row("rows", count_rows(part_sizes(prepared)))
    facts.add_row("label", f"{prepared.labels.name}: {describe_classes(prepared.labels)}")
    if prepared.task_note is not None:
        facts.add_row("task", prepared.task_note)
    facts.add_row("network", plan.network.describe())
    _add_preprocessing(facts, prepared.preparation)
    facts.add_row("optimizer", f"{describe_optimizer(plan.optimizer)}, batch size {plan.batch_size}")
    if plan.changes:
        facts.add_row("changed", "; ".join(f"after step {each.step:,}: {each.describe()}" for each in plan.changes))
    facts.add_row("trained", f"{run.step:,} steps in {format_duration(_seconds(run))}{_describe_ending(run)}")
    if run.is_at_best:
        facts.add_row("weights", f"of epoch {run.kept_epoch}, the best by {_describe_watched(run)}")
    return facts


def _add_preprocessing(facts: Table, preparation: Preparation) -> None:
    """Add how columns became inputs, if numbers were not only standardized."""
    preprocessing = replace(preparation.preprocessing, codes_above=None)  # the network tells what is embedded
    if preprocessing != Preprocessing():
        facts.add_row("preprocessing", describe_component(preprocessing))


def _describe_ending(run: Run) -> str:
    if run.status == "early_stopped":
        return f", stopped early after epoch {run.epoch} of {run.plan.epochs}"
    return f", {run.status}" if run.status in ("interrupted", "stopped", "diverged") else ""


def _describe_watched(run: Run) -> str:
    stopping = run.plan.early_stopping
    rows = "validation" if run.validation is not None else "training"
    watched = "loss" if stopping is None or stopping.watches_loss else metric_name(stopping.watch)
    return f"{rows} {watched}"


def _training_facts(provenance: Provenance, epochs: int) -> list[tuple[str, str]]:
    rows = count_rows(provenance.rows)
    if provenance.preparation.bootstrap is not None:
        rows += f"; trained on a bootstrap sample drawn with seed {provenance.preparation.bootstrap}"
    done, status = f"{len(provenance.history)} of {epochs} epochs", provenance.status.replace("_", " ")
    if provenance.kept_epoch not in (None, len(provenance.history)):
        status += f", weights of epoch {provenance.kept_epoch}"
    digests = provenance.weights, str(provenance.data.get("total"))
    weights, table = (digest[:DIGEST_LENGTH] for digest in digests)
    return [
        ("rows", rows),
        ("trained", f"{done}, {provenance.steps:,} steps, {status}, by Creche {provenance.version}"),
        *([] if provenance.device is None else [("device", name_device(provenance.device))]),
        ("digests", f"weights {weights}, table {table}"),
    ]


def history_curves(history: History) -> list[RenderableType]:
    """Draw the loss by epoch; nothing for fewer than two epochs."""
    if len(history) < 2:
        return []
    validation = history.validation_loss if history.has_validation else None
    return [Text(), draw_loss_curves(history.train_loss, validation)]


def epoch_table(history: History, kept: int, has_metric: bool = True) -> Table:
    """Render some epochs: the first, the last, the best, the one whose weights are kept, and others between them."""
    metric = [history.metric] if has_metric else []
    validation = ["validation loss", *(f"validation {name}" for name in metric), ""] if history.has_validation else []
    table = plain_table("epoch", "loss", *metric, *validation)
    best = history.best_epoch
    epochs = set(np.linspace(0, len(history) - 1, min(MAX_EPOCHS, len(history))).round().astype(int).tolist())
    for epoch in sorted(epochs | {best, kept - 1} if history.has_validation else epochs):
        row = [str(epoch + 1), f"{history.train_loss[epoch]:.4f}"]
        row += [_write_metric(history, history.train_metric[epoch]) for _ in metric]
        if history.has_validation:
            row += [f"{history.validation_loss[epoch]:.4f}"]
            row += [_write_metric(history, history.validation_metric[epoch]) for _ in metric]
            row.append("best" if epoch == best else "kept" if epoch == kept - 1 < len(history) - 1 else "")
        table.add_row(*row)
    return table


def _write_metric(history: History, value: float) -> str:
    return f"{value:.4f}" if history.metric == "accuracy" else write_number(value, 4, keep_zeros=True)


def _example_row(run: Run, rows: Observations, part: PartName) -> RenderableType:
    """Render one row: its features, what the network predicts, and the true label."""
    row = rows.take(np.arange(1))
    table = Table.grid(padding=(0, 2, 0, 0))
    lines: list[RenderableType] = [
        Text(f"{_name_row(run, row, part)}: {_describe_features(run, row)}"),
        table,
    ]
    model, label = run.model, row.y[0]
    if model.labels.is_multilabel:
        for name, p, is_yes in zip(model.labels.names, model.predict_proba(row.x)[0].tolist(), label, strict=True):
            mark = Text(f"true: {'yes' if is_yes else 'no'}", style="dim")
            table.add_row(f"  {name}", f"{p:.3f}", draw_bar(p, 1.0), mark)
        return Group(*lines)
    if model.classes is None:
        predicted = np.asarray(model.predict(row.x)).reshape(-1)
        true_numbers = model.labels.repeat(np.atleast_1d(label))
        for name, number, true in zip(model.labels.predicted_names, predicted, true_numbers, strict=True):
            numbers = (Text("predicted", style="dim"), format_cell(number, 5), Text("true", style="dim"))
            table.add_row(f"  {name}", *numbers, format_cell(float(true)))
        return Group(*lines)
    probabilities = model.predict_proba(row.x)[0]
    selected = _select_classes(probabilities, model.classes.index(label))
    beside = max(len(str(model.classes[number])) for number in selected) + ROOM_BESIDE_BARS
    width = max(min(BAR_WIDTH, terminal_width() - beside), 1)
    for number in selected:
        name, probability = model.classes[number], float(probabilities[number])
        mark = Text("true class", style="dim") if name == label else Text()
        table.add_row(f"  {name}", f"{probability:.3f}", draw_bar(probability, 1.0, width), mark)
    if len(probabilities) > CLASSES_SHOWN:
        lines.append(note(f"and {len(probabilities) - table.row_count} other classes"))
    return Group(*lines)


def _select_classes(probabilities: NDArray[Any], true: int) -> list[int]:
    """Select the classes to show, by number: all, or of very many the likeliest and the true one."""
    if len(probabilities) <= CLASSES_SHOWN:
        return list(range(len(probabilities)))
    likeliest = np.argsort(-probabilities, kind="stable")[:MAX_CLASSES].tolist()
    return likeliest if true in likeliest else [*likeliest, true]


def _name_row(run: Run, row: Observations, part: PartName) -> str:
    """Name a row by its number in its table, and by what it is for."""
    prepared = run.prepared
    table, purpose = "the table", f"a {'training' if part == 'train' else part} row"
    if prepared.has_test_table if part == "test" else part == "validation" and prepared.has_validation_table:
        file = None if isinstance(row.x, np.ndarray) or row.x.source in NOT_FILES else Path(row.x.source).name
        table, purpose = (f"the {part} table", "") if file is None else (file, purpose)
    return ", ".join(filter(None, (f"Row {row.row_numbers[0]} of {table}", purpose)))


def _describe_features(run: Run, row: Observations) -> str:
    names = run.prepared.features.names
    if isinstance(row.x, np.ndarray):
        values: list[Any] = row.x[0].tolist()
    else:
        values = [row.x.columns[name].to_objects()[0] for name in names]
    pairs = [f"{name} {format_cell(value)}" for name, value in zip(names, values, strict=True)]
    return list_first(pairs, MAX_VALUES)


def _draw_model(model: Model) -> list[RenderableType]:
    """Draw the network below an empty line; nothing in a terminal that is too narrow."""
    hidden = [(layer.width, layer.activation.key) for layer in model.plan.network.layers[:-1]]
    outputs = list(model.labels.output_names(model.plan.network.outputs))
    drawing = draw_network(model.input_names, hidden, outputs, _head_name(model))
    return [Text(), drawing] if drawing else []


def _head_name(model: Model) -> str:
    key = model.plan.loss.head(model.plan.task).key
    return "number" if key == "identity" else key


def schema_table(schema: Schema) -> Table:
    """Render the columns with their roles and examples of their values; of very many columns, the first."""
    table = plain_table("column", "role", "missing", "distinct", "examples", left=("column", "role", "examples"))
    table.columns[-1].style = "dim"
    shown = MAX_COLUMNS if len(schema.columns) <= MANY_COLUMNS else COLUMNS_OF_MANY
    for column in schema.columns[:shown]:
        examples = f"dropped: {column.reason}" if column.reason else _select_examples(column.examples)
        table.add_row(column.name, column.role, f"{column.missing:,}", f"{column.distinct:,}", examples)
    more, missing = Counter[str](), Counter[str]()
    for column in schema.columns[shown:]:
        more[column.role] += 1
        missing[column.role] += column.missing
    if more:
        table.add_row(f"… {more.total():,} more", style="dim")
        for role, count in more.most_common():
            table.add_row(
                "", role, f"{missing[role]:,}" if missing[role] else "", "", format_count(count, "column"), style="dim"
            )
    return table


def _select_examples(examples: Sequence[str]) -> str:
    """Select as many of the first three as fit, and shorten long ones."""
    selected = [text if len(text) <= EXAMPLES_WIDTH else f"{text[: EXAMPLES_WIDTH - 1]}…" for text in examples[:3]]
    while len(", ".join(selected)) > EXAMPLES_WIDTH:
        selected.pop()
    return ", ".join(selected)


def metric_table(provenance: Provenance) -> Table:
    """Render the metrics that a model file records."""
    evaluation = provenance.evaluation
    rows = evaluation.get("rows")
    count = f"{rows:,}" if isinstance(rows, int) else "?"
    head = f"on {count} {name_purpose(str(evaluation.get('on')))} rows"
    table = plain_table(head, "", BOOTSTRAP_INTERVAL, left=(head,))
    for name, value in evaluation.items():
        if isinstance(value, float):
            low, high = evaluation.get("intervals", {}).get(name, (np.nan, np.nan))
            table.add_row(metric_name(name), Text(format_number(value), style="bold"), format_interval(low, high))
    return table
