"""A model file as a page of text."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche.cli.draw import loss_curves, network_drawing
from creche.cli.tables import facts_table, plain_table
from creche.words import (
    CLASSES_SHOWN,
    classes_in_words,
    interval,
    metric_name,
    number,
    optimizer_in_words,
    purpose,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from creche.ensemble import Ensemble
    from creche.model import Model
    from creche.provenance import Provenance
    from creche.table.schema import Schema

__all__ = [
    "CLASSES_SHOWN",
    "model_data",
    "classes_in_words",
    "drawing",
    "ensemble_data",
    "ensemble_page",
    "model_page",
    "optimizer_in_words",
    "purpose",
    "schema_table",
]

COLUMNS_SHOWN = 100
EXAMPLES_WIDTH = 24


def model_page(model: Model) -> RenderableType:
    """Columns, network, training and metrics."""
    plan, origin = model.plan, model.provenance
    grid = facts_table(dim_names=True)
    grid.add_row("label", f"{model.labels.name}: {classes_in_words(model.labels)}")
    grid.add_row("network", f"{plan.network}, {plan.network.parameters:,} parameters, {plan.precision}")
    grid.add_row("loss", repr(plan.loss))
    optimizer = optimizer_in_words(plan.optimizer)
    grid.add_row("optimizer", f"{optimizer}, {plan.schedule!r} schedule, batch size {plan.batch_size}")
    if origin is not None:
        for name, value in _training_facts(origin, plan.epochs):
            grid.add_row(name, value)
    parts: list[RenderableType] = [grid, Text(), drawing(model)]
    if origin is not None:
        if origin.schema is not None:
            parts += [Text(), schema_table(origin.schema)]
        history = origin.history
        if len(history) > 1:
            parts += [
                Text(),
                loss_curves(history.train_loss, history.validation_loss if history.has_validation else None),
            ]
        if "rows" in origin.evaluation:
            parts += [Text(), _metrics(origin)]
    return Group(*parts)


def ensemble_page(ensemble: Ensemble) -> RenderableType:
    """The networks and how much each counts; columns and metrics."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    grid.add_row("label", f"{ensemble.labels.name}: {classes_in_words(ensemble.labels)}")
    grid.add_row("ensemble", f"{len(ensemble)} networks, whose predictions are averaged")
    if ensemble.classes is not None:
        grid.add_row("temperature", f"{ensemble.temperature:.4g}")
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in ("share", "network", "optimizer", "batch size", "seed"):
        table.add_column(name, justify="left" if name in ("network", "optimizer") else "right")
    for share, model in zip(ensemble.shares.tolist(), ensemble.models, strict=True):
        plan = model.plan
        table.add_row(f"{share:.1%}", str(plan.network), repr(plan.optimizer), str(plan.batch_size), str(plan.seed))
    parts: list[RenderableType] = [grid, Text(), table]
    origin = ensemble.provenance
    if origin is not None:
        if origin.schema is not None:
            parts += [Text(), schema_table(origin.schema)]
        parts += [Text(), _metrics(origin)]
    return Group(*parts)


def ensemble_data(ensemble: Ensemble) -> dict[str, Any]:
    """The same facts as plain data, for ``--json``."""
    header, _ = ensemble.to_parts()
    return {**header, "shares": ensemble.shares.tolist()}


def _training_facts(origin: Provenance, epochs: int) -> list[tuple[str, str]]:
    rows = ", ".join(f"{count:,} for {purpose(name)}" for name, count in origin.rows.items())
    if origin.preparation.bootstrap is not None:
        rows += f"; trained on a bootstrap sample of them, drawn by seed {origin.preparation.bootstrap}"
    trained = f"{len(origin.history)} of {epochs} epochs, {origin.steps:,} steps, {origin.status.replace('_', ' ')}"
    return [
        ("rows", rows),
        ("trained", f"{trained}, by Creche {origin.version}"),
        ("digests", f"weights {origin.weights[:16]}, table {str(origin.data.get('total'))[:16]}"),
    ]


def drawing(model: Model) -> Text:
    """The network drawn."""
    hidden = [(layer.width, layer.activation.word) for layer in model.plan.network.layers[:-1]]
    outputs = model.labels.names if model.classes is None else [str(c) for c in model.classes]
    if len(outputs) != model.plan.network.outputs:
        outputs = outputs[-model.plan.network.outputs :]  # of two classes, one probability tells both
    return network_drawing(model.features.inputs, hidden, outputs, _head(model))


def _head(model: Model) -> str:
    if model.classes is None:
        return "exp" if model.plan.loss.word == "poisson" else "number"
    return "sigmoid" if model.plan.loss.word == "binary_cross_entropy" else "softmax"


def schema_table(schema: Schema) -> Table:
    """The columns: what each is, and what is in it; of very many, the first."""
    table = plain_table("column", "role", "missing", "distinct", "such as", left=("column", "role", "such as"))
    table.columns[-1].style = "dim"
    for column in schema.columns[:COLUMNS_SHOWN]:
        examples = _briefly(column.examples) if not column.reason else f"left out: {column.reason}"
        table.add_row(column.name, column.role, f"{column.missing:,}", f"{column.distinct:,}", examples)
    more = Counter(column.role for column in schema.columns[COLUMNS_SHOWN:])
    if more:
        table.add_row(f"… {more.total():,} more", style="dim")
        for role, count in more.most_common():
            table.add_row("", role, "", "", f"{count:,} column{'s' if count > 1 else ''}", style="dim")
    return table


def _briefly(examples: Sequence[str]) -> str:
    """As many of the first three as fit; of a long one its beginning."""
    chosen = [text if len(text) <= EXAMPLES_WIDTH else f"{text[: EXAMPLES_WIDTH - 1]}…" for text in examples[:3]]
    while len(", ".join(chosen)) > EXAMPLES_WIDTH:
        chosen.pop()
    return ", ".join(chosen)


def _metrics(origin: Provenance) -> RenderableType:
    evaluation = origin.evaluation
    rows = evaluation.get("rows")
    counted = f"{rows:,}" if isinstance(rows, int) else "?"
    table = plain_table(f"on {counted} {purpose(str(evaluation.get('on')))} rows", "", "95 % of resamples")
    table.columns[0].justify = "left"
    for name, value in evaluation.items():
        if isinstance(value, float):
            low, high = evaluation.get("intervals", {}).get(name, (np.nan, np.nan))
            table.add_row(metric_name(name), Text(number(value), style="bold"), interval(low, high))
    return table


def model_data(model: Model) -> dict[str, Any]:
    """The same facts as plain data, for ``--json``."""
    header, _ = model.to_parts()
    with np.errstate(over="ignore"):
        of_layers = [float(np.linalg.norm(weights.astype(np.float64))) for weights, _ in model.weights]
    norms = [norm if np.isfinite(norm) else None for norm in of_layers]
    return {**header, "parameters": model.plan.network.parameters, "norms": norms}
