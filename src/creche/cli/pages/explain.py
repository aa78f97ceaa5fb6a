"""What a network uses, as pages of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from rich.console import Group, RenderableType
from rich.text import Text

from creche.cli.charts import draw_bar, draw_signed_bar
from creche.cli.pages.tables import plain_table
from creche.evaluation.metrics import LOWER_IS_BETTER, format_number, metric_name
from creche.explain.cells import format_cell

if TYPE_CHECKING:
    from creche.explain.integrated_gradients import IntegratedGradients
    from creche.explain.permutation_importance import PermutationImportance

__all__ = ["attribution_page", "importance_page"]

COLUMNS_SHOWN = 20


SMALL = 0.01


def importance_page(importance: PermutationImportance) -> RenderableType:
    """The columns with what shuffling each costs, the most important first."""
    metric = metric_name(importance.metric)
    way = "higher" if importance.metric in LOWER_IS_BETTER else "lower"
    has_intervals = not np.isnan(importance.low).all()
    table = plain_table(
        "column", f"{way} by", *(["95 % of resamples"] if has_intervals else []), "", left=("column", "")
    )
    most = float(np.abs(importance.importance).max())
    numbers = zip(importance.columns, importance.importance, importance.low, importance.high, strict=True)
    for name, value, low, high in list(numbers)[:COLUMNS_SHOWN]:
        between = "" if np.isnan(low) else f"{_number(low, most)} to {_number(high, most)}"
        table.add_row(
            Text(name), Text(_number(value, most), style="bold"), *([between] if has_intervals else []),
            draw_bar(max(value, 0), most),
        )  # fmt: skip
    repeats = importance.repeats.shape[1]
    times = "once" if repeats == 1 else f"{repeats} times"
    parts: list[RenderableType] = [
        Text(f"{metric} {format_number(importance.score)} on {importance.rows:,} rows;"),
        Text(f"how much {way} it is with a column's cells shuffled among the rows, {times}:"),
        Text(),
        table,
    ]
    left_out = len(importance) - COLUMNS_SHOWN
    if left_out > 0:
        parts.append(Text(f"  and {left_out:,} more columns, of less importance (--json has all)", style="dim"))
    caution = "  Columns that say the same stand in for each other, and each may seem small."
    return Group(*parts, Text(), Text(caution, style="dim"))


def attribution_page(attributions: IntegratedGradients) -> RenderableType:
    """One row: what is said of it, and what each of its cells added."""
    output, baseline = float(attributions.outputs[0]), float(attributions.baselines[0])
    strongest = attributions.largest()
    shown, rest = strongest[:COLUMNS_SHOWN], strongest[COLUMNS_SHOWN:]
    most = max((abs(value) for *_, value in strongest), default=0.0)
    largest = max(abs(output), abs(baseline))
    head = f"row {attributions.rows[0]}"
    table = plain_table(head, "holds", "adds", "", left=(head, "holds", ""))
    table.add_row(Text(attributions.baseline_name, style="dim"), "", Text(_number(baseline, largest), style="dim"))
    for name, cell, value in shown:
        table.add_row(Text(name), Text(format_cell(cell)), _signed(value, most), draw_signed_bar(value, most))
    if rest:
        others = sum(value for *_, value in rest)
        table.add_row(f"{len(rest):,} others", "", _signed(others, most), draw_signed_bar(others, most))
    table.add_row(Text("this row", style="bold"), "", Text(_number(output, largest), style="bold"))
    under = f"  By integrated gradients; they miss the difference by {abs(float(attributions.gap[0])):.1g}."
    return Group(
        Text(f"{attributions.describe_target(0)}: {_number(output, largest)}"),
        Text(),
        table,
        Text(),
        Text(under, style="dim"),
    )


def _signed(value: float, most: float) -> Text:
    shown = _number(value, most)
    is_zero = not shown.strip("-0.")
    return Text(shown if value < 0 or is_zero else f"+{shown}", style="bold")


def _number(value: float, most: float) -> str:
    """With four decimals, unless all on the page are small."""
    return format_number(value) if most >= SMALL else f"{value:.3g}"
