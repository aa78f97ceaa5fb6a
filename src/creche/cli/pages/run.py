"""A run as a page of text: pure functions from results to what rich can print."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche.cli.charts import draw_loss_curves, draw_network
from creche.cli.pages.evaluation import evaluation_page
from creche.cli.pages.tables import facts_table, plain_table
from creche.evaluation.metrics import format_interval, format_number, metric_name, name_purpose
from creche.render.words import CLASSES_SHOWN, describe_classes, describe_optimizer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from creche.model.ensemble import Ensemble
    from creche.model.history import History
    from creche.model.model import Model
    from creche.model.provenance import Provenance
    from creche.table.observations import Observations
    from creche.table.schema import Schema
    from creche.training.run import Run

__all__ = [
    "draw_model",
    "ensemble_data",
    "ensemble_page",
    "epoch_table",
    "example_row",
    "model_data",
    "model_page",
    "run_data",
    "run_page",
    "schema_table",
]

EPOCHS_SHOWN = 8


LIKELIEST_SHOWN = 5


BAR_WIDTH = 24


def run_page(run: Run, seconds: float) -> RenderableType:
    """The whole page: the table, the network, how its loss fell, how good it is, one row."""
    parts: list[RenderableType] = [_heading(run, seconds)]
    if run.prepared.schema is not None:
        parts += [Text(), schema_table(run.prepared.schema)]
    parts += [Text(), draw_model(run.model)]
    history = run.history
    if len(history) > 1:
        parts += [
            Text(),
            draw_loss_curves(history.train_loss, history.validation_loss if history.has_validation else None),
        ]
    if len(history):
        parts += [Text(), epoch_table(history)]
    name, evaluation = run.evaluation
    rows = run.prepared.evaluation_part[1].observations
    parts += [Text(), evaluation_page(evaluation, f"{name_purpose(name)} rows", rows.row_numbers)]
    parts += [Text(), example_row(run, rows)]
    return Group(*parts)


def _heading(run: Run, seconds: float) -> RenderableType:
    plan, prepared = run.plan, run.prepared
    grid = facts_table(dim_names=True)
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
    grid.add_row(
        "rows", ", ".join(f"{len(part):,} for {name_purpose(n)}" for n, part in parts.items() if part is not None)
    )
    grid.add_row("label", f"{prepared.labels.name}: {describe_classes(prepared.labels)}")
    grid.add_row("network", f"{plan.network}, {plan.network.parameters:,} parameters")
    grid.add_row("optimizer", f"{describe_optimizer(plan.optimizer)}, batch size {plan.batch_size}")
    grid.add_row("trained", f"{run.step:,} steps in {_duration(seconds)}" + _ending(run))
    return grid


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _ending(run: Run) -> str:
    if run.status == "early_stopped":
        return f", stopped early; the weights are those of epoch {run.history.best_epoch + 1}"
    return f", {run.status}" if run.status in ("interrupted", "stopped") else ""


def epoch_table(history: History) -> Table:
    """Some epochs, the first and the last among them, the best marked."""
    of_validation = ("validation loss", f"validation {history.metric}", "") if history.has_validation else ()
    table = plain_table("epoch", "loss", history.metric, *of_validation)
    digits = ".4f" if history.metric == "accuracy" else ".4g"
    best = history.best_epoch
    picked = set(np.linspace(0, len(history) - 1, min(EPOCHS_SHOWN, len(history))).round().astype(int).tolist())
    for epoch in sorted(picked | {best} if history.has_validation else picked):
        row = [str(epoch + 1), f"{history.train_loss[epoch]:.4f}", format(history.train_metric[epoch], digits)]
        if history.has_validation:
            row += [f"{history.validation_loss[epoch]:.4f}", format(history.validation_metric[epoch], digits)]
            row.append("lowest" if epoch == best else "")
        table.add_row(*row)
    return table


def example_row(run: Run, rows: Observations) -> RenderableType:
    """One row, what the network says of it, and the truth."""
    one = rows.take(np.arange(1))
    table = facts_table()
    lines: list[RenderableType] = [Text(f"Row {one.row_numbers[0]}: {_in_words(run, one)}"), table]
    model, truth = run.model, one.y[0]
    if model.classes is None:
        said = np.asarray(model.predict(one.x)).reshape(-1)
        for name, number, true in zip(model.labels.names, said, np.atleast_1d(truth), strict=True):
            table.add_row(f"  {name}", f"{number:.4g}", Text("the truth is", style="dim"), f"{true:g}")
        return Group(*lines)
    probabilities = model.predict_proba(one.x)[0]
    for place in _worth_showing(probabilities, model.classes.index(truth)):
        name, probability = model.classes[place], float(probabilities[place])
        mark = Text("the truth", style="dim") if name == truth else Text()
        table.add_row(f"  {name}", f"{probability:.3f}", _bar(probability), mark)
    if len(probabilities) > CLASSES_SHOWN:
        lines.append(Text(f"  and {len(probabilities) - table.row_count} other classes", style="dim"))
    return Group(*lines)


def _worth_showing(probabilities: NDArray[Any], truth: int) -> list[int]:
    """The numbers of the classes; of very many, the likeliest and the truth."""
    if len(probabilities) <= CLASSES_SHOWN:
        return list(range(len(probabilities)))
    likeliest = np.argsort(-probabilities, kind="stable")[:LIKELIEST_SHOWN].tolist()
    return likeliest if truth in likeliest else [*likeliest, truth]


def _in_words(run: Run, one: Observations) -> str:
    """The features of a row with their names."""
    names = run.prepared.features.names
    if isinstance(one.x, np.ndarray):
        values: list[Any] = one.x[0].tolist()
    else:
        values = [one.x.columns[name].to_objects()[0] for name in names]
    shown = [f"{name} {_cell(value)}" for name, value in zip(names, values, strict=True)]
    return ", ".join(shown[:12]) + (f", … ({len(shown) - 12} more)" if len(shown) > 12 else "")


def _cell(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _bar(share: float) -> Text:
    filled = round(share * BAR_WIDTH)
    return Text("█" * filled, style="blue") + Text("░" * (BAR_WIDTH - filled), style="dim")


def run_data(run: Run, seconds: float) -> dict[str, Any]:
    """The same facts as plain data, for ``--json``."""
    name, evaluation = run.evaluation
    schema = run.prepared.schema
    return {
        "status": run.status,
        "steps": run.step,
        "seconds": seconds,
        "features": list(run.prepared.features.names),
        "schema": None if schema is None else schema.to_dict(),
        "label": run.prepared.labels.name,
        "training_rows": len(run.prepared.train),
        "evaluated_on": name_purpose(name),
        "evaluation": evaluation.to_dict(),
        "history": run.history.to_dict(),
        "plan": run.plan.to_dict(),
    }


COLUMNS_SHOWN = 100


EXAMPLES_WIDTH = 24


def model_page(model: Model) -> RenderableType:
    """Columns, network, training and metrics."""
    plan, origin = model.plan, model.provenance
    grid = facts_table(dim_names=True)
    grid.add_row("label", f"{model.labels.name}: {describe_classes(model.labels)}")
    grid.add_row("network", f"{plan.network}, {plan.network.parameters:,} parameters, {plan.precision}")
    grid.add_row("loss", repr(plan.loss))
    optimizer = describe_optimizer(plan.optimizer)
    grid.add_row("optimizer", f"{optimizer}, {plan.schedule!r} schedule, batch size {plan.batch_size}")
    if origin is not None:
        for name, value in _training_facts(origin, plan.epochs):
            grid.add_row(name, value)
    parts: list[RenderableType] = [grid, Text(), draw_model(model)]
    if origin is not None:
        if origin.schema is not None:
            parts += [Text(), schema_table(origin.schema)]
        history = origin.history
        if len(history) > 1:
            parts += [
                Text(),
                draw_loss_curves(history.train_loss, history.validation_loss if history.has_validation else None),
            ]
        if "rows" in origin.evaluation:
            parts += [Text(), _metrics(origin)]
    return Group(*parts)


def ensemble_page(ensemble: Ensemble) -> RenderableType:
    """The networks and how much each counts; columns and metrics."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    grid.add_row("label", f"{ensemble.labels.name}: {describe_classes(ensemble.labels)}")
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
    rows = ", ".join(f"{count:,} for {name_purpose(name)}" for name, count in origin.rows.items())
    if origin.preparation.bootstrap is not None:
        rows += f"; trained on a bootstrap sample of them, drawn by seed {origin.preparation.bootstrap}"
    trained = f"{len(origin.history)} of {epochs} epochs, {origin.steps:,} steps, {origin.status.replace('_', ' ')}"
    return [
        ("rows", rows),
        ("trained", f"{trained}, by Creche {origin.version}"),
        ("digests", f"weights {origin.weights[:16]}, table {str(origin.data.get('total'))[:16]}"),
    ]


def draw_model(model: Model) -> Text:
    """The network drawn."""
    hidden = [(layer.width, layer.activation.key) for layer in model.plan.network.layers[:-1]]
    outputs = model.labels.names if model.classes is None else [str(c) for c in model.classes]
    if len(outputs) != model.plan.network.outputs:
        outputs = outputs[-model.plan.network.outputs :]  # of two classes, one probability tells both
    return draw_network(model.features.inputs, hidden, outputs, _head(model))


def _head(model: Model) -> str:
    if model.classes is None:
        return "exp" if model.plan.loss.key == "poisson" else "number"
    return "sigmoid" if model.plan.loss.key == "binary_cross_entropy" else "softmax"


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
    table = plain_table(f"on {counted} {name_purpose(str(evaluation.get('on')))} rows", "", "95 % of resamples")
    table.columns[0].justify = "left"
    for name, value in evaluation.items():
        if isinstance(value, float):
            low, high = evaluation.get("intervals", {}).get(name, (np.nan, np.nan))
            table.add_row(metric_name(name), Text(format_number(value), style="bold"), format_interval(low, high))
    return table


def model_data(model: Model) -> dict[str, Any]:
    """The same facts as plain data, for ``--json``."""
    header, _ = model.to_parts()
    with np.errstate(over="ignore"):
        of_layers = [float(np.linalg.norm(weights.astype(np.float64))) for weights, _ in model.weights]
    norms = [norm if np.isfinite(norm) else None for norm in of_layers]
    return {**header, "parameters": model.plan.network.parameters, "norms": norms}
