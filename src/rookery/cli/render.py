"""A run as a page of text: pure functions from results to what rich can print."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from rookery.evaluation import ClassEvaluation, NumberEvaluation

if TYPE_CHECKING:
    from rookery.history import History
    from rookery.run import Run

__all__ = ["confusion_matrix", "epoch_table", "example_row", "run_page"]

EPOCHS_SHOWN = 10
BAR_WIDTH = 24


def run_page(run: Run, seconds: float) -> RenderableType:
    """The whole page: the network, the epochs, how good it is, one row."""
    parts: list[RenderableType] = [_heading(run, seconds)]
    if len(run.history):
        parts += [Text(), epoch_table(run.history)]
    rows = run.prepared.validation or run.prepared.train
    which = "validation" if run.prepared.validation else "training"
    evaluation = run.model.evaluate(rows.x, rows.y)
    parts += [Text(), _verdict(evaluation, which)]
    if isinstance(evaluation, ClassEvaluation):
        parts += [Text(), confusion_matrix(evaluation, which)]
    parts += [Text(), example_row(run)]
    return Group(*parts)


def _heading(run: Run, seconds: float) -> RenderableType:
    plan, prepared = run.plan, run.prepared
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim")
    grid.add_column()
    kept = f", {len(prepared.validation.y)} for validation" if prepared.validation else ""
    grid.add_row("rows", f"{len(prepared.train.y)} for training{kept}")
    grid.add_row("features", ", ".join(prepared.features.names))
    what = "a number" if prepared.labels.classes is None else ", ".join(map(str, prepared.labels.classes))
    grid.add_row("label", f"{prepared.labels.name}: {what}")
    grid.add_row("network", f"{plan.network}, {plan.network.parameters:,} parameters")
    grid.add_row("optimizer", f"{plan.optimizer!r}, batch size {plan.batch_size}")
    grid.add_row("trained", f"{run.step:,} steps in {_duration(seconds)}" + _ending(run))
    return grid


def _duration(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds < 1 else f"{seconds:.1f} s"


def _ending(run: Run) -> str:
    if run.status == "early_stopped":
        return f", stopped early; the weights are those of epoch {run.history.best_epoch + 1}"
    return ", interrupted" if run.status == "interrupted" else ""


def epoch_table(history: History) -> Table:
    """About ten epochs, the first and the last among them, the best marked."""
    table = Table(box=None, padding=(0, 2), header_style="dim")
    for name in ("epoch", "loss", history.metric):
        table.add_column(name, justify="right")
    if history.has_validation:
        table.add_column("validation loss", justify="right")
        table.add_column(f"validation {history.metric}", justify="right")
        table.add_column("")
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


def _verdict(evaluation: ClassEvaluation | NumberEvaluation, which: str) -> Text:
    if isinstance(evaluation, NumberEvaluation):
        return Text(
            f"On the {evaluation.rows} {which} rows: root mean squared error {evaluation.rmse:.4g}, "
            f"mean absolute error {evaluation.mae:.4g}, R² {evaluation.r2:.3f}"
        )
    return Text(
        f"On the {evaluation.rows} {which} rows: accuracy {evaluation.accuracy:.1%}, "
        f"log loss {evaluation.log_loss:.4f}, AUC {evaluation.auc:.4f}"
    )


def confusion_matrix(evaluation: ClassEvaluation, which: str) -> Table:
    """Labels down, predictions across, with totals; right ones bold."""
    table = Table(box=None, padding=(0, 2), header_style="dim", title_justify="left", title_style="")
    table.add_column(f"{which} rows", style="dim")
    for name in evaluation.classes:
        table.add_column(f"said {name}", justify="right")
    table.add_column("all", justify="right", style="dim")
    for i, name in enumerate(evaluation.classes):
        counts = evaluation.confusion[i]
        cells = [
            Text(str(count), style="bold green" if i == j else ("red" if count else "dim"))
            for j, count in enumerate(counts)
        ]
        table.add_row(f"is {name}", *cells, str(counts.sum()))
    table.add_row("all", *map(str, evaluation.confusion.sum(axis=0)), str(evaluation.rows))
    return table


def example_row(run: Run) -> RenderableType:
    """One row, what the network says of it, and the truth."""
    rows = run.prepared.validation or run.prepared.train
    table = Table.grid(padding=(0, 2))
    values = ", ".join(f"{name} {value:g}" for name, value in zip(rows.names, rows.x[0], strict=True))
    lines: list[RenderableType] = [Text(f"Row {rows.rows[0] + 1}: {values}"), table]
    if run.model.classes is None:
        table.add_row(
            "  predicted", f"{run.model.predict(rows.x[:1])[0]:.4g}", Text("truth", style="dim"), f"{rows.y[0]:g}"
        )
        return Group(*lines)
    for name, probability in zip(run.model.classes, run.model.predict_proba(rows.x[:1])[0].tolist(), strict=True):
        truth = Text("the truth", style="dim") if name == rows.y[0] else Text()
        table.add_row(f"  {name}", f"{probability:.3f}", _bar(probability), truth)
    return Group(*lines)


def _bar(share: float) -> Text:
    filled = round(share * BAR_WIDTH)
    return Text("█" * filled, style="blue") + Text("░" * (BAR_WIDTH - filled), style="dim")


def as_data(run: Run, seconds: float) -> dict[str, Any]:
    """The same facts as plain data, for ``--json``."""
    rows = run.prepared.validation or run.prepared.train
    evaluation = run.model.evaluate(rows.x, rows.y)
    facts = {
        name: (value.tolist() if isinstance(value, np.ndarray) else value)
        for name in evaluation.__slots__
        for value in [getattr(evaluation, name)]
    }
    history = {name: _finite(column.to_list()) for name, column in run.history.table().to_dict().items()}
    return {
        "status": run.status,
        "steps": run.step,
        "seconds": seconds,
        "features": list(run.prepared.features.names),
        "label": run.prepared.labels.name,
        "training_rows": len(run.prepared.train.y),
        "evaluated_on": "validation" if run.prepared.validation else "training",
        "evaluation": {name: _finite([value])[0] for name, value in facts.items()},
        "history": history,
        "plan": run.plan.to_dict(),
    }


def _finite(values: list[Any]) -> list[Any]:
    """JSON has no NaN."""
    return [None if isinstance(value, float) and not np.isfinite(value) else value for value in values]
