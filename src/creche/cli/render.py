"""A run as a page of text: pure functions from results to what rich can print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from creche.cli.draw import loss_curves
from creche.cli.render_evaluation import evaluation_page
from creche.cli.render_model import CLASSES_SHOWN, classes_in_words, drawing, optimizer_in_words, purpose, schema_table
from creche.cli.tables import facts_table, plain_table

if TYPE_CHECKING:
    from creche.history import History
    from creche.run import Run
    from creche.table.observations import Observations

__all__ = ["run_data", "epoch_table", "example_row", "run_page"]

EPOCHS_SHOWN = 8
LIKELIEST_SHOWN = 5
BAR_WIDTH = 24


def run_page(run: Run, seconds: float) -> RenderableType:
    """The whole page: the table, the network, how its loss fell, how good it is, one row."""
    parts: list[RenderableType] = [_heading(run, seconds)]
    if run.prepared.schema is not None:
        parts += [Text(), schema_table(run.prepared.schema)]
    parts += [Text(), drawing(run.model)]
    history = run.history
    if len(history) > 1:
        parts += [Text(), loss_curves(history.train_loss, history.validation_loss if history.has_validation else None)]
    if len(history):
        parts += [Text(), epoch_table(history)]
    name, evaluation = run.evaluation
    rows = run.prepared.judged[1].observations
    parts += [Text(), evaluation_page(evaluation, f"{purpose(name)} rows", rows.called)]
    parts += [Text(), example_row(run, rows)]
    return Group(*parts)


def _heading(run: Run, seconds: float) -> RenderableType:
    plan, prepared = run.plan, run.prepared
    grid = facts_table(dim_names=True)
    parts = {"train": prepared.train, "validation": prepared.validation, "test": prepared.test}
    grid.add_row("rows", ", ".join(f"{len(part):,} for {purpose(n)}" for n, part in parts.items() if part is not None))
    grid.add_row("label", f"{prepared.labels.name}: {classes_in_words(prepared.labels)}")
    grid.add_row("network", f"{plan.network}, {plan.network.parameters:,} parameters")
    grid.add_row("optimizer", f"{optimizer_in_words(plan.optimizer)}, batch size {plan.batch_size}")
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
    lines: list[RenderableType] = [Text(f"Row {one.called[0]}: {_in_words(run, one)}"), table]
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
        values = [one.x.columns[name].objects()[0] for name in names]
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
        "evaluated_on": purpose(name),
        "evaluation": evaluation.to_dict(),
        "history": run.history.to_dict(),
        "plan": run.plan.to_dict(),
    }
