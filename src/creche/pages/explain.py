"""The pages of explanations: the importance of columns, and the attributions of one row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from creche._advice import full_list
from creche.evaluation.bootstrap import MIN_ROWS
from creche.evaluation.metrics import is_lower_better, metric_name
from creche.explain.cells import format_cell
from creche.pages.charts import draw_bar, draw_signed_bar
from creche.pages.tables import BOOTSTRAP_INTERVAL, note, plain_table
from creche.render.words import format_number

if TYPE_CHECKING:
    from creche.explain.integrated_gradients import IntegratedGradients
    from creche.explain.permutation_importance import PermutationImportance

__all__ = ["attribution_page", "importance_page"]

MAX_COLUMNS = 20
SMALL = 0.01


def importance_page(importance: PermutationImportance) -> RenderableType:
    """Render the columns with the increase in loss that shuffling each causes, the most important first."""
    change = "increase" if is_lower_better(importance.metric) else "decrease"
    has_intervals = not np.isnan(importance.low).all()
    names = ("column", change, *([BOOTSTRAP_INTERVAL] if has_intervals else []), "")
    table = plain_table(*names, left=("column", ""))
    largest = float(np.abs(importance.importance).max())
    rows = zip(importance.columns, importance.importance, importance.low, importance.high, strict=True)
    for name, value, low, high in list(rows)[:MAX_COLUMNS]:
        interval = "" if np.isnan(low) else f"{_format(low, largest)} to {_format(high, largest)}"
        table.add_row(
            Text(name), Text(_format(value, largest), style="bold"), *([interval] if has_intervals else []),
            draw_bar(max(value, 0), largest),
        )  # fmt: skip
    repeats = importance.repeats.shape[1]
    times = "once" if repeats == 1 else f"{repeats} times"
    metric = metric_name(importance.metric)
    parts: list[RenderableType] = [
        Text(f"{metric} {format_number(importance.score)} on {importance.rows:,} rows;"),
        Text(f"its {change} when one column is shuffled among the rows, {times}:"),
        Text(),
        table,
    ]
    others = len(importance) - MAX_COLUMNS
    if others > 0:
        parts.append(note(f"and {others:,} less important columns ({full_list()} lists all)"))
    notes = []
    if importance.training_rows is not None:
        known = str(importance.training_rows)
        notes.append(f"{known[:1].upper()}{known[1:]}, so these numbers are too optimistic.")
    notes += ["Correlated columns can replace one another, so that each seems unimportant."]
    if importance.rows < MIN_ROWS:
        notes.append(f"No confidence intervals: they need at least {MIN_ROWS} rows.")
    return Group(*parts, Text(), *(note(each) for each in notes))


def attribution_page(attributions: IntegratedGradients) -> RenderableType:
    """Render the prediction of the first row, and the contribution of each of its values."""
    output, baseline = float(attributions.outputs[0]), float(attributions.baselines[0])
    strongest = attributions.largest(attributions.rows[0])
    listed, others = strongest[:MAX_COLUMNS], strongest[MAX_COLUMNS:]
    largest = max((abs(value) for *_, value in strongest), default=0.0)
    scale = max(abs(output), abs(baseline))
    head = f"row {attributions.rows[0]}"
    table = plain_table(head, "value", "contribution", "", left=(head, "value", ""))
    table.add_row(
        Text(f"baseline ({attributions.baseline_name})", style="dim"), "", Text(_format(baseline, scale), style="dim")
    )
    for name, cell, value in listed:
        table.add_row(
            Text(name), Text(format_cell(cell)), _format_signed(value, largest), draw_signed_bar(value, largest)
        )
    if others:
        total = sum(value for *_, value in others)
        table.add_row(f"{len(others):,} others", "", _format_signed(total, largest), draw_signed_bar(total, largest))
    table.add_row(Text("this row", style="bold"), "", Text(_format(output, scale), style="bold"))
    gap = abs(float(attributions.gap[0]))
    return Group(
        Text(f"{attributions.describe_target(0)}: {_format(output, scale)}"),
        Text(),
        table,
        Text(),
        note(f"Integrated gradients; they sum to the prediction to within {gap:.1g}."),
        *([] if attributions.training_rows is None else [note("The model was trained on this row.")]),
        *([note(f"{full_list()} lists {len(attributions.rows):,} rows.")] if len(attributions.rows) > 1 else []),
    )


def _format_signed(value: float, largest: float) -> Text:
    text = _format(value, largest)
    is_zero = not text.strip("-0.")
    return Text(text if value < 0 or is_zero else f"+{text}", style="bold")


def _format(value: float, largest: float) -> str:
    """Write a number with four decimals, or with three digits where all numbers of the page are small."""
    return format_number(value) if largest >= SMALL else f"{value:.3g}"
